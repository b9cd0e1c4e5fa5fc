// The live maximum of entropy: a system of a few states with a given mean, and many dice with a given total.

import { Chart, legend, roundedRange, short } from "./runtime/chart.js";
import { capital, drawing, element, fixed } from "./runtime/dom.js";
import { Handle } from "./runtime/handle.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const ROOM = 64; // steps in one call of a kernel
const MEANS = 121; // points of the curve
const BURN_IN = 20; // sweeps before the states of the dice are counted
const COLLIDING = 0.1; // share of the dice that collide in a step
const HALF = 0.36; // of a bar's width
const DEEPEST = -14; // ln of the least probability that is drawn
const [ACROSS, SHOWN, SIDE] = [20, 60, 17]; // dice in a row of the tray, in all, and the side of one
const SYSTEMS = { die: "a die", oscillator: "an oscillator", spin: "a spin: two levels" };
const KINDS = Object.keys(SYSTEMS);
const VIEWS = {
  maximum: "largest entropy",
  own: "a distribution of your own",
  rolls: "dice with a fixed total",
};
const MANY = { die: "dice", spin: "spins", oscillator: "oscillators" };
const STEPS = { maximum: "throws", own: "collisions", rolls: "sweeps" };
const CONSTRAINED = { die: "value of a face", spin: "spin s", oscillator: "level" };
const SIGNS = {
  maximum: [
    ["square theory", "largest entropy: exp(\u2212\u03bbx) / Z"],
    ["dot measured", "share in all throws so far, \u00b1 one standard error"],
    ["line theory", "entropy of all such distributions, against the mean"],
    ["line tangent", "its tangent, of slope \u03bb"],
    ["dot start", "the mean: drag it, or click"],
  ],
  own: [
    ["square measured", "yours: drag the bars; the others follow so that the mean stays"],
    ["line theory", "largest entropy, and its curve"],
    ["dot measured", "entropy of yours"],
    ["line lack", "what it lacks: the relative entropy"],
    ["line tangent", "tangent, of slope \u03bb"],
    ["dot start", "the mean: drag it, or click"],
  ],
  rolls: [
    ["square measured", "mean shares among N with a fixed total, after the first 20 sweeps"],
    ["line theory", "Boltzmann\u2019s weights exp(\u2212\u03bbx) / Z, and the curve of their entropy"],
    ["diamond third", "exact for this N; ln \u03a9 / N, with \u03a9 the number of sequences"],
    ["line tangent", "tangent, of slope \u03bb"],
    ["dot start", "the mean: drag it, or click"],
  ],
};
const PRESETS = [
  ["Fair die", { system: "die", states: 6, mean: 3.5, dice: 100 }],
  ["Jaynes\u2019 die 4.5", { system: "die", states: 6, mean: 4.5, dice: 100 }],
  ["Nearly certain", { system: "die", states: 6, mean: 5.9, dice: 100 }],
  ["A spin in a field", { system: "spin", mean: 0.6, dice: 100 }],
  ["An oscillator", { system: "oscillator", states: 20, mean: 2, dice: 100 }],
];

// The system on its kernels: its distributions, and its dice.
class System {
  constructor(module, states, dice) {
    this.kernels = new Kernels(module, 8 * (states * (dice + ROOM + 2 * MEANS + 20)) + dice + 2 ** 12);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    const names = ["levels", "ones", "p", "own", "weights", "marginal", "counts", "scratch"];
    this.most = Object.fromEntries(names.map((name) => [name, real(states)]));
    this.most.pairs = real(2 * states);
    this.most.law = real(states * dice);
    Object.assign(this, { means: real(MEANS), entropies: real(MEANS) });
    this.dice = this.kernels.array("int8", dice);
    this.record = this.kernels.array("int64", ROOM, states);
    this.random = this.kernels.array("uint64", 4);
  }

