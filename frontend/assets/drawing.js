/* Drawing: figures as they come from the server, put into the order, size and colours of this browser. */
(function () {
  "use strict";

  const NARROW = 560; // below this width of a chart its labels go and the colour bar lies down

  // ---- Arrays ----

  const KINDS = {f4: Float32Array, f8: Float64Array, i4: Int32Array, u4: Uint32Array, i2: Int16Array, u2: Uint16Array,
    i1: Int8Array, u1: Uint8Array};

  /** Rows of an array as plotly writes it: base64 bytes with dtype and shape, or plain lists. */
  function rowsOf(array) {
    if (!array || array.bdata === undefined) return array;
    const bytes = Uint8Array.from(atob(array.bdata), (c) => c.charCodeAt(0));
    const flat = new KINDS[array.dtype](bytes.buffer);
    const shape = String(array.shape === undefined ? flat.length : array.shape).split(",").map(Number);
    if (shape.length === 1) return flat;
    const rows = [];
    for (let i = 0; i < shape[0]; i++) rows.push(flat.subarray(i * shape[1], (i + 1) * shape[1]));
    return rows;
  }

  // ---- Drawing ----

  const ruler = document.createElement("canvas").getContext("2d");

  /** Width in pixels of the widest of some labels. */
  function widest(labels, size) {
    ruler.font = size + "px " + window.getComputedStyle(document.body).fontFamily;
    return labels.reduce((most, label) => Math.max(most, ruler.measureText(label).width), 0);
  }

  function widthOf(id) {
    const element = document.getElementById(id);
    const width = element ? element.getBoundingClientRect().width : 0;
    return width || 700;
  }

  /** Gives the box of a chart its height; answers height and margins, where `room` is what stands at each side. */
  function sized(id, height, room) {
    const graph = document.getElementById(id);
    const box = graph && graph.closest(".chart-box");
    if (box) Object.assign(box.style, {height: Math.ceil(height) + "px", aspectRatio: "auto", maxHeight: "none"});
    return {height: Math.ceil(height), margin: {l: room.l, r: room.r, t: room.t, b: room.b, pad: 0, autoexpand: false}};
  }

  /** The largest plot of square cells that fits: gives the chart its height, and the margins around the plot.
      `room` is what labels and colour bar need at each side; what is left over goes to both sides, and `above` is what of the window's height stands around the chart. */
  function fit(id, columns, rows, room, largest = Infinity, above = 210) {
    const width = widthOf(id);
    const tallest = Math.max(400, window.innerHeight - above);
    const cell = Math.max(0.1, Math.min(largest, (width - room.l - room.r) / columns, (tallest - room.t - room.b) / rows));
    const spare = Math.max(0, (width - room.l - room.r - cell * columns) / 2);
    const both = Object.assign({}, room, {l: room.l + spare, r: room.r + spare});
    return Object.assign({cell: cell}, sized(id, cell * rows + room.t + room.b, both));
  }

  /** Fades a chart whose data is of another view than the link asks for, until the right data is there; answers
      what is drawn. */
  function announce(id, search, data) {
    const params = new URLSearchParams(search || "");
    const drawn = data.resolved || {};
    const usual = {layer: "value", view: "one"};
    const asked = (name) => params.get(name) || usual[name] || null;
    const fields = ["dataset", "metric", "method", "layer", "view", "with_dataset", "with_metric", "datasets"];
    const stale = fields.some((name) => drawn[name] && asked(name) && asked(name) !== drawn[name]);
    const graph = document.getElementById(id);
    const box = graph && graph.closest(".chart-box");
    if (box) box.classList.toggle("is-stale", stale);
    return drawn;
  }

  function withTemplate(layout, templates, appearance) {
    return Object.assign({}, layout, {template: templates[appearance.scheme] || templates.light});
  }

  /** The colour bar: at the right and as high as the plot, or below it where there is little room. */
  function colourBar(layout, narrow) {
    const axis = layout.coloraxis;
    const text = axis.colorbar.title.text;
    const lying = {orientation: "h", x: 0.5, xanchor: "center", y: 0, yanchor: "top", ypad: 13, thickness: 12, len: 1,
      title: {text: text, side: "bottom", font: {size: 12}}};
    const standing = {orientation: "v", x: 1, xanchor: "left", xpad: 20, y: 0.5, len: 1, ypad: 0, thickness: 14,
      title: {text: text, side: "right"}};
    return Object.assign({}, axis, {colorbar: Object.assign({}, axis.colorbar, narrow ? lying : standing)});
  }

  /** The values of all pairs above their nulls. */
  function drawStrip(data, appearance, templates, id) {
    if (!data || !data.chance) return window.dash_clientside.no_update;
    const narrow = widthOf(id) < NARROW;
    const figure = data.chance;
    const layout = withTemplate(figure.layout, templates, appearance);
    layout.height = narrow ? 300 : 250;
    const box = document.getElementById(id).closest(".chart-box");
    Object.assign(box.style, {height: layout.height + "px", aspectRatio: "auto", maxHeight: "none"});
    layout.margin = {l: narrow ? 62 : 142, r: 14, t: narrow ? 62 : 34, b: 52, pad: 0, autoexpand: false};
    if (layout.yaxis2) layout.yaxis2 = Object.assign({}, layout.yaxis2, {tickvals: layout.yaxis2.categoryarray, automargin: false,
      ticktext: layout.yaxis2.categoryarray.map((row) => (narrow ? row.replace(", mean ± sd", "") : row))});
    layout.xaxis = Object.assign({}, layout.xaxis, {automargin: false, nticks: narrow ? 5 : 9});
    layout.xaxis.title = Object.assign({}, layout.xaxis.title, {font: {size: 13}, standoff: 6});
    layout.yaxis = Object.assign({}, layout.yaxis, {automargin: false, showgrid: true});
    layout.yaxis.title = Object.assign({}, layout.yaxis.title, {font: {size: 13}});
    layout.legend = Object.assign({}, layout.legend, {font: {size: narrow ? 11 : 13}});
    layout.meta = data.resolved;
    return {data: figure.data, layout: layout};
  }

  window.parallax = Object.assign(window.parallax || {}, {rowsOf, widest, widthOf, fit, sized, announce, withTemplate, colourBar});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawStrip});
})();
