// The entry of every lab.

import { keepKeys } from "./dom.js";
import { bytes } from "./kernels.js";
import { Panel } from "./panel.js";

const MISSING =
  "This live figure needs WebAssembly, which this browser does not offer or this page does not allow. " +
  "The figure beside it tells the same story.";

const compiled = new WeakMap();

// The kernels, compiled once a page; nothing where the page or the browser allows none. At once where the browser allows it: a promise may wait behind everything else
// that the page has to do.
async function compile(view) {
  if (!compiled.has(view)) {
    try {
      compiled.set(view, new WebAssembly.Module(bytes(view)));
    } catch (error) {
      if (error instanceof WebAssembly.CompileError) return undefined;
      if (!(error instanceof RangeError)) throw error; // too large to be compiled while the page waits
      compiled.set(view, await WebAssembly.compile(bytes(view)));
    }
  }
  return compiled.get(view);
}

// Waits until the page shows an element: JupyterLab asks for a lab before it has put its place into the page, and
// what the style sheet says is known only there.
async function shown(el) {
  if (el.isConnected) return;
  await new Promise((resolve) => {
    const observer = new ResizeObserver(() => {
      if (!el.isConnected) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(el);
  });
}

// Builds the lab, and returns what takes it down again. `along` says what a copy of its settings carries beside them.
export function lab(build, along) {
  return {
    async render({ model, el }) {
      el.classList.add("smbook-lab");
      keepKeys(el);
      await shown(el);
      const module = globalThis.WebAssembly && (await compile(model.get("_kernels")));
      if (!module) {
        el.textContent = MISSING;
        return undefined;
      }
      const panel = new Panel(el, model, along);
      panel.restore();
      build({ model, el, panel, module });
      const follow = () => panel.restore();
      addEventListener("hashchange", follow);
      panel.cleanups.push(() => removeEventListener("hashchange", follow));
      return () => panel.dispose();
    },
  };
}