  obey({ view, system, states, dice, mean }, own) {
    const { kernels, most } = this;
    const { run } = kernels;
    const n = system === "spin" ? 2 : states;
    const of = (name, size = n) => kernels.part(most[name], size);
    for (const name of ["levels", "ones", "p", "own", "weights", "marginal", "counts", "scratch"])
      this[name] = of(name);
    this.pairs = of("pairs", 2 * n - 1);
    Object.assign(this, { n, view, cast: kernels.part(this.dice, dice) });
    run.fill_system(KINDS.indexOf(system), this.levels);
    this.ones.data.fill(1);
    const kept = run.nearest_mean(this.levels, mean);
    this.total = Number(run.nearest_total(this.levels, dice, kept));
    const [first, second] = this.levels.data;
    this.mean = view === "rolls" ? first + ((second - first) * this.total) / dice : kept;
    this.multiplier = run.tilt(this.levels, this.ones, this.mean, this.p);
    this.logZ = run.log_partition(this.levels, this.multiplier);
    this.entropy = run.law_entropy(this.p);
    this.takeOwn(own);
    if (view === "rolls") this.fixTotal();
  }

  // Take a distribution of the reader's own, or a narrow one where there is none.
  takeOwn(own) {
    const { run } = this.kernels;
    const good = own.length === this.n && own.every((q) => q > 0 && Number.isFinite(q));
    if (!good) return run.begin_own(this.levels, this.mean, this.weights, this.own);
    this.weights.data.set(own);
    return run.tilt(this.levels, this.weights, this.mean, this.own);
  }

  // What is exact for so many dice with this total is dear, and computed only where it is another one.
  fixTotal() {
    const { kernels, most, n, total, cast, p, marginal } = this;
    const dice = cast.data.length;
    const key = [n, dice, total].join();
    if (key !== this.fixed) {
      const law = kernels.part(most.law, total + 1);
      this.logProbability = kernels.run.fixed_total(p, dice, law, marginal);
    }
    this.fixed = key;
    this.sequences = this.entropy + this.logProbability / dice;
  }

  // The least and the largest that the mean leaves to a probability.
  bounds(i) {
    const { levels, mean, n } = this;
    const [x, low, high] = [
      levels.data[i],
      levels.data[i === 0 ? 1 : 0],
      levels.data[i === n - 1 ? n - 2 : n - 1],
    ];
    const most = [1, x > low ? (mean - low) / (x - low) : 1, x < high ? (high - mean) / (high - x) : 1];
    const least = [0, x < low ? (low - mean) / (low - x) : 0, x > high ? (mean - high) / (x - high) : 0];
    return [Math.max(...least), Math.min(...most)];
  }

  // The lowest and the highest mean.
  get reach() {
    return [-1e9, 1e9].map((mean) => this.kernels.run.nearest_mean(this.levels, mean));
  }

  get spacing() {
    return this.levels.data[1] - this.levels.data[0];
  }

  begin(seed) {
    const { run } = this.kernels;
    run.split_mix(this.random, seed);
    Object.assign(this, { steps: 0, counted: 0 });
    this.counts.data.fill(0);
    if (this.view !== "rolls") return;
    run.deal(this.total, this.cast);
    for (const state of this.cast.data) this.counts.data[state] += 1;
    this.counted = 1;
  }

  advance(steps) {
    const { run } = this.kernels;
    for (let left = steps; left > 0; left -= ROOM) {
      const count = Math.min(left, ROOM);
      const record = this.kernels.part(this.record, count, this.n);
      const dice = this.cast.data.length;
      if (this.view === "maximum") run.throw(this.p, dice, this.random, record);
      else if (this.view === "rolls") run.exchange(this.n, this.cast, this.random, record);
      for (let k = 0; k < count; k += 1) this.pass(record.data.subarray(k * this.n, (k + 1) * this.n));
    }
  }

  // A step more, with its counts; only the last ones count while dice are still sorted.
  pass(row) {
    this.steps += 1;
    if (this.view === "own") {
      this.kernels.run.collide(this.own, COLLIDING, this.pairs);
      return;
    }
    const early = this.view === "rolls" && this.steps <= BURN_IN + 1;
    if (early) this.counts.data.fill(0);
    this.counted = early ? 1 : this.counted + 1;
    row.forEach((count, i) => {
      this.counts.data[i] += Number(count);
    });
  }

