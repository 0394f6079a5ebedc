/* Cells of the list of jobs, and the list's theme: it takes its colours from style.css, so it follows the colour scheme. */
(function () {
  "use strict";

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const element = (...parts) => window.React.createElement(...parts);
  const SHAPES = {queued: "○", running: "◐", succeeded: "●", failed: "✕", cancelled: "–"};

  cells.JobLink = function (props) {
    return element("a", {href: "/jobs/" + props.data.id, className: "grid-link", title: props.data.error}, String(props.value));
  };

  cells.JobState = function (props) {
    return element("span", {className: "state state-" + props.value},
      element("span", {"aria-hidden": "true"}, SHAPES[props.value] || "○"), props.value);
  };

  cells.JobBar = function (props) {
    const share = (100 * props.value).toFixed(1) + "%";
    return element("div", {className: "bar bar-cell", role: "progressbar", "aria-valuenow": Math.round(100 * props.value),
      "aria-label": "Progress of job " + props.data.id},
      element("div", {className: "bar-fill", style: {width: share}}));
  };

  functions.parallaxTheme = function (theme) {
    return theme.withParams({
      backgroundColor: "var(--paper)", foregroundColor: "var(--text)", headerTextColor: "var(--dim)",
      headerBackgroundColor: "var(--paper)", borderColor: "var(--line)", accentColor: "var(--accent)",
      rowHoverColor: "var(--wash)", browserColorScheme: "inherit", fontFamily: "inherit", fontSize: 14,
      headerFontWeight: 600, wrapperBorderRadius: 10, rowBorder: true, columnBorder: false,
    });
  };
})();
