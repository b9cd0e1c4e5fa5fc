// The live committee: overlaps on the plateau, the reader's push, and the escape; the equations start where it begins.

import { Chart, legend, scientific, short } from "./runtime/chart.js";
import { drawing, element, fixed } from "./runtime/dom.js";
import { HeatMap } from "./runtime/heatmap.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const [SCALE, CROSS] = [0.5, 0.05]; // of a student's weights at the beginning, and its R where all are alike
const LOOKS = 10; // at a run, for each unit of alpha
const STEP = 0.25; // of alpha, in which the equations are followed
const REACHES = [100, 200, 400, 800, 1600]; // ends of the axis of alpha
const SAMPLES = 400; // of a line by the equations, at most
const DOTS = 70; // of a measured line
const HIGH = 260; // of a chart
const ACROSS = [
  [-0.3, 1.2],
  [-2, 3],
  [-6, 8],
  [-15, 20],
]; // overlaps that are drawn, wider where weights grow
const DECADES = { error: [-8, 0.5], special: [-4, 0.3], grown: [-4, 1.3] };
const LEARNED = 1e-8; // error at which a run ends: the foot of its chart
const AT_ONCE = 80; // milliseconds for which the equations are followed at once, and a frame otherwise
const A_FRAME = 14;
const AGAIN = 300; // milliseconds after which a longer part of their lines is drawn
const ALIKE = 0.1; // specialization below which all units do the same
const APART = 0.75; // and from which each has its own
const NEAR = 1.5; // errors over that of the plateau at which it is reached
const SUPER = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
const STARTS = { random: "random weights", symmetric: "all units alike" };
const TOLD = {
  alpha: "\u03b1 = examples / N",
  error: "error \u03b5",
  expected: "\u03b5 by the equations",
  plateau: "\u03b5 on the plateau",
  special: "specialization S",
  escape: "escape rate \u03bb",
};
const SIGNS = [
  ["dot measured", "the student, measured"],
  ["line theory", "Saad and Solla's equations, N \u2192 \u221e"],
  ["line guide", "the plateau; on the scale of S, the size of a push"],
  ["line third", "after a push: growth at the escape rate"],
];
const USUAL = { push: 0.05, speed: 10 };
const PRESETS = [
  ["Plateau of two units", { ...USUAL, hidden: 2, rate: 1, inputs: 500, start: "random" }],
  ["Three units", { ...USUAL, hidden: 3, rate: 0.7, inputs: 500, start: "random" }],
  ["Exactly alike", { ...USUAL, hidden: 2, rate: 1, inputs: 1000, start: "symmetric" }],
  ["Too fast", { ...USUAL, hidden: 2, rate: 2.6, inputs: 500, start: "random" }],
];

// The student and its teacher on their kernels.
class Committee {
  constructor(module, { hidden: [, k], inputs: [, n] }) {
    this.kernels = new Kernels(module, 8 * (2 * k + 2) * n + 2 ** 17);
    this.ground = this.kernels.top;
  }

  // Begin with so many units and inputs; the arrays of the last ones make room.
  begin({ hidden, inputs, start, seed }) {
    const { kernels } = this;
    kernels.top = this.ground;
    const real = (...shape) => kernels.array("float64", ...shape);
    const units = real(2 * hidden, inputs);
    const weights = kernels.view("float64", units.address + 8 * hidden * inputs, [hidden, inputs]);
    Object.assign(this, { k: hidden, n: inputs, weights, teacher: kernels.part(units, hidden, inputs) });
    Object.assign(this, { row: real(inputs + 2), factors: real(hidden), state: kernels.array("uint64", 4) });
    Object.assign(this, { now: real(1, 2 * hidden, 2 * hidden), room: real(4, 2 * hidden, 2 * hidden) });
    this.overlaps = kernels.row(this.now, 0);
    this.ahead = real(2 * hidden, 2 * hidden); // where the equations are
    Object.assign(this, { every: Math.ceil(inputs / LOOKS), examples: 0 });
    kernels.run.split_mix(this.state, BigInt(seed));
    this.draw(start === "symmetric", units);
  }

