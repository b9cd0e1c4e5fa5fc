// Brings the live figures of a built page to life, with no server and nothing from elsewhere: reads the state
// that the build wrote into the page, imports each figure's module from a blob, and lets it render itself.
(() => {
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

  class Model {
    constructor({ state, buffers = [] }) {
      this.state = state;
      this.listeners = {};
      for (const { path, data } of buffers) this.put(path, decoded(data));
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
      (this.listeners[event] ??= []).push(listener);
    }

    off(event, listener) {
      this.listeners[event] = (this.listeners[event] ?? []).filter((known) => known !== listener);
    }

    save_changes() {} // there is nobody to tell
  }

  function decoded(base64) {
    const text = atob(base64);
    return new DataView(Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer);
  }

  async function show(model, el) {
    const address = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
    const { default: widget } = await import(address);
    URL.revokeObjectURL(address);
    await widget.render({ model, el });
  }

  const models = {};
  const styles = new Set();
  let shown = 0;

  // The model of an id; several figures may share one.
  function find(id) {
    if (id in models) return models[id];
    for (const node of document.querySelectorAll(STATE)) {
      const { state } = JSON.parse(node.textContent);
      if (state[id]?.state._esm) return (models[id] = new Model(state[id]));
    }
    return undefined;
  }

  function addStyle(text) {
    if (styles.has(text)) return;
    styles.add(text);
    document.head.append(Object.assign(document.createElement("style"), { textContent: text }));
  }

  // Whether the page has been read beyond a node, so that its text is whole.
  const passed = (node) => node && (node.nextSibling || passed(node.parentElement));

  function bring() {
    for (const node of document.querySelectorAll(VIEW)) {
      if (document.readyState === "loading" && !passed(node)) continue;
      const model = find(JSON.parse(node.textContent).model_id);
      if (!model) continue;
      addStyle(model.get("_css"));
      const el = document.createElement("div");
      el.dataset.lab = `lab-${(shown += 1)}`;
      node.replaceWith(el);
      show(model, el);
    }
  }

  // The state comes in the head. Each figure is brought as soon as the page has been read as far as its place,
  // because the typesetting of the formulas, which begins at the end of the page, can take seconds.
  const watch = new MutationObserver(bring);
  watch.observe(document, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    watch.disconnect();
    bring();
  });
})();
