/* Puts what the server has written into the page, without making components of it (frontend/components/still.py). */
(function () {
  "use strict";

  const LINK = "Link"; // dcc.Link; parallax.js follows every link of the application without loading it anew
  const RENAMED = {className: "class", htmlFor: "for"};

  /** The nodes of a piece of layout as Dash sends it: text, an element, or a list of them. */
  function nodesOf(written) {
    if (written === null || written === undefined) return [];
    if (Array.isArray(written)) return written.flatMap(nodesOf);
    if (typeof written !== "object") return [document.createTextNode(String(written))];
    const {children, style, ...properties} = written.props;
    const attributes = Object.fromEntries(Object.entries(properties).map(([name, value]) => [RENAMED[name] || name, value]));
    const element = window.parallax.make(written.type === LINK ? "a" : written.type, attributes, ...nodesOf(children));
    Object.assign(element.style, style);
    return [element];
  }

  function putStill(written, id) {
    const box = document.getElementById(id);
    if (!written || !box) return;
    box.replaceChildren(...nodesOf(written));
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {putStill});
})();
