/* Which models the heatmap shows and in what order: filter, group, order and crop of the link, all in the browser. */
(function () {
  "use strict";

  const kept = new WeakMap();
  const FIELDS = ["models", "group", "order", "to", "custom", "crop"];

  /** The shown models of a view, as positions in `data.models`.
      `whole` is what the filter leaves, in order; `rows` and `columns` are the cropped parts of it, which begin at
      `top` and `left`; `ends` are the places in `whole` where a group begins; `by` is the attribute of the groups;
      a filter that cannot be read leaves every model; `problem` says what else of the link could not be followed. */
  function chosenModels(data, search) {
    const wanted = Object.fromEntries(FIELDS.map((name) => [name, window.parallax.fieldOf(search, data, name)]));
    const key = JSON.stringify(wanted);
    const known = kept.get(data);
    if (known && known.key === key) return known.chosen;
    const chosen = choose(data, wanted);
    kept.set(data, {key: key, chosen: chosen});
    return chosen;
  }

  function choose(data, wanted) {
    const passing = filtered(data, wanted.models);
    const whole = ordered(data, passing, wanted);
    const by = wanted.group && wanted.group !== "none" ? wanted.group : facetOf(data, wanted.order) ? wanted.order : "";
    const codes = by ? facetOf(data, by).codes : null;
    const ends = codes ? whole.map((model, at) => at).filter((at) => at > 0 && codes[whole[at]] !== codes[whole[at - 1]]) : [];
    const crop = cropped(data, whole, wanted.crop);
    const lost = wanted.crop && !crop ? "The crop of this link names models that are not shown, so it is left out." : "";
    const [top, bottom, left, right] = crop || [0, whole.length - 1, 0, whole.length - 1];
    return {
      whole: whole, rows: whole.slice(top, bottom + 1), columns: whole.slice(left, right + 1), top: top, left: left,
      ends: ends, by: by, cropped: Boolean(crop), problem: lost,
    };
  }

  function facetOf(data, attribute) {
    return (data.facets || []).find((facet) => facet.attribute === attribute);
  }

  // ---- Filter ----

  /** The models that fulfil a predicate, in cluster order; all of them where it cannot be read. */
  function filtered(data, text) {
    const every = data.models.map((name, i) => i);
    const group = data.filter;
    if (!text || !group) return every;
    const {parse, holds} = window.parallax.predicate;
    const predicate = parse(text, group.words, group.aliases);
    if (!predicate) return every;
    const fits = (item) => holds(predicate, Object.assign({model: item.name}, item.attributes), item.tags);
    return every.filter((i) => fits(group.items[i]));
  }

  // ---- Order ----

  function ordered(data, passing, wanted) {
    const here = new Set(passing);
    const place = new Array(data.models.length);
    const order = wanted.order || "cluster";
    const grouping = facetOf(data, wanted.group);
    // Inside groups models are clustered among their own.
    const clustered = (order === "cluster" && grouping && data.orders[wanted.group]) || data.orders[order] || data.orders.cluster;
    clustered.forEach((model, at) => { place[model] = at; });
    const keys = [];
    if (grouping) keys.push((i) => grouping.codes[i]);
    if (facetOf(data, order)) keys.push((i) => facetOf(data, order).codes[i]);
    const own = ownOrder(data, passing, order, wanted);
    if (own) keys.push((i) => own[i]);
    keys.push((i) => place[i]);
    return data.orders.cluster.filter((i) => here.has(i)).sort((i, j) => {
      for (const key of keys) {
        const difference = key(i) - key(j);
        if (difference) return difference;
      }
      return 0;
    });
  }

  /** A rank for each model of an order that is made here; null for the others. */
  function ownOrder(data, passing, order, wanted) {
    const last = data.models.length;
    const ranks = (names) => data.models.map((name) => (names.includes(name) ? names.indexOf(name) : last));
    if (order === "name") return ranks([...data.models].sort());
    if (order === "custom") return ranks(wanted.custom.split(",").filter(Boolean));
    if (order !== "value" && order !== "model") return null;
    const to = data.models.indexOf(wanted.to);
    if (order === "model" && to < 0) return null;
    const matrix = window.parallax.matrixOf(data);
    const sign = matrix.ascending ? 1 : -1;
    const alike = (i, j) => (matrix.at(i, j) + matrix.at(j, i)) / 2;
    // What has no value comes last.
    return data.models.map((name, i) => {
      if (order === "model") return i === to ? -Infinity : fallback(sign * alike(i, to));
      return fallback(sign * mean(passing.filter((j) => j !== i).map((j) => alike(i, j))));
    });
  }

  const fallback = (rank) => (Number.isFinite(rank) ? rank : Number.MAX_VALUE);

  function mean(values) {
    const finite = values.filter(Number.isFinite);
    return finite.length ? finite.reduce((sum, value) => sum + value, 0) / finite.length : NaN;
  }

  // ---- Crop ----

  /** First and last row and first and last column of a crop; null where it names models that are not there. */
  function cropped(data, whole, text) {
    if (!text) return null;
    const places = text.split(",").map((name) => whole.indexOf(data.models.indexOf(name)));
    if (places.length !== 4 || places.some((at) => at < 0)) return null;
    const [a, b, c, d] = places;
    return [Math.min(a, b), Math.max(a, b), Math.min(c, d), Math.max(c, d)];
  }

  /** The crop of a link for these places in `whole`; empty when it holds everything. */
  function cropText(data, chosen, top, bottom, left, right) {
    const last = chosen.whole.length - 1;
    if (top <= 0 && left <= 0 && bottom >= last && right >= last) return "";
    return [top, bottom, left, right].map((at) => data.models[chosen.whole[Math.max(0, Math.min(last, at))]]).join(",");
  }

  window.parallax = Object.assign(window.parallax || {}, {chosenModels, cropText, facetOf});
})();
