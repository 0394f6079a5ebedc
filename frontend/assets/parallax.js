/* What runs in the browser: links, drawing, appearance. Called by Dash as clientside callbacks; the pure parts come first.
   Views and their fields are described by frontend/urls.py and arrive as data, so links are written by one definition. */
(function () {
  "use strict";

  const NARROW = 560; // below this width of a chart its labels go and the colour bar lies down

  // ---- Links ----

  /** The same characters stay readable as in frontend/urls.py. */
  function quoted(text) {
    return encodeURIComponent(text)
      .replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase())
      .replace(/%3A/g, ":").replace(/%3D/g, "=").replace(/%2C/g, ",").replace(/%2F/g, "/");
  }

  function normal(path) {
    return "/" + (path || "").replace(/^\/+|\/+$/g, "");
  }

  /** The query string of a view with some fields changed, as `encode` would write it. */
  function searchWith(schema, path, search, changes) {
    const fields = schema.views[normal(path)] || [];
    const params = new URLSearchParams(search || "");
    const given = [];
    for (const field of fields) {
      let value = changes[field.name];
      if (value === undefined || value === null) value = params.get(field.name);
      if (value !== null && value !== field.default) given.push(field.name + "=" + quoted(value));
    }
    return given.length ? "?v=" + schema.version + "&" + given.join("&") : "";
  }

  /** A field of the present view: from the link, else what the data resolved it to, else nothing. */
  function fieldOf(search, data, name) {
    return new URLSearchParams(search || "").get(name) || (data.resolved || {})[name] || "";
  }

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
    const stale = ["dataset", "metric", "method"].some((name) => drawn[name] && params.get(name) && params.get(name) !== drawn[name]);
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
    const lying = {orientation: "h", x: 0.5, xanchor: "center", y: 0, yanchor: "top", ypad: 12, thickness: 12, len: 1,
      title: {text: text, side: "bottom", font: {size: 12}}};
    const standing = {orientation: "v", x: 1, xanchor: "left", xpad: 14, y: 0.5, len: 1, ypad: 0, thickness: 14,
      title: {text: text, side: "right"}};
    return Object.assign({}, axis, {colorbar: Object.assign({}, axis.colorbar, narrow ? lying : standing)});
  }

  function drawHeatmap(data, search, appearance, templates, id) {
    if (!data || !data.figure) return window.dash_clientside.no_update;
    const orderName = fieldOf(search, data, "order") || "cluster";
    const order = data.orders[orderName] || data.orders.cluster;
    const names = order.map((i) => data.models[i]);
    const size = Math.max(names.length, 1);
    const traces = data.figure.data.map((trace) => permuted(trace, order, names));
    const highlight = fieldOf(search, data, "highlight");
    const shown = names.map((name) => (name === highlight ? "<b>▸ " + name + "</b>" : name));

    const narrow = widthOf(id) < NARROW;
    const columns = data.figure.layout.xaxis.range[1] - data.figure.layout.xaxis.range[0];
    const font = Math.max(8, Math.min(13, (widthOf(id) - 250) / size * 0.72));
    const labelled = !narrow && (widthOf(id) - 250) / size >= 7;
    const label = labelled ? widest(names, font) + 26 : 6;
    const place = fit(id, columns, size, narrow ? {l: 4, r: 4, t: 4, b: 74} : {l: label, r: 92, t: 10, b: label});
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
    const range = data.ranges[fieldOf(search, data, "scale") || "full"] || data.ranges.full;
    layout.coloraxis.cmin = range[0];
    layout.coloraxis.cmax = range[1];
    layout.shapes = groupLines(data.groups[orderName] || [], names.length)
      .concat(outlineOf(names.indexOf(highlight), names.length));
    return {data: traces, layout: layout};
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

  function drawMap(data, search, appearance, templates, id) {
    if (!data || !data.figure) return window.dash_clientside.no_update;
    const narrow = widthOf(id) < 440;
    const size = data.names.length;
    const font = narrow ? 11 : size > 16 ? 12 : 14;
    const titles = data.figure.layout.xaxis.categoryarray;
    const label = widest(titles, font) + 14;
    const columns = data.figure.layout.xaxis.range[1] - data.figure.layout.xaxis.range[0];
    const place = fit(id, columns, size, {l: label, r: narrow ? 4 : 84, t: 10, b: label});
    const layout = withTemplate(data.figure.layout, templates, appearance);
    layout.meta = announce(id, search, data);
    const ticks = {tickfont: {size: font}, ticklabelstandoff: 5, automargin: false};
    layout.margin = place.margin;
    layout.height = place.height;
    layout.xaxis = Object.assign({}, layout.xaxis, ticks, {tickangle: -90});
    layout.yaxis = Object.assign({}, layout.yaxis, ticks);
    layout.coloraxis = Object.assign({}, colourBar(layout, false), {showscale: !narrow});
    const a = data.names.indexOf(fieldOf(search, data, "a"));
    const b = data.names.indexOf(fieldOf(search, data, "b"));
    const frames = a < 0 || b < 0 ? [] : [[a, b], [b, a]].map(([row, column], k) => ({
      type: "rect", x0: column - 0.5, x1: column + 0.5, y0: row - 0.5, y1: row + 0.5,
      line: {color: "#D55E00", width: 3.5, dash: k ? "dot" : "solid"},
    }));
    layout.shapes = (layout.shapes || []).concat(frames);
    // A number is printed where it fits into its cell.
    const text = Math.min(15, place.cell * 0.34);
    const traces = data.figure.data.map((trace) => (trace.texttemplate
      ? Object.assign({}, trace, {textfont: {size: text}}, text < 8 ? {texttemplate: ""} : {}) : trace));
    return {data: traces, layout: layout};
  }

  function drawScatter(data, appearance, templates, id) {
    if (!data || !data.figure) return window.dash_clientside.no_update;
    const narrow = widthOf(id) < 440;
    const rows = Math.ceil(data.figure.data.length / (narrow ? 1 : 2));
    const place = fit(id, 1, 1, {l: narrow ? 48 : 64, r: 12, t: 10 + 22 * rows, b: narrow ? 46 : 58});
    const layout = withTemplate(data.figure.layout, templates, appearance);
    const models = layout.meta.models;
    const traces = data.figure.data.map((trace) => Object.assign({}, trace, {
      text: Array.from(rowsOf(trace.customdata), (pair) => "<b>" + models[pair[0]] + "</b><br><b>" + models[pair[1]] + "</b>"),
    }));
    const axis = (given) => Object.assign({}, given, {automargin: false, nticks: narrow ? 4 : 6,
      title: Object.assign({}, given.title, {font: {size: narrow ? 12 : 15}})});
    layout.margin = place.margin;
    layout.height = place.height;
    layout.xaxis = axis(layout.xaxis);
    layout.yaxis = axis(layout.yaxis);
    layout.legend = Object.assign({}, layout.legend, {font: {size: narrow ? 11 : 13},
      entrywidthmode: "fraction", entrywidth: narrow ? 1 : 0.5});
    return {data: traces, layout: layout};
  }

  // ---- State of a view: the link is the truth, controls follow it and write it ----

  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /** Completes the link with what the data resolved, sets the controls by it, and answers the link. */
  function sync(data, search, schema) {
    if (!data || data.path !== normal(window.location.pathname)) return window.dash_clientside.no_update;
    const params = new URLSearchParams(window.location.search);
    const changes = {};
    for (const [name, value] of Object.entries(data.resolved || {})) {
      const control = Object.values(data.controls || {}).find((entry) => entry.field === name);
      const options = control && control.data ? control.data.map((option) => option.value) : data.names;
      const given = params.get(name);
      if (!given || (options && !options.includes(given))) changes[name] = value;
    }
    const complete = searchWith(schema, data.path, window.location.search, changes);
    if (complete !== window.location.search) {
      window.history.replaceState(window.history.state, "", data.path + complete);
      set("url", {search: complete});
      search = complete;
    }
    const defaults = Object.fromEntries((schema.views[data.path] || []).map((field) => [field.name, field.default]));
    for (const [id, control] of Object.entries(data.controls || {})) {
      const props = {value: fieldOf(search, data, control.field) || defaults[control.field]};
      if (control.data) props.data = control.data;
      set(id, props);
    }
    return searchWith(schema, data.path, search, {});
  }

  /** Writes the control that was changed into the link. */
  function navigate() {
    const context = window.dash_clientside.callback_context;
    const schema = arguments[arguments.length - 1];
    const path = normal(window.location.pathname);
    const changes = {};
    for (const {prop_id: id, value} of context.triggered) {
      const [page, field] = id.replace(/\.value$/, "").split("--");
      if (value === null || value === undefined || path !== "/" + (page === "overview" ? "" : page)) continue;
      changes[field] = value;
    }
    if (!Object.keys(changes).length) return;
    const next = searchWith(schema, path, window.location.search, changes);
    if (next !== searchWith(schema, path, window.location.search, {})) set("url", {search: next});
  }

  /** A click on the map opens the scatter of its two datasets. */
  function openCell(click, data, schema) {
    const point = click && click.points && click.points[0];
    if (!point || !data) return;
    const titles = data.figure.layout.xaxis.categoryarray;
    const a = titles.indexOf(point.y);
    const b = titles.indexOf(point.x);
    if (a < 0 || b < 0 || a === b) return;
    set("url", {search: searchWith(schema, data.path, window.location.search, {a: data.names[a], b: data.names[b]})});
  }

  function followState(search) {
    return new URLSearchParams(search || "").get("state") || "all";
  }

  // ---- Appearance ----

  let watching = false;
  let lastPath = null;

  function reportAppearance() {
    const scheme = document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";
    set("appearance", {data: {scheme: scheme, width: Math.round(window.innerWidth / 40) * 40}});
  }

  function watchAppearance() {
    if (watching) return;
    watching = true;
    reportAppearance();
    new MutationObserver(reportAppearance)
      .observe(document.documentElement, {attributes: true, attributeFilter: ["data-mantine-color-scheme"]});
    let pending = null;
    window.addEventListener("resize", () => {
      window.clearTimeout(pending);
      pending = window.setTimeout(reportAppearance, 150);
    });
  }

  function documentTitle(title) {
    document.title = !title || title === "Overview" || title === "Parallax" ? "Parallax" : title + " · Parallax";
  }

  /** Marks the page in the rail, and starts a new page at its top. */
  function markCurrent(pathname) {
    const path = normal(pathname);
    document.querySelectorAll(".rail-link").forEach((link) => {
      const target = normal(link.getAttribute("href"));
      const current = target === path || (target !== "/" && path.startsWith(target + "/"));
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    if (lastPath !== null && lastPath !== path) window.scrollTo(0, 0);
    lastPath = path;
    watchAppearance();
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {
    sync, navigate, openCell, followState, drawHeatmap, drawMap, drawScatter, documentTitle, markCurrent, searchWith,
  });
})();