  // What the bars show of it: shares that were counted, or probabilities.
  get shares() {
    if (this.view === "own") return Array.from(this.own.data);
    const all = Math.max(this.counted, 1) * this.cast.data.length;
    return Array.from(this.counts.data, (count) => count / all);
  }

  get ownEntropy() {
    return this.kernels.run.law_entropy(this.own);
  }

  get lack() {
    return this.kernels.run.relative_entropy(this.own, this.p);
  }

  get slope() {
    return this.view === "own" ? NaN : this.kernels.run.log_slope(this.levels, this.counts);
  }

  // The entropy of all maxima, against the mean.
  curve() {
    const { levels, means, entropies } = this;
    const [low, high] = [levels.data[0], levels.data[this.n - 1]];
    for (let k = 0; k < MEANS; k += 1) means.data[k] = low + ((high - low) * k) / (MEANS - 1);
    this.kernels.run.fill_entropies(levels, this.ones, means, this.scratch, entropies);
    return [means.data, entropies.data];
  }

  // Pull a probability; the others follow.
  pull(i, value) {
    this.kernels.run.pull(this.levels, this.mean, i, value, this.weights, this.own);
    return Float64Array.from(this.own.data);
  }
}

// The probabilities as bars, with what they are held against; one's own are pulled by pointer and keys.
class Shares {
  constructor(most, onPull) {
    Object.assign(this, { onPull, nodes: [] });
    this.chart = new Chart({
      ...{ x: [-0.6, 5.6], y: [0, 1], names: [""], xLabel: "state", yLabel: "probability", height: 290 },
      describe: "Probabilities of the states as bars.",
    });
    this.chart.svg.setAttribute("role", "group");
    this.boxes = { theory: this.columns("theory"), measured: this.columns("measured") };
    this.line = this.chart.line("theory");
    this.straight = this.chart.line("guide");
    this.errors = this.chart.errors();
    this.dots = Array.from({ length: most }, () => this.chart.dot("measured", 3.5));
    this.diamonds = Array.from({ length: most }, () => this.chart.diamond("third"));
    this.listen(this.chart.svg);
  }

  columns(kind) {
    const { chart } = this;
    return chart.shape(`lab-boxes ${kind}`, (ys) =>
      Array.from(ys, (y, i) => {
        const [a, b] = [i - HALF, i + HALF].map((x) => chart.x.to(x).toFixed(1));
        const base = chart.y.to(chart.y.low).toFixed(1);
        return `M${a} ${base}V${chart.y.to(y).toFixed(2)}H${b}V${base}Z`;
      }),
    );
  }

