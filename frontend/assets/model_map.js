/* The map of models: which data it asks for, how it is drawn, and what is selected on it. Links are written by parallax.js. */
(function () {
  "use strict";

  const PATH = "/map";
  const ASKED = ["metric", "dataset", "method", "layer", "labels", "models", "seed", "perplexity"]; // the rest is drawn here
  const MOST_LABELS = 150;
  const SELECTED = "#D55E00";
  const PAPER = {light: "rgba(255,255,255,0.85)", dark: "rgba(30,33,37,0.85)"}; // behind the names of selected models
  const none = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  function go(schema, changes) {
    const next = window.parallax.searchWith(schema, PATH, window.location.search, changes);
    if (next !== window.location.search) set("url", {search: next});
  }

  /** The link as far as the server needs it; nothing where that has not changed. */
  function mapAsk(search, asked) {
    if (window.parallax.normal(window.location.pathname) !== PATH) return none();
    const params = new URLSearchParams(search || "");
    const key = JSON.stringify(ASKED.map((name) => params.get(name)));
    return asked && asked.key === key ? none() : {key: key, search: search || ""};
  }

  /** Asks again when results have changed, and as long as they cannot be reached. */
  function mapRenew(revision, search, asked) {
    return asked ? {key: asked.key, search: search || "", revision: revision} : none();
  }

  // ---- Drawing ----

  /** Labels beside as many models as there is room for, those of selected models first. */
  function labelsOf(data, points, chosen, side, range, size, paper) {
    const pixel = (value, [low, high]) => ((value - low) / (high - low)) * side;
    const places = points.map(([x, y]) => [pixel(x, range[0]), side - pixel(y, range[1])]);
    const marks = places.map(([x, y]) => [x - 7, y - 7, x + 7, y + 7]);
    const written = [];
    const free = (box, own) => box[0] >= 0 && box[1] >= 0 && box[2] <= side && box[3] <= side
      && !written.some((other) => overlap(box, other)) && !marks.some((mark, k) => k !== own && overlap(box, mark));
    const order = data.models.map((_, k) => k).sort((a, b) => chosen.includes(b) - chosen.includes(a));
    const labels = [];
    for (const k of data.models.length > MOST_LABELS ? order.filter((one) => chosen.includes(one)) : order) {
      const strong = chosen.includes(k);
      const width = window.parallax.widest([data.models[k]], size) * (strong ? 1.1 : 1) + 4;
      const [x, y] = places[k];
      const tall = size + 3;
      const away = strong ? 15 : 11;
      const middle = Math.min(Math.max(x - width / 2, 0), side - width);
      const spots = [[x + away, y - tall / 2], [x - away - width, y - tall / 2], [middle, y - away - tall + 3],
        [middle, y + away - 3]];
      const boxes = spots.map(([left, top]) => [left, top, left + width, top + tall]);
      const box = boxes.find((one) => free(one, k)) || (strong ? boxes[x + away + width < side ? 0 : 1] : null);
      if (!box) continue;
      written.push(box);
      labels.push({x: points[k][0], y: points[k][1], text: strong ? "<b>" + data.models[k] + "</b>" : data.models[k],
        showarrow: false, captureevents: false, font: {size: size}, borderpad: 0, bgcolor: strong ? paper : "rgba(0,0,0,0)",
        xshift: (box[0] + box[2]) / 2 - x, yshift: y - (box[1] + box[3]) / 2});
    }
    return labels;
  }

  function overlap(a, b) {
    return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  }

  function wordsOf(data, k) {
    const lines = Object.entries(data.words).map(([name, attribute]) => attribute.title + ": "
      + (attribute.values[data.attributes[name][k]] || data.attributes[name][k]));
    return "<b>" + data.models[k] + "</b><br>" + lines.join("<br>");
  }

  /** Rings around the selected models and a line between two. */
  function selectionOf(points, chosen) {
    if (!chosen.length) return [];
    return [{type: "scatter", x: chosen.map((k) => points[k][0]), y: chosen.map((k) => points[k][1]), mode: "lines+markers",
      hoverinfo: "skip", showlegend: false, line: {color: SELECTED, width: 2, dash: "dot"},
      marker: {symbol: "circle-open", size: 23, color: SELECTED, line: {color: SELECTED, width: 3}}}];
  }

  function drawModelMap(data, search, appearance, templates, id) {
    if (!data || !data.figures) return none();
    const {fit, widthOf, withTemplate, rowsOf, announce, fieldOf} = window.parallax;
    const figure = data.figures[fieldOf(search, data, "by")] || Object.values(data.figures)[0];
    const narrow = widthOf(id) < 440;
    const rows = Math.ceil(figure.data.length / 2);
    const measured = figure.layout.meta.measured;
    const edge = measured ? 40 : 12;
    const place = fit(id, 1, 1, {l: edge, r: 12, t: 12 + 24 * rows, b: measured ? 28 : 12});
    const points = data.models.map(() => null);
    const traces = figure.data.map((trace) => {
      const [x, y, at] = [rowsOf(trace.x), rowsOf(trace.y), rowsOf(trace.customdata)];
      at.forEach((k, i) => { points[k] = [x[i], y[i]]; });
      // Dash passes on what stands in a plain array when a point is clicked, not what is encoded.
      return Object.assign({}, trace, {customdata: Array.from(at), text: Array.from(at, (k) => wordsOf(data, k)),
        hovertemplate: "%{text}<extra></extra>",
        marker: Object.assign({}, trace.marker, {size: data.models.length > 300 ? 7 : narrow ? 10 : 13})});
    });
    const chosen = selectedOf(search, data);
    const layout = withTemplate(figure.layout, templates, appearance);
    const axis = (given) => Object.assign({}, given, {automargin: false, nticks: narrow ? 4 : 7,
      tickfont: Object.assign({size: 12}, measured ? {} : {color: "rgba(0,0,0,0)"})});
    layout.margin = place.margin;
    layout.height = place.height;
    layout.meta = announce(id, search, data);
    layout.xaxis = axis(layout.xaxis);
    layout.yaxis = axis(layout.yaxis);
    layout.legend = Object.assign({}, layout.legend, {font: {size: narrow ? 12 : 13}, itemclick: false, itemdoubleclick: false,
      entrywidthmode: "fraction", entrywidth: 0.5});
    layout.annotations = labelsOf(data, points, chosen, place.cell, [layout.xaxis.range, layout.yaxis.range], narrow ? 10 : 12,
      PAPER[appearance.scheme]);
    return {data: selectionOf(points, chosen).concat(traces), layout: layout};
  }

  /** What the map shows of the attribute that colours say. */
  function mapCaption(data, search) {
    return data && data.captions ? data.captions[window.parallax.fieldOf(search, data, "by")] || Object.values(data.captions)[0] : none();
  }

  // ---- Selection: one model, or two to be compared ----

  /** Positions of the selected models. */
  function selectedOf(search, data) {
    const params = new URLSearchParams(search || "");
    return ["a", "b"].map((name) => data.models.indexOf(params.get(name))).filter((k) => k >= 0);
  }

  /** The first click selects a model, the second one to compare it with; a click on a selected model lets it go. */
  function clickModel(click, data, schema) {
    const point = click && click.points && click.points[0];
    if (!point || !data || point.customdata === undefined) return null;
    const name = data.models[point.customdata];
    const params = new URLSearchParams(window.location.search);
    const [a, b] = [params.get("a") || "", params.get("b") || ""];
    if (name === a) go(schema, {a: b, b: ""});
    else if (name === b) go(schema, {b: ""});
    else if (!a) go(schema, {a: name});
    else go(schema, {b: name});
    return null;
  }

  /** A field that was emptied by hand leaves the link. */
  function emptied() {
    const context = window.dash_clientside.callback_context;
    const schema = arguments[arguments.length - 1];
    if (window.parallax.normal(window.location.pathname) !== PATH) return;
    for (const {prop_id: prop, value} of context.triggered) {
      const id = prop.replace(/\.value$/, "");
      if ((value === null || value === "") && window.parallax.chosenIn(id, value) !== undefined) go(schema, {[id.split("--")[1]]: ""});
    }
  }

  function resetModels(clicks, schema) {
    if (clicks) go(schema, {models: ""});
  }

  /** Shows which models are selected and where they lead; answers whether the fields that only t-SNE has are hidden. */
  function followMap(data, search, schema) {
    const params = new URLSearchParams(search || "");
    const hidden = params.get("method") !== "tsne";
    if (!data || !data.models) return hidden;
    // Only null empties a field that can be searched.
    for (const name of ["a", "b"]) window.parallax.follow("map--" + name, {value: params.get(name) || null, data: data.models});
    const {searchWith} = window.parallax;
    const [a, b] = selectedOf(search, data).map((k) => data.models[k]);
    const link = (id, href, words) => set(id, {href: href, children: words, className: href ? "selection-link" : "is-gone"});
    const metric = data.resolved.metric;
    const dataset = data.resolved.dataset === "mean" ? {} : {dataset: data.resolved.dataset};
    const similarity = a && "/similarity" + searchWith(schema, "/similarity", "", Object.assign({metric: metric, highlight: a, labels: params.get("labels")}, dataset));
    link("modelmap-to-similarity", similarity || "", a ? "Find " + a + " in the heatmap" : "");
    link("modelmap-to-model", a ? "/models/" + encodeURIComponent(a) : "", a ? "About " + a : "");
    link("modelmap-to-pair", a && b ? "/pair" + searchWith(schema, "/pair", "", Object.assign({a: a, b: b, metric: metric}, dataset)) : "",
      a && b ? "Compare the two on every dataset" : "");
    return hidden;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {
    mapAsk, mapRenew, drawModelMap, mapCaption, clickModel, emptied, resetModels, followMap,
  });
})();
