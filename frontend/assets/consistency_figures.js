/* Drawing of the figures of consistency: rows, map, scatter. */
(function () {
  "use strict";

  const same = () => window.dash_clientside.no_update;
  const tools = () => window.parallax;
  const merge = (...parts) => Object.assign({}, ...parts);

  function boxOf(id) {
    const graph = document.getElementById(id);
    return graph && graph.closest(".chart-box");
  }

  /** Names the pair of datasets of every dot that carries one. */
  function named(trace, pairs) {
    if (!pairs || trace.customdata === undefined) return trace;
    const text = Array.from(tools().rowsOf(trace.customdata), (k) => (pairs[k] ? "<b>" + pairs[k][0] + "</b><br><b>" + pairs[k][1] + "</b>" : ""));
    return merge(trace, {text: text});
  }

  /** Words broken into lines of at most so many letters. */
  function broken(words, most) {
    const lines = [""];
    for (const word of words.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && (last + " " + word).length > most) lines.push(word);
      else lines[lines.length - 1] = last ? last + " " + word : word;
    }
    return lines;
  }

  /** A figure of rows: its height from the number of rows, its left margin from their labels. */
  function drawRows(data, appearance, templates, id) {
    const box = boxOf(id);
    if (!data || !data.figure || !box) return same();
    const narrow = tools().widthOf(id) < 440;
    const meta = data.figure.layout.meta;
    const font = narrow ? 11 : 13;
    const most = narrow ? 20 : 44;
    const labels = meta.labels.map(([title, note]) => [broken(title, most), note ? broken(note, narrow ? 22 : 52) : []]);
    const lines = labels.map(([title, note]) => title.length + note.length);
    const row = Math.max(meta.row_px, ...lines.map((n) => 8 + n * (font + 3)));
    const left = 14 + Math.max(
      tools().widest(labels.flatMap(([title]) => title), font), tools().widest(labels.flatMap(([, note]) => note), font - 2),
      meta.difference ? tools().widest(["Difference"], font) : 0);
    const height = Math.round(meta.rows * row) + (narrow ? 76 : 62);
    Object.assign(box.style, {height: height + "px", aspectRatio: "auto", maxHeight: "none"});
    const layout = tools().withTemplate(data.figure.layout, templates, appearance);
    layout.height = height;
    layout.margin = {l: left, r: narrow ? 8 : 22, t: 8, b: narrow ? 68 : 54, pad: 0, autoexpand: false};
    const ticks = labels.map(([title, note]) => title.join("<br>")
      + (note.length ? "<br><span style='font-size:" + (font - 2) + "px'>" + note.join("<br>") + "</span>" : ""));
    layout.yaxis = merge(layout.yaxis, {ticktext: ticks, tickfont: {size: font}, automargin: false, ticklabelstandoff: 8});
    for (const name of ["xaxis", "xaxis3"]) {
      if (!layout[name]) continue;
      layout[name] = merge(layout[name], {automargin: false, nticks: narrow ? 4 : 8, tickfont: {size: font},
        title: merge(layout[name].title, {text: broken(layout[name].title.text, narrow ? 34 : 90).join("<br>"), font: {size: font}, standoff: 6})});
    }
    // Marks beside labels need more of a small width.
    if (narrow && layout.xaxis.domain && layout.xaxis.domain[0] > 0) {
      layout.xaxis2 = merge(layout.xaxis2, {domain: [0, 0.1]});
      for (const name of ["xaxis", "xaxis3"]) if (layout[name]) layout[name] = merge(layout[name], {domain: [0.12, 1]});
    }
    if (layout.yaxis3) layout.yaxis3 = merge(layout.yaxis3, {tickfont: {size: font}, automargin: false, ticklabelstandoff: 8});
    return {data: data.figure.data.map((trace) => named(trace, meta.dataset_pairs)), layout: layout};
  }

  function drawMap(data, search, appearance, templates, id) {
    if (!data || !data.figure || !boxOf(id)) return same();
    const width = tools().widthOf(id);
    const narrow = width < 440;
    const size = data.names.length;
    const font = narrow ? 11 : size > 16 ? 12 : 14;
    const titles = data.figure.layout.xaxis.categoryarray;
    const label = Math.min(tools().widest(titles, font) + 14, width * 0.34);
    const columns = data.figure.layout.xaxis.range[1] - data.figure.layout.xaxis.range[0];
    const place = tools().fit(id, columns, size, {l: label, r: narrow ? 4 : 84, t: 10, b: label});
    const layout = tools().withTemplate(data.figure.layout, templates, appearance);
    const ticks = {tickfont: {size: font}, ticklabelstandoff: 5, automargin: false};
    layout.meta = {};
    layout.margin = place.margin;
    layout.height = place.height;
    layout.xaxis = merge(layout.xaxis, ticks, {tickangle: -90});
    layout.yaxis = merge(layout.yaxis, ticks);
    layout.coloraxis = merge(tools().colourBar(layout, false), {showscale: !narrow});
    const a = data.names.indexOf(tools().fieldOf(search, data, "a"));
    const b = data.names.indexOf(tools().fieldOf(search, data, "b"));
    const frames = a < 0 || b < 0 ? [] : [[a, b], [b, a]].map(([row, column], k) => ({
      type: "rect", x0: column - 0.5, x1: column + 0.5, y0: row - 0.5, y1: row + 0.5,
      line: {color: "#D55E00", width: 3.5, dash: k ? "dot" : "solid"},
    }));
    layout.shapes = (layout.shapes || []).concat(frames);
    // A number is printed where it fits into its cell.
    const text = Math.min(15, place.cell * 0.34);
    const traces = data.figure.data.map((trace) => (trace.texttemplate
      ? merge(trace, {textfont: {size: text}}, text < 8 ? {texttemplate: ""} : {}) : trace));
    return {data: traces, layout: layout};
  }

  /** Axes of a square scatter in the room there is. */
  function square(layout, id) {
    const narrow = tools().widthOf(id) < 440;
    const place = tools().fit(id, 1, 1, {l: narrow ? 48 : 64, r: 12, t: 10, b: narrow ? 46 : 58});
    const axis = (given) => merge(given, {automargin: false, nticks: narrow ? 4 : 6,
      title: merge(given.title, {text: broken(given.title.text, narrow ? 40 : 60).join("<br>"), font: {size: narrow ? 11 : 14}})});
    return merge(layout, {margin: place.margin, height: place.height, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis)});
  }

  /** The scatter; the pairs of a highlighted model stand out, without asking the server. */
  function drawScatter(data, search, appearance, templates, id) {
    if (!data || !data.figure || !boxOf(id)) return same();
    const narrow = tools().widthOf(id) < 440;
    const layout = square(tools().withTemplate(data.figure.layout, templates, appearance), id);
    // Drawing around points would take the finger that scrolls a small screen.
    layout.dragmode = narrow ? false : "lasso";
    const place = layout.meta.models.indexOf(tools().fieldOf(search, data, "highlight"));
    const traces = data.figure.data.map((trace) => (place >= 0 && trace.meta && trace.meta.pairs ? marked(trace, place) : trace));
    return {data: traces, layout: layout};
  }

  /** A trace in which the pairs of one model are framed and the others step back. */
  function marked(trace, place) {
    const rows = Array.from(tools().rowsOf(trace.customdata));
    const of = rows.map((row) => row[0] === place || row[1] === place);
    const marker = merge(trace.marker, {
      opacity: of.map((one) => (one ? 1 : 0.18)), size: of.map((one) => trace.marker.size + (one ? 3 : 0)),
      line: {width: of.map((one) => (one ? 2 : trace.marker.line.width)), color: of.map((one) => (one ? "#D55E00" : trace.marker.line.color))},
    });
    return merge(trace, {marker: marker});
  }

  function drawTwins(data, appearance, templates, id) {
    if (!data || !data.figure || !boxOf(id)) return same();
    const layout = square(tools().withTemplate(data.figure.layout, templates, appearance), id);
    return {data: data.figure.data.map((trace) => named(trace, layout.meta.dataset_pairs)), layout: layout};
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawRows, drawMap, drawScatter, drawTwins});
})();
