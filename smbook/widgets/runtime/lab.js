// The entry of every lab.

import { bytes } from "./kernels.js";
import { Panel } from "./panel.js";

// The entry of every lab: compile the kernels, build the lab, and return what takes it down again.
export function lab(build) {
  return {
    async render({ model, el }) {
      el.classList.add("smbook-lab");
      if (!globalThis.WebAssembly) {
        el.textContent =
          "This live figure needs WebAssembly, which this browser does not offer. The figure beside it tells the same story.";
        return undefined;
      }
      const module = await WebAssembly.compile(bytes(model.get("_kernels")));
      const panel = new Panel(el, model);
      panel.restore();
      build({ model, el, panel, module });
      return () => panel.dispose();
    },
  };
}
