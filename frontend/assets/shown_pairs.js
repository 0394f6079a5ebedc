/* The heatmap in words and rows: a sentence about what is shown, the list of the visible models, and the table of their
   pairs, made in the browser from the numbers that it draws. */
(function () {
  "use strict";

  const MOST_ROWS = 20000;
  // Looked up when they are needed: files load in the order of their names.
  const element = (...given) => window.parallax.element(...given);
  const decimal = (...given) => window.parallax.decimal(...given);
  let latest = null;

  /** Pairs of different models that are shown, as [i, j, value]: each once, or of a directed metric both its directions. */
  function shownPairs(data, chosen) {
    const {at} = window.parallax.matrixOf(data);
    const directed = data.panes[0].directed;
    const rows = new Set(chosen.rows);
    const columns = new Set(chosen.columns);
    const pairs = [];
    for (const i of chosen.rows) {
      for (const j of chosen.columns) {
        // The mirror image of a pair counts only where both its cells are shown.
        if (i === j || (!directed && i > j && rows.has(j) && columns.has(i))) continue;
        pairs.push([i, j, at(i, j)]);
      }
    }
    return pairs;
  }

  /** One sentence about the pairs that are shown. */
  function sentence(data, chosen) {
    const pairs = shownPairs(data, chosen).filter(([, , value]) => Number.isFinite(value));
    const models = new Set([...chosen.rows, ...chosen.columns]).size;
    const head = "Shown: " + models + " of " + data.models.length + " models";
    if (!pairs.length) return head + ", and no pair of them has a value.";
    const {ascending, difference} = window.parallax.matrixOf(data);
    const sorted = pairs.map((pair) => pair[2]).sort((a, b) => a - b);
    const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    let [low, high] = [pairs[0], pairs[0]];
    for (const pair of pairs) {
      if (pair[2] < low[2]) low = pair;
      if (pair[2] > high[2]) high = pair;
    }
    if (ascending) [low, high] = [high, low];
    const name = ([i, j, value]) => data.models[i] + " and " + data.models[j] + " (" + decimal(value, 2) + ")";
    const words = difference ? ["largest", "least"] : data.panes[0].layer === "sd" ? ["steadiest", "least steady"] : ["most alike", "least alike"];
    return head + ", " + pairs.length.toLocaleString("en") + (pairs.length === 1 ? " pair" : " pairs") + ", median " + decimal(middle, 2)
      + ": " + words[0] + " " + name(high) + ", " + words[1] + " " + name(low) + ".";
  }

  // ---- The list of the visible ----

  /** The visible models in their order, with their values of the attributes; in an order of one's own they can be moved. */
  function drawList(data, chosen) {
    const place = document.getElementById("similarity-visible");
    if (!place) return;
    const movable = window.parallax.similarity.field("order") === "custom" && !chosen.cropped && chosen.whole.length <= 200;
    const visible = chosen.whole.filter((i) => chosen.rows.includes(i) || chosen.columns.includes(i));
    const highlight = window.parallax.similarity.field("highlight");
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    place.replaceChildren(...visible.map((i, at) => {
      const item = element("li", data.models[i] === highlight ? "is-highlighted" : "");
      const name = button(data.models[i], "visible-name", () => window.parallax.similarity.go({highlight: data.models[i] === highlight ? "" : data.models[i]}));
      name.setAttribute("aria-pressed", String(data.models[i] === highlight));
      item.append(name);
      for (const facet of data.facets.filter((one) => one.values.length > 1)) {
        const value = facet.values[facet.codes[i]];
        const mark = element("span", "swatch");
        mark.style.background = value.colour;
        mark.title = facet.title + ": " + value.words;
        mark.setAttribute("role", "img");
        mark.setAttribute("aria-label", mark.title);
        item.append(mark);
      }
      if (movable) {
        item.append(moving(data, chosen, at, -1, "Move " + data.models[i] + " up", "\u2191"), moving(data, chosen, at, 1, "Move " + data.models[i] + " down", "\u2193"));
      }
      return item;
    }));
    if (focused) {
      const again = [...place.querySelectorAll("button")].find((one) => one.dataset.key === focused);
      if (again) again.focus();
    }
  }

  function button(text, className, act) {
    const made = element("button", className, text);
    made.type = "button";
    made.dataset.key = className + " " + text;
    made.addEventListener("click", act);
    return made;
  }

  /** A button that moves a model by one place; the order is kept up to the last model that was moved. */
  function moving(data, chosen, at, by, words, sign) {
    const made = button(sign, "visible-move", () => {
      const names = chosen.whole.map((i) => data.models[i]);
      const kept = window.parallax.similarity.field("custom").split(",").filter((name) => names.includes(name));
      [names[at], names[at + by]] = [names[at + by], names[at]];
      window.parallax.similarity.go({custom: names.slice(0, Math.max(kept.length, at + 1, at + by + 1)).join(",")});
    });
    made.dataset.key = words;
    made.setAttribute("aria-label", words);
    made.disabled = at + by < 0 || at + by >= chosen.whole.length;
    return made;
  }

  // ---- The table ----

  const COLUMNS = [["value", "Value", 3], ["ci_low", "Low", 3], ["ci_high", "High", 3], ["calibrated", "Calibrated", 3], ["p", "p", 4], ["q", "q", 4]];

  /** Columns of the table: the two models, what is drawn of each matrix, and what else is known of a pair. */
  function columnsOf(data) {
    const number = (name, title, digits) => ({field: name, headerName: title, type: "rightAligned", flex: 1, minWidth: 96,
      valueFormatter: {function: "params.value === null || params.value === undefined ? '\u2013' : d3.format('." + digits + "f')(params.value)"}});
    const names = [{field: "a", headerName: data.panes[0].directed ? "From" : "Model", flex: 2, minWidth: 130},
      {field: "b", headerName: data.panes[0].directed ? "To" : "Other model", flex: 2, minWidth: 130}];
    if (data.view && data.view !== "one") {
      const titles = data.view === "mean" || data.view === "spread" ? [] : data.panes.map((pane, k) => number("pane" + k, titleOf(data, pane), 3));
      const over = data.view === "mean" || data.view === "spread" ? [number("mean", "Mean", 3), number("sd", "Standard deviation", 3), number("n_datasets", "Datasets", 0)] : [];
      return [...names, ...titles, ...over, ...(data.difference ? [number("difference", "Difference", 3)] : [])];
    }
    const drawn = data.panes[0].layer === "z" ? [["z", "z", 1]] : data.panes[0].layer === "ari" ? [["ari", "ARI form", 3]] : [];
    return [...names, ...[...COLUMNS, ...drawn].filter(([name]) => data.panes[0].layers[name]).map((column) => number(...column))];
  }

  function titleOf(data, pane) {
    return data.panes.every((one) => one.title === data.panes[0].title) ? pane.metricTitle : pane.title;
  }

  function rowsOf(data, chosen) {
    const finite = (value) => (Number.isFinite(value) ? value : null);
    const pairs = shownPairs(data, chosen);
    const [first] = data.panes;
    const numbers = window.parallax.numbersOf(first);
    const rows = pairs.slice(0, MOST_ROWS).map(([i, j, value]) => {
      const at = window.parallax.placeOf(first, i, j);
      const row = {a: data.models[i], b: data.models[j]};
      if (numbers.sd) {
        const centre = Object.keys(first.layers).find((name) => name !== "sd" && name !== "n_datasets");
        return Object.assign(row, {mean: finite(numbers[centre][at]), sd: finite(numbers.sd[at]), n_datasets: numbers.n_datasets[at]});
      }
      if (data.view && data.view !== "one") {
        data.panes.forEach((pane, k) => { row["pane" + k] = finite(window.parallax.drawnOf(pane)(i, j)); });
        if (data.difference) row.difference = finite(value);
        return row;
      }
      for (const name of Object.keys(first.layers)) row[name] = finite(numbers[name][at]);
      return row;
    });
    return {rows: rows, of: pairs.length};
  }

  function drawTable(data, chosen) {
    const {rows, of} = rowsOf(data, chosen);
    const filled = {columnDefs: columnsOf(data), rowData: rows};
    if (document.getElementById("similarity-table")) window.dash_clientside.set_props("similarity-table", filled);
    else {
      const made = window.dash_component_api.getLayout("similarity-table-made").props.data;
      window.dash_clientside.set_props("similarity-table-place", {children: Object.assign({}, made, {props: Object.assign({}, made.props, filled)})});
    }
    const words = document.getElementById("similarity-table-words");
    if (words) {
      words.textContent = rows.length < of ? "The first " + rows.length.toLocaleString("en") + " of " + of.toLocaleString("en") + " pairs. Filter or crop to see others."
        : rows.length.toLocaleString("en") + (rows.length === 1 ? " pair" : " pairs") + ", as shown above. Click a heading to sort.";
    }
  }

  // ---- Drawing what is open ----

  const isOpen = (id) => Boolean(document.getElementById(id) && document.getElementById(id).open);

  function describeShown(data, chosen, search) {
    latest = [data, chosen];
    const all = chosen.rows.length === data.models.length && chosen.columns.length === data.models.length;
    const words = document.getElementById("similarity-shown");
    if (words) words.textContent = all ? "" : sentence(data, chosen);
    if (isOpen("similarity-list-part")) drawList(data, chosen);
    if (isOpen("similarity-table-part")) drawTable(data, chosen);
  }

  document.addEventListener("toggle", (event) => {
    if (!latest || !event.target.open) return;
    if (event.target.id === "similarity-list-part") drawList(...latest);
    if (event.target.id === "similarity-table-part") drawTable(...latest);
  }, true);

  window.parallax = Object.assign(window.parallax || {}, {describeShown, shownSentence: sentence});
})();
