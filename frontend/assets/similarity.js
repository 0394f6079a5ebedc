/* The Similarity page in the browser: what a link asks the server for, crops, clicks, undo, and what stands around the
   picture. Filter, order, crop and pins are in the link and take effect without a server call. */
(function () {
  "use strict";

  const PATH = "/similarity";
  const GRAPH = "similarity-graph";
  // What the server must know to answer; everything else of the link is done here.
  const ASKED = ["dataset", "metric", "layer", "view", "with_dataset", "with_metric", "datasets", "labels"];
  // What Undo takes back.
  const CHOSEN = ["models", "group", "order", "to", "custom", "crop"];
  const MOST_PAST = 60;
  const DIM = [0.78, 0.4, 0];

  let schema = null;
  let drawn = null; // the data on screen
  let past = []; // links before the present one, as far as CHOSEN differs
  let present = null;

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const here = () => window.parallax.normal(window.location.pathname) === PATH;
  const field = (name) => window.parallax.fieldOf(window.location.search, drawn, name);

  /** Changes fields of the link. */
  function go(changes) {
    if (!schema || !here()) return;
    const next = window.parallax.searchWith(schema, PATH, window.location.search, changes);
    if (next !== window.location.search) set("url", {search: next});
  }

  /** The part of the link that the server answers; unchanged while only the rest of it changes. */
  function question(search, pathname, given, known) {
    if (window.parallax.normal(pathname) !== PATH) return window.dash_clientside.no_update;
    schema = given;
    const params = new URLSearchParams(search || "");
    const others = Object.fromEntries(given.views[PATH].filter((one) => !ASKED.includes(one.name)).map((one) => [one.name, one.default]));
    const asked = window.parallax.searchWith(given, PATH, "?" + params, others);
    return asked === known ? window.dash_clientside.no_update : asked;
  }

  // ---- Changing the view ----

  /** Group, order and the model to order by: a crop belongs to an order, so it goes with it. */
  function arrange() {
    const changes = {};
    for (const {prop_id: prop, value: reported} of window.dash_clientside.callback_context.triggered) {
      const id = prop.replace(/\.value$/, "");
      const name = id.split("--")[1];
      if (reported === null || reported === undefined) continue;
      const value = window.parallax.chosenIn(id, reported);
      const usual = schema ? schema.views[PATH].find((one) => one.name === name).default : "";
      if (value === undefined || value === (field(name) || usual)) continue;
      Object.assign(changes, {[name]: value, crop: ""});
    }
    if (changes.order === "model" && !field("to") && drawn) changes.to = field("highlight") || drawn.models[0];
    if (Object.keys(changes).length) go(changes);
  }

  /** The model that is looked for is outlined. */
  function find(name) {
    if (!drawn || window.parallax.chosenIn("similarity--highlight", name) === undefined || (name || "") === field("highlight")) return;
    go({highlight: name || ""});
  }

  /** A predicate that was typed, or the name of a saved set, which stands for its predicate: the link means the same when the
      set is deleted. The server says what is wrong with what cannot be read. */
  function filterBy(text) {
    if (!drawn || text === null || text === undefined || window.parallax.chosenIn("similarity-predicate", text) === undefined) return;
    const sets = drawn.sets || {};
    const wanted = Object.hasOwn(sets, text.trim()) ? sets[text.trim()] : text.trim();
    if (wanted !== field("models")) go({models: wanted, crop: ""});
  }

  /** A drag over the picture crops it to the models below; a double click shows everything. */
  function zoomed(change, data) {
    if (!change || !data || !data.panes || !here()) return;
    const axis = Object.keys(change).map((key) => /^[xy]axis(\d*)\.range\[0\]$/.exec(key)).find(Boolean);
    if (!axis) return;
    set(GRAPH, {relayoutData: null});
    const chosen = window.parallax.chosenModels(data, window.location.search);
    const range = (letter, n) => {
      const ends = [0, 1].map((end) => change[letter + "axis" + axis[1] + ".range[" + end + "]"]);
      return ends.includes(undefined) ? [0, n - 1] : [Math.max(0, Math.round(Math.min(...ends))), Math.min(n - 1, Math.round(Math.max(...ends)))];
    };
    const [left, right] = range("x", chosen.columns.length);
    const [top, bottom] = range("y", chosen.rows.length);
    const everything = !left && !top && right === chosen.columns.length - 1 && bottom === chosen.rows.length - 1;
    if (everything && field("crop")) go({crop: ""});
    else crop(data, chosen, chosen.top + top, chosen.top + bottom, chosen.left + left, chosen.left + right);
  }

  /** Shows the models at these places of the order alone. */
  function crop(data, chosen, top, bottom, left, right) {
    const text = window.parallax.cropText(data, chosen, top, bottom, left, right);
    if (text !== field("crop") && (bottom > top || right > left)) go({crop: text});
    else redraw(); // the crop stays, and the zoom must go
  }

  /** A click on a cell pins its two models, on the pinned pair lets it go; on a side bar it filters by that value. */
  function clickCell(click, data) {
    const point = click && click.points && click.points[0];
    const trace = window.parallax.traceOf(document.getElementById(GRAPH), point);
    if (!trace || !trace.meta || !data || !here()) return;
    set(GRAPH, {clickData: null}); // so that the next click on the same cell is an event again
    const meta = trace.meta;
    if (meta.permute === "rows") {
      const {chosen, toggled, written} = window.parallax.facets;
      go({models: written(toggled(data.filter, chosen(data.filter, field("models")), meta.attribute, meta.value)), crop: ""});
    } else pin(point.y, point.x);
  }

  function pin(a, b) {
    const before = field("pair").split(",");
    const same = before.length === 2 && before.includes(a) && before.includes(b);
    if (a !== b) go({pair: same ? "" : a + "," + b});
  }

  /** The title of a square opens that dataset alone. */
  function openPane(click, data) {
    const name = click && click.annotation && click.annotation.name;
    const pane = /^pane-\d+$/.test(name || "") && data.panes[Number(name.slice(5))];
    if (pane) go({view: "one", dataset: pane.dataset});
  }

  function undo() {
    const before = past.pop();
    if (before === undefined || !here()) return;
    const params = new URLSearchParams(before);
    const usual = Object.fromEntries(schema.views[PATH].map((one) => [one.name, one.default]));
    present = before;
    go(Object.fromEntries(CHOSEN.map((name) => [name, params.get(name) || usual[name]])));
  }

  /** The pair that the link pins, with what its panel needs to ask. */
  function pinned(search, data, known) {
    if (!data) return window.dash_clientside.no_update;
    const pair = window.parallax.fieldOf(search, data, "pair").split(",");
    const whole = data.panes && pair.length === 2 && pair.every((name) => data.models.includes(name)) && pair[0] !== pair[1];
    const wanted = whole ? {a: pair[0], b: pair[1], metric: data.panes[0].metric, layer: data.resolved.layer || "value", dataset: data.panes[0].dataset} : null;
    return JSON.stringify(wanted) === JSON.stringify(known || null) ? window.dash_clientside.no_update : wanted;
  }

  // ---- Around the picture ----

  let watched = null;
  let width = 0;

  /** Draws again when the picture's room changes, as it does when a panel opens beside it. */
  const room = new ResizeObserver((entries) => {
    const now = Math.round(entries[0].contentRect.width);
    if (width && now && Math.abs(now - width) > 2) redraw();
    width = now || width;
  });

  function watchRoom() {
    const holder = document.querySelector(".heatmap-holder");
    if (!holder || holder === watched) return;
    room.disconnect();
    [watched, width] = [holder, 0];
    room.observe(holder);
  }

  function redraw() {
    window.parallax.redrawn = (window.parallax.redrawn || 0) + 1;
    set("similarity-redraw", {data: window.parallax.redrawn});
  }

  function around(data, search, given) {
    const nothing = window.dash_clientside.no_update;
    if (!data || !here()) return nothing;
    schema = given;
    drawn = data;
    const root = document.getElementById("similarity-root");
    if (root) {
      root.dataset.view = data.view || window.parallax.fieldOf(search, data, "view") || "one";
      root.dataset.order = window.parallax.fieldOf(search, data, "order") || "cluster";
    }
    if (!data.panes) return nothing;
    remember(search);
    window.dash_clientside.parallax.facets({path: PATH, groups: [data.filter], controls: {}}, search, given);
    const chosen = window.parallax.chosenModels(data, search);
    // Places may be rendered with the data, a moment later.
    window.requestAnimationFrame(() => window.requestAnimationFrame(() => {
      const button = (id, enabled) => { const found = document.getElementById(id); if (found) found.disabled = !enabled; };
      button("similarity-undo", past.length > 0);
      button("similarity-whole", chosen.cropped);
      const cropped = document.getElementById("similarity-cropped");
      if (cropped) cropped.textContent = chosen.problem || (chosen.cropped ? "Cropped to " + chosen.rows.length + " × " + chosen.columns.length + "." : "");
      window.parallax.describeShown(data, chosen, search);
      window.parallax.followCells(data, chosen);
      watchRoom();
    }));
    return nothing;
  }

  /** Keeps the link before this one when what Undo takes back has changed. */
  function remember(search) {
    const state = (text) => JSON.stringify(CHOSEN.map((name) => new URLSearchParams(text || "").get(name)));
    if (present !== null && state(present) !== state(search) && past[past.length - 1] !== search) {
      past.push(present);
      past = past.slice(-MOST_PAST);
    } else if (present !== null && past[past.length - 1] === search) past.pop(); // Back has undone it
    present = search;
  }

  /** Dims the cells outside a value of the legend while it is pointed at: `attribute value`, or nothing. */
  function spotlight(key) {
    const graph = document.getElementById(GRAPH);
    const box = graph && graph.closest(".chart-box");
    if (!box) return;
    const old = box.querySelector(".spotlight");
    if (old) old.remove();
    const at = (key || "").indexOf(" ");
    const facet = drawn && drawn.panes && at > 0 && window.parallax.facetOf(drawn, key.slice(0, at));
    const chart = box.querySelector(".js-plotly-plot");
    if (!facet || !chart || !chart._fullLayout) return;
    const code = facet.values.findIndex((value) => value.slug === key.slice(at + 1));
    const chosen = window.parallax.chosenModels(drawn, window.location.search);
    const canvas = window.parallax.element("canvas", "spotlight");
    canvas.width = box.clientWidth;
    canvas.height = box.clientHeight;
    const pen = canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--paper");
    for (const name of Object.keys(chart._fullLayout._plots)) {
      const {xaxis, yaxis} = chart._fullLayout._plots[name];
      const side = xaxis._length / Math.abs(xaxis.range[1] - xaxis.range[0]);
      chosen.rows.forEach((i, r) => chosen.columns.forEach((j, c) => {
        pen.globalAlpha = DIM[(facet.codes[i] === code) + (facet.codes[j] === code)];
        if (pen.globalAlpha) pen.fillRect(xaxis._offset + xaxis.d2p(c - 0.5), yaxis._offset + yaxis.d2p(r - 0.5), side + 0.4, side + 0.4);
      }));
    }
    box.append(canvas);
  }

  for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, (event) => {
      const button = event.target.closest && event.target.closest("#similarity-facets .facet[data-key]");
      if (button) spotlight(button.dataset.key);
    });
    document.addEventListener(leave, (event) => {
      if (event.target.closest && event.target.closest("#similarity-facets .facet")) spotlight("");
    });
  }
  document.addEventListener("click", (event) => {
    const id = event.target.closest && event.target.closest("button") ? event.target.closest("button").id : "";
    if (id === "similarity-undo") undo();
    if (id === "similarity-whole") go({crop: ""});
    if (id === "similarity-unpin") go({pair: ""});
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, [contenteditable]");
    if (here() && !typing && (event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      undo();
    }
  });

  window.parallax = Object.assign(window.parallax || {}, {similarity: {go, crop, pin, undo, field}});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {
    question, arrange, find, filterBy, zoomed, clickCell, openPane, pinned, around,
  });
})();
