// The live restricted machine: chains that dream, pixels that can be clamped, filters, and learning.

import { Chart, roundedRange, short, ticks } from "./runtime/chart.js";
import { counted, drawing, element, fixed } from "./runtime/dom.js";
import { Comparison } from "./runtime/dreams.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Painting } from "./runtime/painting.js";
import { shade } from "./runtime/palette.js";
import { CHAINS, Restricted } from "./runtime/restricted.js";
import { Tiles } from "./runtime/tiles.js";

const FREE = 2; // in what is said of clamped pixels
const POINTS = 300; // of the record of errors
const GAUSSIAN = 3; // standard deviations at which the grey of a hidden unit ends
const METHODS = { off: "off", pcd: "PCD (chains go on)", cd: "CD (chains restart at the data)" };

// The first chain: a painting whose strokes clamp pixels, or free them.
class Picture extends Painting {
  constructor(panel, onPaint, { held, rows, columns, low }) {
    const pixelwise = { strides: [columns, rows], margin: 0.5 };
    super(panel, { onPaint, low, colours: "--lab-grey", count: 256, ...pixelwise });
    const middle = (size) => (Math.floor(size / 2) + 0.5) / size;
    this.cursor = { x: middle(columns), y: middle(rows) };
    this.marks = drawing("path", { class: "lab-clamped" });
    this.cursorMark = drawing("g", { class: "lab-cell", visibility: "hidden" });
    this.cursorMark.append(...[0, 1].map(() => drawing("rect", { width: 1, height: 1 })));
    const over = { class: "lab-over", viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" };
    const sheet = drawing("svg", over, this.marks, this.cursorMark);
    this.node = element("div", { class: "lab-state" }, this.canvas, sheet);
    this.shown = new Float32Array(rows * columns);
    this.show(held, rows, columns);
  }

  draw() {
    const { values, columns } = this;
    if (!values) return;
    shade(this.pixels, this.shown, this.tones, this.low, this.high);
    this.context.putImageData(this.image, 0, 0);
    let path = "";
    for (let i = 0; i < values.length; i += 1)
      if (!Number.isNaN(values[i]))
        path += `M${(i % columns) + 0.09} ${Math.floor(i / columns) + 0.09}h.82v.82h-.82z`;
    if (path !== this.path) this.marks.setAttribute("d", path);
    this.path = path;
    this.cursorMark.setAttribute("visibility", this.steered ? "visible" : "hidden");
    if (this.steered) this.drawCursor();
  }

  drawCursor() {
    const place = (share, size) => Math.min(Math.floor(share * size), size - 1);
    const [x, y] = [place(this.cursor.x, this.columns), place(this.cursor.y, this.rows)];
    this.cursorMark.setAttribute("transform", `translate(${x} ${y})`);
  }

  // One pixel, as there are few.
  disc(x, y) {
    const [column, row] = [Math.min(Math.floor(x), this.columns - 1), Math.min(Math.floor(y), this.rows - 1)];
    if (column >= 0 && row >= 0) this.values[row * this.columns + column] = this.brush;
  }
}

// The reconstruction error against the number of updates.
class Progress {
  constructor() {
    this.chart = new Chart({
      ...{ x: [0, 100], y: [0, 0.3], height: 190 },
      xLabel: "updates",
      yLabel: "reconstruction error",
      describe: "Mean squared reconstruction error of the images against the number of updates.",
    });
    this.line = this.chart.line("measured");
    this.dot = this.chart.dot("now", 5);
  }

  start() {
    Object.assign(this, { record: [], stride: 1, end: 100, high: 0 });
  }

  add(updates, error) {
    this.latest = [updates, error];
    const last = this.record.at(-1);
    if (!last || updates - last[0] >= this.stride) this.record.push(this.latest);
    if (this.record.length < POINTS) return;
    this.stride = Math.max(2 * this.stride, Math.ceil((2 * updates) / POINTS));
    this.record = this.record.filter((_, k) => k % 2 === 0);
  }

