/* Predicates in the browser: the grammar of backend/domain/predicates.py, so that filters act without a round trip. The server
   says what is wrong with one that cannot be read. */
(function () {
  "use strict";

  const TOKEN = /\s*(?:([^\s&|!(),:]+)|([&|!(),:]))/y;
  const SLUG = /^[a-z0-9][a-z0-9._-]{0,119}$/;
  const MAX_DEPTH = 30;
  const unreadable = () => { throw new SyntaxError("unreadable predicate"); };

  /** Words and signs, in lower case. */
  function pieces(text) {
    const found = [];
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      found.push({text: (match[1] || match[2]).toLowerCase(), word: match[1] !== undefined});
    }
    return found;
  }

  /** The predicate that a text means: {attribute, values} | {not} | {sign, parts}; null if it cannot be read.
      `words` is attribute -> vocabulary (its slugs as keys; null: any slug), `aliases` attribute -> alias -> slug. */
  function parse(text, words, aliases) {
    const list = pieces(text.trimEnd());
    let at = 0;
    const peek = () => (list[at] ? list[at].text : "");
    const word = () => (list[at] && list[at].word ? list[at++].text : unreadable());

    function joined(sign, depth) {
      const parts = [];
      for (;;) {
        const part = sign === "|" ? joined("&", depth) : single(depth);
        for (const one of part.sign === sign ? part.parts : [part]) {
          if (!parts.some((known) => write(known) === write(one))) parts.push(one);
        }
        if (peek() !== sign) return parts.length === 1 ? parts[0] : {sign: sign, parts: parts};
        at += 1;
      }
    }

    function single(depth) {
      if (depth > MAX_DEPTH) unreadable();
      if (peek() === "!") {
        at += 1;
        const part = single(depth + 1);
        return part.not ? part.not : {not: part};
      }
      if (peek() === "(") {
        at += 1;
        const found = joined("|", depth + 1);
        if (peek() !== ")") unreadable();
        at += 1;
        return found;
      }
      const attribute = word().replace(/-/g, "_");
      if (!Object.hasOwn(words, attribute) || peek() !== ":") unreadable();
      const values = [];
      do {
        at += 1;
        values.push(value(attribute));
      } while (peek() === ",");
      const order = words[attribute] ? Object.keys(words[attribute]) : values.slice().sort();
      return {attribute: attribute, values: [...new Set(order)].filter((one) => values.includes(one))};
    }

    function value(attribute) {
      const given = word();
      const own = aliases[attribute] || {};
      const slug = Object.hasOwn(own, given) ? own[given] : given;
      const known = words[attribute] ? Object.hasOwn(words[attribute], slug) : SLUG.test(slug);
      return known ? slug : unreadable();
    }

    if (!list.length) return {sign: "&", parts: []};
    try {
      const found = joined("|", 0);
      return at === list.length ? found : null;
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** The canonical text of a predicate. */
  function write(node) {
    if (node.attribute) return node.attribute + ":" + node.values.join(",");
    if (node.not) return node.not.sign ? "!(" + write(node.not) + ")" : "!" + write(node.not);
    const inside = (part) => (node.sign === "&" && part.sign ? "(" + write(part) + ")" : write(part));
    return node.parts.map(inside).join(" " + node.sign + " ");
  }

  /** Whether a predicate holds for an item with `attributes` (attribute -> slug) and `tags`. */
  function holds(node, attributes, tags) {
    if (node.attribute === "tag") return node.values.some((value) => tags.includes(value));
    if (node.attribute) return node.values.includes(attributes[node.attribute]);
    if (node.not) return !holds(node.not, attributes, tags);
    return node.sign === "&" ? node.parts.every((part) => holds(part, attributes, tags))
      : node.parts.some((part) => holds(part, attributes, tags));
  }

  window.parallax = Object.assign(window.parallax || {}, {predicate: {parse, write, holds}});
})();
