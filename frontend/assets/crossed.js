/* Attributes crossed: how many of the shown models have each combination of two attributes. Published sets of models are confounded;
   this is where that is seen. */
(function () {
  "use strict";

  /** Values of an attribute that occur, in the order of the vocabulary. */
  function valuesOf(items, words, attribute) {
    const found = new Set(items.map((item) => item[attribute]));
    const known = Object.keys(words[attribute] || {});
    return [...known.filter((value) => found.has(value)), ...[...found].filter((value) => !known.includes(value)).sort()];
  }

  /** Counts rows x columns, with the number of empty combinations and Cramér's V (NaN where an attribute has one value). */
  function table(items, words, first, second) {
    const rows = valuesOf(items, words, first);
    const columns = valuesOf(items, words, second);
    const counts = rows.map((row) => columns.map((column) => items.filter((item) => item[first] === row && item[second] === column).length));
    const rowSums = counts.map((row) => row.reduce((a, b) => a + b, 0));
    const columnSums = columns.map((_, j) => counts.reduce((sum, row) => sum + row[j], 0));
    const n = items.length;
    let chi2 = 0;
    counts.forEach((row, i) => row.forEach((number, j) => {
      const expected = rowSums[i] * columnSums[j] / n;
      chi2 += (number - expected) ** 2 / expected;
    }));
    const freedom = Math.min(rows.length, columns.length) - 1;
    return {rows, columns, counts, rowSums, columnSums, n,
      empty: counts.flat().filter((number) => !number).length, v: Math.sqrt(chi2 / n / freedom)};
  }

  /** The table in one sentence. */
  function sentence(made, nameOf) {
    const cells = made.rows.length * made.columns.length;
    const empty = [];
    made.counts.forEach((row, i) => row.forEach((number, j) => {
      if (!number) empty.push(nameOf(0, made.rows[i]) + " × " + nameOf(1, made.columns[j]));
    }));
    let words = "Every combination has models.";
    if (empty.length) {
      const shown = empty.slice(0, 3).join(", ") + (empty.length > 3 ? " and " + (empty.length - 3) + " more" : "");
      words = empty.length + " of " + cells + " combinations have no model: " + shown + ".";
    }
    return Number.isFinite(made.v) ? words + " Association (Cramér's V): " + made.v.toFixed(2) + "." : words;
  }

  function draw(made, titles, nameOf) {
    const make = window.parallax.make;
    const most = Math.max(1, ...made.counts.flat());
    const head = make("tr", null, make("td"), ...made.columns.map((value) => make("th", {scope: "col", text: nameOf(1, value)})),
      make("th", {scope: "col", class: "crossed-sum", text: "all"}));
    const rows = made.rows.map((value, i) => make("tr", null, make("th", {scope: "row", text: nameOf(0, value)}),
      ...made.counts[i].map((number) => {
        const cell = make("td", {class: number ? "crossed-cell" : "crossed-cell crossed-empty", text: String(number)});
        cell.style.setProperty("--share", number / most);
        return cell;
      }), make("td", {class: "crossed-sum", text: String(made.rowSums[i])})));
    const foot = make("tr", {class: "crossed-sum"}, make("th", {scope: "row", text: "all"}),
      ...made.columnSums.map((sum) => make("td", {text: String(sum)})), make("td", {text: String(made.n)}));
    return make("figure", {class: "crossed"},
      make("h2", {class: "panel-title", text: titles[0] + " × " + titles[1]}),
      make("div", {class: "scroll-x", tabindex: "0", role: "region", "aria-label": titles[0] + " by " + titles[1]},
        make("table", {class: "crossed-table"}, make("thead", null, head), make("tbody", null, ...rows, foot))),
      make("figcaption", {class: "caption", text: sentence(made, nameOf)}));
  }

  /** Fills the page's second picture from the models that pass the filters. */
  function crossed(kept, data) {
    const root = document.getElementById("models-root");
    if (!root || !kept || !kept.kept || !data.groups) return;
    const wanted = new URLSearchParams(window.location.search).get("view") === "crossed";
    window.requestAnimationFrame(() => {
      // Not as classes: those of the root are written anew with every state of the page.
      root.dataset.view = wanted ? "crossed" : "cards";
      root.dataset.labels = kept.labels;
      const place = document.getElementById("models-crossed");
      if (!place) return;
      if (!wanted) return place.replaceChildren();
      const group = data.groups[0];
      const names = new Set(kept.kept.models);
      const items = group.items.filter((item) => names.has(item.name)).map((item) => (
        kept.labels === "audited" && item.audited ? {...item.attributes, ...item.audited} : item.attributes));
      const attributes = Object.keys(group.facets).filter((name) => group.words[name]);
      const figures = [];
      attributes.forEach((first, i) => attributes.slice(i + 1).forEach((second) => {
        const titles = [group.facets[first].title, group.facets[second].title];
        const nameOf = (axis, value) => (group.words[axis ? second : first] || {})[value] || value;
        if (items.length) figures.push(draw(table(items, group.words, first, second), titles, nameOf));
      }));
      place.replaceChildren(...figures);
    });
  }

  window.parallax = Object.assign(window.parallax || {}, {crossTable: table, crossSentence: sentence});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {crossed});
})();
