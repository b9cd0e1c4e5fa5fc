// The live bridge: a memory whose hidden units are drawn or summed out, from Hopfield's network to the machine.

import { Bridge } from "./runtime/bridge.js";
import { Chart, legend, short } from "./runtime/chart.js";
import { capital, counted, element, fixed } from "./runtime/dom.js";
import { Gallery } from "./runtime/gallery.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Painting } from "./runtime/painting.js";
import { BRUSHES, Cues, stored } from "./runtime/stored.js";

const WINDOW = 300; // sweeps that the chart shows
const STRIDE = 100; // sweeps by which it moves on
const REACH = 1.3; // of the axis of overlaps and of hidden units
const LOW = -0.3; // of that axis in a chart, as long as nothing is below
const SHOWN = 8; // patterns
const NEAR = { from: 0.6, to: 0.4 }; // overlap from which a state is near a pattern, and down to which it still is
const WARM = 0.5; // T of the buttons
const SIGNS = [
  ["square up", "neuron +1"],
  ["square down", "neuron \u22121"],
  ["line measured", "overlap m"],
  ["line unstable", "mean of the hidden unit"],
  ["dot third", "hidden unit as drawn"],
  ["line guide", "m of few patterns in a large network"],
];

// Patterns in rows, each with a bar of its overlap, a stroke at the mean of its hidden unit, and a dot where it is drawn.
class Units extends Gallery {
  constructor(onChoose) {
    super(onChoose, { shown: SHOWN, reach: REACH });
    this.list.classList.add("lab-rows");
  }

  entry(...given) {
    const [mean, drawn] = ["mean", "drawn"].map((kind) => element("span", { class: `lab-at ${kind}` }));
    const made = super.entry(...given);
    made.bar.after(mean, drawn);
    return { ...made, mean, drawn };
  }

  draw(overlaps, means, values) {
    super.draw(overlaps);
    for (const { mu, mean, drawn } of this.entries) {
      mean.style.left = this.place(means[mu]);
      drawn.hidden = Number.isNaN(values[mu]);
      if (!drawn.hidden) drawn.style.left = this.place(values[mu]);
    }
  }
}

// The overlap with the pattern cued and its hidden unit against sweeps.
class Course {
  constructor() {
    this.chart = new Chart({
      ...{ x: [0, WINDOW], y: [LOW, REACH], height: 210 },
      xLabel: "sweeps",
      yLabel: "overlap m, hidden unit z / \u221a(\u03b2N)",
      describe:
        "Overlap with the pattern cued, the mean of its hidden unit and its drawn values against sweeps, and the overlap of a large network.",
    });
    const at = (sweep, value) =>
      `M${this.chart.x.to(sweep).toFixed(1)} ${this.chart.y.to(value).toFixed(1)}h0`;
    this.drawn = this.chart.shape("lab-points drawn", (sweeps, values) =>
      sweeps.map((sweep, k) => at(sweep, values[k])),
    );
    const kinds = ["zero", "guide", "measured", "unstable"];
    [this.zero, this.level, this.overlap, this.mean] = kinds.map((kind) => this.chart.line(kind));
  }

  start() {
    this.record = [];
  }

  add(...entry) {
    this.record.push(entry);
    if (this.record.length > 2 * WINDOW) this.record.splice(0, WINDOW);
  }

  draw(level) {
    const latest = this.record.at(-1)[0];
    const end = Math.max(WINDOW, STRIDE * Math.ceil(latest / STRIDE));
    const seen = this.record.filter(([sweep]) => sweep >= end - WINDOW);
    const [sweeps, ...values] = [0, 1, 2, 3].map((k) => seen.map((entry) => entry[k]));
    const low = values.flat().some((value) => value < LOW) ? -REACH : LOW;
    const { x, y } = this.chart;
    if (end !== x.high || low !== y.low) this.chart.range([end - WINDOW, end], [low, REACH]);
    this.zero.set([end - WINDOW, end], [0, 0]);
    this.level.set([end - WINDOW, end], [level, level]);
    for (const [k, drawing] of [this.overlap, this.mean, this.drawn].entries())
      drawing.set(sweeps, values[k]);
  }
}

class BridgeLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), built: [] });
    const { side, count } = panel.limits;
    this.machine = new Bridge(module, { neurons: side[1] ** 2, patterns: count[1] });
    this.picture = new Painting(panel, { onPaint: () => this.painted(), what: "neurons" });
    this.units = new Units((mu) => this.choose(mu));
    this.course = new Course();
    this.signs = legend(SIGNS);
    this.first = element("div", {}, element("div", { class: "lab-state" }, this.picture.canvas));
    const charts = [this.units.node, this.course.chart.svg, this.signs];
    el.append(
      element(
        "div",
        { class: "lab-figures" },
        this.first,
        element("div", { class: "lab-second" }, ...charts),
      ),
    );
    this.furnish();
    this.first.append(el.querySelector(".lab-words"));
    panel.follow(["kind", "side", "seed", "count"], () => this.build());
    panel.follow(["cue", "noise"], () => this.reset());
    panel.follow(["drawn", "softness", "temperature"], () => this.take());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const { main, rest: where } = panel;
    const actions = element("div", { class: "lab-presets" });
    const all = () => this.machine.count;
    panel.preset("Hopfield network", () => this.play({ drawn: 0, softness: 1 }));
    panel.preset("Restricted machine", () => this.play({ drawn: all(), softness: 1 }));
    panel.preset("T above \u03a9", () => this.play({ softness: 0.4 }));
    panel.preset("Binary hidden units", () => this.play({ drawn: all(), softness: 0 }));
    main.append(actions);
    panel.button("Corrupt", () => this.spoil(), actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    this.drawing = panel.slider("drawn", { label: "Drawn units", integer: true, step: 1, where: main });
    between(this.drawing, "network", "machine");
    const soft = panel.slider("softness", { label: "Softness \u03a9", where: main });
    between(soft, "binary", "Gaussian");
    this.note = element("p", { class: "lab-told" });
    main.append(this.note);
    panel.slider("temperature", { label: "Temperature T" });
    panel.slider("count", { label: "Patterns P", logarithmic: true, integer: true });
    panel.slider("noise", { label: "Corrupted share" });
    panel.slider("speed", { label: "Sweeps / s", step: 1, digits: 0, logarithmic: true });
    panel.menu("kind", { label: "Patterns", names: { letters: "letters first", random: "random" }, where });
    panel.slider("side", { label: "Neurons a side", integer: true, step: 1, where });
    this.cues = new Cues(panel, where);
    panel.place("Brush paints", ...this.picture.brushes(BRUSHES), where);
    panel.field("seed", { label: "Seed", where });
    this.write = panel.readouts([
      ...["sweeps", "overlap m", "hidden mean", "hidden unit drawn", "E / N", "load \u03b1", "T / \u03a9"],
    ]);
    panel.mount();
  }

  get cue() {
    return Math.min(this.model.get("cue"), this.names.length) - 1;
  }

  // Store the patterns, if any of them has changed, and begin anew.
  build() {
    const { machine, picture, panel } = this;
    const { kind, side, seed, count } = panel.settings;
    const now = [kind, side, seed, count];
    if (now.every((part, k) => part === this.built[k])) return;
    if (side !== this.built[1]) {
      machine.start(side ** 2);
      picture.show(machine.spins.data, side);
    }
    this.built = now;
    Object.assign(this, stored(machine, { kind, side, seed, count }, this.model));
    machine.learn(this.patterns);
    machine.set(panel.settings);
    this.units.start(this.patterns, this.names, machine.n, 0);
    this.cues.offer(this.names);
    panel.bound("drawn", count, this.drawing);
    this.reset();
  }

  // Back to the pattern cued, corrupted, always in the same neurons.
  reset() {
    this.machine.restart(this.model.get("seed"));
    this.cues.choose(this.cue);
    this.units.choose(this.cue);
    this.sweeps = 0;
    this.pace.cost = this.pace.firstCost;
    this.course.start();
    this.spoil();
  }

  // Show the pattern cued with a share of the neurons turned, other ones each time.
  spoil() {
    const { machine, cue } = this;
    const share = this.model.get("noise");
    machine.take(this.patterns.subarray(cue * machine.n, (cue + 1) * machine.n));
    machine.spoil(share);
    this.touched(`${capital(this.names[cue].long)}, ${share > 0 ? "corrupted" : "as it is"}.`);
  }

  painted() {
    this.machine.begin();
    this.touched("What you painted.");
  }

  // Go on from a state that no sweep has led to, which `words` name.
  touched(words) {
    this.origin = words;
    this.near = false;
    this.note.textContent = this.law;
    this.course.add(this.sweeps, ...this.cued);
    this.wake();
  }

  // Go on from the same neurons with what has been set.
  take() {
    this.machine.set(this.panel.settings);
    this.note.textContent = this.law;
    this.wake();
  }

  wake() {
    if (!this.model.get("running")) return this.report();
    this.draw();
    return this.tell();
  }

  choose(mu) {
    if (mu === this.cue) this.reset();
    else this.panel.set("cue", mu + 1);
  }

  play(settings) {
    for (const [name, value] of Object.entries({ temperature: WARM, ...settings }))
      this.panel.set(name, value);
    this.reset();
    this.panel.set("running", true);
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(count) {
    for (let k = 0; k < count; k += 1) {
      this.machine.sweep();
      this.sweeps += 1;
      this.course.add(this.sweeps, ...this.cued);
    }
    if (count > 0) this.origin = undefined;
  }

  frame(milliseconds) {
    const due = this.pace.due(this.model.get("speed"), milliseconds);
    const first = due > 0 && this.sweeps === 0;
    if (due > 0) {
      this.pace.spend(due, (count) => this.advance(count));
      this.draw();
    }
    if (this.rate.add(1) || first) this.readOut();
  }

  // The overlap of the pattern cued, and the mean and the drawn value of its hidden unit on the same scale.
  get cued() {
    const { machine, cue } = this;
    return [machine.overlaps, ...machine.told].map((values) => values[cue]);
  }

  draw() {
    const { machine, cue } = this;
    this.picture.draw();
    this.units.draw(machine.overlaps, ...machine.told);
    this.course.draw(machine.level);
    const drawn = cue < machine.units.data.length;
    this.signs.children[4].toggleAttribute("hidden", machine.units.data.length === 0);
    this.write["hidden unit drawn"].row.toggleAttribute("hidden", !drawn);
  }

  // Hand the numbers to Python too.
  readOut() {
    const { model } = this;
    for (const [name, value] of Object.entries(this.tell())) model.set(name, value);
    model.save_changes();
  }

  // Say on the page how it stands.
  tell() {
    const { machine, write, sweeps } = this;
    const [overlap, mean, value] = this.cued;
    const ratio = 1 / (machine.beta * machine.softness);
    const told = {
      ...{ sweeps: String(sweeps), "overlap m": fixed(overlap, 3), "hidden mean": fixed(mean, 3) },
      ...{ "hidden unit drawn": fixed(value, 3), "E / N": fixed(machine.energy, 4) },
      "load \u03b1": `${machine.count}/${machine.n} = ${short(machine.count / machine.n, 3)}`,
      "T / \u03a9": machine.softness > 0 ? short(ratio, 3) : "\u221e",
    };
    for (const [name, tell] of Object.entries(write)) tell(told[name]);
    this.panel.description.set(this.inWords(), this.atLength(overlap, mean, value));
    const drawn = Number.isNaN(value) ? null : value;
    return { sweeps, overlap, hidden_mean: mean, drawn_value: drawn, energy: machine.energy };
  }

  // What the sliders have made of the machine.
  get mode() {
    const { units, count } = this.machine;
    const drawn = units.data.length;
    if (drawn === 0) return "No hidden unit is drawn";
    if (drawn === count) return "All hidden units are drawn";
    return `${drawn} of ${count} hidden units ${drawn > 1 ? "are" : "is"} drawn`;
  }

  get law() {
    const { units, count, softness } = this.machine;
    const drawn = units.data.length;
    const alone = softness === 1 ? "as in Hopfield's network" : "by themselves";
    let way = `: they are summed out, and the neurons move ${alone}`;
    if (drawn > 0) way = " once a sweep, the others are summed out";
    if (drawn === count) way = " once a sweep: block Gibbs sampling of the restricted machine";
    return `${this.mode}${way}. Wherever the first slider stands, the law of the neurons is the same.`;
  }

  // The kind of state: a sentence is heard only when another kind begins.
  inWords() {
    const { machine, names } = this;
    if (this.origin) return this.origin;
    const { overlaps } = machine;
    const nearest = overlaps.reduce((best, m, mu) => (Math.abs(m) > Math.abs(overlaps[best]) ? mu : best), 0);
    const m = overlaps[nearest];
    this.near = Math.abs(m) > (this.near ? NEAR.to : NEAR.from);
    const hot = machine.beta * machine.softness < 1;
    if (!this.near) return `${this.mode}: near none of the patterns${hot ? ", as T is above \u03a9" : ""}.`;
    return `${this.mode}: near ${m < 0 ? "the mirror image of " : ""}${names[nearest].long}.`;
  }

  atLength(overlap, mean, value) {
    const { machine, names, cue, sweeps } = this;
    const number = (x) => fixed(x, 2).trim();
    const drawn = Number.isNaN(value) ? "is summed out" : `was drawn as ${number(value)}`;
    return (
      `${machine.n} neurons and ${machine.count} hidden units of softness ${short(machine.softness, 3)} at temperature ` +
      `${short(this.model.get("temperature"), 4)}, after ${counted(sweeps, "sweep")}. ${this.note.textContent} The overlap with ` +
      `${names[cue].long}, which was cued, is ${number(overlap)}; its hidden unit, divided by the square root of beta N, ` +
      `has the mean ${number(mean)} and ${drawn}. A large network with few patterns has the overlap ${number(machine.level)}.`
    );
  }

  // Hand the neurons to Python, and say where the run stands.
  report() {
    this.draw();
    this.model.set("_spins", new DataView(this.machine.spins.data.slice().buffer));
    this.readOut();
  }
}

// Say at both ends of a slider what it leads to.
function between(row, low, high) {
  const range = row.querySelector("input[type=range]");
  range.before(element("span", { class: "lab-end" }, low));
  range.after(element("span", { class: "lab-end" }, high));
}

export default lab((parts) => new BridgeLab(parts));
