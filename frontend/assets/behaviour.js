/* Drawing of similarity against gaps in accuracy, and of similarity on fewer stimuli. */
(function () {
  "use strict";

  const same = () => window.dash_clientside.no_update;
  const tools = () => window.parallax;
  const merge = (...parts) => Object.assign({}, ...parts);

  function boxOf(id) {
    const graph = document.getElementById(id);
    return graph && graph.closest(".chart-box");
  }

  /** Puts names and accuracies to the points, and the chart into the room there is. */
  function drawGaps(data, appearance, templates, id) {
    const box = boxOf(id);
    if (!data || !data.figure || !box) return same();
    const width = tools().widthOf(id);
    const narrow = width < 440;
    const layout = tools().withTemplate(data.figure.layout, templates, appearance);
    const {models, accuracy} = layout.meta;
    const label = (k) => "<b>" + models[k] + "</b> " + accuracy[k].toFixed(2);
    const traces = data.figure.data.map((trace) => merge(trace, {
      text: Array.from(tools().rowsOf(trace.customdata), (pair) => label(pair[0]) + "<br>" + label(pair[1])),
    }));
    const height = Math.round(narrow ? width * 1.12 : Math.min(520, width * 0.62));
    Object.assign(box.style, {height: height + "px", aspectRatio: "auto", maxHeight: "none"});
    const axis = (given) => merge(given, {automargin: false, nticks: narrow ? 5 : 8,
      title: merge(given.title, {font: {size: narrow ? 12 : 14}})});
    layout.height = height;
    layout.margin = narrow ? {l: 52, r: 10, t: 8, b: 118, pad: 0, autoexpand: false} : {l: 64, r: 96, t: 10, b: 56, pad: 0, autoexpand: false};
    layout.xaxis = axis(layout.xaxis);
    layout.yaxis = axis(layout.yaxis);
    layout.coloraxis = tools().colourBar(layout, narrow);
    if (narrow) layout.coloraxis.colorbar = merge(layout.coloraxis.colorbar, {ypad: 54});
    layout.dragmode = false;
    return {data: traces, layout: layout};
  }

  /** Two pictures above each other, of a height of their own. */
  function drawParts(data, appearance, templates, id) {
    const box = boxOf(id);
    if (!data || !data.figure || !box) return same();
    const narrow = tools().widthOf(id) < 440;
    const layout = tools().withTemplate(data.figure.layout, templates, appearance);
    layout.height = narrow ? 460 : 500;
    Object.assign(box.style, {height: layout.height + "px", aspectRatio: "auto", maxHeight: "none"});
    layout.margin = {l: narrow ? 54 : 70, r: narrow ? 6 : 16, t: 10, b: 52, pad: 0, autoexpand: false};
    const font = {size: narrow ? 11 : 13};
    layout.xaxis = merge(layout.xaxis, {automargin: false, tickfont: font});
    for (const name of ["yaxis", "yaxis2"]) {
      layout[name] = merge(layout[name], {automargin: false, nticks: 5, tickfont: font, title: merge(layout[name].title, {font: font, standoff: 8})});
    }
    layout.dragmode = false;
    return {data: data.figure.data, layout: layout};
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {drawGaps, drawParts});
})();