  listen(svg) {
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.held !== undefined && this.pullTo(event));
    for (const kind of ["pointerup", "pointercancel"])
      svg.addEventListener(kind, () => {
        if (this.held === undefined) return;
        this.held = undefined;
        this.draw();
      });
    svg.addEventListener("click", (event) => {
      const dragged = this.dragged;
      this.dragged = false;
      if (!this.own || dragged) return; // a click that ends a drag, after which the axis may be another one
      this.held = this.nearest(event);
      this.pullTo(event);
      this.held = undefined;
    });
  }

  nearest(event) {
    return Math.min(Math.max(Math.round(this.chart.at(event).x), 0), this.system.n - 1);
  }

  // A finger drags a point, and scrolls the page where it is not on one; a tap is a click.
  press(event) {
    const touched = this.nodes.findIndex(({ node }) => node.contains(event.target));
    if (!this.own || (event.pointerType === "touch" && touched < 0)) return;
    event.preventDefault();
    this.chart.svg.setPointerCapture(event.pointerId);
    this.dragged = true;
    this.held = touched < 0 ? this.nearest(event) : touched;
    this.nodes[this.held].node.focus({ preventScroll: true });
    this.pullTo(event);
  }

  pullTo(event) {
    const { y } = this.chart.at(event);
    this.onPull(this.held, Math.max(this.logarithmic ? Math.exp(y) : y, 0));
  }

  key(event, i) {
    const moves = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01 };
    const step = { ...moves, PageUp: 0.05, PageDown: -0.05, Home: -1, End: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.onPull(i, Math.max(this.system.own.data[i] + step, 0));
  }

  // Another system, view or scale: names, handles, axes.
  obey(system, { bars, view, system: kind }) {
    const own = view === "own" && system.n > 2;
    const names = Array.from(system.levels.data, (level) => short(level));
    const changed = own !== this.own || names.join() !== this.chart.names.join();
    Object.assign(this, { system, view, own, logarithmic: bars === "logarithmic" });
    if (this.held === undefined) this.range = undefined;
    this.chart.names = names;
    this.chart.labels = { xLabel: CONSTRAINED[kind], yLabel: this.logarithmic ? "ln p" : "probability p" };
    this.chart.svg.style.cursor = own ? "ns-resize" : "";
    if (changed) this.furnish(names);
    this.nodes.forEach(({ node }, i) => {
      const [least, most] = system.bounds(i);
      node.setAttribute("aria-valuemin", least.toFixed(4));
      node.setAttribute("aria-valuemax", most.toFixed(4));
    });
  }

  furnish(names) {
    for (const { node } of this.nodes) node.remove();
    this.nodes = (this.own ? names : []).map((name, i) => {
      const node = drawing(
        "g",
        {
          ...{ tabindex: 0, role: "slider", class: "lab-handle" },
          "aria-label": `Probability of ${name}; arrow keys change it`,
        },
        drawing("circle", { class: "lab-reach", r: 14 }),
        drawing("circle", { class: "lab-dot start", r: 5 }),
      );
      node.addEventListener("keydown", (event) => this.key(event, i));
      node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
      this.chart.dots.append(node);
      return { node };
    });
  }

  // Where a probability stands on the axis.
  height(p) {
    if (!this.logarithmic) return p;
    return p > 0 ? Math.max(Math.log(p), DEEPEST) : NaN;
  }

  fit(values) {
    if (this.held !== undefined && this.range) return; // no axis moves while a bar is pulled
    const seen = values.map((p) => this.height(p)).filter(Number.isFinite);
    const range = this.logarithmic
      ? [Math.max(2 * Math.floor((Math.min(...seen, -1) - 0.2) / 2), DEEPEST), 0]
      : [0, roundedRange([0, 1.08 * Math.max(...seen, 0.1)])[1]];
    if (this.range && range.every((end, i) => end === this.range[i])) return;
    this.range = range;
    this.chart.range([-0.6, this.system.n - 0.4], range);
  }

  draw() {
    const { system, view } = this;
    const exact = Array.from(system.p.data);
    const { shares } = system;
    const counted = view === "maximum" && system.steps > 0;
    const few = view === "rolls" ? Array.from(system.marginal.data) : [];
    this.fit([...exact, ...few, ...(counted || view !== "maximum" ? shares : [])]);
    const heights = (values) => values.map((p) => this.height(p));
    const tops = heights(exact);
    this.boxes.theory.set(view === "maximum" ? tops : []);
    this.boxes.measured.set(view === "maximum" ? [] : heights(shares));
    const across = (i) => (view === "maximum" ? [NaN] : [i - 0.46, i + 0.46, NaN]);
    this.line.set(
      tops.flatMap((_, i) => across(i)),
      tops.flatMap((top, i) => across(i).map(() => top)),
    );
    this.straight.set(...(this.logarithmic ? [tops.map((_, i) => i), tops] : [[], []]));
    this.mark(counted ? shares : [], few);
    this.put(shares);
    this.tell(shares, exact, counted);
  }

  // Dots with errors for what was thrown, and diamonds for what is exact for so many dice.
  mark(shares, few) {
    const thrown = this.system.counted * this.system.cast.data.length;
    const errors = shares.map((p) => Math.sqrt((p * (1 - p)) / thrown));
    const linear = this.logarithmic ? [] : shares;
    this.errors.set(
      linear.map((_, i) => i),
      linear,
      errors,
    );
    this.dots.forEach((dot, i) => {
      dot.move(i, this.height(shares[i] ?? NaN));
    });
    this.diamonds.forEach((diamond, i) => {
      diamond.move(i, this.height(few[i] ?? NaN));
    });
  }

  put(shares) {
    this.nodes.forEach(({ node }, i) => {
      const [u, v] = [this.chart.x.to(i), this.chart.y.to(this.height(shares[i]))];
      node.setAttribute("transform", `translate(${u.toFixed(1)} ${v.toFixed(1)})`);
      node.setAttribute("aria-valuenow", shares[i].toFixed(4));
      node.setAttribute("aria-valuetext", `probability ${short(shares[i], 3)}`);
    });
  }

  // Few bars are told in words.
  tell(shares, exact, counted) {
    const beside = this.view !== "maximum" || counted;
    const told = this.chart.names.map((name, i) => {
      const measured = beside ? `, ${this.view === "own" ? "yours" : "counted"} ${short(shares[i], 3)}` : "";
      return `${name}: ${short(exact[i], 3)}${measured}`;
    });
    const words = `Probabilities of the states at the largest entropy. ${told.join("; ")}.`;
    if (words !== this.chart.svg.getAttribute("aria-label")) this.chart.svg.setAttribute("aria-label", words);
  }
}

