/* The coverage matrix: a row per model, a column per dataset, a shape and a colour per state. Drawn from rows of letters. */
(function () {
  "use strict";

  const WORDS = {c: "computed", r: "running", q: "queued", f: "failed", m: "missing", x: "missing, cannot be queued here"};
  const MOST = 200; // models of one request
  const STOPS = ".cov, a, .cov-all"; // what the arrow keys reach
  const make = (...given) => window.parallax.make(...given);
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const places = (number, noun) => number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");
  let shown = null;  // what is drawn: {models, datasets, letters, jobs}, for the handlers

  /** The letter that is drawn: `x` for a missing cell that cannot be queued. */
  function letterOf(coverage, i, j) {
    const letter = coverage.states[i][j];
    return letter === "m" && (coverage.models[i].obstacle || coverage.datasets[j].obstacle) ? "x" : letter;
  }

  /** Rows in groups of one attribute's value, in the order of the vocabulary. */
  function grouped(rows, coverage, group, attribute, labels) {
    if (attribute === "none") return [{title: "", rows: rows}];
    const of = (i) => (labels === "audited" && attribute === "training_data" ? coverage.models[i].training_data_audited : coverage.models[i][attribute]);
    const words = group.words[attribute];
    const values = [...Object.keys(words), ...new Set(rows.map(of).filter((value) => !(value in words)))];
    return values.map((value) => ({title: words[value] || value, colour: group.facets[attribute].colours[value],
      rows: rows.filter((i) => of(i) === value)})).filter((part) => part.rows.length);
  }

  const canAsk = (letter) => letter === "m" || letter === "f";

  function header(columns, rows, coverage, domains) {
    const cells = columns.map((j) => {
      const dataset = coverage.datasets[j];
      const link = make("a", {href: "/datasets/" + encodeURIComponent(dataset.name), text: dataset.title, title: dataset.title, tabindex: "-1"});
      const cell = make("div", {role: "columnheader", class: "cov-column" + (dataset.here ? "" : " cov-absent"), "data-j": j}, link);
      cell.style.setProperty("--domain", domains[dataset.domain] || "transparent");
      const missing = rows.filter((i) => canAsk(letterOf(coverage, i, j))).length;
      if (missing) cell.append(askButton("+", "Ask for the " + places(missing, "missing embedding") + " on " + dataset.title, {"data-column": j}));
      return cell;
    });
    return make("div", {role: "row", class: "cov-row cov-head"}, make("div", {role: "columnheader", class: "cov-corner", text: "Model"}), ...cells);
  }

  /** Asks for everything that is missing in a row or a column of what is shown. */
  function askButton(text, words, of) {
    return make("button", Object.assign({type: "button", class: "cov-all", tabindex: "-1", text: text, title: words, "aria-label": words}, of));
  }

  function rowOf(i, columns, letters, model) {
    const link = make("a", {href: "/models/" + encodeURIComponent(model.name), text: model.title, title: model.name, tabindex: "-1"});
    const name = make("div", {role: "rowheader", class: "cov-name" + (model.here ? "" : " cov-absent")}, link);
    const missing = letters.filter(canAsk).length;
    if (missing) name.append(askButton("+ " + missing, "Ask for the " + places(missing, "missing embedding") + " of " + model.title, {"data-row": i}));
    const row = make("div", {role: "row", class: "cov-row"}, name);
    // As text: with a thousand models there are a hundred thousand cells. Nothing in it comes from anybody's names.
    row.insertAdjacentHTML("beforeend", letters.map((letter, place) => `<div class="cov cov-${letter}" role="gridcell" tabindex="-1" `
      + `aria-label="${WORDS[letter]}" data-i="${i}" data-j="${columns[place]}"></div>`).join(""));
    return row;
  }

  function legend(counts) {
    const entries = Object.entries(WORDS).map(([letter, words]) => make("li", {class: counts[letter] ? "" : "cov-zero"},
      make("span", {class: "cov cov-sample cov-" + letter, "aria-hidden": "true"}), make("span", {text: words}),
      make("span", {class: "count", text: (counts[letter] || 0).toLocaleString("en")})));
    return make("ul", {class: "coverage-states"}, ...entries);
  }

  function caption(counts, total, models, datasets) {
    const open = counts.m + counts.f;
    return places(counts.c, "pair") + " of " + total.toLocaleString("en") + " (" + places(models, "model") + " × " + places(datasets, "dataset")
      + ") computed, " + (counts.q + counts.r).toLocaleString("en") + " queued or running, " + counts.f.toLocaleString("en") + " failed; "
      + open.toLocaleString("en") + " can be asked for here, " + counts.x.toLocaleString("en") + " need another loader or a dataset that is not here.";
  }

  /** Draws the matrix from what the filters leave. */
  function coverageMatrix(kept, data) {
    if (!kept || !kept.kept || !data || !data.coverage) return;
    window.requestAnimationFrame(() => {
      const place = document.getElementById("coverage-matrix");
      if (!place) return;
      const {coverage} = data;
      const [models, datasets] = data.groups;
      const keptModels = new Set(kept.kept.models);
      const keptDatasets = new Set(kept.kept.datasets);
      const order = Object.keys(datasets.words.domain);
      const here = (one) => (one.here ? 0 : 1);
      const columns = coverage.datasets.map((_, j) => j).filter((j) => keptDatasets.has(coverage.datasets[j].name))
        .sort((a, b) => here(coverage.datasets[a]) - here(coverage.datasets[b])
          || order.indexOf(coverage.datasets[a].domain) - order.indexOf(coverage.datasets[b].domain) || a - b);
      const rows = coverage.models.map((_, i) => i).filter((i) => keptModels.has(coverage.models[i].name));
      const attribute = new URLSearchParams(window.location.search).get("group") || "objective";
      const counts = {c: 0, r: 0, q: 0, f: 0, m: 0, x: 0};
      const parts = [header(columns, rows, coverage, datasets.facets.domain.colours)];
      for (const part of grouped(rows, coverage, models, attribute in models.facets ? attribute : attribute === "none" ? "none" : "objective", kept.labels)) {
        if (part.title) {
          const mark = make("span", {class: "swatch", "aria-hidden": "true"});
          mark.style.background = part.colour;
          parts.push(make("div", {role: "row", class: "cov-group"}, make("div", {role: "rowheader"}, mark,
            make("span", {text: part.title}), make("span", {class: "count", text: places(part.rows.length, "model")}))));
        }
        for (const i of part.rows) {
          const letters = columns.map((j) => letterOf(coverage, i, j));
          letters.forEach((letter) => { counts[letter] += 1; });
          parts.push(rowOf(i, columns, letters, coverage.models[i]));
        }
      }
      const focused = place.contains(document.activeElement) ? document.activeElement.dataset : null;
      const at = focused && focused.i !== undefined ? [focused.i, focused.j] : null;
      const [left, top] = [place.scrollLeft, place.scrollTop];
      const grid = make("div", {role: "grid", class: "cov-grid", "aria-label": "Embeddings of models on datasets",
        "aria-rowcount": rows.length + 1, "aria-colcount": columns.length + 1}, ...parts);
      grid.style.setProperty("--columns", columns.length);
      place.replaceChildren(rows.length && columns.length ? grid : make("p", {class: "none-left", text: "Nothing passes all of these filters."}));
      [place.scrollLeft, place.scrollTop] = [left, top];
      const first = (at && grid.querySelector(`.cov[data-i="${at[0]}"][data-j="${at[1]}"]`)) || grid.querySelector(".cov");
      if (first) first.tabIndex = 0;
      if (first && at) first.focus();
      document.getElementById("coverage-legend").replaceChildren(legend(counts));
      document.getElementById("coverage-caption").textContent = caption(counts, rows.length * columns.length, rows.length, columns.length);
      shown = {coverage, columns, rows};
      listen(place);
    });
  }

  // ---- Pointer and keyboard ----

  function listen(place) {
    if (place.dataset.listening) return;
    place.dataset.listening = "1";
    place.addEventListener("click", (event) => {
      const cell = event.target.closest(".cov");
      const all = event.target.closest(".cov-all");
      if (cell) choose(Number(cell.dataset.i), Number(cell.dataset.j));
      else if (all && all.dataset.row) askRow(Number(all.dataset.row));
      else if (all) askColumn(Number(all.dataset.column));
    });
    place.addEventListener("keydown", (event) => {
      const stop = event.target.closest(STOPS);
      if (!stop) return;
      if (stop.matches(".cov") && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        choose(Number(stop.dataset.i), Number(stop.dataset.j));
      }
      const next = neighbour(place, stop, event.key);
      if (!next) return;
      event.preventDefault();
      stop.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    place.addEventListener("focusin", (event) => name(event.target.closest(".cov")));
    place.addEventListener("pointerover", (event) => name(event.target.closest(".cov")));
  }

  /** Where a key leads: left and right to every stop of the row, names and their buttons included; up and down in the
      column, to the head of it too, from a button to a button. */
  function neighbour(place, stop, key) {
    const row = stop.closest(".cov-row");
    const along = {ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity}[key];
    if (along) {
      const stops = [...row.querySelectorAll(STOPS)];
      return stops[Math.min(Math.max(stops.indexOf(stop) + along, 0), stops.length - 1)];
    }
    const steps = {ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10}[key];
    if (!steps) return null;
    const rows = [...place.querySelectorAll(".cov-row")];
    const target = rows[Math.min(Math.max(rows.indexOf(row) + steps, 0), rows.length - 1)];
    const there = target.children[[...row.children].findIndex((child) => child.contains(stop))];
    if (there.matches(STOPS)) return there;
    return (stop.matches(".cov-all") && there.querySelector(".cov-all")) || there.querySelector(STOPS);
  }

  /** A cell is named when it is pointed at or reached, so that no string per cell is made. */
  function name(cell) {
    if (!cell || cell.title || !shown) return;
    const {coverage} = shown;
    const [i, j] = [Number(cell.dataset.i), Number(cell.dataset.j)];
    cell.title = coverage.models[i].title + " on " + coverage.datasets[j].title + ": " + WORDS[letterOf(coverage, i, j)];
    cell.setAttribute("aria-label", cell.title);
  }

  const jobOf = (model, dataset) => shown.coverage.jobs.find((job) => job.model === model.name && job.dataset === dataset.name);

  const link = (words, href) => make("a", {href: href, text: words});

  /** A missing cell asks at once; any other one says what it is below the matrix. */
  function choose(i, j) {
    const {coverage} = shown;
    const [model, dataset] = [coverage.models[i], coverage.datasets[j]];
    const letter = letterOf(coverage, i, j);
    const box = document.getElementById("coverage-cell");
    const job = jobOf(model, dataset);
    box.hidden = letter === "m";
    if (letter === "m") return ask([model], [dataset]);
    const parts = [make("h2", {class: "panel-title", text: model.title + " on " + dataset.title}), make("p", {text: "State: " + WORDS[letter] + "."})];
    if (letter === "x") parts.push(make("p", {text: [model.obstacle, dataset.obstacle].filter(Boolean).join(" ")}));
    if (job && job.message) parts.push(make("p", {class: "trouble-box", text: job.message + " " + job.hint}));
    const actions = make("p", {class: "cell-links"}, link("The model", "/models/" + encodeURIComponent(model.name)), link("The dataset", "/datasets/" + encodeURIComponent(dataset.name)));
    if (letter === "c") actions.append(link("Its heatmap", "/similarity?v=1&dataset=" + encodeURIComponent(dataset.name) + "&highlight=" + encodeURIComponent(model.name)));
    if (job) actions.append(link("Job " + job.job, "/jobs/" + job.job));
    if (letter === "f") {
      const again = make("button", {type: "button", class: "link-button", text: "Ask for it again"});
      again.addEventListener("click", () => ask([model], [dataset]));
      actions.append(again);
    }
    box.replaceChildren(...parts, actions);
    box.scrollIntoView({block: "nearest"});
  }

  function askRow(i) {
    const open = shown.columns.filter((j) => canAsk(letterOf(shown.coverage, i, j)));
    ask([shown.coverage.models[i]], open.map((j) => shown.coverage.datasets[j]));
  }

  function askColumn(j) {
    const open = shown.rows.filter((i) => canAsk(letterOf(shown.coverage, i, j)));
    ask(open.map((i) => shown.coverage.models[i]), [shown.coverage.datasets[j]]);
  }

  /** What is asked and what it means, in words: one model on some datasets, or some models on one. */
  function ask(every, datasets) {
    const models = every.slice(0, MOST);
    const alone = models.length === 1;
    const stimuli = datasets.reduce((sum, dataset) => sum + dataset.n_stimuli, 0);
    const on = datasets.length === 1 ? datasets[0].title : places(datasets.length, "dataset");
    const who = alone ? models[0].title : places(models.length, "model");
    let words = (alone ? who + " is run" : "Each of the " + who + " is run") + " on " + stimuli.toLocaleString("en") + " stimuli ("
      + datasets.map((one) => one.title).join(", ") + ") and compared there with the other models by the default metrics.";
    const fetched = models.filter((model) => !model.here);
    if (fetched.length) {
      const megabytes = Math.max(1, Math.round(fetched.reduce((sum, model) => sum + model.n_parameters, 0) * 4 / 1e6)).toLocaleString("en");
      const some = fetched.length === models.length ? "They" : fetched.length.toLocaleString("en") + " of them";
      words += (alone ? " It is not here yet: its weights" : " " + some + " are not here yet: their weights") + ", about " + megabytes + " MB, are fetched through timm first.";
    }
    if (every.length > MOST) words += " The other " + (every.length - MOST).toLocaleString("en") + " are too many for one request; ask again afterwards.";
    set("queue-want", {data: {models: models.map((one) => one.name), datasets: datasets.map((one) => one.name),
      title: "Embed " + on + " with " + who + "?", words: words, asked: Date.now()}});
  }

  /** The button of a model's page. */
  function askMissing(clicks, want) {
    if (clicks && want && want.datasets.length) ask([want.model], want.datasets);
  }

  function askQueue(want) {
    if (!want || !want.title) return;
    set("queue-words", {children: want.words});
    set("queue-error", {children: ""});
    set("queue-modal", {opened: true, title: want.title});
  }

  function closeQueue(clicks) {
    if (clicks) set("queue-modal", {opened: false});
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {coverageMatrix, askMissing, askQueue, closeQueue});
})();
