// Live modes: a deep linear network learns what four things have in common, and what tells them apart.

import { Chart, scientific, short, ticks } from "./runtime/chart.js";
import { capital, counted, drawing, element, fixed } from "./runtime/dom.js";
import { HeatMap } from "./runtime/heatmap.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const THINGS = ["canary", "robin", "oak", "rose"];
const MODES = [
  { key: "first", sign: "s\u2081", name: "what all share" },
  { key: "second", sign: "s\u2082", name: "animal or plant" },
  { key: "third", sign: "s\u2083", name: "canary or robin" },
  { key: "fourth", sign: "s\u2084", name: "oak or rose" },
];
const COUNT = MODES.length;
const HIDDEN = 8; // units of a layer between
const ROOM = 64; // steps in one call of the kernel
const FINE = 240; // parts of a theory curve
const STEP = 0.005; // of the integration, in units of time
const NEARLY = 0.98; // of a singular value: learned, and as far as the axis is to reach
const BEGUN = 0.05; // of a singular value: no longer waiting
const TENTH = 0.1; // of a singular value, from which on theory is drawn from a random start
const LONGEST = 400; // of the axis of time
const APART = 12; // between marks, in units of the drawing
const KEPT = 4000; // points of a record
const STARTS = { aligned: "aligned to the modes", random: "random" };
const SETTINGS = ["start", "depth", "initial", "rate", "first", "second", "third", "fourth", "seed"];
const TASK = { first: 2, second: 1.2, third: 0.8, fourth: 0.5 };
const PRESETS = [
  ["One after another", { start: "aligned", depth: 2, initial: 0.001, rate: 0.02, speed: 60 }],
  ["No plateaus: one layer", { start: "aligned", depth: 1, initial: 0.001, rate: 0.02, speed: 30 }],
  ["Four layers", { start: "aligned", depth: 4, initial: 0.01, rate: 0.02, speed: 100 }],
  ["A large start", { start: "aligned", depth: 2, initial: 0.3, rate: 0.02, speed: 30 }],
  ["A random start", { start: "random", depth: 2, initial: 0.001, rate: 0.02, speed: 60 }],
  ["Too large a rate", { start: "aligned", depth: 2, initial: 0.001, rate: 0.52, speed: 4 }],
];

// The network on its kernels, and the theory of its modes.
class Network {
  constructor(module, tree) {
    this.kernels = new Kernels(module, 8 * (3 * HIDDEN * HIDDEN + 16 * ROOM + 8 * (FINE + 40)) + 2 ** 15);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    Object.assign(this, { modes: real(COUNT, COUNT), target: real(COUNT, COUNT), white: real(COUNT, COUNT) });
    Object.assign(this, { errors: real(2, HIDDEN, COUNT), maps: real(ROOM, COUNT, COUNT) });
    Object.assign(this, { singular: real(COUNT), from: real(COUNT), strengths: real(COUNT) });
    Object.assign(this, { curves: real(FINE + 1, COUNT), random: this.kernels.array("uint64", 4) });
    tree.forEach((row, k) => {
      row.forEach((value, j) => {
        this.modes.data[COUNT * j + k] = value; // a mode a column
        this.white.data[COUNT * j + k] = j === k ? 1 : 0;
      });
    });
    this.ground = this.kernels.top;
  }

  begin({ start, depth, initial, rate, seed, ...settings }) {
    const { kernels, modes, singular, random, target } = this;
    const { run } = kernels;
    kernels.top = this.ground;
    const sizes = [COUNT, ...Array(depth - 1).fill(HIDDEN), COUNT];
    const units = sizes.slice(1).reduce((a, b) => a + b, 0);
    const weights = sizes.slice(1).reduce((sum, n, k) => sum + n * sizes[k], 0);
    Object.assign(this, { depth, initial, rate, steps: 0 });
    this.widths = kernels.array("int64", sizes.length);
    this.widths.data.set(sizes.map(BigInt));
    this.theta = kernels.array("float64", weights);
    this.forward = kernels.array("float64", units, COUNT);
    singular.data.set(MODES.map(({ key }) => settings[key]));
    run.compose_modes(modes, modes, singular, target);
    run.split_mix(random, seed);
    if (start === "random") run.fill_random_layers(this.widths, initial, random, this.theta);
    else run.fill_aligned_layers(this.widths, initial, modes, modes, this.theta);
    run.follow_layers(this.widths, this.theta, this.forward);
    const { address } = this.forward;
    const last = kernels.view("float64", address + 8 * COUNT * (units - COUNT), [COUNT, COUNT]);
    this.now = this.read(last);
  }