  draw(symmetric, units) {
    const { run } = this.kernels;
    const { state, weights, teacher } = this;
    run.draw_committee(state, 1, 1, symmetric ? units : teacher);
    if (symmetric) run.lean_committee(weights, teacher, SCALE, CROSS);
    else run.draw_committee(state, 0, SCALE, weights);
    this.look();
  }

  look() {
    this.kernels.run.committee_overlaps(this.weights, this.teacher, this.overlaps);
  }

  learn(rate) {
    const { weights, teacher, every, state, row, factors, now } = this;
    this.kernels.run.learn_committee(weights, teacher, rate, 0, every, state, row, factors, now);
    this.examples += every;
  }

  push(size) {
    this.kernels.run.push_committee(this.weights, this.teacher, size);
    this.look();
  }

  get alpha() {
    return this.examples / this.n;
  }

  // What is drawn of overlaps: R of each unit with each of the teacher's, the error and the specialization.
  told(overlaps) {
    const { k, kernels } = this;
    const cross = Array.from({ length: k * k }, (_, c) => {
      return overlaps.data[2 * k * Math.floor(c / k) + k + (c % k)];
    });
    const error = kernels.run.committee_error(overlaps, k);
    return { cross, error, special: kernels.run.specialization(overlaps, k) };
  }

  get seen() {
    return this.told(this.overlaps);
  }
}

// What the equations say from some moment on, as far as has been asked.
class Prediction {
  constructor(committee, rate) {
    Object.assign(this, { committee, rate, alphas: [], entries: [] });
    this.start = Float64Array.from(committee.overlaps.data);
    this.from = committee.alpha;
    this.add(this.from, this.start);
    this.last = this.start;
  }

  add(alpha, data) {
    this.committee.ahead.data.set(data);
    this.alphas.push(alpha);
    this.entries.push(this.committee.told(this.committee.ahead));
  }

  // Go on to the end of the axis or for so many milliseconds, fast changes at first in small steps; tell whether it
  // has come to the end.
  follow(reach, milliseconds) {
    const until = performance.now() + milliseconds;
    const { committee, rate } = this;
    const { ahead, room, k, kernels } = committee;
    const wide = Math.max(2 * STEP, Math.ceil(reach / SAMPLES / STEP) * STEP);
    ahead.data.set(this.last);
    while (this.alphas.at(-1) < reach) {
      const alpha = this.alphas.at(-1);
      const far = alpha - this.from < 10 ? STEP : wide;
      kernels.run.follow_committee(ahead, k, rate, 0, STEP, Math.round(far / STEP), room);
      this.alphas.push(alpha + far);
      this.entries.push(committee.told(ahead));
      if (performance.now() > until) break;
    }
    this.last = Float64Array.from(ahead.data);
    return this.alphas.at(-1) >= reach;
  }

  // The error at a moment, between two samples on the logarithmic scale.
  errorAt(alpha) {
    const next = this.alphas.findIndex((place) => place >= alpha);
    if (next < 0) return NaN;
    if (next === 0) return this.entries[0].error;
    const [a, b] = [this.alphas[next - 1], this.alphas[next]];
    const [low, high] = [this.entries[next - 1], this.entries[next]].map(({ error }) => Math.log(error));
    return Math.exp(low + ((alpha - a) / (b - a)) * (high - low));
  }
}

// Lines of one chart: by the equations, fainter what they said before, and measured points.
class Lines {
  constructor(chart, values) {
    Object.assign(this, { chart, values });
    this.past = drawing("path", { class: "lab-line theory" });
    this.theory = drawing("path", { class: "lab-line theory" });
    this.points = drawing("path", { class: "lab-points small" });
    chart.inside.append(drawing("g", { class: "lab-past" }, this.past), this.points, this.theory);
  }

  path(alphas, entries) {
    const rows = entries.map(this.values);
    const count = rows[0]?.length ?? 0;
    return Array.from({ length: count }, (_, c) => {
      return this.chart.path(
        alphas,
        rows.map((row) => row[c]),
      );
    }).join("");
  }

  predict(prediction, before) {
    this.theory.setAttribute("d", this.path(prediction.alphas, prediction.entries));
    this.past.setAttribute("d", before ? this.path(before.alphas, before.entries) : "");
  }

