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

  /** A heatmap trace with its models in another order. */
  function permuted(trace, order, names) {
    const rows = rowsOf(trace.z);
    const both = trace.meta && trace.meta.permute === "both";
    const z = order.map((i) => (both ? Float32Array.from(order, (j) => rows[i][j]) : rows[i]));
    return Object.assign({}, trace, both ? {z: z, x: names, y: names} : {z: z, y: names});
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

  /** The largest plot of square cells that fits: gives the chart its height, and the margins around the plot.
      `room` is what labels and colour bar need at each side; what is left over goes to both sides. */
  function fit(id, columns, rows, room) {
    const width = widthOf(id);
    const tallest = Math.max(400, window.innerHeight - 210);
    const cell = Math.max(2, Math.min((width - room.l - room.r) / columns, (tallest - room.t - room.b) / rows));
    const spare = Math.max(0, (width - room.l - room.r - cell * columns) / 2);
    const height = Math.ceil(cell * rows + room.t + room.b);
    const graph = document.getElementById(id);
    const box = graph && graph.closest(".chart-box");
    if (box) Object.assign(box.style, {height: height + "px", aspectRatio: "auto", maxHeight: "none"});
    return {cell: cell, height: height,
      margin: {l: room.l + spare, r: room.r + spare, t: room.t, b: room.b, pad: 0, autoexpand: false}};
  }

  /** Fades a chart whose data is of another view than the link asks for, until the right data is there; answers
      what is drawn. */
  function announce(id, search, data) {
    const params = new URLSearchParams(search || "");
    const drawn = data.resolved || {};
    const asked = (name) => params.get(name) || (name === "layer" ? "value" : null);
    const stale = ["dataset", "metric", "method", "layer"].some((name) => drawn[name] && asked(name) && asked(name) !== drawn[name]);
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

  function drawHeatmap(data, search, appearance, templates, id) {
    if (!data || !data.figure) return window.dash_clientside.no_update;
    const orderName = window.parallax.fieldOf(search, data, "order") || "cluster";
    const order = data.orders[orderName] || data.orders.cluster;
    const names = order.map((i) => data.models[i]);
    const size = Math.max(names.length, 1);
    const traces = data.figure.data.map((trace) => permuted(trace, order, names));
    const highlight = window.parallax.fieldOf(search, data, "highlight");
    const shown = names.map((name) => (name === highlight ? "<b>▸ " + name + "</b>" : name));

    const narrow = widthOf(id) < NARROW;
    const columns = data.figure.layout.xaxis.range[1] - data.figure.layout.xaxis.range[0];
    const font = Math.max(8, Math.min(13, (widthOf(id) - 250) / size * 0.72));
    const labelled = !narrow && (widthOf(id) - 250) / size >= 7;
    const label = labelled ? widest(names, font) + 26 : 6;
    const title = data.figure.layout.coloraxis.colorbar.title.text;
    const second = title.length > 46 ? 17 : 0; // room for a second line of the colour bar's title
    const place = fit(id, columns, size, narrow ? {l: 4, r: 4, t: 4, b: 78 + second} : {l: label, r: 98 + second, t: 10, b: label});
    const ticks = {showticklabels: labelled, tickfont: {size: font}, tickvals: names, ticktext: shown,
      categoryarray: names, ticklabelstandoff: 5, automargin: false};

    const layout = withTemplate(data.figure.layout, templates, appearance);
    layout.margin = place.margin;
    layout.height = place.height;
    layout.xaxis = Object.assign({}, layout.xaxis, ticks);
    layout.yaxis = Object.assign({}, layout.yaxis, ticks);
    layout.uirevision = orderName;
    layout.meta = Object.assign({order: orderName}, announce(id, search, data));
    layout.coloraxis = colourBar(layout, narrow);
    if (second) layout.coloraxis.colorbar.title = twoLines(layout.coloraxis.colorbar.title, place.cell * (narrow ? columns : size));
    const range = data.ranges[window.parallax.fieldOf(search, data, "scale") || "full"] || data.ranges.full;
    layout.coloraxis.cmin = range[0];
    layout.coloraxis.cmax = range[1];
    layout.shapes = groupLines(data.groups[orderName] || [], names.length)
      .concat(outlineOf(names.indexOf(highlight), names.length));
    if (data.cells) {
      const showMarks = (window.parallax.fieldOf(search, data, "uncertainty") || "shown") === "shown";
      const marks = showMarks ? window.parallax.marksOf(data, order, rowsOf(data.figure.data[0].z), range, place.cell) : null;
      layout.images = marks ? [marks] : [];
      traces[0] = Object.assign({}, traces[0], {hoverinfo: "none", hovertemplate: ""});
      layout.annotations = tauMark(data.tau, range, narrow);
    }
    return {data: traces, layout: layout};
  }

  /** A long title of the colour bar: its direction goes on a line of its own, and letters shrink to fit the length. */
  function twoLines(title, length) {
    const cut = title.text.lastIndexOf(" (");
    const lines = [title.text.slice(0, cut), title.text.slice(cut + 1)];
    const size = Math.max(9, Math.min(14, (13 * length) / widest(lines, 13)));
    return Object.assign({}, title, {text: lines.join("<br>"), font: {size: size}});
  }

  /** The median tau, pointing at its place on the colour bar. */
  function tauMark(tau, range, narrow) {
    if (tau === null || tau === undefined || tau < range[0] || tau > range[1]) return [];
    const at = (tau - range[0]) / (range[1] - range[0]);
    const beside = narrow ? {x: at, y: 0, xanchor: "right", yanchor: "top", yshift: 1, xshift: 7, text: "<b>τ▾</b>"}
      : {x: 1, y: at, xanchor: "right", yanchor: "middle", xshift: 21, text: "<b>τ▸</b>"};
    return [Object.assign({xref: "paper", yref: "paper", showarrow: false, font: {size: 14}, borderpad: 0,
      hovertext: "median τ: unrelated models pass it with probability 0.05"}, beside)];
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

  /** Lines between groups of models. */
  function groupLines(places, size) {
    return places.flatMap((place) => [
      {type: "line", x0: place - 0.5, x1: place - 0.5, y0: -0.5, y1: size - 0.5, line: {color: "#ffffff", width: 2}},
      {type: "line", x0: -0.5, x1: size - 0.5, y0: place - 0.5, y1: place - 0.5, line: {color: "#ffffff", width: 2}},
    ]);
  }

  /** A frame around a model's row and column. */
  function outlineOf(place, size) {
    if (place < 0) return [];
    // White below vermilion stands out on dark and bright cells alike.
    return [{color: "#ffffff", width: 6}, {color: "#D55E00", width: 3}].flatMap((line) => [
      {type: "rect", x0: -0.5, x1: size - 0.5, y0: place - 0.5, y1: place + 0.5, line: line},
      {type: "rect", x0: place - 0.5, x1: place + 0.5, y0: -0.5, y1: size - 0.5, line: line},
    ]);
  }

  window.parallax = Object.assign(window.parallax || {}, {rowsOf, widest, widthOf, fit, withTemplate, colourBar});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawHeatmap, drawStrip});
})();
