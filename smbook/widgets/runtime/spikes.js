// A record of spikes as in physiology: a row for each neuron, time to the right, a stroke where it fired.

import { legible } from "./chart.js";
import { drawing } from "./dom.js";

const WIDTH = 360;
const ROW = 24;
const [TOP, BOTTOM] = [22, 40];
const LETTER = 9;
const WIDE = 4; // a stroke

export class Spikes {
  // Of the last `steps` steps.
  constructor(steps) {
    this.steps = steps;
    this.frame = drawing("g", { class: "lab-axes" });
    this.strokes = drawing("path", { class: "lab-spikes" });
    this.now = drawing("path", { class: "lab-line guide" });
    this.svg = drawing("svg", { role: "img", class: "lab-chart" }, this.frame, this.now, this.strokes);
    legible(this.svg);
  }

  start(inputs, names) {
    const height = TOP + BOTTOM + ROW * names.length + 6;
    Object.assign(this, {
      inputs,
      names,
      height,
      left: 14 + LETTER * Math.max(...names.map((name) => name.length)),
    });
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    this.svg.setAttribute(
      "aria-label",
      `Which of ${names.join(", ")} fired in the last ${this.steps} steps, a row for each.`,
    );
    this.record = [];
    this.time = 0;
  }

  // What was active at the time that is noted, from 0 on; noted again, it takes the place of what was.
  note(time, active) {
    this.time = time;
    this.record[time % this.steps] = [...active];
  }

  row(k) {
    return TOP + ROW * (k + 0.5) + (k >= this.inputs ? 6 : 0);
  }

  draw() {
    const { left, steps, time, inputs, names, height } = this;
    const first = Math.max(0, time - steps + 1);
    const wide = (WIDTH - left - 10) / steps;
    const place = (t) => left + (t - first + 0.5) * wide;
    const bottom = height - BOTTOM;
    const rest = TOP + ROW * inputs + 3;
    const marks = Array.from({ length: steps }, (_, k) => first + k).filter((t) => t % 10 === 0);
    this.frame.replaceChildren(
      drawing("path", {
        d: `M${left} ${TOP}V${bottom}H${WIDTH - 10}${marks.map((t) => `M${place(t).toFixed(1)} ${bottom}v4`).join("")}`,
      }),
      drawing("path", { class: "lab-divide", d: `M${left} ${rest}H${WIDTH - 10}` }),
      ...names.map((name, k) =>
        drawing("text", { x: left - 6, y: this.row(k), dy: "0.35em", "text-anchor": "end" }, name),
      ),
      ...marks.map((t) =>
        drawing(
          "text",
          { x: place(t).toFixed(1), y: bottom + 6, dy: "0.95em", "text-anchor": "middle" },
          String(t),
        ),
      ),
      drawing("text", { x: WIDTH - 10, y: height - 3, "text-anchor": "end" }, "step t"),
    );
    this.now.setAttribute("d", `M${place(time).toFixed(1)} ${TOP - 6}V${bottom}`);
    let d = "";
    for (let t = first; t <= time; t += 1)
      this.record[t % steps].forEach((fires, k) => {
        if (fires) d += `M${(place(t) - WIDE / 2).toFixed(1)} ${this.row(k) - 8}v16h${WIDE}v-16z`;
      });
    this.strokes.setAttribute("d", d);
  }
}
