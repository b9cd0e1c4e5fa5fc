// The live diffusion: a cloud that flows back from noise, the potential under it, and when it decides.

import { Chart, dragged, legend, short } from "./runtime/chart.js";
import { drawing, element, subscripted } from "./runtime/dom.js";
import { Flow } from "./runtime/flow.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const PLACES = 241; // of the potential
const BINS = 60;
const DEEP = -1.36; // where particles stand below the potential
const TALL = 1.12; // of the highest box
const HIGH = 2; // of the potential that is drawn
const ROOM = 3.2; // standard deviations around a cluster
const CIRCLE = 48;
const AT_ONCE = 40; // milliseconds for which a run is computed at once, and a frame otherwise
const A_FRAME = 14;
const HOLD = 1500; // milliseconds that a run is seen when it is over
const HURRIED = 300; // of a fast one
const FAST = 200; // steps a second
const MANY = 200; // training points, whose crosses are smaller
const TICKS = [4, 1, 0.1, 0.01, 0.001];
const SHAPES = ["learner", "count", "dimensions", "mean_norm", "deviation", "particles", "seed", "_own"];
const LEARNERS = { exact: "knows the exact score", memory: "knows n training points by heart" };
const DIRECTIONS = { back: "back: noise is taken away", forward: "forward: noise is added" };
const COLOURS = { end: "the side at the end", now: "the side now" };
const USUAL = { direction: "back", cloned_at: 0, mean_norm: 4, deviation: 1, dimensions: 8 };
const PRESETS = [
  ["Exact score", { ...USUAL, learner: "exact" }],
  ["A perfect learner of 16 points", { ...USUAL, learner: "memory", count: 16 }],
  ["1,000 points", { ...USUAL, learner: "memory", count: 1000 }],
];
const TOLD = {
  time: "time t",
  steps: "steps",
  right: "right of 0, %",
  kept: "on their final side, %",
  speciation: "clusters part at t",
  memorized: "memorized, %",
  distance: "distance to a point / fresh",
  collapse: "collapse at t",
  clones: "clones that end right, %",
  agreement: "pairs that agree, %",
  cloning: "for any such point, %",
};
const SIGNS = [
  ["bit right", "ends on the right", "end"],
  ["bit left", "ends on the left", "end"],
  ["bit right", "is on the right", "now"],
  ["bit left", "is on the left", "now"],
  ["cross", "training point a, drawn at exp(\u2212t) a", "memory"],
  ["diamond flow", "centre of a cluster", "law"],
  ["line contour", "its standard deviation", "law"],
  ["line theory", "potential; chance to keep the side", "apart"],
  ["line theory", "potential", "clones"],
  ["sides", "share on their final side", "all"],
  ["line heavier", "weight on one point, theory", "learned"],
  ["weights", "mean of \u03a3w\u00b2, the weight on one point", "memory"],
];

// The cloud in the plane of the first two coordinates.
class Plane {
  constructor(own) {
    const [xLabel, yLabel] = own
      ? ["u, the first coordinate", "v, the second"]
      : ["u, along the clusters", "v, across"];
    this.chart = new Chart({
      ...{ x: [-1, 1], y: [-1, 1], xLabel, yLabel, left: 40 },
      ...{ height: 386, describe: "The cloud in the plane of the first two coordinates, u and v." },
    });
    this.node = this.chart.svg;
    this.middle = this.chart.line("guide");
    this.circles = [this.chart.line("contour"), this.chart.line("contour")];
    this.bits = { left: this.path("lab-bits left"), right: this.path("lab-bits right") };
    this.crosses = this.path("lab-crosses");
    this.centres = [this.chart.diamond("flow"), this.chart.diamond("flow")];
    this.named = drawing("text", { class: "lab-note", x: 348, y: 28, "text-anchor": "end" });
    this.node.append(this.named);
  }

  path(kind) {
    const path = drawing("path", { class: kind });
    this.chart.dots.append(path);
    return path;
  }

  obey(far, flow) {
    this.chart.range([-far, far], [-far, far]);
    this.middle.set([0, 0], [-far, far]);
    this.crosses.classList.toggle("many", flow.n > MANY);
  }