  draw(alphas, entries) {
    const { x, y } = this.chart;
    const inside = (value) => value >= y.low && value <= y.high;
    const dots = entries.flatMap((entry, k) =>
      this.values(entry)
        .filter(inside)
        .map((value) => `M${x.to(alphas[k]).toFixed(1)} ${y.to(value).toFixed(1)}h0`),
    );
    this.points.setAttribute("d", dots.join(""));
  }
}

// The charts of a run against alpha.
class Charts {
  constructor() {
    const shared = { x: [0, REACHES[0]], xLabel: "\u03b1 = examples / N", height: HIGH };
    const powers = ([low, high]) =>
      Array.from({ length: Math.floor(high) - low + 1 }, (_, i) => low + i)
        .filter((power) => power % 2 === 0 || high - low < 5)
        .map((power) => [power, power === 0 ? "1" : `10\u207b${SUPER[-power]}`]);
    Object.assign(this, { wide: 0, end: REACHES[0] });
    this.cross = new Chart({
      ...{ ...shared, y: ACROSS[0], yLabel: "overlaps R with the teacher's units" },
      describe: "Overlaps R of the student's units with the teacher's against examples per input.",
    });
    this.error = new Chart({
      ...{
        ...shared,
        y: DECADES.error,
        heights: powers(DECADES.error),
        yLabel: "generalization error \u03b5",
      },
      describe: "Generalization error against examples per input, on a logarithmic scale.",
    });
    this.special = new Chart({
      ...{ ...shared, y: DECADES.special, heights: powers(DECADES.special), yLabel: "specialization S" },
      describe: "Specialization against examples per input, on a logarithmic scale.",
    });
    const log = (value) => [value > 0 ? Math.log10(value) : NaN];
    this.guides = [this.cross, this.error].map((chart) => chart.line("guide"));
    this.lines = [
      new Lines(this.cross, ({ cross }) => cross),
      new Lines(this.error, ({ error }) => log(error)),
      new Lines(this.special, ({ special }) => log(special)),
    ];
    this.growth = this.special.line("third");
    this.size = this.special.line("guide");
    this.nodes = [this.cross, this.error, this.special].map(({ svg }) => svg);
  }

  // Have room for overlaps as large as these; tell whether the axes are others now.
  hold(cross) {
    const [low, high] = [Math.min(...cross), Math.max(...cross)];
    const wide = ACROSS.findIndex(([first, last]) => low >= first && high <= last);
    const place = wide < 0 ? ACROSS.length - 1 : wide;
    if (place <= this.wide) return false;
    this.stretch(place);
    return true;
  }

  stretch(wide) {
    this.wide = wide;
    this.cross.range([0, this.end], ACROSS[wide]);
    const decades = wide > 0 ? DECADES.grown : DECADES.special;
    this.special.range([0, this.end], decades);
  }

  // Give the axis of alpha another end; what is drawn afterwards uses it.
  reach(end) {
    this.end = end;
    for (const chart of [this.cross, this.error, this.special])
      chart.range([0, end], [chart.y.low, chart.y.high]);
  }

  // The plateau, if there is one, and after a push the growth that its escape rate gives.
  guide(plateau, pushed) {
    const level = (value) => (plateau ? [value, value] : []);
    this.guides[0].set([0, this.end], level(plateau?.cross));
    this.guides[1].set([0, this.end], level(Math.log10(plateau?.error)));
    const from = Math.log10(pushed?.special);
    const slope = plateau?.escape / Math.LN10;
    const end = slope > 0 ? Math.min(this.end, pushed?.alpha - from / slope) : this.end; // where it would be 1
    const told = Number.isFinite(from * slope) && end > pushed.alpha;
    this.growth.set(told ? [pushed.alpha, end] : [], told ? [from, from + slope * (end - pushed.alpha)] : []);
    return told;
  }

  // How large a push is, on the scale of what it adds to.
  mark(size) {
    this.size.set([0, this.end], [Math.log10(size), Math.log10(size)]);
  }

  predict(prediction, before) {
    for (const lines of this.lines) lines.predict(prediction, before);
  }

