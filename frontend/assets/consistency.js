/* The page on consistency: what is asked of the server, sections, controls, chips, and what is chosen in its pictures.
   Drawing is in consistency_figures.js. */
(function () {
  "use strict";

  const PATH = "/consistency";
  const same = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const here = () => window.parallax.normal(window.location.pathname) === PATH;
  const link = (schema, changes, path) => window.parallax.searchWith(schema, path || PATH, path && path !== PATH ? "" : window.location.search, changes);

  function go(schema, changes) {
    const next = link(schema, changes);
    if (next !== link(schema, {})) set("url", {search: next});
  }

  // ---- What is asked of the server ----

  /** For every need the fields of the link that it depends on; a need is asked anew only when one of them has changed,
      or when results may have. A field that the server filled in itself is no change. */
  function asks(renew, search, revision, data, needs, before, ids, schema) {
    if (!here()) return ids.map(same);
    const params = new URLSearchParams(search || "");
    const resolved = (data && data.resolved) || {};
    const defaults = Object.fromEntries(schema.views[PATH].map((field) => [field.name, field.default]));
    return ids.map((id, place) => {
      const fields = Object.fromEntries(needs[id.need].map((name) => [name, params.get(name) || defaults[name]]));
      const last = before[place];
      const changed = !last || needs[id.need].some((name) => fields[name] !== last.fields[name]
        && !(last.fields[name] === "" && resolved[name] === fields[name]));
      if (last && !changed && !renew) return same();
      if (last && changed) fade(id.need, true);
      return {search: search || "", fields: fields, revision: revision};
    });
  }

  /** Asks for everything again when results have changed. */
  function consistencyRenew(revision, search, data, needs, before, ids, schema) {
    return asks(true, search, revision, data, needs, before, ids, schema);
  }

  function consistencyAsk(search, revision, data, needs, before, ids, schema) {
    return asks(false, search, revision, data, needs, before, ids, schema);
  }

  function fade(need, stale) {
    document.querySelectorAll("#" + need + "-panel .chart-box").forEach((box) => box.classList.toggle("is-stale", stale));
  }

  /** What a part shows is what was asked for. */
  function partFresh(key, panel) {
    fade(panel.replace(/-panel$/, ""), false);
  }

  /** A set was named or deleted: choices and chips are read again. */
  function setsChanged(words, choices, frame) {
    const changed = /^(Saved|The set)/.test(words || "");
    return [choices, frame].map((ask) => (changed && ask ? Object.assign({}, ask, {saved: words}) : same()));
  }

  // ---- Sections ----

  /** Links that change a part of the link and keep the rest of it. */
  function keepLinks(schema) {
    document.querySelectorAll("[data-keep]").forEach((one) => one.setAttribute("href", PATH + link(schema, JSON.parse(one.dataset.keep))));
  }

  /** Keeps the links of the sections true to the rest of the link, and says which section is open. */
  function openSection(search, view, shown, schema) {
    if (!here()) return same();
    const section = new URLSearchParams(search || "").get("section") || "map";
    document.querySelectorAll("#consistency-tabs .tab").forEach((tab) => {
      tab.setAttribute("href", PATH + link(schema, {section: tab.dataset.section}));
      if (tab.dataset.section === section) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    });
    keepLinks(schema);
    return section === shown ? same() : section;
  }

  // A section opens without loading the document again; with a modifier key the browser does what it always does.
  document.addEventListener("click", (event) => {
    const tab = event.target.closest && event.target.closest("#consistency-tabs .tab, a[data-keep]");
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    set("url", {search: new URL(tab.href).search});
  });

  // ---- Controls ----

  const MATCHED = "architecture,training_data,size";

  /** Gives the controls of the open section their choices and what the link says. */
  function fillChoices(choices, body, search, data, schema) {
    if (!choices || !here()) return same();
    keepLinks(schema);
    const {follow} = window.parallax;
    const params = new URLSearchParams(search || "");
    const resolved = (data && data.resolved) || {};
    const defaults = Object.fromEntries(schema.views[PATH].map((field) => [field.name, field.default]));
    const exists = (id) => document.getElementById(id);
    const custom = exists("consistency--sets");
    for (const field of Object.keys(choices)) {
      const id = "consistency--" + field;
      if (field === "by_custom" || !exists(id)) continue;
      const value = params.get(field) || resolved[field] || defaults[field];
      const options = field === "by" && custom ? choices.by_custom : choices[field];
      if (field === "sets" || field === "anchors") follow(id, {data: options, value: value ? value.split(field === "sets" ? ";" : ",") : []});
      else {
        // Where the link is silent, the first one is meant: said, and not written into the link.
        const meant = ["other", "dataset"].includes(field) && options.length ? {placeholder: options[0].label} : {};
        follow(id, Object.assign({data: offered(options, value), value: value || null}, meant));
      }
    }
    const match = params.get("match") || "";
    if (exists("consistency--match")) {
      follow("consistency--match", {data: [{value: "", label: "As they are"}, {value: match || MATCHED, label: "Matched"}], value: match});
    }
    if (exists("consistency--match--by")) follow("consistency--match--by", {value: match ? match.split(",") : []});
    return search || "";
  }

  /** The options, and the link's own value where it is none of them. */
  function offered(options, value) {
    const known = options.flatMap((entry) => entry.items || [entry]).some((option) => option.value === value);
    if (known || !value) return options;
    return options.some((entry) => entry.items) ? options.concat([{group: "From the link", items: [{value: value, label: value}]}]) : options;
  }

  /** Writes what a chip stands for into the link. */
  function chip(clicks, schema) {
    const triggered = window.dash_clientside.callback_context.triggered_id;
    if (!triggered || !(clicks || []).some(Boolean)) return;
    go(schema, triggered.field === "reset" ? {models: "", datasets: ""} : {[triggered.field]: triggered.value});
  }

  // ---- What is chosen in a picture ----

  /** A click on the map opens the scatter of its two datasets. */
  function openCell(click, data, schema) {
    const point = click && click.points && click.points[0];
    if (!point || !data || !data.figure) return;
    const titles = data.figure.layout.xaxis.categoryarray;
    const a = titles.indexOf(point.y);
    const b = titles.indexOf(point.x);
    if (a >= 0 && b >= 0 && a !== b) go(schema, {a: data.names[a], b: data.names[b]});
  }

  /** Names of the two models of a point of the scatter, or of a bar of the contributions. */
  function modelsOf(point, data) {
    const own = integersOf(point, data);
    if (own === null) return null;
    if (data.keys) return data.keys[own] || null;
    const models = data.figure.layout.meta.models;
    return models ? [models[own[0]], models[own[1]]] : null;
  }

  /** The integers that a point carries. They are read from the figure as it came: an event leaves them out where they
      are packed. */
  function integersOf(point, data) {
    const trace = point && data && data.figure && data.figure.data[point.curveNumber];
    if (!trace || trace.customdata === undefined) return null;
    const own = window.parallax.rowsOf(trace.customdata)[point.pointNumber];
    return own === undefined ? null : own;
  }

  function pairLink(schema, models, data) {
    return link(schema, {a: models[0], b: models[1], metric: data.metric, dataset: data.a}, "/pair");
  }

  /** A click on a pair of models opens its page. */
  function openPair(click, data, schema) {
    const models = modelsOf(click && click.points && click.points[0], data);
    if (models) set("url", {pathname: "/pair", search: pairLink(schema, models, data)});
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function shown(value, digits) {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  }

  /** The card of the point below the pointer. */
  function showPair(hover, data, id) {
    const card = document.getElementById(id);
    const point = hover && hover.points && hover.points[0];
    const models = modelsOf(point, data);
    if (!card) return;
    if (!models) {
      card.classList.remove("card-shown");
      return;
    }
    const meta = data.figure.layout.meta;
    const head = element("div", "card-head");
    head.append(element("strong", "", models[0]), element("strong", "", models[1]));
    const list = element("dl", "card-lines");
    const row = integersOf(point, data)[2];
    const place = data.drawn ? data.drawn.indexOf(row) : row;
    const lines = [[text(meta.first), shown(point.x, 3)], [text(meta.second), shown(point.y, 3)],
      ["Adds to r", shown(data.contribution[place], 4)]];
    for (const [what, value] of lines) list.append(element("dt", "", what), element("dd", "", value));
    card.replaceChildren(head, list, element("p", "card-subject", "Click: this pair on every dataset"));
    card.classList.add("card-shown");
    beside(card, point);
  }

  /** Puts the card beside a point, on the side with more room. */
  function beside(card, point) {
    const {width, height} = card.getBoundingClientRect();
    const room = card.parentElement.getBoundingClientRect();
    const at = point.bbox;
    const left = at.x1 + 12 + width < room.width ? at.x1 + 12 : Math.max(0, at.x0 - 12 - width);
    card.style.left = left + "px";
    card.style.top = Math.max(0, Math.min((at.y0 + at.y1) / 2 - height / 2, room.height - height)) + "px";
  }

  /** Titles come escaped for plotly; a card shows them letter by letter. */
  function text(escaped) {
    return new DOMParser().parseFromString(escaped, "text/html").documentElement.textContent;
  }

  /** What was drawn around: how much it is, and where its models can be seen. */
  function selectPairs(selected, data, schema, id) {
    const box = document.getElementById(id);
    if (!box) return;
    const pairs = ((selected && selected.points) || []).map((point) => modelsOf(point, data)).filter(Boolean);
    box.hidden = !pairs.length;
    if (!pairs.length) return;
    const models = [...new Set(pairs.flat())].sort();
    const predicate = "model:" + models.join(",");
    const heatmap = element("a", "button button-light", "See them on the heatmap");
    heatmap.href = "/similarity" + link(schema, {dataset: data.a, metric: data.metric, models: predicate, highlight: models.length === 1 ? models[0] : "",
      labels: new URLSearchParams(window.location.search).get("labels")}, "/similarity");
    const only = element("a", "button button-light", "Keep only these models");
    only.href = PATH + link(schema, {models: predicate});
    only.dataset.keep = JSON.stringify({models: predicate});
    const words = element("p", "", pairs.length + (pairs.length === 1 ? " pair" : " pairs") + " of " + models.length + " models: " + listed(models));
    const actions = element("div", "actions");
    actions.append(heatmap, only);
    box.replaceChildren(words, actions);
  }

  function listed(models) {
    return models.length > 8 ? models.slice(0, 8).join(", ") + " and " + (models.length - 8) + " more" : models.join(", ");
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {
    consistencyAsk, consistencyRenew, setsChanged, partFresh, openSection, fillChoices, chip, openCell, openPair, showPair, selectPairs,
  });
})();
