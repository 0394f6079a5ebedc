/* The submission form in the browser: which fields apply, where errors are shown, and the upload of a checkpoint file. */
(function () {
  "use strict";

  const ENDPOINT = "/api/v1/checkpoints";
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const PLAIN = {checkpoint: "submit-checkpoint-error", form: "submit-form-error"};
  const INPUTS = ["timm_name", "name", "objective", "architecture", "training_data", "seed", "tags", "datasets", "metrics"];

  function formMode(source, weights) {
    return "page page-submit source-" + (source || "timm") + " weights-" + (weights || "pretrained");
  }

  /** Every error at its field, all at once; fields without one lose theirs. */
  function formErrors(errors) {
    const given = errors || {};
    for (const field of INPUTS) set("submit-" + field, {error: given[field] || null});
    for (const [field, id] of Object.entries(PLAIN)) set(id, {children: given[field] || ""});
    const first = [...INPUTS, "checkpoint"].find((field) => given[field]);
    if (first) {
      window.setTimeout(() => {
        const element = document.getElementById(PLAIN[first] || "submit-" + first);
        if (element) element.scrollIntoView({block: "center", behavior: "smooth"});
      }, 60);
    }
  }

  /** A field that is being corrected loses its error at once. */
  function clearError() {
    for (const {prop_id: id} of window.dash_clientside.callback_context.triggered) {
      set(id.replace(/\.[a-z]+$/, ""), {error: null});
    }
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  function sizeOf(bytes) {
    return bytes < 1e6 ? (bytes / 1e3).toFixed(1) + " kB" : (bytes / 1e6).toFixed(1) + " MB";
  }

  /** Sends the file's bytes as they are; the answer says what the file holds. */
  function upload(file, say, fill) {
    const request = new XMLHttpRequest();
    request.open("POST", ENDPOINT);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) fill(event.loaded / event.total);
    };
    request.onerror = () => say("The file could not be sent: the service does not answer. Try again in a moment.", true);
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch (error) { answer = {}; }
      if (request.status >= 200 && request.status < 300) {
        fill(1);
        set("submit-checkpoint", {data: answer});
        say(file.name + " (" + sizeOf(answer.size_bytes || file.size) + "): " + answer.name + ", " +
          answer.timm_architecture + ", " + answer.objective + ", " + answer.architecture, false);
      } else {
        fill(0);
        const words = [answer.detail || answer.title || "The file was refused.", answer.hint].filter(Boolean);
        say(words.join(" "), true);
      }
    };
    set("submit-checkpoint", {data: null});
    say("Sending " + file.name + " (" + sizeOf(file.size) + ")", false);
    request.send(file);
  }

  /** Builds the drop area once the page is there. */
  function uploadBox() {
    const box = document.getElementById("checkpoint-drop");
    if (!box || box.childElementCount) return window.dash_clientside.no_update;
    const label = make("label", "drop-label", "Drop a .safetensors file here, or choose one");
    const input = make("input", "drop-input");
    input.type = "file";
    input.accept = ".safetensors";
    input.id = "checkpoint-file";
    label.htmlFor = input.id;
    const bar = make("div", "bar");
    const filled = make("div", "bar-fill");
    bar.appendChild(filled);
    bar.hidden = true;
    const words = make("p", "drop-words");
    words.setAttribute("role", "status");
    box.append(label, input, bar, words);

    const fill = (share) => { filled.style.width = (100 * share).toFixed(1) + "%"; };
    const say = (text, wrong) => {
      words.textContent = wrong ? "" : text;
      bar.hidden = wrong;
      set("submit-checkpoint-error", {children: wrong ? text : ""});
    };
    const take = (files) => {
      if (files && files.length) { fill(0); upload(files[0], say, fill); }
    };
    input.addEventListener("change", () => take(input.files));
    box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("drop-over"); });
    box.addEventListener("dragleave", () => box.classList.remove("drop-over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      box.classList.remove("drop-over");
      take(event.dataTransfer.files);
    });
    return true;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parallax = Object.assign(window.dash_clientside.parallax || {}, {formMode, formErrors, clearError, uploadBox});
})();