// The entropy against the mean, the point where the system is, and the tangent there.
class Hill {
  constructor(onMean) {
    this.chart = new Chart({
      ...{ x: [1, 6], y: [0, 2], xLabel: "mean", yLabel: "entropy S, in nats", height: 290, left: 44 },
      describe: "Largest entropy against the mean, with its tangent where the system is.",
    });
    this.chart.svg.setAttribute("role", "group");
    this.tangent = this.chart.line("tangent");
    this.line = this.chart.line("theory");
    this.lack = this.chart.line("lack");
    this.own = this.chart.dot("measured", 4.5);
    this.exact = this.chart.diamond("third");
    this.handle = new Handle(this.chart, {
      name: "Mean: arrow keys move it",
      ends: [1, 6],
      sign: drawing("circle", { class: "lab-dot start", r: 6.5 }),
      moves: () => this.moves,
      onMove: (mean) => onMean(mean),
    });
  }

  obey(system) {
    const [low, high] = [system.levels.data[0], system.levels.data[system.n - 1]];
    const step = (high - low) / 100;
    this.moves = {
      ...{ ArrowLeft: [-step, 0], ArrowDown: [-step, 0], ArrowRight: [step, 0], ArrowUp: [step, 0] },
      ...{ PageDown: [-10 * step, 0], PageUp: [10 * step, 0], Home: [low - high, 0], End: [high - low, 0] },
    };
    const top = roundedRange([0, 1.02 * Math.log(system.n)])[1];
    this.chart.range([low, high], [0, top]);
    this.line.set(...system.curve());
    const { mean, entropy, multiplier } = system;
    this.tangent.set(
      [low, high],
      [low, high].map((x) => entropy + multiplier * (x - mean)),
    );
    for (const [i, name] of ["aria-valuemin", "aria-valuemax"].entries())
      this.handle.node.setAttribute(name, short(system.reach[i], 4));
    this.handle.put(mean, entropy, mean.toFixed(3), `mean ${short(mean, 4)}, entropy ${short(entropy, 4)}`);
    this.exact.move(mean, system.view === "rolls" ? system.sequences : NaN);
  }

  draw(system) {
    const own = system.view === "own" ? system.ownEntropy : NaN;
    this.own.move(system.mean, own);
    this.lack.set([system.mean, system.mean], [own, system.entropy]);
  }
}

