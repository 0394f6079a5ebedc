/* The picker of metrics: what an option says, and which options a search finds. */
(function () {
  "use strict";

  const functions = (window.dashMantineFunctions = window.dashMantineFunctions || {});

  /** An option with its title, id, direction and where it is computed. */
  functions.metricOption = function (given) {
    const make = window.React.createElement;
    const option = given.option;
    return make("div", {className: "metric-option" + (given.checked ? " is-chosen" : "")},
      make("span", {className: "metric-option-title"}, option.label),
      make("span", {className: "code"}, option.value),
      make("span", {className: "metric-option-words"},
        make("span", null, option.direction), make("span", {className: option.done ? "done" : ""}, option.computed)));
  };

  /** Options whose title or id has every word of the search, in their groups. */
  functions.metricsWith = function (given) {
    const words = given.search.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (option) => words.every((word) => (option.label + " " + option.value).toLowerCase().includes(word));
    return given.options.map((entry) => (entry.items ? Object.assign({}, entry, {items: entry.items.filter(fits)}) : entry))
      .filter((entry) => (entry.items ? entry.items.length : fits(entry)));
  };
})();
