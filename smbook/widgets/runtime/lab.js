// The entry of every lab.

import { bytes } from "./kernels.js";
import { Panel } from "./panel.js";

const MISSING =
  "This live figure needs WebAssembly, which this browser does not offer. " +
  "The figure beside it tells the same story.";

const compiled = new WeakMap();

// The kernels, compiled once a page. At once where the browser allows it: a promise may wait behind everything else
// that the page has to do.
async function compile(view) {
  if (!compiled.has(view)) {
    try {
      compiled.set(view, new WebAssembly.Module(bytes(view)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // too large to be compiled while the page waits
      compiled.set(view, await WebAssembly.compile(bytes(view)));
    }
  }
  return compiled.get(view);
}

// Builds the lab, and returns what takes it down again.
export function lab(build) {
  return {
    async render({ model, el }) {
      el.classList.add("smbook-lab");
      if (!globalThis.WebAssembly) {
        el.textContent = MISSING;
        return undefined;
      }
      const module = await compile(model.get("_kernels"));
      const panel = new Panel(el, model);
      panel.restore();
      build({ model, el, panel, module });
      const follow = () => panel.restore();
      addEventListener("hashchange", follow);
      panel.cleanups.push(() => removeEventListener("hashchange", follow));
      return () => panel.dispose();
    },
  };
}
