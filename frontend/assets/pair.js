/* The page of one pair of models: its rows drawn to the size of this browser, the row of the link, clicks on rows. */
(function () {
  "use strict";

  const PATH = "/pair";
  const NARROW = 560;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /** Fades what belongs to another pair or dataset than the link asks for, until the right one has come. */
  function fade(search, data) {
    const asked = (name) => window.parallax.fieldOf(search, data, name);
    const drawn = data.resolved || {};
    const box = document.querySelector("#pair-graph").closest(".chart-box");
    box.classList.toggle("is-stale", ["a", "b", "metric"].some((name) => drawn[name] && asked(name) !== drawn[name]));
    const shown = document.querySelector("#pair-stimuli [data-of]");
    const wanted = [asked("a"), asked("b"), asked("dataset"), asked("order") || "disagreement"].join("|");
    if (shown) shown.classList.toggle("is-stale", shown.dataset.of !== wanted);
  }

  function drawPair(data, search, appearance, templates, id) {
    if (!data || !data.figure) return window.dash_clientside.no_update;
    fade(search, data);
    const {sized, widest, widthOf, withTemplate} = window.parallax;
    const width = widthOf(id);
    const narrow = width < NARROW;
    const layout = withTemplate(data.figure.layout, templates, appearance);
    const meta = layout.meta;
    const font = narrow ? 12 : 14;
    const titles = layout.yaxis.ticktext;
    const dim = appearance.scheme === "dark" ? "#a0a8b2" : "#5a636e";
    const left = Math.min(widest(titles.concat(meta.notes), font), 0.38 * width) + 14;
    const right = narrow ? 48 : 92;
    const place = sized(id, meta.rows * meta.row_px + 76, {l: left, r: right, t: 6, b: 50});
    Object.assign(layout, place);
    layout.xaxis = Object.assign({}, layout.xaxis, {automargin: false, nticks: narrow ? 4 : 8});
    layout.xaxis.title = Object.assign({}, layout.xaxis.title, {font: {size: narrow ? 12 : 14}, standoff: 8});
    layout.yaxis = Object.assign({}, layout.yaxis, {automargin: false, tickfont: {size: font}, ticklabelstandoff: 4,
      ticktext: titles.map((title, row) => title + "<br><span style='font-size:11px;color:" + dim + "'>" + meta.notes[row] + "</span>")});
    // Above the column at the right, and in each of its rows.
    const beside = (y, text, extra) => Object.assign({xref: "paper", x: 1, xanchor: "left", xshift: 8, y: y, yanchor: "middle",
      showarrow: false, text: text, font: {size: font}}, extra);
    layout.annotations = meta.beside.map((text, row) => (meta.missing[row]
      ? beside(row, "not computed", {x: 0, xshift: 6, font: {size: font, color: dim}}) : beside(row, "<b>" + text + "</b>")))
      .concat(beside(-0.62, narrow ? "less<br>alike" : "less alike", {font: {size: 12, color: dim}, yanchor: "middle"}));
    layout.yaxis.range = [meta.rows - 0.5, -0.9];
    const chosen = meta.datasets.indexOf(window.parallax.fieldOf(search, data, "dataset"));
    layout.shapes = chosen < 0 ? [] : [{type: "rect", xref: "paper", x0: 0, x1: 1, y0: chosen - 0.48, y1: chosen + 0.48,
      layer: "below", line: {width: 1.5, color: appearance.scheme === "dark" ? "#9db6e4" : "#335596"},
      fillcolor: appearance.scheme === "dark" ? "#27313f" : "#e9eef7"}];
    return {data: data.figure.data, layout: layout};
  }

  /** A click on a row shows the stimuli of its dataset. */
  function openPairRow(click, data, schema) {
    const point = click && click.points && click.points[0];
    if (!point || !data) return;
    const meta = data.figure.layout.meta;
    const row = Math.round(point.y);
    if (meta.missing[row] !== false) return;
    set("url", {search: window.parallax.searchWith(schema, PATH, window.location.search, {dataset: meta.datasets[row]})});
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.getElementById("pair-stimuli-title").scrollIntoView({behavior: calm ? "auto" : "smooth", block: "start"});
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawPair, openPairRow});
})();
