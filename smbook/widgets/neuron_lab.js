// Live threshold units: a net of neurons that fire or do not, and its record in time.

import { element } from "./runtime/dom.js";
import { lab } from "./runtime/lab.js";

class NeuronLab {
  constructor({ el, panel }) {
    el.append(element("div", { class: "lab-figures" }, element("div", { class: "lab-second" })));
    panel.button("Step", () => panel.say("Step"));
    panel.mount();
  }
}

export default lab((parts) => new NeuronLab(parts));
