/* The cards of models, made here from what is known of every model: a thousand cards made by the server take a browser
   many seconds. Which of them are shown is decided in facets.js. */
(function () {
  "use strict";

  // ---- Order ----

  const byTitle = (a, b) => (a.title.toLowerCase() < b.title.toLowerCase() ? -1 : 1);
  const hereFirst = (a, b) => Number(b.here) - Number(a.here);
  const ORDERS = {
    name: (a, b) => hereFirst(a, b) || byTitle(a, b),
    parameters: (a, b) => b.parameters - a.parameters || byTitle(a, b),
    coverage: (a, b) => b.embedded - a.embedded || hereFirst(a, b) || byTitle(a, b),
  };

  // ---- One card ----

  const make = (...given) => window.parallax.make(...given);

  /** One attribute's value with its colour. */
  function mark(group, attribute, value, className, ...more) {
    const {title, colours} = group.facets[attribute];
    return make("li", {title: title, class: className}, window.parallax.swatch(colours, value),
      make("span", {class: "sr-only", text: title + ": "}), make("span", {text: (group.words[attribute] || {})[value] || value}), ...more);
  }

  function marks(group, item, card) {
    const made = [];
    for (const [attribute, value] of Object.entries(item.attributes)) {
      const audited = (item.audited || {})[attribute] === value ? null : (item.audited || {})[attribute];
      const size = attribute === "size" ? make("span", {class: "dim", title: card.parameters.toLocaleString("en") + " parameters", text: card.size}) : null;
      made.push(mark(group, attribute, value, audited ? "as-published" : null, size));
      if (audited) made.push(mark(group, attribute, audited, "as-audited"));
    }
    return made;
  }

  /** Where the model is embedded. */
  function foot(card, of) {
    if (!card.here) return make("div", {class: "card-foot"}, make("span", {text: card.foot}));
    const fill = make("div", {class: "bar-fill"});
    fill.style.width = (of ? Math.round(100 * card.embedded / of) : 0) + "%";
    return make("div", {class: "card-foot"}, make("div", {class: "bar"}, fill), make("span", {text: card.foot}));
  }

  function cardOf(group, item, card, of) {
    return make("article", {class: card.here ? "tile-card" : "tile-card tile-absent", "data-name": item.name},
      make("h2", {class: "card-title"}, make("a", {href: card.href, text: card.title})),
      card.title === item.name ? null : make("p", {class: "card-name"}, make("code", {class: "code", text: item.name})),
      make("ul", {class: "card-marks card-marks-two"}, ...marks(group, item, card)), foot(card, of));
  }

  // ---- All of them ----

  let drawn = {};

  /** Draws a card for every model, in the order of the link; answers the order. */
  function modelCards(data, search) {
    const box = document.getElementById("models-cards");
    if (!data || !data.cards || !box) return window.dash_clientside.no_update;
    const wanted = new URLSearchParams(search || "").get("sort");
    const sort = Object.hasOwn(ORDERS, wanted) ? wanted : "name";
    if (drawn.box === box && drawn.key === data.key && drawn.sort === sort) return sort;
    const [group] = data.groups;
    const made = box.childElementCount && drawn.box === box && drawn.key === data.key ? drawn.made
      : group.items.map((item, k) => Object.assign({element: cardOf(group, item, data.cards[k], data.n_datasets)}, data.cards[k]));
    drawn = {box: box, key: data.key, sort: sort, made: made};
    box.replaceChildren(...[...made].sort(ORDERS[sort]).map((card) => card.element));
    return sort;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {modelCards});
})();