  draw() {
    const all = [...this.record, this.latest];
    const high = Math.max(...all.map(([, error]) => error));
    const [end] = this.latest;
    if (end > this.end || high > this.high || this.fitted !== this.end) {
      while (end > this.end) this.end *= 2;
      this.high = roundedRange([0, Math.max(high, this.high, 1e-3)])[1];
      this.fitted = this.end;
      this.chart.places = ticks(0, this.end, 4).map((updates) => [updates, short(updates)]);
      this.chart.range([0, this.end], [0, this.high]);
    }
    this.line.set(
      all.map(([updates]) => updates),
      all.map(([, error]) => error),
    );
    this.dot.move(...this.latest);
  }
}

class RBMLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), kept: {} });
    this.gather(module);
    this.figures(el, module);
    this.furnish();
    this.first.append(el.querySelector(".lab-words"));
    panel.follow(["parameters", "seed"], () => this.reset());
    panel.follow("start", () => this.restart());
    panel.follow("image", () => this.pick());
    panel.follow(["_held", "_off"], () => this.hold());
    panel.follow("shows", () => this.draw());
    panel.follow(["temperature", "learning"], () => this.changed());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  // The machine and its data, as Python has packed them.
  gather(module) {
    const { model, panel } = this;
    const [n, m] = [model.get("_shape")[0] * model.get("_shape")[1], model.get("_units")];
    const kinds = model.get("_kinds");
    this.low = kinds[0] === "spin" ? -1 : 0;
    const bits = values(model.get("_images"), Uint8Array);
    const count = Math.floor((8 * bits.length) / n);
    const rows = Float32Array.from({ length: count * n }, (_, k) =>
      (bits[k >> 3] >> (k & 7)) & 1 ? 1 : this.low,
    );
    this.labels = values(model.get("_labels"), Uint8Array);
    const given = values(model.get("_parameters"), Int16Array);
    if (given.length) this.given = Float32Array.from(given, (level) => level * model.get("_step"));
    this.machine = new Restricted(module, { kinds, rows, n, m, batch: panel.limits.batch[1] });
    this.ends = { binary: [0, 1], spin: [-1, 1], gaussian: [-GAUSSIAN, GAUSSIAN] }[kinds[1]];
    panel.limits = { ...panel.limits, image: [1, count] };
    if (model.get("image") > count) panel.set("image", count);
  }

  figures(el, module) {
    const { machine, model, panel, low } = this;
    const [rows, columns] = this.model.get("_shape");
    const form = { held: machine.held.data, rows, columns, low };
    this.picture = new Picture(panel, () => this.painted(), form);
    this.strip = new Tiles(panel, {
      ...{ count: CHAINS - 1, rows, columns, across: CHAINS - 1, colours: "--lab-grey" },
      describe: `${CHAINS - 1} more chains of the same machine, each a small picture.`,
    });
    const across = Math.ceil(Math.sqrt(machine.m));
    this.filters = new Tiles(panel, {
      ...{ count: machine.m, rows, columns, across, colours: "--lab-diverging", framed: true },
      describe: `Filters of ${machine.m} hidden units: small pictures of their weights. Arrow keys choose one, space switches it off.`,
      onChoose: () => this.tellUnit(),
      onPress: (j) => this.turnOff(j),
    });
    this.large = new Tiles(panel, {
      ...{ count: 1, rows, columns, across: 1, colours: "--lab-diverging" },
      describe: "The filter of the hidden unit that was chosen, large.",
    });
    this.progress = new Progress();
    const told = (words) => element("p", { class: "lab-told" }, words);
    const chains = told("Seven more chains of the same machine:");
    this.first = element("div", {}, this.picture.node, chains, this.strip.node);
    const frames = "Filters, framed where a unit is on: orange raises the field of a pixel, blue lowers it.";
    this.caption = told(frames);
    const second = element("div", { class: "lab-second" }, this.filters.node, this.caption);
    this.unit = element("div", { class: "lab-unit-told" });
    const below = element("div", { class: "lab-pair lab-below" }, this.unit, this.progress.chart.svg);
    if (model.get("magnet") !== null) {
      this.magnet = new Comparison({ model, panel, module }, CHAINS, this.progress.chart.svg);
      below.append(this.magnet.node);
    }
    el.append(element("div", { class: "lab-figures" }, this.first, second, below));
  }

  furnish() {
    const { panel } = this;
    this.actions = element("div", { class: "lab-presets" });
    panel.main.append(this.actions, panel.presets);
    this.actions.append(panel.switch());
    const button = (label, action) => panel.button(label, action, this.actions);
    button("Step", () => this.step());
    button("Reset", () => this.reset());
    button("From noise", () => this.begin("noise"));
    button("From image", () => this.begin("image"));
    button("Free all pixels", () => this.clamp(() => NaN));
    button("Forget", () => this.know("random"));
    if (this.given) button("Trained weights", () => this.know("given"));
    panel.preset("Dream", () => this.dream());
    panel.preset("Complete half an image", () => this.complete());
    panel.preset("Learn from nothing", () => this.learnAnew());
    panel.share();
    this.actions.append(panel.buttons.lastChild);
    panel.slider("temperature", { label: "Temperature T", logarithmic: true, where: panel.main });
    panel.place("Brush", ...this.picture.brushes(this.brushes));
    panel.slider("image", { label: "Image", integer: true, step: 1 });
    panel.menu("learning", { label: "Learning", names: METHODS });
    this.lessons = [
      panel.slider("rate", { label: "Learning rate", logarithmic: true, digits: 3, step: 0.001 }),
    ];
    panel.slider("speed", { label: "Sweeps / s", logarithmic: true, digits: 0, step: 1 });
    this.furnishRest();
    this.choice = element("p", { class: "lab-told" });
    this.unit.append(this.large.node, this.choice);
    this.switch = panel.button("Switch off", () => this.turnOff(this.filters.chosen), this.unit);
    const names = ["F(v)", "F of the images", "hidden units on", "reconstruction error", "updates", "sweeps"];
    this.write = panel.readouts([...names, "nearest image", "image chosen"]);
    this.magnet?.furnish(panel);
    panel.mount();
  }

  get brushes() {
    return [
      [1, "clamps a pixel on"],
      [this.low, "clamps a pixel off"],
      [NaN, "frees a pixel"],
    ];
  }

  furnishRest() {
    const { panel } = this;
    const { rest: where } = panel;
    panel.menu("shows", { label: "Pictures show", names: { means: "means", states: "units" }, where });
    for (const [name, label] of [
      ["batch", "Images a batch"],
      ["n_steps", "Sweeps an update"],
    ])
      this.lessons.push(panel.slider(name, { label, integer: true, step: 1, where }));
    panel.follow("learning", () => {
      for (const row of this.lessons) row.hidden = panel.settings.learning === "off";
    });
    panel.field("seed", { label: "Seed", where });
  }

  get beta() {
    return 1 / this.model.get("temperature");
  }

  // The machine as it was given, or with random weights, and its chains at their start.
  reset() {
    const { machine, model } = this;
    machine.begin(model.get("parameters") === "given" ? this.given : undefined, model.get("seed"));
    this.progress.start();
    this.pace.cost = this.pace.firstCost;
    this.reported = 0;
    model.set("_learned", new DataView(new ArrayBuffer(0)));
    this.restart();
  }

  // Chains at their start, with the machine as it is.
  restart() {
    const { model, machine } = this;
    machine.start(model.get("seed"), model.get("start") === "image" ? model.get("image") - 1 : undefined);
    this.sweeps = 0;
    this.changed();
  }

  // What it dreams is measured anew.
  changed() {
    this.magnet?.restart();
    this.wake();
  }

  // Another image was chosen: chains that start there start anew.
  pick() {
    if (this.model.get("start") === "image") this.restart();
    else this.wake();
  }

  // Show what has changed, and tell it.
  wake() {
    if (this.sweeps === undefined) return;
    if (this.model.get("running")) {
      this.draw();
      this.readOut();
    } else this.report();
  }

  // Take what Python says of clamped pixels and of hidden units that are off.
  hold() {
    const { machine, model, kept } = this;
    const changed = ["_held", "_off"].filter((name) => model.get(name) !== kept[name]);
    for (const name of changed) kept[name] = model.get(name);
    if (changed.includes("_held")) {
      const held = values(kept._held, Int8Array);
      const valueAt = (i) => (held.length && held[i] !== FREE ? held[i] : NaN);
      machine.held.data.set(machine.held.data.map((_, i) => valueAt(i)));
    }
    if (changed.includes("_off")) {
      machine.off.data.fill(NaN);
      for (const j of values(kept._off, Int16Array)) machine.off.data[j] = 0;
    }
    const first = !this.ready;
    this.ready = true;
    if (changed.length || first) this.restart();
  }

  // Hand to Python what the reader has clamped or switched off.
  keep(name, array) {
    this.kept[name] = new DataView(array.buffer);
    this.model.set(name, this.kept[name]);
    this.model.save_changes();
  }

  // What is clamped shows at once; the other pixels follow with the next sweep.
  painted() {
    const { machine } = this;
    for (let k = 0; k < CHAINS; k += 1)
      for (const part of [machine.means(machine.visible, k), machine.units(machine.visible, k)])
        machine.held.data.forEach((value, i) => {
          if (!Number.isNaN(value)) part[i] = value;
        });
    const { data } = machine.held;
    const any = data.some((value) => !Number.isNaN(value));
    this.keep(
      "_held",
      Int8Array.from(any ? data : [], (value) => (Number.isNaN(value) ? FREE : value)),
    );
    this.changed();
  }

  clamp(valueAt) {
    this.machine.held.data.forEach((_, i, all) => {
      all[i] = valueAt(i);
    });
    this.painted();
  }

  turnOff(j) {
    const { data } = this.machine.off;
    data[j] = Number.isNaN(data[j]) ? 0 : NaN;
    this.keep("_off", Int16Array.from([...data.keys()].filter((k) => !Number.isNaN(data[k]))));
    this.changed();
  }

  begin(start) {
    if (this.model.get("start") === start) this.restart();
    else this.panel.set("start", start);
  }

  know(parameters) {
    if (this.model.get("parameters") === parameters) this.reset();
    else this.panel.set("parameters", parameters);
  }

  play(settings) {
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.panel.set("running", true);
  }

  dream() {
    this.clamp(() => NaN);
    this.begin("noise");
    this.play({ temperature: 1, learning: "off", speed: 20 });
  }

  // What the upper half of the chosen image says of a pixel.
  half(i) {
    const { n, rows } = this.machine;
    return i < n / 2 ? rows.data[(this.model.get("image") - 1) * n + i] : NaN;
  }

  // Whether just this half is clamped.
  get completes() {
    return this.machine.held.data.every((value, i) => Object.is(value, this.half(i)));
  }

  // The upper half of the chosen image; of the next one where this is clamped already.
  complete() {
    const { machine, model, panel } = this;
    if (this.completes) panel.set("image", (model.get("image") % machine.count) + 1);
    this.play({ temperature: 1, learning: "off", speed: 20 });
    this.clamp((i) => this.half(i));
    this.begin("noise");
  }

  learnAnew() {
    this.clamp(() => NaN);
    this.know("random");
    this.play({ temperature: 1, learning: "pcd", rate: 0.05, batch: 50, n_steps: 1, speed: 200 });
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(count) {
    const { machine, beta } = this;
    const { learning, rate, batch, n_steps: steps } = this.panel.settings;
    for (let k = 0; k < count; k += 1) {
      machine.sweep(beta);
      if (learning !== "off") machine.learn(learning, rate, batch, steps);
      else this.magnet?.add((chain) => machine.units(machine.visible, chain));
    }
    this.sweeps += count;
  }

  frame(milliseconds) {
    const due = this.pace.due(this.model.get("speed"), milliseconds);
    this.pace.spend(due, (count) => this.advance(count));
    if (due) this.draw();
    if (this.rate.add(1)) this.readOut();
  }

  // What the pictures show of a layer of a chain.
  seen(layer, k = 0) {
    return this.model.get("shows") === "means" ? this.machine.means(layer, k) : this.machine.units(layer, k);
  }

  draw() {
    const { machine, low } = this;
    if (this.sweeps === undefined) return;
    this.picture.shown.set(this.seen(machine.visible));
    this.picture.draw();
    this.strip.draw((k) => this.seen(machine.visible, k + 1), [low, 1]);
    const far = machine.weights.data.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-6);
    const { data } = machine.turned;
    const none = new Float32Array(machine.n);
    const filter = (j) =>
      Number.isNaN(machine.off.data[j]) ? data.subarray(j * machine.n, (j + 1) * machine.n) : none;
    this.filters.draw(filter, [-far, far], this.seen(machine.hidden), this.ends);
    this.large.draw(() => filter(this.filters.chosen), [-far, far]);
    this.far = far;
    this.tellUnit(false);
  }

  // Say what is known of the hidden unit chosen.
  tellUnit(chosen = true) {
    if (chosen) this.draw();
    const { machine } = this;
    const j = this.filters.chosen;
    const off = !Number.isNaN(machine.off.data[j]);
    const number = (value) => fixed(value, 2).trim();
    const mean = this.sweeps ? `, mean now ${number(machine.means(machine.hidden)[j])}` : "";
    const words =
      `Hidden unit ${j + 1}: ` +
      (off ? "switched off." : `bias ${number(machine.biases[1].data[j])}${mean}.`) +
      ` Colours reach from weights of \u2212${number(this.far)} to ${number(this.far)}.`;
    if (words !== this.choice.textContent) this.choice.textContent = words;
    this.filters.point();
    const label = off ? "Switch on" : "Switch off";
    if (this.switch.textContent !== label) this.switch.textContent = label;
  }

  // What is costly to know of the data, again only when the machine or T has changed.
  get ofData() {
    const { machine, beta } = this;
    const key = [machine.updates, beta, this.kept._off, this.model.get("parameters"), this.model.get("seed")];
    if (key.some((part, k) => part !== this.known?.key[k])) {
      const energies = machine.freeEnergies(beta, machine.rows);
      const mean = energies.reduce((a, b) => a + b, 0) / machine.count;
      this.known = { key, mean, error: machine.reconstructionError };
    }
    return this.known;
  }

  // The image that differs from the first chain in the fewest pixels.
  get nearest() {
    const { n, count, rows, visible } = this.machine;
    const units = this.machine.units(visible);
    let best = { difference: Number.POSITIVE_INFINITY };
    for (let k = 0; k < count; k += 1) {
      let difference = 0;
      for (let i = 0; i < n; i += 1) if (rows.data[k * n + i] !== units[i]) difference += 1;
      if (difference < best.difference) best = { number: k + 1, difference };
    }
    return best;
  }

  // Hand the numbers to Python, and say on the page how it stands.
  readOut() {
    const { machine, model, sweeps } = this;
    if (!this.ready) return;
    const on = machine.units(machine.hidden).reduce((sum, unit) => sum + (unit > 0), 0) / machine.m;
    const { mean, error } = this.ofData;
    const { number, difference } = this.nearest;
    const told = {
      ...{ sweeps, updates: machine.updates, free_energy: machine.freeEnergies(this.beta)[0] },
      ...{ data_free_energy: mean, hidden_on: sweeps ? on : null, reconstruction_error: error },
      ...{ nearest: number, difference },
    };
    for (const [name, value] of Object.entries(told)) model.set(name, value);
    this.magnet?.show(this.asLearned);
    model.save_changes();
    this.progress.add(machine.updates, error);
    this.progress.draw();
    this.tell(told);
  }

  tell(told) {
    const { write } = this;
    const texts = {
      "F(v)": fixed(told.free_energy, 2),
      "F of the images": fixed(told.data_free_energy, 2),
      "hidden units on": fixed(told.hidden_on, 3),
      "reconstruction error": fixed(told.reconstruction_error, 4),
      updates: String(told.updates),
      sweeps: String(told.sweeps),
      "nearest image": `${this.named(told.nearest)}, ${told.difference} off`,
      "image chosen": this.named(this.panel.settings.image),
    };
    for (const [name, tell] of Object.entries(write)) tell(texts[name]);
    const clamped = this.machine.held.data.reduce((sum, value) => sum + !Number.isNaN(value), 0);
    this.panel.description.set(this.inWords(clamped), this.atLength(told, clamped));
  }

  // Whether it dreams as it has learned to: at T = 1, with all pixels free and all units on.
  get asLearned() {
    const { machine, beta } = this;
    return beta === 1 && [machine.held, machine.off].every(({ data }) => data.every(Number.isNaN));
  }

  named(number) {
    const label = this.labels[number - 1];
    return label === undefined ? String(number) : `${number} (${label})`;
  }

  // Whether the machine knows no more of the data than how often each pixel is on.
  get ignorant() {
    const { machine, model } = this;
    return machine.updates === 0 && !(this.given && model.get("parameters") === "given");
  }

  // The kind of state: a sentence is heard only when another kind begins.
  inWords(clamped) {
    const { learning, start, image, temperature } = this.panel.settings;
    if (learning !== "off" && this.machine.updates)
      return `Learning by ${learning.toUpperCase()}: watch the filters.`;
    if (!this.sweeps)
      return start === "image" ? `At the start: image ${this.named(image)}.` : "At the start: noise.";
    if (this.ignorant) return "Nothing is learned yet: no pixel knows of any other.";
    if (this.completes) return `Completing image ${image}: its upper half is clamped.`;
    if (clamped) return `Completing: ${clamped} of ${this.machine.n} pixels are clamped.`;
    if (temperature > 1) return "Dreaming, hotter than it has learned.";
    return temperature < 1 ? "Dreaming, colder than it has learned." : "Dreaming: nothing is clamped.";
  }

  // Where the parameters are from.
  get history() {
    const { updates } = this.machine;
    const given = this.given && this.model.get("parameters") === "given";
    if (!updates) return given ? "trained beforehand" : "with random weights";
    const start = given ? "from trained weights on" : "from random weights on";
    return `which has learned here ${start}`;
  }

  atLength(told, clamped) {
    const { machine } = this;
    const number = (value, digits = 2) => fixed(value, digits).trim();
    return (
      `A restricted machine of ${machine.n} visible and ${machine.m} hidden units, ${this.history}, at temperature ` +
      `${short(this.model.get("temperature"), 4)}, ${clamped} pixels clamped, after ${counted(told.sweeps, "sweep")} and ` +
      `${counted(told.updates, "update")}. The first chain has the free energy ${number(told.free_energy)}, the images ` +
      `have ${number(told.data_free_energy)} on average; the nearest is ${this.named(told.nearest)}, which differs ` +
      `in ${counted(told.difference, "pixel")}. The reconstruction error is ${number(told.reconstruction_error, 4)}: this is ` +
      `not the likelihood, and can fall while the dreams get worse.${this.magnet?.atLength(this.asLearned) ?? ""}`
    );
  }

  // Hand the chains and the machine to Python, and say where the run stands.
  report() {
    const { machine, model } = this;
    if (this.sweeps === undefined || !this.ready) return;
    this.draw();
    const { data, shape } = machine.visible;
    const units = data.subarray(2 * shape[1] * shape[2]);
    model.set("_visible", new DataView(Int8Array.from(units).buffer));
    if (machine.updates !== this.reported) model.set("_learned", new DataView(machine.learned.buffer));
    this.reported = machine.updates;
    this.readOut();
  }
}

// The numbers of a binary trait, wherever its bytes begin.
function values(view, Type) {
  if (!view?.byteLength) return new Type(0);
  return new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// What a copy does not carry, if there is any of it.
function without(model, page) {
  const some = (name) => model.get(name)?.byteLength > 0;
  const magnet = model.get("magnet") !== null;
  const parts = [
    !page &&
      some("_parameters") &&
      `the machine${magnet ? ", its images and their magnet" : " and its images"}`,
    some("_held") && "clamped pixels",
    some("_off") && "units that are off",
    model.get("updates") > 0 && "what was learned here",
  ].filter(Boolean);
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : (parts[0] ?? "");
}

export default lab((parts) => new RBMLab(parts), { without });
