/* The numbers behind the heatmap, as frontend/pages/layers.py packs them: each once per pair of models. A pane is one
   matrix with its words. */
(function () {
  "use strict";

  const known = new WeakMap();

  /** An array of numbers; whole numbers of 16 bits stand for shares of the way from `low` to `high`. */
  function decode(array) {
    const flat = window.parallax.rowsOf(array);
    if (array.low === undefined) return flat;
    const step = (array.high - array.low) / 65534;
    return Float32Array.from(flat, (whole) => (whole === 65535 ? NaN : array.low + whole * step));
  }

  /** The numbers of a pane, decoded once: name -> Float32Array, and `self`, what is drawn of a model with itself. */
  function numbersOf(pane) {
    if (!known.has(pane)) {
      const decoded = {self: decode(pane.self)};
      for (const [name, array] of Object.entries(pane.layers)) decoded[name] = decode(array);
      known.set(pane, decoded);
    }
    return known.get(pane);
  }

  /** Where the pair of row i and column j is in packed numbers: the lower triangle by rows, or the whole square. */
  function placeOf(pane, i, j) {
    if (pane.directed) return i * pane.size + j;
    const [low, high] = i < j ? [i, j] : [j, i];
    return (high * (high - 1)) / 2 + low;
  }

  /** What a pane draws in the cell of row i and column j. */
  function drawnOf(pane) {
    const numbers = numbersOf(pane);
    const drawn = numbers[pane.layer];
    return (i, j) => (i === j ? numbers.self[i] : drawn[placeOf(pane, i, j)]);
  }

  /** The matrix that order, sentences and tables of a view go by. `ascending`: its least values are the most alike. */
  function matrixOf(data) {
    const [a, b] = data.panes;
    if (data.difference && b && !data.difference.refused) {
      const [first, second] = [drawnOf(a), drawnOf(b)];
      return {at: (i, j) => (i === j ? NaN : first(i, j) - second(i, j)), ascending: false, difference: true};
    }
    return {at: drawnOf(a), ascending: a.distance || a.layer === "sd", difference: false};
  }

  /** Why the cell of row i and column j of a pane has no value. */
  function reasonOf(data, pane, i, j) {
    return pane.reasons[data.models[i]] || pane.reasons[data.models[j]] || "";
  }

  window.parallax = Object.assign(window.parallax || {}, {numbersOf, placeOf, drawnOf, matrixOf, reasonOf});
})();