  // What a map knows of the modes.
  read(map) {
    const { run } = this.kernels;
    const outside = run.read_modes(this.modes, this.modes, map, this.strengths);
    const loss = run.white_loss(this.target, map);
    const { steps, rate } = this;
    return {
      steps,
      time: steps * rate,
      strengths: [...this.strengths.data],
      loss,
      outside,
      map: [...map.data],
    };
  }

  advance(steps, tell) {
    const { kernels, widths, theta, target, white, rate, forward, errors } = this;
    for (let left = steps; left > 0; left -= ROOM) {
      const maps = kernels.part(this.maps, Math.min(left, ROOM), COUNT, COUNT);
      kernels.run.descend_layers(widths, theta, target, white, rate, 1, forward, errors, maps);
      for (let k = 0; k < maps.shape[0]; k += 1) {
        this.steps += 1;
        this.now = this.read(kernels.row(maps, k));
        tell(this.now);
      }
    }
  }

  // When the last mode is learned, by theory, from an aligned start.
  get settling() {
    const { depth, singular, initial } = this;
    return this.kernels.run.settling_time(depth, singular, initial, NEARLY, STEP, LONGEST);
  }

  get largestRate() {
    return this.kernels.run.largest_rate_of_layers(this.depth, this.singular);
  }

  // The strengths of theory, a row a time, in FINE parts of a stretch of time.
  theory(stretch, from) {
    this.from.data.set(from);
    this.kernels.run.flow_modes(this.depth, this.singular, this.from, stretch / FINE, STEP, this.curves);
    const { data } = this.curves;
    const rows = Array.from({ length: FINE + 1 }, (_, i) => i);
    return MODES.map((_, k) => rows.map((i) => data[COUNT * i + k]));
  }
}

// What has been seen since Reset: all points, or as many as can be told apart.
class Record {
  constructor(entry) {
    this.entries = [entry];
    this.every = 1;
  }

  add(entry) {
    if (entry.steps % this.every !== 0) return;
    this.entries.push(entry);
    if (this.entries.length <= KEPT) return;
    this.every *= 2;
    this.entries = this.entries.filter(({ steps }) => steps % this.every === 0);
  }
}

// Strengths against time, on the sigmoids, and below them the loss.
class Course {
  constructor() {
    const time = "time t, learning rate times steps";
    const wide = { x: [0, 1], y: [0, 1], left: 42, right: 30 };
    this.chart = new Chart({
      ...{ ...wide, xLabel: time, yLabel: "strength a of each mode", height: 300 },
      describe: "Strengths of four modes against time: measured as marks, theory as lines.",
    });
    this.lines = MODES.map(({ key }) => this.chart.line(`lab-curve mode-${key}`));
    this.marks = MODES.map(({ key }) => this.marked(key));
    this.names = MODES.map(({ sign }) => drawing("text", { class: "lab-note", x: 334 }, sign));
    this.chart.svg.append(...this.names);
    this.losses = new Chart({
      ...{ ...wide, xLabel: time, yLabel: "loss", height: 170 },
      describe: "The loss against time: measured, and by theory.",
    });
    this.expected = this.losses.line("guide");
    this.loss = this.losses.line("measured");
    this.dot = this.losses.dot("now");
  }

  marked(key) {
    const path = drawing("path", { class: `lab-mark mode-${key}` });
    this.chart.dots.append(path);
    return path;
  }