  draw(alphas, entries) {
    const every = Math.max(1, Math.ceil(alphas.length / DOTS));
    const kept = (_, i) => i % every === 0 || i === alphas.length - 1;
    for (const lines of this.lines) lines.draw(alphas.filter(kept), entries.filter(kept));
  }
}

// A number of the table at a rate, between its neighbours; undefined where there is no plateau.
function between(rates, values, rate) {
  const next = Math.max(
    1,
    rates.findIndex((place) => place >= rate - 1e-9),
  );
  if (next >= values.length) return undefined;
  const share = (rate - rates[next - 1]) / (rates[next] - rates[next - 1]);
  return values[next - 1] + share * (values[next] - values[next - 1]);
}

class CommitteeLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, {
      model,
      panel,
      pace: new Pace(),
      rate: new Rate(),
      again: 0,
      table: model.get("_plateaus"),
    });
    this.committee = new Committee(module, panel.limits);
    this.charts = new Charts();
    this.map = new HeatMap(panel, {
      ...{ rows: 2, columns: 2, x: [0.5, 2.5], y: [2.5, 0.5], height: HIGH, places: [], heights: [] },
      ...{ xLabel: "unit of the teacher", yLabel: "unit of the student, and its R now" },
      describe: "Overlaps R now, a row for each unit of the student, a column for each of the teacher's.",
    });
    const [cross, error, special] = this.charts.nodes;
    const first = element("div", {}, cross, this.map.node);
    const second = element("div", { class: "lab-second" }, error, special);
    this.signs = legend(SIGNS);
    this.past = element("li", {}, this.key(), "what they said before the last push or rate");
    this.signs.append(this.past);
    [this.rising] = [...this.signs.children].filter((entry) => entry.querySelector(".third"));
    el.append(element("div", { class: "lab-figures" }, first, second), this.signs);
    this.furnish();
    panel.follow(["hidden", "inputs", "start", "seed"], () => this.reset());
    panel.follow("rate", () => this.turn());
    panel.follow("push", () => this.charts.mark(model.get("push")));
    panel.cleanups.push(() => cancelAnimationFrame(this.request));
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  key() {
    const line = drawing("path", { d: "M1 7H25", class: "lab-line theory" });
    const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
    return drawing("svg", form, drawing("g", { class: "lab-past" }, line));
  }

  furnish() {
    const { panel } = this;
    const { main: where } = panel;
    const form = { label: "Size of a push", step: 0.001, digits: 3, logarithmic: true, where };
    panel.button("Push", () => this.push(), panel.slider("push", form));
    panel.slider("rate", { label: "Learning rate \u03b7", step: 0.05, where });
    for (const [name, settings] of PRESETS) panel.preset(name, () => this.go(settings));
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.reset());
    panel.share();
    panel.slider("hidden", { label: "Hidden units K", integer: true, step: 1 });
    panel.slider("speed", { label: "\u03b1 a second", step: 0.5, digits: 1, logarithmic: true });
    panel.menu("start", { label: "Start", names: STARTS, where: panel.rest });
    panel.slider("inputs", {
      ...{ label: "Inputs N", integer: true, step: 1, logarithmic: true, where: panel.rest },
    });
    panel.field("seed", { label: "Seed", where: panel.rest });
    this.write = Object.fromEntries(
      Object.entries(TOLD).map(([name, label]) => [name, panel.readout(label)]),
    );
    panel.mount();
  }

  go(settings) {
    this.held = true;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.held = false;
    this.reset();
    this.panel.set("running", true);
  }

  reset() {
    if (this.held) return;
    const { committee, panel } = this;
    committee.begin(panel.settings);
    Object.assign(this, { alphas: [], entries: [], pushes: 0, pushed: undefined, before: undefined });
    Object.assign(this.pace, { owed: 0, cost: this.pace.firstCost });
    this.number(committee.k);
    this.note();
    this.prediction = new Prediction(committee, panel.settings.rate);
    this.charts.stretch(0);
    this.charts.reach(REACHES[0]);
    this.foretell();
  }

  // Follow the equations to the end of the axis: at once as far as that does not hold up the page, and then frame by
  // frame.
  foretell(milliseconds = AT_ONCE) {
    if (!this.pursue(milliseconds)) this.redraw();
  }

  pursue(milliseconds) {
    cancelAnimationFrame(this.request);
    const { end } = this.charts;
    const told = [this.prediction, this.before].map((one) => one?.follow(end, milliseconds) ?? true);
    const done = told.every((whole) => whole);
    if (done) this.redraw();
    else this.request = requestAnimationFrame(() => this.pursue(A_FRAME));
    const now = performance.now();
    if (done || now < this.again) return done;
    this.again = now + AGAIN;
    this.charts.predict(this.prediction, this.before);
    return false;
  }

  // Write the numbers of units on the axes of the matrix.
  number(k) {
    const { chart } = this.map;
    const places = Array.from({ length: k }, (_, i) => [i + 1, String(i + 1)]);
    Object.assign(chart, { places, heights: places });
    chart.range([0.5, k + 0.5], [k + 0.5, 0.5]);
    this.map.part(k, k);
  }

  note() {
    this.alphas.push(this.committee.alpha);
    this.entries.push(this.committee.seen);
  }

  // Another rate: the equations start anew from where the student is.
  turn() {
    const { rate } = this.panel.settings;
    if (this.held || !this.prediction || this.prediction.rate === rate) return;
    this.pushed = undefined; // its growth was that of the rate before
    this.anew();
  }

  push() {
    const { committee, panel } = this;
    committee.push(panel.settings.push);
    this.pushes += 1;
    this.entries[this.entries.length - 1] = committee.seen;
    this.pushed = { alpha: committee.alpha, special: committee.seen.special };
    this.anew();
  }

  // What the equations said so far stays, fainter, unless they start from the same moment.
  anew() {
    const { committee, prediction } = this;
    if (committee.examples === 0) this.before = undefined;
    else if (prediction.from < committee.alpha) this.before = prediction;
    this.prediction = new Prediction(committee, this.panel.settings.rate);
    this.foretell();
  }

  step() {
    this.panel.set("running", false);
    this.learn(LOOKS);
    this.extend();
    this.report();
  }

  learn(looks) {
    const { rate } = this.panel.settings;
    for (let look = 0; look < looks && !this.over; look += 1) {
      this.committee.learn(rate);
      this.note();
    }
  }

  get over() {
    return this.committee.alpha >= REACHES.at(-1) || this.entries.at(-1).error < LEARNED;
  }

  frame(milliseconds) {
    const looks = this.pace.due(LOOKS * this.model.get("speed"), milliseconds);
    if (looks > 0) {
      this.pace.spend(looks, (count) => this.learn(count));
      this.extend();
      this.draw();
    }
    if (this.over) this.panel.set("running", false);
    if (this.rate.add(1)) this.readOut();
  }

  // Have room for what comes on the axis of alpha.
  extend() {
    if (this.committee.alpha < this.charts.end) return;
    const end = REACHES.find((reach) => reach > this.committee.alpha) ?? REACHES.at(-1);
    if (end === this.charts.end) return;
    this.charts.reach(end);
    this.foretell(A_FRAME);
  }

  // The plateau at the rate now, by the table of theory.
  get plateau() {
    const { rates, [this.committee.k]: known } = this.table;
    const at = (name) => between(rates, known[name], this.panel.settings.rate);
    const error = at("error");
    return error === undefined ? undefined : { error, cross: at("cross"), escape: at("escape") };
  }

  redraw() {
    this.rising.toggleAttribute("hidden", !this.charts.guide(this.plateau, this.pushed));
    this.charts.mark(this.model.get("push"));
    this.charts.predict(this.prediction, this.before);
    this.past.toggleAttribute("hidden", !this.before);
    this.report();
  }

  draw() {
    const { charts, entries } = this;
    const { cross } = entries.at(-1);
    if (charts.hold(cross)) this.redraw();
    charts.draw(this.alphas, entries);
    const [low, high] = charts.wide > 0 ? ACROSS[charts.wide] : [0, 1];
    this.map.set(Float64Array.from(cross), { low, high });
  }

  report() {
    if (!this.prediction) return;
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, model, plateau, committee } = this;
    const { cross, error, special } = this.entries.at(-1);
    const expected = this.prediction.errorAt(committee.alpha);
    write.alpha(fixed(committee.alpha, 1));
    write.error(scientific(error));
    write.expected(scientific(expected));
    write.plateau(plateau ? scientific(plateau.error) : "none");
    write.special(scientific(special));
    write.escape(plateau ? scientific(plateau.escape) : "\u2013");
    const overlap = cross.reduce((sum, value) => sum + value, 0) / cross.length;
    const told = { examples: committee.examples, pushes: this.pushes, overlap, specialized: special, error };
    for (const [name, value] of Object.entries(told)) model.set(name, value);
    model.set("expected_error", Number.isFinite(expected) ? expected : null);
    model.save_changes();
    this.describe(expected);
  }

  describe(expected) {
    const { committee, panel, plateau, table } = this;
    const { error, special, cross } = this.entries.at(-1);
    const { hidden, rate, inputs } = panel.settings;
    const long =
      `${hidden} units of ${inputs} inputs learn at the rate ${short(rate, 3)}; up to ` +
      `${short(table[hidden].largest, 3)} they keep what they learn. After ${short(committee.alpha, 4)} examples ` +
      `per input and ${this.pushes} push${this.pushes === 1 ? "" : "es"} the error is ${scientific(error)}, by the ` +
      `equations ${scientific(expected)}. R reaches from ${scientific(Math.min(...cross))} to ` +
      `${scientific(Math.max(...cross))}, the specialization is ${scientific(special)}. ${this.resting(plateau)}`;
    panel.description.set(this.inWords(), long);
    this.name();
  }

  // What theory says of the plateau at this rate.
  resting(plateau) {
    if (!plateau) return "At this rate there is no plateau: weights grow without bound.";
    const { error, escape: growth } = plateau;
    const far = short(1 / Math.abs(growth), 3);
    const change = growth > 0 ? `grows by the factor e in ${far}` : `shrinks by the factor e in ${far}`;
    return `On the plateau the error is ${scientific(error)}, and a small specialization ${change} examples per input.`;
  }

  // What each chart shows, in a sentence for those who do not see it.
  name() {
    const { cross, error, special } = this.entries.at(-1);
    const at = `at \u03b1 = ${short(this.committee.alpha, 4)}`;
    const words = [
      `Overlaps R against examples per input; ${at} from ${scientific(Math.min(...cross))} to ${scientific(Math.max(...cross))}.`,
      `Error against examples per input, logarithmic; ${at} it is ${scientific(error)}.`,
      `Specialization against examples per input, logarithmic; ${at} it is ${scientific(special)}.`,
    ];
    for (const [k, node] of this.charts.nodes.entries()) node.setAttribute("aria-label", words[k]);
  }

  // What is going on, in a line.
  inWords() {
    const { committee } = this;
    const { error } = this.entries.at(-1);
    if (committee.examples === 0)
      return `A student that knows nothing yet, ${this.pushes > 0 ? "but leans to its teacher" : "and a teacher"}.`;
    if (error < LEARNED)
      return "Learned: each unit is one of the teacher's, and the error below 10\u207b\u2078.";
    if (committee.alpha >= REACHES.at(-1)) return `The run ends here. ${this.stage()}`;
    return this.stage();
  }

  stage() {
    const { committee, plateau, table } = this;
    const { error, special } = this.entries.at(-1);
    const { rate } = this.panel.settings;
    const { largest } = table[committee.k];
    if (rate > largest && special >= ALIKE && committee.alpha > 20)
      return `Too fast: above \u03b7 = ${short(largest, 3)} steps are too long to keep what was learned.`;
    if (special >= APART) return "Each unit has found its own: the error falls exponentially.";
    if (special >= ALIKE) return "The escape: units divide the work among them.";
    if (!plateau) return "So fast that weights grow: no plateau, and nothing is learned.";
    if (error < NEAR * plateau.error) {
      const seen = this.pushes > 0 ? "Pushed: the difference grows, slowly at first." : "";
      return seen || "On the plateau: all units do the same. Push, or wait.";
    }
    return `On the way to the plateau: all units learn the same at first.`;
  }
}

export default lab((parts) => new CommitteeLab(parts));
