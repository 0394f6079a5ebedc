/* Cells of the similarity heatmap: marks of uncertainty inside them, and the card beside the pointer that says what one
   of them holds. Both read the numbers that come packed with the picture (frontend/pages/layers.py). */
(function () {
  "use strict";

  const LARGEST = 0.6; // side of the largest dot as a share of its cell's
  const WIDEST = 2600; // pixels of the picture of the marks, either way
  const MINUS = "\u2212";
  const known = new WeakMap();

  /** The packed numbers of a picture, decoded once: name -> Float32Array. */
  function numbersOf(cells) {
    if (!known.has(cells)) {
      const decoded = {};
      for (const [name, array] of Object.entries(cells.layers)) decoded[name] = window.parallax.rowsOf(array);
      known.set(cells, decoded);
    }
    return known.get(cells);
  }

  /** Where the pair of row i and column j is in packed numbers: the lower triangle by rows, or the whole square. */
  function placeOf(cells, i, j) {
    if (cells.directed) return i * cells.size + j;
    const [low, high] = i < j ? [i, j] : [j, i];
    return (high * (high - 1)) / 2 + low;
  }

  // ---- Marks ----

  /** Ink that stands out on a colour of the scale: white on its dark half, nearly black on its bright one. */
  function inkOn(value, range, distance) {
    const share = (value - range[0]) / (range[1] - range[0]);
    return (distance ? 1 - share : share) < 0.55 ? "#ffffff" : "#101418";
  }

  /** Marks of all cells as an image on the axes of the heatmap; null where there is nothing to draw. A dot's area is the
      interval's width as a share of the whole colour range; a stroke crosses what cannot be told from chance. */
  function marksOf(data, order, values, range, cell) {
    const cells = data.cells;
    const {width, q} = numbersOf(cells);
    if (!width && !q) return null;
    const size = order.length;
    const sharp = (window.devicePixelRatio || 1) * (cell < 10 ? 2 : 1); // small cells are drawn twice as fine
    const side = Math.max(2, Math.min(Math.round(cell * sharp), Math.floor(WIDEST / size)));
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side * size;
    const pen = canvas.getContext("2d");
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        if (row === column) continue;
        const at = placeOf(cells, order[row], order[column]);
        const value = values[order[row]][order[column]];
        if (!Number.isFinite(value)) continue;
        const ink = inkOn(value, range, cells.distance);
        const x = column * side;
        const y = row * side;
        if (width && width[at] > 0) {
          const dot = LARGEST * side * Math.sqrt(Math.min(1, width[at] / cells.reference));
          pen.fillStyle = ink;
          pen.globalAlpha = 0.85;
          pen.fillRect(x + (side - dot) / 2, y + (side - dot) / 2, dot, dot);
        }
        if (q && q[at] > 0.05) stroke(pen, x, y, side, ink);
      }
    }
    return {source: canvas.toDataURL(), xref: "x", yref: "y", x: -0.5, y: -0.5, sizex: size, sizey: size,
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

  /** Share of pairs that are less alike than this one, in percent. */
  function percentile(cells, value) {
    const numbers = numbersOf(cells);
    if (!numbers.sorted) {
      const size = cells.size;
      const all = numbers[cells.layer].filter((v, at) => Number.isFinite(v) && !(cells.directed && Math.floor(at / size) === at % size));
      Object.defineProperty(numbers, "sorted", {value: all.sort(), enumerable: false});
    }
    const below = numbers.sorted.findIndex((v) => v >= value);
    const above = numbers.sorted.length - numbers.sorted.findLastIndex((v) => v <= value) - 1;
    const less = cells.distance ? above : below < 0 ? numbers.sorted.length : below;
    return Math.floor((100 * less) / Math.max(1, numbers.sorted.length - 1));
  }

  /** Lines of the card: [what, value] or one word alone. */
  function linesOf(data, i, j) {
    const cells = data.cells;
    const numbers = numbersOf(cells);
    const at = placeOf(cells, i, j);
    const get = (name) => (numbers[name] ? numbers[name][at] : NaN);
    const lines = [["Value", decimal(get("value"), 3)]];
    if (Number.isFinite(get("ci_low"))) lines.push(["95 % interval", decimal(get("ci_low"), 3) + " to " + decimal(get("ci_high"), 3)]);
    if (Number.isFinite(get("tau"))) {
      lines.push(["Calibrated", decimal(get("calibrated"), 3)], ["z", decimal(get("z"), 1)]);
      if (cells.layer === "ari") lines.push(["ARI form", decimal(get("ari"), 3)]);
      lines.push(["By chance", decimal(get("null_mean"), 3) + " \u00b1 " + decimal(get("null_sd"), 3) + ", \u03c4 " + decimal(get("tau"), 3)]);
    }
    if (Number.isFinite(get("p"))) lines.push(["p " + probability(get("p"), cells.floor), Number.isFinite(get("q")) ? "q " + probability(get("q"), 0) : ""]);
    else lines.push(["Chance", "not computed"]);
    lines.push(["More alike than", percentile(cells, get(cells.layer)) + " % of pairs"]);
    return lines;
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /** Fills the card for the cell below the pointer and puts it beside that cell; hides it where there is none. */
  function showCell(hover, data, id) {
    const card = document.getElementById(id);
    const point = hover && hover.points && hover.points[0];
    if (!card) return;
    const i = point && data && data.models ? data.models.indexOf(point.y) : -1;
    const j = i < 0 ? -1 : data.models.indexOf(point.x);
    if (!data || !data.cells || point === undefined || point === null || point.curveNumber !== 0 || i < 0 || j < 0) {
      card.classList.remove("card-shown");
      return;
    }
    const head = element("div", "card-head");
    const [from, to] = data.cells.directed && i !== j ? ["from ", "to "] : ["", ""];
    head.append(element("strong", "", from + data.models[i]), element("strong", "", to + data.models[j]));
    const list = element("dl", "card-lines");
    const lines = i === j ? [["A model with itself", decimal(point.z, 3)]] : linesOf(data, i, j);
    for (const [what, value] of lines) list.append(element("dt", "", what), element("dd", "", value));
    card.replaceChildren(head, list, element("p", "card-subject", data.cells.metric + ". " + data.cells.subject));
    card.classList.add("card-shown");
    place(card, point);
  }

  /** Beside the cell, on the side with more room. */
  function place(card, point) {
    const box = card.parentElement;
    const chart = box.querySelector(".js-plotly-plot");
    const {xaxis, yaxis} = chart._fullLayout;
    const x = xaxis._offset + xaxis.d2p(point.x);
    const y = yaxis._offset + yaxis.d2p(point.y);
    const gap = 16;
    const {width, height} = card.getBoundingClientRect();
    const room = box.getBoundingClientRect();
    const left = x + gap + width < room.width ? x + gap : Math.max(0, x - gap - width);
    card.style.left = (left < 0 || left + width > room.width ? Math.max(0, room.width - width) : left) + "px";
    card.style.top = Math.max(0, Math.min(y - height / 2, room.height - height)) + "px";
  }

  window.parallax = Object.assign(window.parallax || {}, {marksOf, probability, placeOf});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {showCell});
})();