  // Axes for so much time, and for these singular values.
  range(end, singular, loss) {
    this.end = end;
    const top = 1.2 * Math.max(...singular, 0.1);
    for (const [chart, high] of [
      [this.chart, top],
      [this.losses, 1.05 * Math.max(loss, 0.01)],
    ]) {
      chart.places = ticks(0, end, 5).map((place) => [place, short(place)]);
      chart.range([0, end], [0, high]);
    }
    this.spread(singular);
    this.clear();
  }

  // The signs of the singular values at their heights, apart from each other.
  spread(singular) {
    const order = [...singular.keys()].sort((a, b) => singular[a] - singular[b]);
    let last = Number.POSITIVE_INFINITY;
    for (const k of order) {
      last = Math.min(this.chart.y.to(singular[k]) + 4, last - 13);
      this.names[k].setAttribute("y", last.toFixed(1));
    }
  }

  clear() {
    this.drawn = MODES.map(() => ({ d: "" }));
    this.path = { d: "" };
  }

  // From which time on, with which strengths, for each mode; undefined where there is no theory yet.
  draw(curves) {
    curves.forEach((curve, k) => {
      this.lines[k].set(curve?.times ?? [], curve?.values ?? []);
    });
  }

  expect(times, values) {
    this.expected.set(times, values);
  }

  add({ time, strengths, loss }) {
    if (time > this.end * (1 + 1e-9)) return;
    for (const [k, seen] of this.drawn.entries()) {
      const [u, v] = [this.chart.x.to(time), this.chart.y.to(strengths[k])];
      if (!Number.isFinite(v) || Math.abs(v) > 1e4) continue;
      if (seen.u !== undefined && Math.hypot(u - seen.u, v - seen.v) < APART) continue;
      Object.assign(seen, { u, v, d: seen.d + form(k, u, v) });
    }
    const [u, v] = [this.losses.x.to(time), Math.max(this.losses.y.to(loss), -1e4)];
    const { path } = this;
    if (!Number.isFinite(v)) return;
    if (path.u !== undefined && Math.hypot(u - path.u, v - path.v) < 1) return;
    Object.assign(path, { u, v, d: `${path.d}${path.d ? "L" : "M"}${u.toFixed(1)} ${v.toFixed(1)}` });
  }

  show({ time, loss }) {
    this.drawn.forEach(({ d }, k) => {
      this.marks[k].setAttribute("d", d);
    });
    this.loss.node.setAttribute("d", this.path.d);
    if (loss <= this.losses.y.high && time <= this.end) this.dot.move(time, loss);
    else this.dot.hide();
  }
}

// The mark of a mode around a place: a circle, a square, a triangle, a diamond.
function form(k, u, v) {
  const [x, y] = [u.toFixed(1), v.toFixed(1)];
  return [
    `M${x} ${y}m-2.8 0a2.8 2.8 0 1 0 5.6 0a2.8 2.8 0 1 0 -5.6 0Z`,
    `M${x} ${y}m-2.5-2.5h5v5h-5Z`,
    `M${x} ${y}m0-3.3l3.1 5.4h-6.2Z`,
    `M${x} ${y}m0-3.5l3.5 3.5l-3.5 3.5l-3.5-3.5Z`,
  ][k];
}

