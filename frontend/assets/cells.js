/* Cells of the similarity heatmap: marks of uncertainty inside them, and the card beside the pointer that says what one
   of them holds. Both read the numbers of a pane (numbers.js). */
(function () {
  "use strict";

  const LARGEST = 0.6; // side of the largest dot as a share of its cell's
  const WIDEST = 2600; // pixels of the picture of the marks, either way
  const MINUS = "\u2212";

  // ---- Marks ----

  /** Ink that stands out on a colour of the scale: white on its dark half, nearly black on its bright one. */
  function inkOn(value, range, distance) {
    const share = (value - range[0]) / (range[1] - range[0]);
    return (distance ? 1 - share : share) < 0.55 ? "#ffffff" : "#101418";
  }

  /** Marks of the shown cells as an image on the axes of the heatmap; null where there is nothing to draw. A dot's area is
      the interval's width as a share of the whole colour range; a stroke crosses what cannot be told from chance. */
  function marksOf(pane, chosen, z, range, cell) {
    const {width, q} = window.parallax.numbersOf(pane);
    if (!width && !q) return null;
    const {rows, columns} = chosen;
    const most = Math.max(rows.length, columns.length, 1);
    const sharp = (window.devicePixelRatio || 1) * (cell < 10 ? 2 : 1); // small cells are drawn twice as fine
    const side = Math.max(2, Math.min(Math.round(cell * sharp), Math.floor(WIDEST / most)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, side * columns.length);
    canvas.height = Math.max(1, side * rows.length);
    const pen = canvas.getContext("2d");
    rows.forEach((i, r) => {
      columns.forEach((j, c) => {
        const value = z[r][c];
        if (i === j || !Number.isFinite(value)) return;
        const at = window.parallax.placeOf(pane, i, j);
        const ink = inkOn(value, range, pane.distance);
        const [x, y] = [c * side, r * side];
        if (width && width[at] > 0) {
          const dot = LARGEST * side * Math.sqrt(Math.min(1, width[at] / pane.reference));
          pen.fillStyle = ink;
          pen.globalAlpha = 0.85;
          pen.fillRect(x + (side - dot) / 2, y + (side - dot) / 2, dot, dot);
        }
        if (q && q[at] > 0.05) stroke(pen, x, y, side, ink);
      });
    });
    return {source: canvas.toDataURL(), xref: "x", yref: "y", x: -0.5, y: -0.5, sizex: columns.length, sizey: rows.length,
      xanchor: "left", yanchor: "top", sizing: "stretch", layer: "above"};
  }

  /** A line across a cell, with a gap beside it where a dot lies below. */
  function stroke(pen, x, y, side, ink) {
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    pen.beginPath();
    pen.moveTo(x + side * 0.1, y + side * 0.9);
    pen.lineTo(x + side * 0.9, y + side * 0.1);
    const thin = Math.max(0.9, side * 0.055);
    pen.globalCompositeOperation = "destination-out";
    pen.lineWidth = thin * 3.4;
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
    pen.lineWidth = thin;
    pen.stroke();
  }

  // ---- The card ----

  function decimal(value, digits) {
    if (!Number.isFinite(value)) return "\u2013";
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
  }

  /** A probability that is never written as 0: at the least value that its route can give, it is an upper bound. */
  function probability(p, floor) {
    const shown = (value) => (value < 0.1 ? String(Number(value.toPrecision(2))) : decimal(value, 2));
    return floor && p <= floor * 1.0001 ? "\u2264 " + shown(floor) : "= " + shown(p);
  }

  const ordered = new WeakMap();

  /** Share of pairs that are less alike than this one, in percent. */
  function percentile(pane, value) {
    const numbers = window.parallax.numbersOf(pane);
    if (!ordered.has(pane)) {
      const size = pane.size;
      const all = numbers[pane.layer].filter((v, at) => Number.isFinite(v) && !(pane.directed && Math.floor(at / size) === at % size));
      ordered.set(pane, all.sort());
    }
    const sorted = ordered.get(pane);
    const below = sorted.findIndex((v) => v >= value);
    const above = sorted.length - sorted.findLastIndex((v) => v <= value) - 1;
    const less = pane.distance ? above : below < 0 ? sorted.length : below;
    return Math.floor((100 * less) / Math.max(1, sorted.length - 1));
  }

  /** Lines of the card: [what, value] each. */
  function linesOf(pane, i, j) {
    const numbers = window.parallax.numbersOf(pane);
    const at = window.parallax.placeOf(pane, i, j);
    const get = (name) => (numbers[name] ? numbers[name][at] : NaN);
    if (numbers.sd) return overDatasets(pane, get);
    const lines = numbers.value ? [["Value", decimal(get("value"), 3)]] : [];
    if (Number.isFinite(get("ci_low"))) lines.push(["95 % interval", decimal(get("ci_low"), 3) + " to " + decimal(get("ci_high"), 3)]);
    if (Number.isFinite(get("tau"))) {
      lines.push(["Calibrated", decimal(get("calibrated"), 3)], ["z", decimal(get("z"), 1)]);
      if (pane.layer === "ari") lines.push(["ARI form", decimal(get("ari"), 3)]);
      lines.push(["By chance", decimal(get("null_mean"), 3) + " \u00b1 " + decimal(get("null_sd"), 3) + ", \u03c4 " + decimal(get("tau"), 3)]);
    } else if (pane.layer !== "value") lines.push([pane.layerTitle, decimal(get(pane.layer), 3)]);
    if (Number.isFinite(get("p"))) lines.push(["p " + probability(get("p"), pane.floor), Number.isFinite(get("q")) ? "q " + probability(get("q"), 0) : ""]);
    else if (numbers.p) lines.push(["Chance", "not computed"]);
    lines.push(["More alike than", percentile(pane, get(pane.layer)) + " % of pairs"]);
    return lines;
  }

  /** What is known of a pair over datasets. */
  function overDatasets(pane, get) {
    const n = get("n_datasets");
    const centre = Object.keys(pane.layers).find((name) => name !== "sd" && name !== "n_datasets");
    return [["Mean", decimal(get(centre), 3)],
      ["Standard deviation", Number.isFinite(get("sd")) ? decimal(get("sd"), 3) : "needs two datasets"], ["Datasets", String(n)]];
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /** What a view says of the cell of models i and j, in the pane that was pointed at: head, lines, and whose they are. */
  function cardOf(data, i, j, index) {
    const {at, difference} = window.parallax.matrixOf(data);
    const [a, b] = data.panes;
    if (difference) {
      const of = (pane) => decimal(window.parallax.drawnOf(pane)(i, j), 3);
      const lines = i === j ? [["A model with itself", "\u2013"]] : [[data.difference.words, decimal(at(i, j), 3)],
        [b.title === a.title ? a.metricTitle : a.title, of(a)], [b.title === a.title ? b.metricTitle : b.title, of(b)]];
      return {lines: lines, subject: a.layerTitle + (a.metric === b.metric ? "" : " and " + b.layerTitle)};
    }
    const pane = data.panes[index] || a;
    const value = window.parallax.drawnOf(pane)(i, j);
    const reason = window.parallax.reasonOf(data, pane, i, j);
    const lines = i === j ? [["A model with itself", decimal(value, 3)]]
      : Number.isFinite(window.parallax.numbersOf(pane)[pane.layer][window.parallax.placeOf(pane, i, j)]) || pane.layer !== "value" ? linesOf(pane, i, j)
        : [["Value", pane.absent], ...(reason ? [["Why", reason]] : [])];
    return {lines: lines, subject: pane.metricTitle + ". " + pane.subject, directed: pane.directed && i !== j};
  }

  /** Fills the card for the cell below the pointer and puts it beside that cell; hides it where there is none. */
  function showCell(hover, data, id) {
    const point = hover && hover.points && hover.points[0];
    const card = document.getElementById(id);
    if (!card) return;
    const trace = traceOf(card.parentElement, point);
    const meta = trace && trace.meta;
    const i = meta && data && data.models ? data.models.indexOf(point.y) : -1;
    const j = i < 0 ? -1 : data.models.indexOf(point.x);
    if (i < 0 || j < 0 || meta.permute !== "both") card.classList.remove("card-shown");
    else fillCard(card, data, i, j, meta.pane || 0, trace.xaxis);
  }

  /** The trace that a point belongs to; the component's events name it by its place. */
  function traceOf(box, point) {
    const chart = point && box && box.querySelector(".js-plotly-plot");
    return chart && chart.data ? chart.data[point.curveNumber] : null;
  }

  /** Shows what the cell of models i and j of a pane holds, beside it. */
  function fillCard(card, data, i, j, index, axis) {
    const {lines, subject, directed} = cardOf(data, i, j, index);
    const head = element("div", "card-head");
    const [from, to] = directed ? ["from ", "to "] : ["", ""];
    head.append(element("strong", "", from + data.models[i]), element("strong", "", to + data.models[j]));
    const list = element("dl", "card-lines");
    for (const [what, value] of lines) list.append(element("dt", "", what), element("dd", "", value));
    card.replaceChildren(head, list, element("p", "card-subject", subject));
    card.classList.add("card-shown");
    place(card, data.models[j], data.models[i], (axis || "x").slice(1));
  }

  /** Where a cell is in its chart, in pixels: its middle and its side. */
  function cellAt(chart, column, row, suffix) {
    const layout = chart._fullLayout;
    const [x, y] = [layout["xaxis" + suffix], layout["yaxis" + suffix]];
    return {x: x._offset + x.d2p(column), y: y._offset + y.d2p(row), side: x._length / Math.abs(x.range[1] - x.range[0])};
  }

  /** Beside the cell, on the side with more room. */
  function place(card, column, row, suffix) {
    const box = card.parentElement;
    const chart = box.querySelector(".js-plotly-plot");
    const {x, y, side} = cellAt(chart, column, row, suffix);
    const gap = Math.max(16, side / 2 + 8);
    const {width, height} = card.getBoundingClientRect();
    const room = box.getBoundingClientRect();
    const left = x + gap + width < room.width ? x + gap : Math.max(0, x - gap - width);
    card.style.left = (left < 0 || left + width > room.width ? Math.max(0, room.width - width) : left) + "px";
    card.style.top = Math.max(0, Math.min(y - height / 2, room.height - height)) + "px";
  }

  window.parallax = Object.assign(window.parallax || {}, {marksOf, probability, decimal, element, cardOf, fillCard, cellAt, traceOf});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {showCell});
})();
