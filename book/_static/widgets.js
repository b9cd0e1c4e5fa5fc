// Brings the live figures of a built page to life, with no server and nothing from elsewhere: takes each figure's
// state from the page and what figures share from the book's own files, and lets its module render it.
(() => {
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const LOST = "A file that this live figure needs has not come. Reload the page to try again.";
  const FAILED = "This live figure could not be started.";

  class Model {
    constructor({ state, buffers = [] }) {
      this.state = state;
      this.listeners = {};
      for (const { path, data } of buffers) this.put(path, bytes(atob(data)));
    }

    put(path, value) {
      const inner = path.slice(0, -1).reduce((node, key) => node[key], this.state);
      inner[path.at(-1)] = value;
    }

    get(name) {
      return this.state[name];
    }

    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      for (const listener of [...(this.listeners[`change:${name}`] ?? [])]) listener();
    }

    on(event, listener) {
      this.listeners[event] ??= [];
      this.listeners[event].push(listener);
    }

    off(event, listener) {
      this.listeners[event] = (this.listeners[event] ?? []).filter((known) => known !== listener);
    }

    save_changes() {} // there is nobody to tell
  }

  const bytes = (text) => new DataView(Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer);

  // What figures share, by name. A file of the book hands over its part whenever it has come; modules are run, and
  // kernels decoded, when the first figure needs them.
  const parts = new Map();
  const asked = new Set();
  const modules = {};

  function used(name) {
    const part = parts.get(name);
    if (typeof part === "function") {
      part(modules);
      parts.set(name, true);
    } else if (typeof part === "string") parts.set(name, bytes(part));
    return parts.get(name);
  }

  function take(part) {
    parts.set(...part);
    schedule();
  }

  // A file that does not come, of a page that was saved alone, say, costs the figures that need it, and no other.
  const missing = new Set();
  addEventListener(
    "error",
    ({ target }) => {
      const [, name] = target?.src?.match(/\/live\/([\w.]+)\.js/) ?? [];
      if (!name) return;
      missing.add(name);
      schedule();
    },
    true,
  );

  // Ask for parts that neither the head of the page nor another figure has asked for.
  function ask(names) {
    for (const name of names) {
      if (asked.has(name)) continue;
      asked.add(name);
      if (document.querySelector(`script[src*="/live/${name}.js"]`)) continue;
      const src = `${document.documentElement.dataset.content_root ?? ""}_static/live/${name}.js`;
      document.head.append(Object.assign(document.createElement("script"), { src }));
    }
  }

  const models = new Map();

  function readState() {
    for (const node of document.querySelectorAll(STATE)) {
      for (const [id, model] of Object.entries(JSON.parse(node.textContent).state)) {
        if (model.state._live || model.state._esm) models.set(id, new Model(model));
      }
    }
  }

  const needs = (model) => model.get("_live")?.parts ?? [];
  const ready = (model) => needs(model).every((name) => parts.has(name));
  const lost = (model) => needs(model).some((name) => missing.has(name) && !parts.has(name));

  async function show({ model, el }) {
    const live = model.get("_live");
    if (live) {
      for (const name of live.parts) {
        const part = used(name);
        if (name.startsWith("kernels.")) model.set("_kernels", part);
      }
      return modules[live.script].default.render({ model, el });
    }
    const address = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
    const { default: widget } = await import(address);
    URL.revokeObjectURL(address);
    return widget.render({ model, el });
  }

  // The places of the figures, until each is shown: the one that the address names first, then those in view, then
  // the others by their distance, one at a time, so that the page answers in between.
  const waiting = [];
  let scheduled = false;

  function findPlaces() {
    readState();
    const numbers = {};
    for (const old of document.querySelectorAll("[data-lab], [data-question]")) old.remove(); // of a saved page
    for (const node of document.querySelectorAll(VIEW)) {
      const model = models.get(JSON.parse(node.textContent).model_id);
      if (!model) continue;
      const el = document.createElement("div");
      const kind = model.get("_kind") ?? "lab"; // or "question"
      numbers[kind] = (numbers[kind] ?? 0) + 1;
      el.dataset[kind] = `${kind}-${numbers[kind]}`;
      node.after(el);
      waiting.push({ model, el });
    }
  }

  function distance({ el }) {
    if (location.hash.slice(1).split("?")[0] === el.dataset.lab) return -1;
    const { top, bottom } = el.getBoundingClientRect();
    return Math.max(top - innerHeight, -bottom, 0);
  }

  function schedule() {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    setTimeout(() => {
      scheduled = false;
      bringNext();
    });
  }

  // What the nearest and those in view need is asked for; the nearest of those that have what they need is shown, so
  // that a file which takes its time holds up its own figures only.
  function bringNext() {
    const places = waiting.map((place) => ({ ...place, place, far: distance(place) }));
    places.sort((a, b) => a.far - b.far);
    for (const { model } of places.filter(({ far }, i) => i === 0 || far <= 0)) ask(needs(model));
    const next = places.find(({ model }) => ready(model) || lost(model));
    if (!next) return;
    waiting.splice(waiting.indexOf(next.place), 1);
    if (lost(next.model)) next.el.textContent = LOST;
    else show(next).catch((error) => fail(next.el, error));
    tell();
    schedule();
  }

  function fail(el, error) {
    el.textContent = FAILED;
    console.error(error);
  }

  // The formulas wait until no figure in view is still to come.
  function tell() {
    if (waiting.every((place) => distance(place) > 0)) figuresInView.resolve();
  }

  const figuresInView = {};
  figuresInView.promise = new Promise((resolve) => {
    figuresInView.resolve = resolve;
  });
  globalThis.smbook = { figuresInView: figuresInView.promise };

  function start() {
    findPlaces();
    const handed = globalThis.smbookParts ?? [];
    globalThis.smbookParts = { push: take };
    for (const part of handed) take(part);
    tell();
    schedule();
    addEventListener("scroll", schedule, { passive: true });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