// Some of the dice, as they lie.
class Tray {
  constructor() {
    const box = `0 0 ${ACROSS * SIDE} ${(SHOWN / ACROSS) * SIDE}`;
    const words = "Some of the dice, with the levels that they show.";
    this.svg = drawing("svg", {
      viewBox: box,
      class: "lab-chart lab-tray",
      role: "img",
      "aria-label": words,
    });
    this.cells = Array.from({ length: SHOWN }, (_, k) => {
      const [x, y] = [(k % ACROSS) * SIDE, Math.floor(k / ACROSS) * SIDE];
      const form = { x: x + 1, y: y + 1, width: SIDE - 2, height: SIDE - 2, rx: 2.5 };
      const face = drawing("rect", { ...form, class: "lab-face" });
      const name = drawing("text", { x: x + SIDE / 2, y: y + SIDE / 2 + 3.5, "text-anchor": "middle" });
      this.svg.append(face, name);
      return { face, name };
    });
  }

  draw({ cast, levels, n }) {
    this.cells.forEach(({ face, name }, k) => {
      const state = cast.data[k];
      face.setAttribute("visibility", state === undefined ? "hidden" : "visible");
      face.setAttribute("fill-opacity", state === undefined ? 0 : ((0.7 * state) / (n - 1)).toFixed(2));
      name.textContent = state === undefined ? "" : short(levels.data[state]);
    });
  }
}

class MaxEntLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    const { states, dice } = panel.limits;
    this.system = new System(module, states[1], dice[1]);
    this.shares = new Shares(states[1], (i, value) => this.pull(i, value));
    this.hill = new Hill((mean) => this.move(mean));
    this.tray = new Tray();
    const first = element("div", {}, this.shares.chart.svg, this.tray.svg);
    const second = element("div", { class: "lab-second" }, this.hill.chart.svg);
    this.signs = Object.entries(SIGNS).map(([view, signs]) => [view, legend(signs)]);
    el.append(element("div", { class: "lab-figures" }, first, second), ...this.signs.map(([, node]) => node));
    this.furnish();
    panel.main.append(el.querySelector(".lab-words"));
    panel.follow(["system", "states"], () => this.fit());
    panel.follow(["view", "system", "states", "mean", "dice", "seed", "_own"], () => this.reset());
    panel.follow("bars", () => this.rescale());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => {
      if (model.get("running")) this.halted = false;
      else this.report();
    });
    panel.follow("view", () => this.resume());
  }

  furnish() {
    const { panel } = this;
    const { main: where } = panel;
    for (const [name, settings] of PRESETS) panel.preset(name, () => this.go(settings));
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    this.narrow = panel.button("Narrow one", () => this.forget(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.menu("view", { label: "View", names: VIEWS, where });
    this.rows = { mean: panel.slider("mean", { label: "Mean", digits: 3, where }) };
    panel.menu("system", { label: "System", names: SYSTEMS });
    this.rows.states = panel.slider("states", { label: "States", integer: true, step: 1 });
    panel.menu("bars", { label: "Scale of bars" });
    this.rows.dice = panel.slider("dice", { label: "Dice N", integer: true, logarithmic: true });
    this.rows.speed = panel.slider("speed", {
      label: "Steps a second",
      step: 0.5,
      digits: 1,
      logarithmic: true,
    });
    this.rows.seed = panel.field("seed", { label: "Seed" });
    const told = ["mean", "entropy S", "at most", "multiplier \u03bb", "ln Z", "field h"];
    const others = ["entropy of yours", "relative entropy", "\u03bb from the counts", "ln \u03a9 / N"];
    this.write = panel.readouts([...told, ...others, "throws", "collisions", "sweeps"]);
    panel.mount();
  }

  // The mean of another system keeps its place between the levels, if it is beyond them now.
  fit() {
    const { panel, system, rows } = this;
    const before = system.levels && system.reach;
    system.obey({ ...panel.settings, view: "maximum" }, []);
    const [low, high] = system.reach;
    panel.limits = { ...panel.limits, mean: [low, high] };
    const mean = this.model.get("mean");
    const share = before ? (mean - before[0]) / (before[1] - before[0]) : 0.5;
    const inside = Math.min(Math.max(low + share * (high - low), low), high);
    if (mean < low || mean > high) panel.set("mean", before ? this.rounded(inside) : system.mean);
    for (const input of rows.mean.querySelectorAll("input")) Object.assign(input, { min: low, max: high });
    const [range, number] = rows.mean.querySelectorAll("input");
    range.value = number.value = this.model.get("mean");
    rows.states.toggleAttribute("hidden", panel.settings.system === "spin");
  }

  rounded(mean) {
    const [low, high] = this.panel.limits.mean;
    return Math.min(Math.max(Number(mean.toFixed(3)), low), high);
  }

  move(mean) {
    this.panel.say("");
    this.panel.set("mean", this.rounded(mean));
  }

  // A bar that is dragged would be moved by collisions: they rest until the reader, or another view, lets them go on.
  pull(i, value) {
    const { panel, model, system } = this;
    if (model.get("running")) {
      panel.set("running", false);
      this.halted = true;
      panel.say("Dragging pauses the collisions. Press Start to let them go on.");
    } else if (!this.halted) panel.say("");
    model.set("_own", new DataView(system.pull(i, value).buffer));
    model.save_changes();
  }

  resume() {
    if (!this.halted || this.model.get("view") === "own") return;
    this.panel.say("");
    this.panel.set("running", true);
  }

  // Several settings at once, and the narrow distribution again.
  go(settings) {
    this.busy = true;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.busy = false;
    this.forget();
    this.panel.set("running", this.model.get("view") !== "own");
  }

  // Forget what the reader has drawn.
  forget() {
    this.busy = true;
    this.model.set("_own", new DataView(new ArrayBuffer(0)));
    this.model.save_changes();
    this.busy = false;
    this.reset();
  }

  reset() {
    if (this.busy) return;
    const { panel, system, rows } = this;
    const { settings } = panel;
    const { view, system: kind, seed } = settings;
    system.obey(settings, this.own);
    system.begin(seed);
    this.pace.cost = this.pace.firstCost;
    this.shares.obey(system, settings);
    this.hill.obey(system);
    for (const [name, node] of this.signs) node.toggleAttribute("hidden", name !== view);
    this.tray.svg.toggleAttribute("hidden", view !== "rolls");
    for (const name of ["dice", "seed"]) rows[name].toggleAttribute("hidden", view === "own");
    this.narrow.toggleAttribute("hidden", view !== "own" || system.n === 2);
    rename(rows.dice, `${capital(MANY[kind])} N`);
    rename(rows.speed, `${capital(STEPS[view])} a second`);
    const only = {
      "field h": kind === "spin",
      "entropy of yours": view === "own",
      "relative entropy": view === "own",
      "\u03bb from the counts": view !== "own",
      "ln \u03a9 / N": view === "rolls",
    };
    for (const [of, name] of Object.entries(STEPS)) only[name] = view === of;
    for (const [name, seen] of Object.entries(only)) this.write[name].row.toggleAttribute("hidden", !seen);
    this.report();
  }

  // The distribution of the reader's own, if there is one.
  get own() {
    const view = this.model.get("_own");
    if (!view?.byteLength) return [];
    return Array.from({ length: view.byteLength >> 3 }, (_, i) => view.getFloat64(8 * i, true));
  }

  rescale() {
    this.shares.obey(this.system, this.panel.settings);
    this.draw();
  }

  step() {
    this.panel.set("running", false);
    this.system.advance(1);
    this.report();
  }

  frame(milliseconds) {
    const units = this.pace.due(this.model.get("speed"), milliseconds);
    const first = units > 0 && this.system.steps === 0;
    this.pace.spend(units, (count) => this.system.advance(count));
    if (units > 0) this.draw();
    if (this.rate.add(1) || first) this.readOut();
  }

  draw() {
    this.shares.draw();
    this.hill.draw(this.system);
    if (this.system.view === "rolls") this.tray.draw(this.system);
  }

  report() {
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, system, model } = this;
    const { view, steps, mean, entropy, multiplier, logZ, slope, n } = system;
    const [yours, lack] = view === "own" ? [system.ownEntropy, system.lack] : [NaN, NaN];
    const sequences = view === "rolls" ? system.sequences : NaN;
    write.mean(fixed(mean, 3));
    write["entropy S"](fixed(entropy, 4));
    write["at most"](`ln ${n} = ${Math.log(n).toFixed(4)}`);
    write["multiplier \u03bb"](fixed(multiplier, 4));
    write["ln Z"](fixed(logZ, 4));
    write["field h"](fixed(-multiplier, 4));
    write["entropy of yours"](fixed(yours, 4));
    write["relative entropy"](fixed(lack, 4));
    write["\u03bb from the counts"](fixed(-slope, 4));
    write["ln \u03a9 / N"](fixed(sequences, 4));
    for (const name of Object.values(STEPS)) write[name](String(steps));
    const told = { steps, entropy, multiplier, log_partition: logZ, slope, log_sequences: NaN };
    told.log_sequences = sequences * system.cast.data.length;
    Object.assign(told, { own_entropy: yours, relative_entropy: lack });
    for (const [name, value] of Object.entries(told)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe();
  }

  describe() {
    const { system, panel } = this;
    const { view, system: kind, dice } = panel.settings;
    const { mean, entropy, multiplier, n, steps } = system;
    const number = (value) => fixed(value, 3).trim();
    const sentence = {
      maximum: () => this.ofTheMaximum(),
      own: () => this.ofOnesOwn(),
      rolls: () => this.ofTheDice(),
    }[view]();
    const what = { die: `A die of ${n} faces`, spin: "A spin", oscillator: `An oscillator of ${n} levels` }[
      kind
    ];
    const also = {
      maximum: `${dice} independent ${MANY[kind]} were drawn ${steps} times.`,
      own: `Your distribution has the entropy ${number(system.ownEntropy)}, less by ${number(system.lack)}; there were ${steps} collisions.`,
      rolls: `${dice} ${MANY[kind]} have the total ${number(mean * dice)}, and exchanged it in ${steps} sweeps. The logarithm of the number of sequences, over ${dice}, is ${number(system.sequences)}.`,
    }[view];
    const long =
      `${what} of mean ${number(mean)}. The largest entropy is ${number(entropy)} nats, of at most ${number(Math.log(n))}, ` +
      `with the multiplier ${number(multiplier)}. ${also}`;
    panel.description.set(sentence, long);
  }

  ofTheMaximum() {
    const { multiplier, spacing } = this.system;
    const factor = Math.exp(Math.abs(multiplier) * spacing);
    if (factor < 1.0005) return "All states are equally likely: nothing is known that prefers one.";
    const where = multiplier < 0 ? "below" : "above";
    return `Each state is ${short(factor, 3)} times as likely as the one ${where} it.`;
  }

  ofOnesOwn() {
    const { n, lack, steps } = this.system;
    if (n === 2) return "Two states with a given mean leave nothing to choose.";
    if (lack < 5e-5) return "Your distribution is the one of largest entropy, as far as can be seen.";
    const less = `Yours has ${short(lack, 3)} nats less entropy than the largest, which is its relative entropy to that one.`;
    if (this.model.get("running"))
      return "The dice collide, and the entropy of their distribution never falls.";
    return steps ? less : `Drag the bars. ${less}`;
  }

  ofTheDice() {
    const { p, marginal, steps } = this.system;
    const many = MANY[this.model.get("system")];
    const apart = Math.max(...Array.from(p.data, (q, i) => Math.abs(q - marginal.data[i])));
    if (steps === 0) return `All ${many} are as much alike as their total allows.`;
    if (apart > 0.01)
      return `So few ${many} do not show Boltzmann\u2019s weights: a high one leaves little to the others.`;
    return `So many ${many} show Boltzmann\u2019s weights, though nothing but their total is given.`;
  }
}

// Call a row of the controls otherwise, in all places.
function rename(row, label) {
  row.querySelector("label").textContent = label;
  row.querySelector("[type=range]").setAttribute("aria-label", `${label}, slider`);
}

// What a copy of the settings does not carry.
const ALONG = {
  without(model) {
    const drawn = model.get("view") === "own" && model.get("_own")?.byteLength;
    return drawn ? "the distribution that you have drawn" : "";
  },
};

export default lab((parts) => new MaxEntLab(parts), ALONG);