function key(k) {
  return drawing(
    "svg",
    { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" },
    drawing("path", { d: "M1 7H25", class: `lab-line lab-curve mode-${MODES[k].key}` }),
    drawing("path", { d: form(k, 13, 7), class: `lab-mark mode-${MODES[k].key}` }),
  );
}

class ModesLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    this.network = new Network(module, model.get("_tree"));
    this.course = new Course();
    this.answers = new HeatMap(panel, {
      ...{ rows: COUNT, columns: COUNT, diverging: true, left: 58, x: [-0.5, 3.5], y: [3.5, -0.5] },
      ...{ xLabel: "answer: what is true of the \u2026", yLabel: "shown the \u2026" },
      places: THINGS.map((thing, k) => [k, thing]),
      heights: THINGS.map((thing, k) => [k, thing]),
      describe: "What the network answers when it is shown each of four things, as a matrix of colours.",
      onPick: () => {},
      name: ({ row, column }) => `Shown the ${THINGS[row]}, how far it answers as for the ${THINGS[column]}`,
    });
    const first = element("div", {}, this.course.chart.svg, this.course.losses.svg);
    const second = element("div", { class: "lab-second" }, this.answers.node);
    const signs = MODES.map(({ name, sign }, k) => element("li", {}, key(k), `${sign}: ${name}`));
    const line = drawing("path", { d: "M1 7H25", class: "lab-line guide" });
    const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
    this.guide = element("li", {}, drawing("svg", form, line), "loss by theory");
    signs.push(element("li", {}, "marks: the network; lines: theory"), this.guide);
    el.append(
      element("div", { class: "lab-figures" }, first, second),
      element("ul", { class: "lab-legend" }, ...signs),
    );
    this.furnish();
    second.append(el.querySelector(".lab-words"));
    panel.follow(SETTINGS, () => this.restart());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.turn());
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    for (const [name, settings] of PRESETS) panel.preset(name, () => this.go({ ...TASK, ...settings }));
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => {
      this.answers.forget();
      this.restart();
    });
    panel.share();
    panel.slider("initial", {
      ...{ label: "Initial strength a\u2080", step: 0.00001, digits: 5, where },
      scale: { to: Math.log, from: Math.exp, round: (x) => Number(x.toPrecision(2)) },
    });
    panel.slider("depth", { label: "Layers of weights D", integer: true, step: 1, where });
    panel.slider("rate", {
      ...{ label: "Learning rate \u03b7", step: 0.001, digits: 3, logarithmic: true, where },
    });
    panel.menu("start", { label: "Start", names: STARTS });
    for (const { key: mode, sign, name } of MODES)
      panel.slider(mode, { label: `${sign}: ${name}`, step: 0.05 });
    panel.slider("speed", { label: "Steps a second", step: 1, digits: 0, logarithmic: true });
    this.seed = panel.field("seed", { label: "Seed", where: rest });
    const told = ["steps", "time t", "loss", ...MODES.map(({ sign }) => `a / ${sign}`)];
    this.write = panel.readouts([...told, "outside of the modes", "largest rate that settles"]);
    panel.mount();
  }

  go(settings) {
    this.held = true;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.held = false;
    this.restart();
    this.panel.set("running", true);
  }

  restart() {
    if (this.held) return;
    const { network, panel, pace } = this;
    const { settings } = panel;
    network.begin(settings);
    this.singular = [...network.singular.data];
    this.record = new Record(network.now);
    this.anchors = MODES.map(() => undefined);
    this.reached = MODES.map(() => false);
    this.lost = undefined;
    Object.assign(pace, { owed: 0, cost: pace.firstCost });
    this.aligned = settings.start === "aligned";
    this.highest = network.now.loss;
    this.layOut((this.aligned ? 1.15 : 1.6) * Math.max(network.settling, 10 * network.rate));
    for (const part of [this.seed, this.seed.closest("details")])
      part.toggleAttribute("hidden", this.aligned);
    this.guide.toggleAttribute("hidden", !this.aligned);
    this.report();
  }

  // Axes up to about this time, and all that is on them.
  layOut(time) {
    const { network, course } = this;
    const [first, second] = ticks(0, time, 5);
    const end = (second - first) * Math.ceil(time / (second - first) - 1e-9);
    course.range(end, this.singular, this.highest);
    for (const entry of this.record.entries) course.add(entry);
    if (this.aligned || network.depth === 1) this.drawAll(end);
    else this.drawFromAnchors();
  }

  // Theory from the beginning: for an aligned start, or for one layer, from what it reads of the modes.
  drawAll(end) {
    const { network, course, singular } = this;
    const begun = this.aligned ? MODES.map(() => network.initial) : this.record.entries[0].strengths;
    const curves = network.theory(end, begun);
    const times = curves[0].map((_, i) => (i / FINE) * end);
    course.draw(curves.map((values) => ({ times, values })));
    const missed = (i) => curves.reduce((sum, values, k) => sum + (singular[k] - values[i]) ** 2 / 2, 0);
    course.expect(this.aligned ? times : [], this.aligned ? times.map((_, i) => missed(i)) : []);
  }

  // Theory of each mode from the moment at which it has a tenth of its singular value.
  drawFromAnchors() {
    const { network, course, anchors } = this;
    const first = Math.min(...anchors.map((anchor) => anchor?.time ?? course.end));
    const stretch = course.end - first; // of all, as modes do not know of each other; the frame cuts it off
    const from = anchors.map((anchor) => anchor?.strength ?? 0);
    const curves = stretch > 0 ? network.theory(stretch, from) : [];
    course.draw(
      anchors.map((anchor, k) => {
        if (!anchor || stretch <= 0) return undefined;
        return { times: curves[k].map((_, i) => anchor.time + (i / FINE) * stretch), values: curves[k] };
      }),
    );
    course.expect([], []);
  }

  // Start at the end begins anew.
  turn() {
    if (this.model.get("running") && this.over) this.restart();
    if (!this.model.get("running")) this.report();
  }

  // Nothing is left to be learned, or all is lost.
  get over() {
    const { time, loss } = this.network.now;
    if (this.lost !== undefined) return true;
    const learned = this.shares.every((share) => Math.abs(1 - share) < 0.01);
    return (time >= this.course.end && (this.aligned || learned)) || time > 10 * LONGEST || loss === 0;
  }

  // Of each singular value how much is learned; all of one that is 0.
  get shares() {
    const { strengths } = this.network.now;
    return this.singular.map((s, k) => (s > 0 ? strengths[k] / s : 1));
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(steps) {
    const { course, record, anchors, singular } = this;
    this.network.advance(steps, (entry) => {
      record.add(entry);
      course.add(entry);
      if (Number.isNaN(entry.loss)) this.lost ??= entry.steps;
      for (const [k, strength] of entry.strengths.entries())
        this.reached[k] ||= strength >= NEARLY * singular[k];
      if (this.aligned) return;
      for (const [k, strength] of entry.strengths.entries())
        if (singular[k] > 0 && strength >= TENTH * singular[k] && !anchors[k]) {
          anchors[k] = { time: entry.time, strength };
          this.changed = true;
        }
    });
    const { time } = this.network.now;
    if (!this.aligned && time > course.end && this.lost === undefined && !this.over) this.layOut(1.5 * time);
    else if (this.changed && this.network.depth > 1) this.drawFromAnchors();
    this.changed = false;
  }

  frame(milliseconds) {
    const steps = this.pace.due(this.model.get("speed"), milliseconds);
    if (steps > 0) {
      this.pace.spend(steps, (count) => this.advance(count));
      this.draw();
    }
    if (this.over) this.panel.set("running", false);
    else if (this.rate.add(1)) this.readOut();
  }

  draw() {
    const { course, answers, network } = this;
    const { now } = network;
    course.show(now);
    const far = Math.max(...network.target.data.map(Math.abs), 0.01);
    answers.set(Float64Array.from(now.map), { low: -far, high: far });
  }

  report() {
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, network, model, singular } = this;
    const { steps, time, loss, strengths, outside } = network.now;
    write.steps(String(steps));
    write["time t"](short(time, 4));
    write.loss(scientific(loss));
    MODES.forEach(({ sign }, k) => {
      write[`a / ${sign}`](singular[k] > 0 ? fixed(strengths[k] / singular[k], 3) : "\u2013");
    });
    write["outside of the modes"](Number.isFinite(outside) ? `${(100 * outside).toFixed(1)} %` : "\u2013");
    const { largestRate } = network;
    write["largest rate that settles"](Number.isFinite(largestRate) ? short(largestRate, 3) : "any");
    const all = { steps, time, loss, outside };
    for (const [k, { key: mode }] of MODES.entries()) all[`${mode}_strength`] = strengths[k];
    for (const [name, value] of Object.entries(all)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe();
  }

  describe() {
    const { network, singular } = this;
    const { depth, initial, rate } = this.panel.settings;
    const { steps, time, strengths, loss } = network.now;
    const each = MODES.map(
      ({ name }, k) => `${name}: ${scientific(strengths[k])} of ${short(singular[k], 3)}`,
    ).join("; ");
    const state = Number.isFinite(loss)
      ? `Strengths: ${each}. Loss ${scientific(loss)}. ${this.compared()}`
      : "Strengths and loss are no longer numbers.";
    const settles = Number.isFinite(network.largestRate)
      ? ` (the strongest mode settles at up to ${short(network.largestRate, 3)})`
      : "";
    const long =
      `A linear network with ${counted(depth, "layer")} of weights, initial strength ${short(initial, 2)}, ` +
      `learning rate ${short(rate, 3)}${settles}. ` +
      `After ${counted(steps, "step")}, at time ${short(time, 4)}. ${state}`;
    this.panel.description.set(this.inWords(steps, time), long);
  }

  // How far the marks follow the lines.
  compared() {
    const { depth } = this.network;
    if (this.fast) return "At a rate as large as this marks do not stay on the lines of theory.";
    if (this.aligned)
      return "The start is aligned to the modes, so that marks lie on the lines of theory up to the step size.";
    if (depth === 1) return "With one layer each mode follows its line from the start, aligned or not.";
    const how =
      depth === 2
        ? "The smaller the start, the nearer to it the marks stay."
        : "The strongest mode stays near to it; weaker ones may leave it, as their layers are not aligned yet.";
    return (
      "The start is random, and the layers have to align themselves first; a line of theory begins where its " +
      `mode has a tenth of its singular value. ${how}`
    );
  }

  // Whether steps are too long for the strongest mode to settle.
  get fast() {
    return this.network.rate > this.network.largestRate;
  }

  inWords(steps, time) {
    if (this.lost !== undefined)
      return `The weights ran away by step ${this.lost}: the learning rate is too large.`;
    if (this.singular.every((s) => s === 0)) return "There is nothing to learn: all singular values are 0.";
    if (steps === 0)
      return this.aligned
        ? "At the start, all modes are equally strong."
        : "At the start, nothing is aligned.";
    const told = this.sorted();
    if (told === undefined) return `At time ${short(time, 4)} all modes are learned.`;
    const warning = this.fast
      ? ` The strongest mode settles only at rates up to ${short(this.network.largestRate, 3)}.`
      : "";
    return `At time ${short(time, 4)}. ${capital(told)}.${warning}${this.over ? " The run ends here." : ""}`;
  }

  // Which modes are learned, and how far the others are; undefined when all are learned.
  sorted() {
    const { shares, singular, reached } = this;
    const told = MODES.map(({ name }, k) => ({
      name,
      share: shares[k],
      s: singular[k],
      reached: reached[k],
    }));
    const asked = told.filter(({ s }) => s > 0);
    const near = ({ share }) => share >= NEARLY && share < 2 - NEARLY;
    const below = asked.filter(({ share }) => share >= BEGUN && share < NEARLY);
    if (asked.every(near)) return undefined;
    const names = (which) => which.map(({ name }) => `\u201c${name}\u201d`).join(", ");
    const shared = (which) =>
      which.map(({ name, share }) => `\u201c${name}\u201d (${Math.round(100 * share)} %)`).join(", ");
    const parts = [
      ["learned", names(asked.filter(near))],
      ["being learned", shared(below.filter((mode) => !mode.reached))],
      ["not settled", shared(below.filter((mode) => mode.reached))],
      ["too strong", shared(asked.filter(({ share }) => share >= 2 - NEARLY))],
      ["still waiting", names(asked.filter(({ share }) => share < BEGUN))],
    ];
    return parts
      .filter(([, modes]) => modes)
      .map(([what, modes]) => `${what}: ${modes}`)
      .join("; ");
  }
}

export default lab((parts) => new ModesLab(parts));