  draw(flow, k, byEnd) {
    const { x, y } = this.chart;
    const t = flow.times[k];
    const marks = { left: "", right: "" };
    for (let i = 0; i < flow.m; i += 1) {
      const u = flow.at(k, i, 0);
      const side = (byEnd ? flow.ends[i] > 0 : u > 0) ? "right" : "left";
      marks[side] += `M${x.to(u).toFixed(1)} ${y.to(flow.at(k, i, 1)).toFixed(1)}h0`;
    }
    for (const [side, path] of Object.entries(this.bits)) path.setAttribute("d", marks[side]);
    this.drawCentres(flow, t);
    this.drawCrosses(flow, t);
    const words = `t = ${told(t)}`;
    if (this.named.textContent !== words) this.named.textContent = words;
  }

  drawCentres(flow, t) {
    const centre = flow.left(t) * flow.settings.mean_norm;
    const width = flow.width(t);
    for (const [k, sign] of [-1, 1].entries()) {
      const turns = flow.owned
        ? []
        : Array.from({ length: CIRCLE + 1 }, (_, i) => (2 * Math.PI * i) / CIRCLE);
      this.circles[k].set(
        turns.map((angle) => sign * centre + width * Math.cos(angle)),
        turns.map((angle) => width * Math.sin(angle)),
      );
      this.centres[k].move(flow.owned ? NaN : sign * centre, 0);
    }
  }

