/* What runs in the browser beside drawing (drawing.js, cells.js): links, the state of a view, appearance. Called by Dash as clientside callbacks.
   Views and their fields are described by frontend/urls.py and arrive as data, so links are written by one definition. */
(function () {
  "use strict";

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
      if (field.options.length && !field.options.includes(value)) value = null; // no such choice: the default
      if (value !== null && value !== field.default) given.push(field.name + "=" + quoted(value));
    }
    return given.length ? "?v=" + schema.version + "&" + given.join("&") : "";
  }

  // A link moves between pages without loading the application anew; with a modifier key the browser does what it always does.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='/']:not([target], [download], [href^='/api/'])");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    event.preventDefault();
    window.history.pushState({}, "", link.getAttribute("href"));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  });

  /** A field of the present view: from the link, else what the data resolved it to, else nothing. */
  function fieldOf(search, data, name) {
    return new URLSearchParams(search || "").get(name) || (data.resolved || {})[name] || "";
  }

  // ---- State of a view: the link is the truth, controls follow it and write it ----

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const ECHO_MS = 2000;
  let touched = 0; // when somebody last did something on the page
  for (const kind of ["pointerdown", "keydown", "input"]) {
    document.addEventListener(kind, () => { touched = performance.now(); }, {capture: true, passive: true});
  }

  const followed = new Map(); // control -> the value in it that the link has already, as JSON
  const replaced = new Map(); // control and value -> when the link went on from it

  /** Sets a control by the link, as far as it is not so already: whatever is set costs the page a round of all its parts. */
  function follow(id, props) {
    const [before, after] = [followed.get(id), JSON.stringify(props.value)];
    if (before !== undefined && before !== after) replaced.set(id + before, performance.now());
    followed.set(id, after);
    const known = (window.dash_component_api.getLayout(id) || {props: {}}).props;
    const changed = Object.keys(props).filter((name) => JSON.stringify(known[name]) !== JSON.stringify(props[name]));
    if (changed.length) set(id, Object.fromEntries(changed.map((name) => [name, props[name]])));
  }

  /** What a reader put into a control; undefined where it only reports what the link gave it. It reports late, on a busy
      machine by seconds: when the link has gone on by then (somebody went back quickly) and nobody has done anything on
      the page since, the control is given the present value again. Whoever asks writes what is answered into the link:
      it is answered once. */
  function chosenIn(id, value) {
    const [known, said] = [followed.get(id), JSON.stringify(value)];
    if (known === said) return undefined;
    const since = replaced.get(id + said);
    if (known === undefined || since === undefined || (touched > since && performance.now() - since > ECHO_MS)) {
      followed.set(id, said);
      return value;
    }
    // Not at once: a control that is set twice between two paintings notices neither.
    window.setTimeout(() => followed.has(id) && set(id, {value: JSON.parse(followed.get(id))}), 50);
    return undefined;
  }

  let completed = {}; // the last link that was completed: its path, as it was given, and complete

  /** Writes a link with all that it means over the one that was given. The page is told only of what is other than given:
      told of additions, it would ask and draw again what it has. */
  function complete(path, search) {
    const [before, after] = [new URLSearchParams(window.location.search), new URLSearchParams(search)];
    const same = [...before].every(([name, value]) => after.get(name) === value);
    completed = same ? {path: path, given: window.location.search, search: search} : {};
    window.history.replaceState(window.history.state, "", path + search);
    // No callback asks for the href; without it dcc.Location would go back to what it knows.
    set("url", same ? {href: window.location.href} : {search: search});
  }

  // A link to the page on screen that gives as little as the one it was opened by is no news to the page either.
  window.addEventListener("_dashprivate_pushstate", () => window.setTimeout(() => {
    const {path, given, search} = completed;
    if (path === normal(window.location.pathname) && given === window.location.search) complete(path, search);
  }, 0));

  /** Completes the link with what the data resolved, sets the controls by it, and answers the link. */
  function sync(data, search, schema) {
    if (!data || data.path !== normal(window.location.pathname)) return window.dash_clientside.no_update;
    const params = new URLSearchParams(window.location.search);
    const changes = {};
    for (const [name, value] of Object.entries(data.resolved || {})) {
      const control = Object.values(data.controls || {}).find((entry) => entry.field === name);
      const options = control && control.data && !control.list ? control.data.flatMap((entry) => entry.items || [entry]).map((option) => option.value) : data.names;
      const given = params.get(name);
      if (!given || (options && !options.includes(given))) changes[name] = value;
    }
    const whole = searchWith(schema, data.path, window.location.search, changes);
    if (whole !== window.location.search) complete(data.path, whole);
    const defaults = Object.fromEntries((schema.views[data.path] || []).map((field) => [field.name, field.default]));
    for (const [id, control] of Object.entries(data.controls || {})) {
      const props = {value: fieldOf(whole, data, control.field) || defaults[control.field]};
      // A list is written with its separator; a predicate in its place is no list.
      if (control.list) props.value = props.value && !props.value.includes(":") ? props.value.split(control.list) : [];
      if (control.data) props.data = control.data;
      follow(id, props);
    }
    return whole;
  }

  /** Writes the control that was changed into the link. */
  function navigate() {
    const context = window.dash_clientside.callback_context;
    const schema = arguments[arguments.length - 1];
    const path = normal(window.location.pathname);
    const changes = {};
    for (const {prop_id: prop, value: reported} of context.triggered) {
      const id = prop.replace(/\.value$/, "");
      const [page, field] = id.split("--");
      if (reported === null || reported === undefined || path !== "/" + (page === "overview" ? "" : page)) continue;
      const value = chosenIn(id, reported);
      if (value === undefined) continue;
      // A list shows nothing where the link has a predicate in its place: that is no wish to clear it.
      const given = new URLSearchParams(window.location.search).get(field) || "";
      if (Array.isArray(value) && !value.length && field !== "sets" && given.includes(":")) continue;
      changes[field] = Array.isArray(value) ? value.join(field === "sets" ? ";" : ",") : value;
    }
    if (!Object.keys(changes).length) return;
    const next = searchWith(schema, path, window.location.search, changes);
    if (next !== searchWith(schema, path, window.location.search, {})) set("url", {search: next});
  }

  function followState(search) {
    return new URLSearchParams(search || "").get("state") || "all";
  }

  // ---- News ----

  let told = null; // the state of the results that pages have read, or newer

  /** Tells pages to read again when results have changed, and with every beat as long as they cannot be reached. Not by
      an output of the pulse: a page that waited for that would not be drawn while a beat is under way. */
  function tellNews(news) {
    if (!news || news.revision === undefined) return;
    const fresh = told === null && news.idle; // what was just read is still so
    const known = news.revision !== "" && news.revision === told;
    told = news.revision;
    if (!fresh && !known) set("revision", {data: news.revision});
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
    if (lastPath !== null && lastPath !== path) {
      window.scrollTo(0, 0);
      followed.clear();
      replaced.clear();
    }
    lastPath = path;
    watchAppearance();
  }

  window.parallax = Object.assign(window.parallax || {}, {chosenIn, fieldOf, follow, normal, searchWith});
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {
    sync, navigate, tellNews, followState, documentTitle, markCurrent, searchWith,
  });
})();
