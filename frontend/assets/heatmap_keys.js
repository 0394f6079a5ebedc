/* The heatmap by keyboard: arrows move over its cells, a live region says what each holds. */
(function () {
  "use strict";

  const KEYS = "similarity-keys";
  let shown = null; // {data, chosen} on screen
  let cursor = {r: 0, c: 0, pane: 0};
  let corner = null; // the other end of a box that Shift draws

  /** Keeps the cursor on the same two models when the view changes. */
  function follow(data, chosen) {
    const before = shown && cellOf();
    const moved = !shown || shown.chosen !== chosen;
    shown = {data: data, chosen: chosen};
    if (moved) corner = null;
    if (before && moved) {
      const [r, c] = [chosen.rows.indexOf(before.i), chosen.columns.indexOf(before.j)];
      cursor = {r: Math.max(0, r), c: Math.max(0, c), pane: Math.min(cursor.pane, squares() - 1)};
    }
    if (document.activeElement && document.activeElement.id === KEYS) draw(false);
  }

  const squares = () => (shown.data.view === "multiples" ? shown.data.panes.length : 1);

  function cellOf() {
    const {chosen} = shown;
    return {i: chosen.rows[cursor.r], j: chosen.columns[cursor.c]};
  }

  /** The pane that the cell belongs to: in a split the one of its half. */
  function paneOf() {
    const {data, chosen} = shown;
    if (data.view === "multiples") return cursor.pane;
    return data.view === "split" && data.panes[1] && chosen.left + cursor.c < chosen.top + cursor.r ? 1 : 0;
  }

  function parts() {
    const keys = document.getElementById(KEYS);
    const box = keys && keys.closest(".heatmap-holder").querySelector(".chart-box");
    return {keys: keys, box: box, chart: box && box.querySelector(".js-plotly-plot"), card: document.getElementById("similarity-card"),
      live: document.getElementById("similarity-live")};
  }

  /** Frames the cell, shows its card, and says it. */
  function draw(speak) {
    const {box, chart, card, live} = parts();
    if (!shown || !chart || !chart._fullLayout || !shown.chosen.rows.length || !shown.chosen.columns.length) return;
    const {data, chosen} = shown;
    const {i, j} = cellOf();
    const suffix = data.view === "multiples" && cursor.pane ? String(cursor.pane + 1) : "";
    const at = window.parallax.cellAt(chart, data.models[j], data.models[i], suffix);
    let frame = box.querySelector(".cell-cursor");
    if (!frame) box.append(frame = window.parallax.element("div", "cell-cursor"));
    const from = corner || cursor;
    const [rows, columns] = [Math.abs(from.r - cursor.r) + 1, Math.abs(from.c - cursor.c) + 1];
    const first = window.parallax.cellAt(chart, data.models[chosen.columns[Math.min(from.c, cursor.c)]], data.models[chosen.rows[Math.min(from.r, cursor.r)]], suffix);
    Object.assign(frame.style, {left: first.x - at.side / 2 + "px", top: first.y - at.side / 2 + "px", width: at.side * columns + "px", height: at.side * rows + "px"});
    if (corner) card.classList.remove("card-shown");
    else window.parallax.fillCard(card, data, i, j, paneOf(), "x" + suffix);
    if (!speak || !live) return;
    const {lines, directed, subject} = window.parallax.cardOf(data, i, j, paneOf());
    const [what, value] = lines[0];
    live.textContent = corner ? rows + " by " + columns + " cells chosen. Enter crops to them."
      : (directed ? "from " : "") + data.models[i] + (directed ? " to " : " and ") + data.models[j] + ": " + what + " " + value
        + (lines[1] ? ", " + lines[1].join(" ") : "") + (squares() > 1 ? ", " + subject : "");
  }

  function hide() {
    const {box, card} = parts();
    const frame = box && box.querySelector(".cell-cursor");
    if (frame) frame.remove();
    if (card) card.classList.remove("card-shown");
    corner = null;
  }

  const STEPS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity],
    PageUp: [-10, 0], PageDown: [10, 0]};

  function move(event) {
    const {chosen} = shown;
    const [down, right] = STEPS[event.key];
    if (event.shiftKey && !corner) corner = {r: cursor.r, c: cursor.c};
    if (!event.shiftKey) corner = null;
    const within = (value, n) => Math.max(0, Math.min(n - 1, value));
    cursor.r = within(cursor.r + (down === 0 ? 0 : down), chosen.rows.length);
    cursor.c = within(cursor.c + (right === 0 ? 0 : right), chosen.columns.length);
    if (event.ctrlKey && event.key === "Home") cursor.r = 0;
    if (event.ctrlKey && event.key === "End") cursor.r = chosen.rows.length - 1;
    draw(true);
  }

  function act(event) {
    const {data, chosen} = shown;
    const {similarity} = window.parallax;
    if (event.key in STEPS) move(event);
    else if (event.key === "Enter" && corner) {
      const [r, c] = [[corner.r, cursor.r], [corner.c, cursor.c]];
      corner = null;
      similarity.crop(data, chosen, chosen.top + Math.min(...r), chosen.top + Math.max(...r), chosen.left + Math.min(...c), chosen.left + Math.max(...c));
    } else if (event.key === "Enter" || event.key === " ") {
      const {i, j} = cellOf();
      similarity.pin(data.models[i], data.models[j]);
    } else if (event.key === "Escape" && corner) {
      corner = null;
      draw(true);
    } else if (event.key === "Escape") similarity.go({pair: ""});
    else if (event.key === "Backspace") similarity.undo();
    else if (event.key === "0") similarity.go({crop: ""});
    else if ((event.key === "." || event.key === ",") && squares() > 1) {
      cursor.pane = (cursor.pane + (event.key === "." ? 1 : squares() - 1)) % squares();
      draw(true);
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== KEYS || !shown || event.metaKey || event.altKey) return;
    if (act(event)) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => { if (event.target.id === KEYS) draw(true); });
  document.addEventListener("focusout", (event) => { if (event.target.id === KEYS) hide(); });

  window.parallax = Object.assign(window.parallax || {}, {followCells: follow});
})();
