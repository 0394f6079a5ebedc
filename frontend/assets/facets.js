/* Honest filters: facets with counts, a chip for everything that is chosen, "n of m", and a reset that resets. What is chosen is
   in the link and nowhere else. The pages Models, Datasets and Coverage use this. */
(function () {
  "use strict";

  // Looked up when they are needed: files load in the order of their names.
  const parse = (...given) => window.parallax.predicate.parse(...given);
  const write = (node) => window.parallax.predicate.write(node);
  const holds = (...given) => window.parallax.predicate.holds(...given);
  const SCOPES = {all: "All", here: "Here", absent: "Published, not here"};
  const make = (tag, properties, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "text") element.textContent = value;
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter(Boolean));
    return element;
  };

  // ---- What is chosen, without a document: pure functions ----

  /** What a group's predicate chooses: `facets` attribute -> values, and `rest`, the parts that no facet can show.
      `readable` is false for a text that cannot be read; it chooses nothing then. */
  function chosen(group, text) {
    const found = parse(text, group.words, group.aliases);
    const facets = {};
    const rest = [];
    for (const part of !found ? [] : found.sign === "&" ? found.parts : [found]) {
      if (part.attribute in group.facets && !(part.attribute in facets)) facets[part.attribute] = part.values;
      else rest.push(part);
    }
    return {facets, rest, readable: found !== null};
  }

  /** The text of a choice, as a link has it. */
  function written(choice) {
    const terms = Object.entries(choice.facets).filter(([, values]) => values.length)
      .map(([attribute, values]) => ({attribute, values}));
    return write({sign: "&", parts: [...terms, ...choice.rest]});
  }

  /** The choice with one value of a facet added or taken away; values stay in the order of the vocabulary. */
  function toggled(group, choice, attribute, value) {
    const before = choice.facets[attribute] || [];
    const values = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
    const order = Object.keys(group.words[attribute] || {});
    values.sort((a, b) => order.indexOf(a) - order.indexOf(b) || (a < b ? -1 : 1));
    return {...choice, facets: {...choice.facets, [attribute]: values}};
  }

  /** Which items pass, and for every value of every facet how many would pass with this facet left to that value alone.
      `query` has `choice`, `scope` and `q` (words that must all occur). */
  function outcome(group, query, labels) {
    const words = (query.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    const attributesOf = (item) => ({...item.attributes, ...(labels === "audited" ? item.audited : null), [group.noun]: item.name});
    const passes = (item, attributes, without) => (without === "scope" || query.scope === "all" || (query.scope === "here") === item.here)
      && words.every((word) => item.text.includes(word))
      && Object.entries(query.choice.facets).every(([attribute, values]) => attribute === without || !values.length
        || holds({attribute, values}, attributes, item.tags))
      && query.choice.rest.every((part) => holds(part, attributes, item.tags));
    const kept = [];
    const counts = {scope: {all: 0, here: 0, absent: 0}};
    for (const attribute of Object.keys(group.facets)) counts[attribute] = {};
    for (const item of group.items) {
      const attributes = attributesOf(item);
      if (passes(item, attributes, null)) kept.push(item.name);
      if (passes(item, attributes, "scope")) {
        counts.scope.all += 1;
        counts.scope[item.here ? "here" : "absent"] += 1;
      }
      for (const attribute of Object.keys(group.facets)) {
        const fits = passes(item, attributes, attribute);
        for (const value of attribute === "tag" ? item.tags : [attributes[attribute]]) {
          counts[attribute][value] = (counts[attribute][value] || 0) + (fits ? 1 : 0);
        }
      }
    }
    return {kept, counts};
  }

  // ---- The panel ----

  const params = () => new URLSearchParams(window.location.search);
  const go = (changes) => {
    const schema = window.parallax.schema;
    const path = window.location.pathname.replace(/\/+$/, "") || "/";
    const next = window.dash_clientside.parallax.searchWith(schema, path, window.location.search, changes);
    window.dash_clientside.set_props("url", {search: next});
  };

  function queryOf(group) {
    const given = params();
    const choice = chosen(group, given.get(group.field) || "");
    const scope = given.get(group.scope);
    return {choice, scope: Object.hasOwn(SCOPES, scope) ? scope : "all", q: given.get(group.q) || ""};
  }

  function swatch(colours, value) {
    if (!colours || !colours[value]) return null;
    const mark = make("span", {class: "swatch", "aria-hidden": "true"});
    mark.style.background = colours[value];
    return mark;
  }

  function facetButton(label, number, pressed, mark, act) {
    const button = make("button", {type: "button", class: "facet" + (number ? "" : " facet-none"), "aria-pressed": String(pressed)},
      mark, make("span", {class: "facet-word", text: label}), make("span", {class: "count", text: String(number)}));
    button.addEventListener("click", act);
    return button;
  }

  function section(title, buttons) {
    return make("fieldset", {class: "facet-group"}, make("legend", {text: title}), make("div", {class: "facet-values"}, ...buttons));
  }

  function drawPanel(group, query, counts) {
    const panel = document.getElementById(group.id + "-facets");
    if (!panel) return;
    const box = panel.closest("details");
    if (box && !box.dataset.placed) {
      box.dataset.placed = "1";
      box.open = window.innerWidth > 1080;
    }
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const parts = [];
    if (group.items.some((item) => !item.here)) {
      parts.push(section("Where", Object.entries(SCOPES).map(([scope, label]) => {
        const button = facetButton(label, counts.scope[scope], query.scope === scope, null, () => go({[group.scope]: scope}));
        button.dataset.key = "scope " + scope;
        return button;
      })));
    }
    for (const [attribute, facet] of Object.entries(group.facets)) {
      const values = Object.keys(group.words[attribute] || {}).filter((value) => value in counts[attribute]);
      const others = Object.keys(counts[attribute]).filter((value) => !values.includes(value)).sort();
      const all = [...values, ...others];
      if (!all.length) continue;
      parts.push(section(facet.title, all.map((value) => {
        const pressed = (query.choice.facets[attribute] || []).includes(value);
        const label = (group.words[attribute] || {})[value] || value;
        const button = facetButton(label, counts[attribute][value], pressed, swatch(facet.colours, value),
          () => go({[group.field]: written(toggled(group, queryOf(group).choice, attribute, value))}));
        button.dataset.key = attribute + " " + value;
        return button;
      })));
    }
    panel.replaceChildren(...parts);
    if (focused) {
      const again = [...panel.querySelectorAll("button")].find((button) => button.dataset.key === focused);
      if (again) again.focus();
    }
  }

  /** Everything that is chosen, each with its cross, then "n of m" and the reset. */
  function drawLine(group, query, kept) {
    const line = document.getElementById(group.id + "-line");
    if (!line) return;
    const chips = [];
    const chip = (words, changes) => {
      const button = make("button", {type: "button", class: "filter-chip", "aria-label": "Take away: " + words},
        make("span", {text: words}), make("span", {class: "filter-chip-cross", "aria-hidden": "true", text: "×"}));
      button.addEventListener("click", () => go(changes));
      chips.push(button);
    };
    if (query.q) chip("“" + query.q + "”", {[group.q]: ""});
    if (query.scope !== "all") chip(SCOPES[query.scope], {[group.scope]: "all"});
    for (const [attribute, values] of Object.entries(query.choice.facets)) {
      for (const value of values) {
        const label = (group.words[attribute] || {})[value] || value;
        chip(group.facets[attribute].title + ": " + label, {[group.field]: written(toggled(group, query.choice, attribute, value))});
      }
    }
    query.choice.rest.forEach((part, place) => {
      const rest = query.choice.rest.filter((one, i) => i !== place);
      chip(write(part), {[group.field]: written({...query.choice, rest})});
    });
    const total = group.items.length;
    const noun = total === 1 ? group.noun : group.noun + "s";
    const count = make("strong", {class: "n-of-m", text: kept.length.toLocaleString("en") + " of " + total.toLocaleString("en") + " " + noun});
    const active = chips.length > 0 || !query.choice.readable;
    const reset = make("button", {type: "button", class: "link-button reset", text: "Reset", hidden: !active});
    reset.addEventListener("click", () => go({[group.field]: "", [group.scope]: "all", [group.q]: ""}));
    line.replaceChildren(count, ...chips, reset);
  }

  /** Hides the cards that do not pass. */
  function showCards(group, kept) {
    const names = new Set(kept);
    const cards = document.querySelectorAll("#" + group.id + "-cards [data-name]");
    cards.forEach((card) => { card.hidden = !names.has(card.dataset.name); });
    const none = document.getElementById(group.id + "-none");
    if (none) none.hidden = kept.length > 0;
  }

  /** Controls say what the link says, except the one that somebody types into. */
  function follow(controls, schema, path) {
    const given = params();
    const defaults = Object.fromEntries((schema.views[path] || []).map((field) => [field.name, field.default]));
    for (const [id, field] of Object.entries(controls)) {
      const element = document.getElementById(id);
      if (element && element.contains(document.activeElement) && element.matches("input")) continue;
      window.parallax.follow(id, {value: given.has(field) ? given.get(field) : defaults[field]});
    }
  }

  /** Tells of a filter that cannot be read; the server says what is wrong with it. */
  function tellUnread(group, choice) {
    const id = {type: "filter-unread", of: group.noun};
    const unread = choice.readable ? "" : params().get(group.field);
    const known = window.dash_component_api.getLayout(id);
    if (known && known.props.data !== unread) window.dash_clientside.set_props(id, {data: unread});
  }

  /** Draws the filters of a page by its link; answers group -> names that pass, for what else the page draws. */
  function facets(data, search, schema) {
    if (!data || !data.groups || data.path !== (window.location.pathname.replace(/\/+$/, "") || "/")) {
      return window.dash_clientside.no_update;
    }
    window.parallax.schema = schema;
    follow(data.controls || {}, schema, data.path);
    const labels = params().get("labels") || "published";
    const answer = {labels: labels, kept: {}};
    const draw = [];
    for (const group of data.groups) {
      const query = queryOf(group);
      const {kept, counts} = outcome(group, query, labels);
      answer.kept[group.id] = kept;
      tellUnread(group, query.choice);
      draw.push(() => {
        drawPanel(group, query, counts);
        drawLine(group, query, kept);
        showCards(group, kept);
      });
    }
    // The places are rendered with the data, perhaps a moment later.
    window.requestAnimationFrame(() => window.requestAnimationFrame(() => draw.forEach((one) => one())));
    return answer;
  }

  window.parallax = Object.assign(window.parallax || {}, {facets: {chosen, written, toggled, outcome}, make, swatch});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {facets});
})();