  drawCrosses(flow, t) {
    const { x, y } = this.chart;
    const left = flow.left(t);
    const r = flow.n > MANY ? 2 : 4;
    let d = "";
    for (let mu = 0; mu < flow.n; mu += 1) {
      const [u, v] = [0, 1].map((axis) => left * flow.points.data[mu * flow.d + axis]);
      d += `M${(x.to(u) - r).toFixed(1)} ${(y.to(v) - r).toFixed(1)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
    }
    this.crosses.setAttribute("d", d);
  }
}

// The potential along u, and below it how many particles are where.
class Wells {
  constructor() {
    this.chart = new Chart({
      ...{ x: [-1, 1], y: [DEEP, HIGH], xLabel: "u", yLabel: "\u2212ln P(u) above its least, and particles" },
      ...{ height: 236, left: 40, heights: [0, 1, 2].map((v) => [v, short(v)]) },
      describe: "The potential along u as a line, and a histogram of the particles below it.",
    });
    this.node = this.chart.svg;
    this.boxes = this.chart.shape("lab-boxes measured", (lefts, rights, tops) =>
      Array.from(tops, (top, i) => {
        const [a, b] = [lefts[i], rights[i]].map((u) => this.chart.x.to(u).toFixed(1));
        const [low, high] = [DEEP, DEEP + top].map((v) => this.chart.y.to(v).toFixed(2));
        return `M${a} ${low}V${high}H${b}V${low}Z`;
      }),
    );
    this.floor = this.chart.line("zero");
    this.line = this.chart.line("theory");
  }

  obey(far, flow) {
    this.far = far;
    this.places = flow.look(far);
    this.chart.range([-far, far], [DEEP, HIGH]);
    this.floor.set([-far, far], [0, 0]);
  }

  draw(flow, k) {
    const values = flow.potential(flow.times[k]);
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const shown = Array.from(values, (value) => Math.min(value - least, 2 * HIGH));
    this.line.set(this.places, shown);
    const [width, counts] = [(2 * this.far) / BINS, new Float64Array(BINS)];
    for (let i = 0; i < flow.m; i += 1) counts[Math.floor((flow.at(k, i, 0) + this.far) / width)] += 1;
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    const filled = [...counts.keys()].filter((bin) => counts[bin] > 0);
    const lefts = filled.map((bin) => bin * width - this.far);
    this.boxes.set(
      lefts,
      lefts.map((u) => u + width),
      filled.map((bin) => (TALL * counts[bin]) / most),
    );
  }
}

// Against time: how many are on their last side, and how much weight is on single points.
class Decisions {
  constructor(times, onTime) {
    const ends = [times[0], times.at(-1)].map((t) => Math.log10(t));
    this.chart = new Chart({
      ...{ x: ends, y: [0, 1.04], xLabel: "time t, from noise to data", yLabel: "share of particles" },
      ...{ height: 214, left: 40, right: 22, places: TICKS.map((t) => [Math.log10(t), short(t)]) },
      heights: [0, 0.25, 0.5, 0.75, 1].map((v) => [v, short(v)]),
      describe: "Shares of particles against time: on their final side, and with weight on a single point.",
    });
    this.node = this.chart.svg;
    this.marks = ["S", "C"].map((name) => this.mark(name));
    this.now = this.chart.line("present");
    this.kept = this.chart.line("theory");
    this.own = this.chart.line("heavier");
    this.sides = this.points("lab-points sides");
    this.weights = this.points("lab-points weights");
    dragged(this.chart, { move: ({ x }) => onTime(10 ** x) });
  }

  mark(name) {
    const note = drawing("text", { class: "lab-note", y: 32 }, ...subscripted("t", name));
    this.chart.svg.append(note);
    return { line: this.chart.line("guide"), note };
  }

  points(kind) {
    return this.chart.shape(kind, (xs, ys) =>
      Array.from(xs, (x, i) => `M${this.chart.x.to(x).toFixed(1)} ${this.chart.y.to(ys[i]).toFixed(1)}h0`),
    );
  }

  obey(flow) {
    const { theory } = flow;
    this.theory = theory;
    const xs = theory.times.map((t) => Math.log10(t));
    this.kept.set(flow.clones ? [] : xs, theory.kept);
    this.own.set(flow.clones || theory.own.length === 0 ? [] : xs, theory.own);
    for (const [k, t] of [theory.speciation, theory.collapse].entries()) {
      const { line, note } = this.marks[k];
      const [last, first] = [this.chart.x.high, this.chart.x.low];
      const seen = t > 10 ** last && t < 10 ** first;
      const x = Math.log10(seen ? t : 10 ** last);
      line.set(seen ? [x, x] : [], [0, 2]);
      note.setAttribute("x", this.chart.x.to(x).toFixed(1));
      note.setAttribute("text-anchor", "middle");
      note.toggleAttribute("hidden", !seen);
      note.style.display = seen ? "" : "none";
    }
  }

  draw(flow, k) {
    const known = flow.times.slice(0, k + 1).map((t) => Math.log10(t));
    this.now.set([known[k], known[k]], [0, 2]);
    this.sides.set(flow.complete ? known : [], flow.kept ?? []);
    this.weights.set(flow.exact ? [] : known, flow.ownWeight);
  }
}

class DiffusionLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), wanted: 0, shown: 0, rested: 0 });
    this.own = panel.limits.learner.length === 1;
    this.flow = new Flow(module, panel, PLACES);
    this.plane = new Plane(this.own);
    this.wells = new Wells();
    this.decisions = new Decisions(model.get("_times"), (t) => this.put(t));
    this.signs = signs();
    const first = element("div", {}, this.plane.node);
    const second = element("div", { class: "lab-second" }, this.wells.node, this.decisions.node);
    el.append(element("div", { class: "lab-figures" }, first, second), this.signs.node);
    this.furnish();
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow([...SHAPES, "cloned_at", "direction"], () => this.begin());
    this.kept = this.way;
    panel.follow("colours", () => this.obey());
    panel.follow("running", () => (model.get("running") ? this.hasten() : this.report()));
    panel.follow("time", () => this.seek());
    panel.cleanups.push(() => cancelAnimationFrame(this.request));
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    const [last, first] = panel.limits.time;
    const scale = { to: Math.log, from: Math.exp, round: (t) => Math.min(Math.max(three(t), last), first) };
    const row = panel.slider("time", { label: "Time t", step: 0.01, scale, where });
    row.classList.add("lab-backward");
    for (const kind of ["input", "change"]) row.addEventListener(kind, () => panel.set("running", false));
    if (!this.own) panel.menu("learner", { label: "Learner", names: LEARNERS, where });
    const doubling = { to: Math.log2, from: (x) => 2 ** x, round: Math.round, grain: 1 };
    this.countRow = panel.slider("count", {
      ...{ label: "Training points n", integer: true, scale: doubling, where },
    });
    if (!this.own)
      for (const [name, settings] of PRESETS) panel.preset(name, () => this.go({ ...settings, time: first }));
    panel.preset("Clone", () => this.clone());
    panel.preset("From noise", () => this.go({ direction: "back", cloned_at: 0, time: first }));
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.restart(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    if (!this.own) {
      panel.slider("dimensions", { label: "Dimensions d", integer: true, step: 1 });
      panel.slider("mean_norm", { label: "Centres at \u00b1", step: 0.1, digits: 1 });
      panel.slider("deviation", { label: "Deviation \u03c3", step: 0.05 });
    }
    panel.menu("direction", { label: "Direction", names: DIRECTIONS });
    panel.menu("colours", { label: "Colours show", names: COLOURS });
    panel.slider("speed", { label: "Steps a second", step: 1, digits: 0, logarithmic: true });
    panel.field("particles", { label: "Particles", where: rest });
    panel.field("seed", { label: "Seed", where: rest });
    this.write = Object.fromEntries(
      Object.entries(TOLD).map(([name, label]) => [name, panel.readout(label)]),
    );
    panel.mount();
    where.append(panel.el.querySelector(".lab-words"));
  }

  // Set all of these, begin once, and go.
  go(settings) {
    this.quiet = true;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.quiet = false;
    this.restart();
    this.panel.set("running", true);
  }

  // All particles become clones of one at the time that is shown, or else where the clusters part.
  clone() {
    const { decisions, flow, panel } = this;
    const [last, first] = panel.limits.time;
    const t = three(flow.times[this.shown]);
    const parting = Math.min(Math.max(decisions.theory.speciation || 1, 0.05), 3);
    this.go({ direction: "back", cloned_at: t > last && t < first ? t : three(parting) });
  }

  // What a run begins with, beside the data.
  get way() {
    return ["direction", "cloned_at"].map((name) => this.model.get(name)).join();
  }

  // Another run, which is shown at the same time, but where it goes another way.
  begin() {
    if (this.quiet) return;
    if (this.kept !== undefined && this.kept !== this.way) {
      this.restart();
      return;
    }
    this.prepare();
    this.seek();
  }

  // From the first time of the first run on.
  restart() {
    this.kept = this.way;
    this.prepare();
    this.show(0);
    this.report();
  }

  prepare() {
    const { flow, panel } = this;
    flow.begin(panel.settings);
    const far = this.reach(panel.settings);
    this.plane.obey(far, flow);
    this.wells.obey(far, flow);
    this.decisions.obey(flow);
    this.countRow.toggleAttribute("hidden", flow.exact || this.own);
    this.compute(AT_ONCE);
    Object.assign(this, { rested: 0, shown: 0, wanted: 0 });
    this.pace.owed = 0;
    this.obey();
  }

  // How far the picture goes.
  reach({ mean_norm, deviation }) {
    const least = ROOM + 0.3;
    const { flow } = this;
    if (flow.owned) return flow.points.data.reduce((far, a) => Math.max(far, 1.1 * Math.abs(a)), least);
    return Math.max(mean_norm + ROOM * deviation, least);
  }

  // Compute the run ahead: at once, and then frame by frame.
  compute(milliseconds) {
    const { flow } = this;
    cancelAnimationFrame(this.request);
    if (milliseconds > 0) flow.advance(performance.now() + milliseconds);
    if (flow.complete) return;
    this.request = requestAnimationFrame(() => {
      this.compute(this.loop.seen ? A_FRAME : 0);
      const behind = this.wanted > this.shown;
      if (behind) this.approach(this.wanted);
      const there = behind && this.shown === this.wanted;
      if (there || flow.complete || (behind && this.rate.add(1))) this.report();
    });
  }

  // Show a step of the run, and let the slider follow.
  show(wanted) {
    this.approach(wanted);
    if (this.shown === wanted) this.tell(three(this.flow.times[wanted]));
    this.draw();
  }

  // As near to a step as the run is known.
  approach(wanted) {
    this.wanted = wanted;
    this.shown = Math.min(wanted, this.flow.front);
  }

  tell(t) {
    const [last, first] = this.panel.limits.time;
    this.moving = true;
    this.panel.set("time", Math.min(Math.max(t, last), first));
    this.moving = false;
  }

  // Show the time that is set.
  seek() {
    if (this.moving || this.quiet) return;
    this.approach(this.flow.nearest(this.model.get("time")));
    this.report();
  }

  // A hand has moved the time: it stands there.
  put(t) {
    this.panel.set("running", false);
    const [last, first] = this.panel.limits.time;
    this.panel.set("time", Math.min(Math.max(three(t), last), first));
  }

  step() {
    this.panel.set("running", false);
    if (this.shown === this.flow.last) this.another();
    this.show(Math.min(Math.max(this.wanted, this.shown) + 1, this.flow.last));
    this.report();
  }

  // Another run, from fresh noise.
  another() {
    this.flow.next();
    Object.assign(this, { rested: 0, shown: 0, wanted: 0 });
    this.compute(AT_ONCE);
  }

  frame(milliseconds) {
    const { flow, model } = this;
    const speed = model.get("speed");
    if (this.shown === flow.last) {
      this.rested += milliseconds;
      if (this.rested < (speed < FAST ? HOLD : HURRIED)) return;
      this.another();
      this.show(0);
      return;
    }
    const steps = this.pace.due(speed, milliseconds);
    if (steps === 0) return;
    this.show(Math.min(this.shown + steps, flow.last));
    if (this.rate.add(1) || this.shown === flow.last) this.report();
  }

  // What is started at the end of a run does not wait for the next one.
  hasten() {
    if (this.shown === this.flow.last) this.rested = HOLD;
  }

  obey() {
    const { flow, model } = this;
    const sides = model.get("colours");
    const seen = { all: true, law: !flow.owned, memory: !flow.exact, [sides]: true };
    Object.assign(seen, { clones: flow.clones, apart: !flow.clones });
    seen.learned = seen.memory && seen.law;
    const listed = this.signs.entries.filter(([when]) => seen[when]);
    this.signs.node.replaceChildren(...listed.map(([, entry]) => entry));
    this.report();
  }

  draw() {
    const { flow, shown, model } = this;
    this.plane.draw(flow, shown, flow.complete && model.get("colours") === "end");
    this.wells.draw(flow, shown);
    this.decisions.draw(flow, shown);
  }

  report() {
    if (!this.write || !this.flow.state) return;
    this.draw();
    this.readOut();
  }

  // The numbers of what is shown; those that are none are NaN.
  get numbers() {
    const { flow, shown } = this;
    const passed = !flow.exact && shown < flow.front + Number(flow.complete);
    const over = flow.clones && flow.complete && shown === flow.last;
    const right = flow.right(shown);
    const clones = over ? right : NaN;
    const [heads, tails] = [clones * flow.m, (1 - clones) * flow.m];
    const pairs = flow.m * (flow.m - 1);
    const p = flow.clones ? flow.expected : NaN;
    return {
      steps: flow.runs * flow.last + shown,
      right,
      kept: flow.kept?.[shown] ?? NaN,
      expected_kept: flow.clones ? NaN : flow.expectedKept(shown),
      memorized: passed ? flow.memorized[shown] : NaN,
      own_weight: passed ? flow.ownWeight[shown] : NaN,
      expected_own_weight: flow.clones ? NaN : flow.expectedOwn(shown),
      distance: this.distance,
      clones_right: clones,
      expected_clones_right: p,
      agreement: (heads * (heads - 1) + tails * (tails - 1)) / pairs,
      expected_agreement: p * p + (1 - p) * (1 - p),
    };
  }

  // It takes a while to find, and is found once.
  get distance() {
    const { flow, shown } = this;
    const key = [flow.begun, flow.runs, shown].join();
    if (this.found?.key !== key)
      this.found = { key, value: flow.exact || flow.owned ? NaN : flow.distance(shown) };
    return this.found.value;
  }

  readOut() {
    const { write, flow, shown, model } = this;
    const { numbers } = this;
    const { speciation, collapse } = this.decisions.theory;
    const both = (measured, expected) => `${percent(measured)} (theory ${percent(expected)})`;
    write.time(told(flow.times[shown]));
    write.steps(String(numbers.steps));
    write.right(percent(numbers.right));
    write.kept(flow.clones ? percent(numbers.kept) : both(numbers.kept, numbers.expected_kept));
    write.speciation(speciation > 0 ? speciation.toFixed(3) : "\u2013");
    write.memorized(percent(numbers.memorized));
    write.distance(Number.isFinite(numbers.distance) ? numbers.distance.toFixed(3) : "\u2013");
    write.collapse(collapse > 0 ? short(collapse, 3) : "\u2013");
    write.clones(both(numbers.clones_right, numbers.expected_clones_right));
    write.agreement(both(numbers.agreement, numbers.expected_agreement));
    for (const name of ["memorized", "collapse"]) write[name].row.toggleAttribute("hidden", flow.exact);
    write.cloning(flow.clones && flow.exact ? percent(flow.cloning) : "\u2013");
    write.cloning.row.toggleAttribute("hidden", !(flow.clones && flow.exact));
    for (const name of ["clones", "agreement"]) write[name].row.toggleAttribute("hidden", !flow.clones);
    write.distance.row.toggleAttribute("hidden", flow.exact || flow.owned);
    for (const name of ["speciation", "collapse"])
      if (flow.owned) write[name].row.toggleAttribute("hidden", true);
    for (const [name, value] of Object.entries(numbers))
      model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe(numbers);
  }

  describe(numbers) {
    const { flow, shown, panel } = this;
    const { speciation, collapse } = this.decisions.theory;
    const t = flow.times[shown];
    const who = flow.exact ? "who knows the law of two clusters" : `who knows ${flow.n} points by heart`;
    const place = `t = ${told(t)}`;
    const law = flow.owned
      ? `points of your own in ${flow.d} dimensions`
      : `two clusters in ${flow.d} dimensions, at ${short(flow.settings.mean_norm, 3)} from 0 with a deviation of ${short(flow.settings.deviation, 3)}`;
    const memory = flow.exact
      ? ""
      : ` ${percent(numbers.memorized)} % of the particles are left with one training point.`;
    const times = [
      speciation > 0 && `The clusters part at t = ${short(speciation, 3)}.`,
      collapse > 0 && `The collapse is at t = ${short(collapse, 3)}.`,
    ];
    const kept = `${percent(numbers.kept)} % are on the side on which they are without noise`;
    const long =
      `${flow.m} particles at ${place}, led ${flow.back ? `back by one ${who}` : "forward by noise"}; the data are ${law}. ` +
      `${percent(numbers.right)} % are right of 0, ${kept}.${memory} ${times.filter(Boolean).join(" ")}`;
    panel.description.set(this.inWords(numbers, t, speciation), long);
    this.plane.node.setAttribute(
      "aria-label",
      `The cloud in the plane of u and v at ${place}: ${percent(numbers.right)} % of ${flow.m} particles are right of 0.`,
    );
  }

  inWords(numbers, t, speciation) {
    const { flow, shown } = this;
    const place = `t = ${told(t)}`;
    if (shown < this.wanted && !this.model.get("running"))
      return `${place}, on the way to ${told(flow.times[this.wanted])}: the steps to there are still computed.`;
    if (flow.clones) {
      const expected = `${percent(numbers.expected_clones_right)} %`;
      if (shown < flow.last || !flow.complete)
        return `${place}: clones of one noisy point, drawn at t = ${told(flow.times[0])}; ${expected} are expected to end on the right.`;
      return `${percent(numbers.clones_right)} % of the clones ended on the right; expected were ${expected}.`;
    }
    if (!flow.back) {
      const left = percent(numbers.expected_kept);
      return `${place}: noise is added; for ${left} % of the particles the side still tells where they began.`;
    }
    const memory = memoryWords(numbers);
    if (numbers.own_weight > 0.5) return `${place}: ${memory}.`;
    if (flow.owned || !(speciation > 0))
      return `${place}: ${percent(numbers.right)} % of the particles are right of 0${memory && `; ${memory}`}.`;
    if (t > speciation) return `${place}: one well; no side has been chosen, though ${sideWords(numbers)}.`;
    return `${place}: the well has split; ${sideWords(numbers)}${memory && `, and ${memory}`}.`;
  }
}

// How many particles keep the side on which they are, by theory.
function sideWords({ expected_kept: kept }) {
  return `${percent(kept)} % will keep the side on which they are`;
}

// How many are left with one training point; nothing where there are none.
function memoryWords({ memorized }) {
  if (!Number.isFinite(memorized)) return "";
  const some = `${percent(memorized)} % are left with a single training point`;
  return memorized > 0 ? some : "no particle is left with a single training point yet";
}

// Three digits of a number.
function three(value) {
  return Number(value.toPrecision(3));
}

function told(t) {
  return t < 0.1 ? short(t, 2) : t.toFixed(2);
}

function percent(share) {
  return Number.isFinite(share) ? (100 * share).toFixed(1) : "\u2013";
}

// What the signs mean, and when each is seen.
function signs() {
  const own = {
    bit: (kind) => drawing("path", { d: "M13 7h0", class: `lab-bits ${kind}` }),
    cross: () => drawing("path", { d: "M9 3l8 8m0-8l-8 8", class: "lab-crosses" }),
    sides: () => drawing("path", { d: "M5 7h0M13 7h0M21 7h0", class: "lab-points sides" }),
    weights: () => drawing("path", { d: "M5 7h0M13 7h0M21 7h0", class: "lab-points weights" }),
  };
  const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
  const node = legend([]);
  const entries = SIGNS.map(([sign, words, when]) => {
    const [shape, kind] = sign.split(" ");
    const entry = own[shape]
      ? element("li", {}, drawing("svg", form, own[shape](kind)), words)
      : legend([[sign, words]]).firstChild;
    return [when, entry];
  });
  return { node, entries };
}

export default lab((parts) => new DiffusionLab(parts));
