/* The heatmap: one square of models by models, several side by side, or two matrices in the halves of one, in the order,
   crop, size and colours of this browser. The server sends numbers and words (frontend/pages/picture.py, panes.py). */
(function () {
  "use strict";

  const NARROW = 560; // below this width of a chart its labels go and the colour bar lies down
  const BAR = 0.034; // width of a side bar as a share of the number of models
  const LARGEST_CELL = 96;
  const LEAST_SIDE = 230; // of a square beside others, in pixels
  const NOT_COMPUTED = "rgba(134, 142, 150, 0.32)";

  // ---- What is drawn ----

  /** The squares of a view, each with the parts that fill it. */
  function squaresOf(data) {
    const panes = data.panes;
    const {drawnOf, matrixOf} = window.parallax;
    if (data.view === "multiples") return panes.map((pane, k) => ({title: pane.title, parts: [{pane: pane, at: drawnOf(pane), index: k}]}));
    if (data.view === "split" && panes[1]) {
      const own = panes[0].words !== panes[1].words;
      return [{parts: panes.map((pane, k) => ({pane: pane, at: drawnOf(pane), index: k, half: k ? "below" : "above", second: own && k === 1}))}];
    }
    return [{parts: [{pane: panes[0], at: matrixOf(data).at, index: 0}]}];
  }

  /** z of a part: rows of Float32Array. Outside its half there is nothing, which is told from what is not computed. */
  function fill(part, chosen) {
    const inside = part.half
      ? (r, c) => (part.half === "above") === (chosen.left + c > chosen.top + r) && chosen.left + c !== chosen.top + r
      : () => true;
    const z = chosen.rows.map((i, r) => Float32Array.from(chosen.columns, (j, c) => (inside(r, c) ? part.at(i, j) : NaN)));
    return {z: z, inside: inside};
  }

  /** Cells without a value, by reason where templates of reasons are given, else in one trace. */
  function gapTraces(data, part, chosen, {z, inside}, names, axes, templates) {
    const missing = (r, c) => {
      if (Number.isFinite(z[r][c]) || !inside(r, c)) return false;
      const own = chosen.rows[r] === chosen.columns[c];
      return !own || (part.pane.withSelf && !data.difference);
    };
    if (!z.some((row, r) => row.some((value, c) => missing(r, c)))) return [];
    const grounds = templates.length ? templates : [null];
    return grounds.map((template) => {
      const fits = (i, j) => !template || window.parallax.reasonOf(data, part.pane, i, j) === template.meta.reason;
      const cells = chosen.rows.map((i, r) => Float32Array.from(chosen.columns, (j, c) => (missing(r, c) && fits(i, j) ? 1 : NaN)));
      const plain = {type: "heatmap", colorscale: [[0, NOT_COMPUTED], [1, NOT_COMPUTED]], showscale: false, hoverongaps: false,
        meta: {permute: "both"}};
      return Object.assign({}, template || plain, names, axes, {z: cells});
    });
  }

  /** The side bars of a square, in the shown rows. */
  function barTraces(data, chosen, names, axes, width) {
    const bars = data.figure.data.filter((trace) => trace.meta.permute === "rows");
    const attributes = [...new Set(bars.map((trace) => trace.meta.attribute))];
    const left = -0.5 - (0.4 + attributes.length) * width;
    return bars.map((trace) => {
      const z = window.parallax.rowsOf(trace.z);
      const place = attributes.indexOf(trace.meta.attribute);
      return Object.assign({}, trace, axes, {z: chosen.rows.map((i) => z[i]), y: names.y, x0: left + (place + 0.5) * width, dx: width});
    });
  }

  const axesOf = (k) => ({xaxis: "x" + (k ? k + 1 : ""), yaxis: "y" + (k ? k + 1 : "")});
  const made = new WeakMap();

  /** The traces of a view, made once for the models that are chosen: while those stay, the same arrays tell the plotting
      library that it has nothing to compute anew. */
  function tracesOf(data, chosen) {
    if (made.has(chosen)) return made.get(chosen);
    const names = {x: chosen.columns.map((i) => data.models[i]), y: chosen.rows.map((i) => data.models[i])};
    const bar = BAR * Math.max(names.x.length, names.y.length, 1);
    const squares = squaresOf(data);
    const silent = data.fixed ? {} : {hoverinfo: "none", hovertemplate: ""};
    const reasons = data.figure.data.slice(1).filter((trace) => trace.meta.permute === "both");
    const traces = squares.flatMap((square, k) => {
      const own = axesOf(k);
      const parts = square.parts.map((part) => ({part: part, filled: fill(part, chosen), meta: {permute: "both", pane: part.index}}));
      return [
        ...parts.map(({part, filled, meta}) => Object.assign({}, data.figure.data[0], names, own, silent,
          {z: filled.z, coloraxis: part.second ? "coloraxis2" : "coloraxis", meta: meta})),
        ...parts.flatMap(({part, filled, meta}) => gapTraces(data, part, chosen, filled, names, own, data.fixed ? reasons : [])
          .map((gap) => Object.assign(gap, silent, {meta: meta}))),
        ...barTraces(data, chosen, names, own, bar),
      ];
    });
    traces[0].meta.drawn = {}; // what the picture is of
    made.set(chosen, {names: names, squares: squares, traces: traces, bar: bar});
    return made.get(chosen);
  }

  // ---- Where ----

  /** Rows of squares: how many stand side by side, the side of a cell, and the height of all. */
  function grid(n, width, room, columns, rows, narrow) {
    const gap = {x: 22, y: 16, title: n > 1 ? 26 : 0};
    const inner = width - room.l - room.r;
    const most = Math.max(1, Math.min(n, Math.floor((inner + gap.x) / ((narrow ? 130 : LEAST_SIDE) + gap.x))));
    const across = Math.ceil(n / Math.ceil(n / most));
    const down = Math.ceil(n / across);
    const cell = Math.min(LARGEST_CELL, (inner - (across - 1) * gap.x) / across / columns);
    const height = down * (cell * rows + gap.title) + (down - 1) * gap.y;
    const domains = (k) => {
      const [x, y] = [k % across, Math.floor(k / across)];
      const left = x * (cell * columns + gap.x);
      const top = y * (cell * rows + gap.title + gap.y) + gap.title;
      return {x: [left / inner, Math.min(1, (left + cell * columns) / inner)],
        y: [Math.max(0, 1 - (top + cell * rows) / height), 1 - top / height]};
    };
    return {cell: cell, height: height, domains: domains};
  }

  /** Draws again, after a crop that changes nothing, with a new count of `redrawn`. */
  function redrawHeatmap(data, search, appearance, redrawn, templates, id) {
    return drawHeatmap(data, search, appearance, templates, id);
  }

  function drawHeatmap(data, search, appearance, templates, id) {
    if (!data || !data.figure || !data.panes) return window.dash_clientside.no_update;
    const {chosenModels, fieldOf, fit, widthOf, announce} = window.parallax;
    const chosen = chosenModels(data, search);
    const {names, squares, traces, bar} = tracesOf(data, chosen);
    const several = squares.length > 1;
    const narrow = widthOf(id) < NARROW;
    const [n_columns, n_rows] = [Math.max(1, names.x.length), Math.max(1, names.y.length)];
    const n_bars = new Set(data.figure.data.filter((t) => t.meta.permute === "rows").map((t) => t.meta.attribute)).size;
    const before = n_bars ? (0.4 + n_bars) * bar : 0;
    const units = n_columns + before;

    const axes = colourAxes(data, search, several);
    const room = roomFor(names, axes, narrow, several, data.view === "split" && axes.length === 1, Math.min((widthOf(id) - 250) / n_columns, LARGEST_CELL));
    let place;
    if (several) {
      place = grid(squares.length, widthOf(id), room, units, n_rows, narrow);
      Object.assign(place, window.parallax.sized(id, place.height + room.t + room.b, room));
    } else {
      place = fit(id, units, n_rows, room, LARGEST_CELL, data.fixed ? 210 : 250);
      place.domains = () => ({x: [0, 1], y: [0, 1]});
    }

    const style = (templates[appearance.scheme] || templates.light).layout;
    const layout = styled(style, data.figure.layout);
    layout.margin = place.margin;
    layout.height = place.height;
    layout.shapes = [];
    layout.annotations = [];
    delete layout.xaxis;
    delete layout.yaxis;
    layout.dragmode = window.matchMedia("(pointer: coarse)").matches || data.fixed ? false : "zoom";
    const highlight = fieldOf(search, data, "highlight");
    // The component passes on a copy of the layout, and a new array in it makes the plotting library draw every cell anew:
    // categories stand in the order of the cells, and labels are listed only where they are seen.
    const ticks = (labels) => Object.assign({}, style.xaxis, {type: "category", showticklabels: room.labelled, automargin: false},
      room.labelled ? {tickmode: "array", tickvals: labels, tickfont: {size: room.font}, ticklabelstandoff: 5,
        ticktext: labels.map((name) => (name === highlight ? "<b>▸ " + name + "</b>" : name))} : {});

    squares.forEach((square, k) => {
      const suffix = k ? String(k + 1) : "";
      const own = axesOf(k);
      const domains = place.domains(k);
      layout["xaxis" + suffix] = Object.assign(ticks(names.x), {range: [-0.5 - before, n_columns - 0.5], tickangle: -90, side: "bottom",
        domain: domains.x, anchor: own.yaxis});
      layout["yaxis" + suffix] = Object.assign(ticks(names.y), {range: [n_rows - 0.5, -0.5], domain: domains.y, anchor: own.xaxis});
      layout.shapes.push(...groupLines(chosen, own), ...outlines(names, highlight, own), ...pinned(names, fieldOf(search, data, "pair"), own));
      if (square.title) layout.annotations.push(titleOf(square.title, domains, k));
    });

    layout.uirevision = [search, chosen.rows.length, chosen.columns.length, window.parallax.redrawn || 0].join(" ");
    Object.assign(traces[0].meta.drawn, {order: fieldOf(search, data, "order") || "cluster", view: data.view || "one"}, announce(id, search, data));
    Object.assign(layout, placedBars(axes, style, narrow, place.cell * (narrow ? units : n_rows), several));
    if (data.view === "split" && data.panes[1] && axes.length === 1) layout.annotations.push(...halves(data));
    if ((data.view || "one") === "one") addMarks(data, search, chosen, layout, traces[0].z, place.cell, narrow);
    if (!names.x.length || !names.y.length) layout.annotations.push({xref: "paper", yref: "paper", x: 0.5, y: 0.5, showarrow: false,
      text: "No model passes the filter", font: {size: 15}});
    layout.annotations = layout.annotations.map((one) => Object.assign({}, style.annotationdefaults, one,
      {font: Object.assign({}, style.annotationdefaults.font, one.font)}));
    return {data: traces, layout: layout};
  }

  /** A layout in the style of a colour scheme, without a template, whose copies would draw every cell anew. */
  function styled(style, layout) {
    const made = Object.assign({}, style, layout);
    for (const name of ["template", "xaxis", "yaxis", "coloraxis", "annotationdefaults", "shapedefaults", "legend", "colorway", "meta"]) delete made[name];
    return made;
  }

  /** Room at each side for labels and colour bars, in pixels, and the size of the labels. */
  function roomFor(names, axes, narrow, several, split, estimate) {
    const labelled = !narrow && !several && estimate >= 7;
    const font = Math.max(8, Math.min(13, estimate * 0.72));
    const edge = 26;
    const beside = labelled ? window.parallax.widest(names.y, font) + edge : 6;
    const below = labelled ? window.parallax.widest(names.x, font) + edge : 8;
    const second = axes.map((axis) => (axis.words.length > 46 ? 17 : 0));
    const top = split ? 34 : 10;
    const bars = axes.reduce((sum, axis, k) => sum + (narrow || several ? 66 : 98) + second[k], 0);
    const room = narrow || several ? {l: narrow ? 4 : 8, r: narrow ? 4 : 8, t: split ? 30 : 4, b: bars + 12}
      : {l: beside, r: bars, t: top, b: below};
    return Object.assign(room, {labelled: labelled, font: font});
  }

  // ---- Colours ----

  /** The colour axes of a view: words, stops and range of each. */
  function colourAxes(data, search, several) {
    const [a, b] = data.panes;
    const wanted = window.parallax.fieldOf(search, data, "scale") || "full";
    const axis = (pane) => ({words: pane.words, scale: pane.scale, range: pane.ranges[wanted] || pane.ranges.full});
    if (data.view === "split" && b && a.words !== b.words) {
      const own = (pane) => (a.title === b.title ? "" : pane.title + ", ");
      const mark = (sign, pane) => Object.assign(axis(pane), {words: sign + " " + own(pane) + pane.words});
      return [mark("◥", a), mark("◣", b)];
    }
    if (data.difference && b) {
      const most = data.difference.refused ? 1 : farthest(data);
      return [{words: data.difference.words, scale: data.difference.scale, range: [-most, most]}];
    }
    const made = axis(a);
    if (several) made.range = [Math.min(...data.panes.map((p) => axis(p).range[0])), Math.max(...data.panes.map((p) => axis(p).range[1]))];
    return [made];
  }

  /** The largest difference either way between two models, rounded up, so that the scale is symmetric. */
  function farthest(data) {
    if (data.difference.farthest === undefined) {
      const {at} = window.parallax.matrixOf(data);
      let most = 0;
      for (let i = 0; i < data.models.length; i++) {
        for (let j = 0; j < data.models.length; j++) {
          const value = i === j ? NaN : Math.abs(at(i, j));
          if (value > most) most = value;
        }
      }
      Object.defineProperty(data.difference, "farthest", {value: Math.max(0.05, Math.ceil(most * 20 - 1e-6) / 20), enumerable: false});
    }
    return data.difference.farthest;
  }

  /** Colour axes with their bars: at the right and as high as the plot, or below it where there is little room. */
  function placedBars(axes, style, narrow, length, several) {
    const placed = {};
    let offset = 0;
    const lies = narrow || several;
    axes.forEach((axis, k) => {
      const long = axis.words.length > 46;
      const lying = {orientation: "h", x: 0.5, xanchor: "center", y: 0, yanchor: "top", ypad: 13 + offset, thickness: 12, len: several && !narrow ? 0.5 : 1};
      const standing = {orientation: "v", x: 1, xanchor: "left", xpad: 20 + offset, y: 0.5, len: 1, ypad: 0, thickness: 14};
      const title = {text: plain(axis.words), side: lies ? "bottom" : "right", font: {size: lies ? 12 : 14}};
      placed["coloraxis" + (k ? k + 1 : "")] = {cmin: axis.range[0], cmax: axis.range[1], colorscale: axis.scale,
        colorbar: Object.assign({}, style.coloraxis.colorbar, lies ? lying : standing, {title: long ? twoLines(title, axis.words, length) : title})};
      offset += (lies ? 66 : 98) + (long ? 17 : 0);
    });
    return placed;
  }

  /** Text as plotly shows it letter by letter. */
  function plain(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  /** A long title of the colour bar: its direction goes on a line of its own, and letters shrink to fit the length. */
  function twoLines(title, words, length) {
    const at = words.lastIndexOf(" (");
    const half = words.lastIndexOf(" ", Math.ceil(words.length / 2) + 8);
    const cut = at > 0 ? at : half;
    const lines = [words.slice(0, cut), words.slice(cut + 1)];
    const size = Math.max(9, Math.min(title.font.size, (13 * length) / window.parallax.widest(lines, 13)));
    return Object.assign({}, title, {text: lines.map(plain).join("<br>"), font: {size: size}});
  }

  // ---- On top of the cells ----

  /** Marks of uncertainty, and the median tau pointing at its place on the colour bar. */
  function addMarks(data, search, chosen, layout, z, cell, narrow) {
    const range = [layout.coloraxis.cmin, layout.coloraxis.cmax];
    const shown = (window.parallax.fieldOf(search, data, "uncertainty") || "shown") === "shown";
    const marks = shown ? window.parallax.marksOf(data.panes[0], chosen, z, range, cell) : null;
    layout.images = marks ? [marks] : [];
    const tau = data.tau;
    if (tau === null || tau === undefined || tau < range[0] || tau > range[1]) return;
    const at = (tau - range[0]) / (range[1] - range[0]);
    const beside = narrow ? {x: at, y: 0, xanchor: "right", yanchor: "top", yshift: 1, xshift: 7, text: "<b>τ▾</b>"}
      : {x: 1, y: at, xanchor: "right", yanchor: "middle", xshift: 21, text: "<b>τ▸</b>"};
    layout.annotations.push(Object.assign({xref: "paper", yref: "paper", showarrow: false, font: {size: 14}, borderpad: 0,
      hovertext: "median τ: unrelated models pass it with probability 0.05"}, beside));
  }

  /** Which dataset is in which half; two metrics say it at their colour bars. */
  function halves(data) {
    const name = (pane) => plain(pane.title);
    const beside = {xref: "paper", yref: "paper", y: 1, yanchor: "bottom", yshift: 4, showarrow: false, font: {size: 13}};
    return [Object.assign({text: "◣ " + name(data.panes[1]), x: 0, xanchor: "left"}, beside),
      Object.assign({text: name(data.panes[0]) + " ◥", x: 1, xanchor: "right"}, beside)];
  }

  function titleOf(text, domains, k) {
    return {text: "<b>" + plain(text) + "</b>", xref: "paper", yref: "paper", x: domains.x[0], y: domains.y[1], xanchor: "left",
      yanchor: "bottom", yshift: 2, showarrow: false, font: {size: 13}, name: "pane-" + k, captureevents: true};
  }

  /** Lines between groups of models. */
  function groupLines(chosen, axes) {
    const [n_rows, n_columns] = [chosen.rows.length, chosen.columns.length];
    const line = {color: "#ffffff", width: 2};
    const own = {type: "line", xref: axes.xaxis, yref: axes.yaxis, line: line};
    return chosen.ends.flatMap((end) => {
      const [row, column] = [end - chosen.top, end - chosen.left];
      return [
        ...(column > 0 && column < n_columns ? [Object.assign({x0: column - 0.5, x1: column - 0.5, y0: -0.5, y1: n_rows - 0.5}, own)] : []),
        ...(row > 0 && row < n_rows ? [Object.assign({x0: -0.5, x1: n_columns - 0.5, y0: row - 0.5, y1: row - 0.5}, own)] : []),
      ];
    });
  }

  /** A frame: white below vermilion stands out on dark and bright cells alike. */
  function frame(x0, x1, y0, y1, axes, width = 3) {
    return [{color: "#ffffff", width: width * 2}, {color: "#D55E00", width: width}].map((line) => (
      {type: "rect", xref: axes.xaxis, yref: axes.yaxis, x0: x0, x1: x1, y0: y0, y1: y1, line: line}));
  }

  /** Frames around a model's row and column. */
  function outlines(names, highlight, axes) {
    const [row, column] = [names.y.indexOf(highlight), names.x.indexOf(highlight)];
    return [
      ...(row < 0 ? [] : frame(-0.5, names.x.length - 0.5, row - 0.5, row + 0.5, axes)),
      ...(column < 0 ? [] : frame(column - 0.5, column + 0.5, -0.5, names.y.length - 0.5, axes)),
    ];
  }

  /** Frames around the cells of the pinned pair. */
  function pinned(names, pair, axes) {
    const [a, b] = pair.split(",");
    return [[a, b], [b, a]].flatMap(([row, column]) => {
      const [r, c] = [names.y.indexOf(row), names.x.indexOf(column)];
      return r < 0 || c < 0 ? [] : frame(c - 0.5, c + 0.5, r - 0.5, r + 0.5, axes, 2);
    });
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawHeatmap, redrawHeatmap});
})();
