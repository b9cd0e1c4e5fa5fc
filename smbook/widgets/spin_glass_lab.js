// The live spin glass: two replicas of one sample, where they agree, their overlap and their energies.

import { Census } from "./runtime/census.js";
import { Chart, legend, roundedRange, short, ticks } from "./runtime/chart.js";
import { element, fixed } from "./runtime/dom.js";
import { bytes, Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { edgesOf, Sheet } from "./runtime/sheet.js";
import { watchTheme } from "./runtime/theme.js";

const BOXES = 41; // of the histogram, at most
const BUDGET = 9; // milliseconds of a frame for sweeps: three canvases and two charts take some to be shown
const POINTS = 240; // of the record of energies
const LEAST = 0.02; // height of the chart of energies
const COOLING = 10_000; // milliseconds in which a sample is cooled slowly
const AGREED = { from: 0.8, to: 0.75 }; // mean |q| from which replicas agree, and below which they do no longer
const MODELS = {
  SK: "Sherrington-Kirkpatrick",
  "plus-minus": "lattice, bonds ±1",
  ferromagnet: "lattice, all bonds +1",
};
const ALGORITHMS = { "heat-bath": "off: one temperature", tempering: "on: a ladder of 24 temperatures" };
const SIGNS = [
  ["square up", "spin up"],
  ["square down", "spin down"],
  ["square apart", "they disagree"],
  ["square measured", "q so far"],
  ["dot now", "q now"],
  ["line measured", "replica 1"],
  ["line third", "replica 2"],
  ["line guide", "lowest seen"],
];

const LATTICE_SIGN = ["line broken", "unsatisfied bond"];
const GROUND_SIGN = ["line theory", "ground state of a large sample"];

// One sample and two replicas of it on the kernels, each the coldest row of a ladder of K temperatures, or alone.
class Glass {
  constructor(module, { spins, size, temperatures }) {
    const sites = size ** 2;
    this.kernels = new Kernels(module, 4 * spins ** 2 + (20 * temperatures + 400) * sites + 2 ** 17);
    this.temperatures = temperatures;
    this.ground = this.kernels.top;
  }

  // Draw the sample of a seed, and begin a run; the arrays of the last one make room.
  start({ model, spins, size, seed, algorithm }, own) {
    const { kernels } = this;
    kernels.top = this.ground;
    const state = this.seeded(BigInt(seed));
    kernels.run.split_mix(state, state.data[0]); // as the package parts a sample from its runs
    this.side = undefined;
    if (own) this.take(own);
    else if (model === "SK") this.scatter(spins, state);
    else this.weave(size, model === "plus-minus" ? state : undefined);
    this.count = algorithm === "tempering" ? this.temperatures : 1;
    this.betas = kernels.array("float64", this.count);
    const [words, noise, sites] = ["uint64", "float64", "int64"].map((type) => kernels.array(type, this.n));
    sites.data.forEach((_, i, all) => {
      all[i] = BigInt(i);
    });
    this.room = [words, noise, sites];
    const first = this.seeded(BigInt(seed));
    const second = kernels.array("uint64", 4);
    second.data.set(first.data);
    kernels.run.jump(second);
    this.ladders = [first, second].map((stream) => this.ladder(stream));
    Object.assign(this, { steps: 0, sweeps: 0 });
  }

  seeded(seed) {
    const state = this.kernels.array("uint64", 4);
    this.kernels.run.split_mix(state, seed);
    return state;
  }

  // Couplings between all pairs: those of the Sherrington-Kirkpatrick model, or the reader's own.
  scatter(n, state) {
    this.dense(n);
    this.kernels.run.fill_gaussian(state, this.couplings[0]);
  }

  take(view) {
    const n = Math.round((Math.sqrt(1 + view.byteLength) - 1) / 2);
    this.dense(n);
    const [matrix, fields] = this.couplings;
    const numbers = bytes(view);
    const put = ({ address, data }, from) =>
      new Uint8Array(this.kernels.memory.buffer, address, data.byteLength).set(
        numbers.subarray(from, from + data.byteLength),
      );
    put(matrix, 0);
    put(fields, matrix.data.byteLength);
  }

  dense(n) {
    const { kernels } = this;
    Object.assign(this, { n, form: "dense", type: "float32" });
    this.couplings = [kernels.array("float32", n, n), kernels.zeros("float32", n)];
  }

  // The bonds of a square lattice: of random signs if there is a state to draw them from.
  weave(side, state) {
    const { kernels } = this;
    const n = side ** 2;
    Object.assign(this, { n, side, form: "sparse", type: "float64" });
    const shape = kernels.array("int64", 2);
    shape.data.fill(BigInt(side));
    const bonds = kernels.array("float64", 2, n);
    bonds.data.fill(1);
    if (state) {
      const signs = kernels.array("int8", 2 * n);
      kernels.run.randomize(signs, state);
      bonds.data.set(signs.data);
    }
    const entries = kernels.array("float64", 4 * n);
    const [columns, starts] = [kernels.array("int64", 4 * n), kernels.array("int64", n + 1)];
    kernels.run.fill_lattice(shape, bonds, entries, columns, starts);
    this.rows = [entries, columns, starts];
    this.couplings = [...this.rows, kernels.zeros("float64", n)];
    this.edges = edgesOf(side, columns.data);
  }

  ladder(state) {
    const { kernels, n, form, type, count } = this;
    const { run } = kernels;
    const spins = kernels.array("int8", count, n);
    const local = kernels.array(type, count, n);
    const at = kernels.array("int64", count);
    const totals = kernels.array("float64", count);
    at.data.forEach((_, k, all) => {
      all[k] = BigInt(k);
    });
    const swaps = kernels.zeros("int64", 2, count - 1);
    const [heading, trips] = [0, 1].map(() => kernels.zeros("int64", count));
    const best = [kernels.array("float64", 1), kernels.array("int8", n)];
    const noted = [kernels.array("float64", 1, count), kernels.array("int64", 1, count)];
    noted.push(kernels.array("int8", 1, count, n));
    const chains = [...this.couplings, spins, local];
    run[`begin_${form}`](...chains, state, totals, ...best);
    const walkers = [at, kernels.zeros("int64", 1), totals, swaps, heading, trips];
    const given = [...chains, kernels.zeros("int64", count, 1), state, ...this.room, this.betas, ...walkers];
    const rows = Array.from({ length: count }, (_, k) => kernels.row(spins, k));
    return {
      step: (steps) => run[`temper_${form}`](...given, steps, ...noted, ...best),
      coldest: () => Number(at.data[count - 1]),
      marks: kernels.array("int8", 4 * n),
      lowest: best[0].data,
      ...{ rows, totals: totals.data, swaps: swaps.data },
    };
  }

  obey(temperature, hottest) {
    this.kernels.run.lay_out(temperature, hottest, this.betas);
  }

  // Make so many sweeps at one temperature; tell whenever all of the ladder have had theirs.
  advance(steps, tell) {
    for (let left = steps; left > 0; ) {
      const length = Math.min(left, this.count - this.steps);
      for (const ladder of this.ladders) ladder.step(length);
      left -= length;
      this.steps = (this.steps + length) % this.count;
      if (this.steps > 0) continue;
      this.sweeps += 1;
      tell();
    }
  }

  get replicas() {
    return this.ladders.map(({ rows, coldest }) => rows[coldest()]);
  }

  get energies() {
    return this.ladders.map(({ totals, coldest }) => totals[coldest()] / this.n);
  }

  get lowest() {
    return Math.min(...this.ladders.map(({ lowest }) => lowest[0])) / this.n;
  }

  get overlap() {
    return this.kernels.run.overlap(...this.replicas);
  }

  // The share of the bonds that each replica does not satisfy; which ones, its marks tell.
  unsatisfied() {
    return this.ladders.map(({ marks }, k) => {
      const bonds = this.kernels.run.mark_unsatisfied(...this.rows, this.replicas[k], marks);
      return Number(bonds) / (2 * this.n);
    });
  }

  // The share of swaps that were made, of those that were tried.
  get swapRate() {
    const sum = (half) =>
      this.ladders
        .flatMap(({ swaps }) => [...swaps.subarray(half * (this.count - 1), (half + 1) * (this.count - 1))])
        .reduce((total, swaps) => total + Number(swaps), 0);
    return sum(1) / sum(0);
  }
}

// The histogram of the overlap. A box holds as many values of q as its neighbours, and as many of both signs.
class Overlaps {
  constructor() {
    this.chart = new Chart({
      x: [-1.08, 1.08],
      y: [0, 1],
      xLabel: "overlap q",
      yLabel: "density P(q)",
      describe: "Histogram of the overlap of the two replicas, from minus 1 to 1, and the overlap now.",
      left: 40,
    });
    this.boxes = this.chart.boxes("measured");
    this.now = this.chart.dot("now", 6);
    this.census = new Census();
  }

  start(n) {
    this.n = n;
    const least = Math.ceil((n + 1) / BOXES);
    const size = least + ((least + n + 1) % 2);
    const half = Math.floor(n / (2 * size) + 0.5);
    const clipped = (q) => Math.min(Math.max(q, -1 - 1 / n), 1 + 1 / n);
    const ends = (side) =>
      Array.from({ length: 2 * half + 1 }, (_, k) => clipped(((2 * (k - half) + side) * size) / n));
    Object.assign(this, { lefts: ends(-1), rights: ends(1) });
    this.boxOf = (agreeing) => Math.floor((2 * agreeing - n) / (2 * size) + 0.5) + half;
    this.clear();
  }

  // Entry k of the census is for k spins that agree.
  clear() {
    const { n } = this;
    this.census.restart(Array.from({ length: n + 1 }, (_, k) => Math.abs(2 * k - n) / n));
    this.top = undefined;
  }

  add(q) {
    this.census.add(Math.round(((1 + q) / 2) * this.n));
  }

  draw(q) {
    const heights = this.lefts.map(() => 0);
    this.census.shares.forEach((share, k) => {
      const box = this.boxOf(k);
      heights[box] += share / (this.rights[box] - this.lefts[box]);
    });
    this.fit(Math.max(...heights, 0.5));
    this.boxes.set(this.lefts, this.rights, heights);
    this.now.move(q, 0);
  }

  fit(high) {
    if (high <= this.top && high > 0.4 * this.top) return;
    this.top = roundedRange([0, 1.2 * high], { count: 5 })[1];
    this.chart.range([-1.08, 1.08], [0, this.top]);
  }
}

// Both energies per spin from Reset on: means of as many sweeps as it takes for all to have room.
class Energies {
  constructor() {
    this.chart = new Chart({
      x: [0, POINTS],
      y: [-1, 0],
      xLabel: "time, in sweeps",
      yLabel: "energy E / N",
      describe: "Energy per spin of both replicas against time, above the lowest energy seen.",
      left: 52,
    });
    this.known = this.chart.line("theory");
    this.lowest = this.chart.line("guide");
    this.lines = ["measured", "third"].map((kind) => this.chart.line(kind));
    this.dots = ["measured", "third"].map((kind) => this.chart.dot(kind, 4));
  }

  start(energies) {
    Object.assign(this, { stride: 1, count: 0, sums: [0, 0], records: [[], []], highest: undefined });
    this.add(energies);
  }

  add(energies) {
    const { sums, records } = this;
    energies.forEach((energy, k) => {
      sums[k] += energy;
    });
    this.count += 1;
    if (this.count < this.stride) return;
    records.forEach((record, k) => {
      record.push(sums[k] / this.stride);
    });
    Object.assign(this, { count: 0, sums: [0, 0] });
    if (records[0].length > POINTS) this.widen();
  }

  widen() {
    this.stride *= 2;
    this.records = this.records.map((record) =>
      Array.from({ length: record.length >> 1 }, (_, i) => (record[2 * i] + record[2 * i + 1]) / 2),
    );
  }

  draw({ sweeps, energies }, known, lowest) {
    const end = this.stride * POINTS;
    const times = this.records[0].map((_, i) => (i + 0.5) * this.stride - 0.5);
    this.fit(end, [known ?? lowest, lowest, ...energies]);
    this.known.set([0, end], [known ?? NaN, known ?? NaN]);
    this.lowest.set([0, end], [lowest, lowest]);
    this.lines.forEach((line, k) => {
      line.set(times, this.records[k]);
      this.dots[k].move(sweeps, energies[k]);
    });
  }

  // How the first sweeps fall from random spins may leave the chart at its top.
  fit(end, values) {
    const later = this.records.flatMap((record) => record.slice(Math.min(3, record.length - 1)));
    const span = Math.max(...later, ...values) + LEAST; // at least so high
    const range = roundedRange([...later, ...values, span], { count: 5 });
    const [low, high] = range.map((value) => Number(value.toPrecision(6)));
    if (end === this.end && low === this.low && high <= this.high && high > this.high - 0.15) return;
    Object.assign(this, { end, low, high });
    this.chart.places = ticks(0, end, 4).map((time) => [time, short(time)]);
    this.chart.range([0, end], [low, high]);
  }
}

class SpinGlassLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(BUDGET), rate: new Rate() });
    const temperatures = model.get("_temperatures");
    const { spins, size } = panel.limits;
    this.glass = new Glass(module, { spins: spins[1], size: size[1], temperatures });
    this.sheets = [1, 2].map((k) => new Sheet(panel, `Replica ${k}`, "--lab-spins"));
    this.between = new Sheet(panel, "Where they disagree", "--lab-apart");
    this.overlaps = new Overlaps();
    this.energies = new Energies();
    const sheets = [...this.sheets, this.between].map(({ node }) => node);
    const charts = [this.overlaps, this.energies].map(({ chart }) => chart.svg);
    const figures = [
      element("div", { class: "lab-sheets" }, ...sheets),
      element("div", { class: "lab-second lab-pair" }, ...charts),
    ];
    const signs = legend([...SIGNS, GROUND_SIGN, LATTICE_SIGN]);
    [this.groundSign, this.latticeSign] = [...signs.children].slice(-2);
    el.append(element("div", { class: "lab-figures" }, ...figures), signs);
    this.furnish();
    panel.follow(["model", "spins", "size", "seed", "algorithm", "_couplings"], () => this.reset());
    panel.follow("temperature", () => this.obey());
    watchTheme(panel, () => this.recolour());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.renew());
    panel.button("Clear histogram", () => this.clear());
    panel.share();
    const { main: where, rest } = panel;
    const onHand = () => this.stay();
    panel.slider("temperature", { label: "Temperature T", where, onHand });
    panel.menu("algorithm", { label: "Tempering", names: ALGORITHMS, where });
    panel.preset("New sample", () => this.drawAnew());
    panel.preset("Cool slowly", () => this.coolSlowly());
    const model = panel.menu("model", { label: "Model", names: MODELS });
    const spins = panel.slider("spins", { label: "Spins N", logarithmic: true, integer: true });
    const size = panel.slider("size", { label: "Sites a side", integer: true, step: 1 });
    panel.slider("speed", { label: "Sweeps a second", step: 1, digits: 0, logarithmic: true });
    panel.field("seed", { label: "Seed", where: rest });
    const names = ["overlap q", "mean |q|", "disagreeing spins", "E / N, replica 1", "E / N, replica 2"];
    this.write = panel.readouts([...names, "lowest E / N", "unsatisfied bonds", "swaps made", "sweeps"]);
    this.rows = { model, spins, size };
    panel.mount();
  }

  get name() {
    return this.model.get("_couplings")?.byteLength ? "own" : this.model.get("model");
  }

  get facts() {
    return this.model.get("_facts")[this.name];
  }

  get tempering() {
    return this.model.get("algorithm") === "tempering";
  }

  // Begin anew from random spins. What was the lowest energy of this sample still is.
  reset() {
    const { glass, name, panel, facts } = this;
    const own = name === "own" ? this.model.get("_couplings") : undefined;
    glass.start(panel.settings, own);
    const sample = [name, glass.n, name === "own" ? own : this.model.get("seed")];
    if (!sample.every((part, i) => part === this.sample?.[i])) this.lowest = Infinity;
    Object.assign(this, { sample, agreed: false });
    this.rows.model.toggleAttribute("hidden", name === "own");
    this.rows.spins.toggleAttribute("hidden", name !== "SK");
    this.rows.size.toggleAttribute("hidden", !glass.side);
    this.groundSign.toggleAttribute("hidden", facts.ground === null);
    this.latticeSign.toggleAttribute("hidden", !glass.side);
    this.write["unsatisfied bonds"].row.toggleAttribute("hidden", !glass.side);
    this.write["swaps made"].row.toggleAttribute("hidden", !this.tempering);
    glass.obey(this.model.get("temperature"), facts.hottest);
    this.overlaps.start(glass.n);
    this.energies.start(glass.energies);
    this.title();
    this.pace.cost = this.pace.firstCost;
    this.report();
  }

  // Say what the sheets show.
  title() {
    const { n, side } = this.glass;
    const what = side
      ? `${side} by ${side} spins, with strokes on the bonds that are not satisfied`
      : `${n} spins in the order of their numbers, row by row`;
    this.sheets.forEach((sheet, k) => {
      sheet.start(n, `Replica ${k + 1}: ${what}.`);
    });
    this.between.start(n, "The same places, dark where the two replicas have different spins.");
  }

  recolour() {
    for (const sheet of [...this.sheets, this.between]) sheet.recolour();
    this.draw();
  }

  obey() {
    const temperature = this.model.get("temperature");
    if (this.cooling && temperature !== this.cooling.shown) this.cooling = undefined;
    this.glass.obey(temperature, this.facts.hottest);
    this.clear();
  }

  clear() {
    this.overlaps.clear();
    if (this.model.get("running")) this.draw();
    else this.report();
  }

  // A hand on the temperature ends its way down.
  stay() {
    this.cooling = undefined;
  }

  // Reset, where a temperature on its way down goes to its end.
  renew() {
    const goal = this.cooling?.goal;
    this.stay();
    if (goal !== undefined) this.panel.set("temperature", goal);
    this.reset();
  }

  drawAnew() {
    const [low, high] = this.panel.limits.seed;
    const seed = this.model.get("seed");
    this.panel.set("seed", seed < high ? seed + 1 : low);
    this.panel.set("running", true);
  }

  // From random spins at a high temperature down to the chosen one.
  coolSlowly() {
    this.renew();
    const goal = this.model.get("temperature");
    const from = Math.min(this.facts.hottest, this.panel.limits.temperature[1]);
    if (from <= goal) {
      this.panel.say("T is high already: choose a lower one to cool to.");
      return;
    }
    this.cooling = { goal, from, spent: 0, shown: from };
    this.panel.set("temperature", from);
    this.panel.set("running", true);
  }

  cool(milliseconds) {
    const { cooling } = this;
    cooling.spent += milliseconds;
    const share = Math.min(cooling.spent / COOLING, 1);
    const now = Number((cooling.from + share * (cooling.goal - cooling.from)).toFixed(2));
    cooling.shown = share < 1 ? Math.max(now, cooling.goal) : cooling.goal;
    this.panel.set("temperature", cooling.shown);
    if (share === 1) this.cooling = undefined;
  }

  step() {
    this.panel.set("running", false);
    this.advance(this.glass.count - this.glass.steps);
    this.report();
  }

  advance(steps) {
    this.glass.advance(steps, () => {
      this.overlaps.add(this.glass.overlap);
      this.energies.add(this.glass.energies);
    });
  }

  frame(milliseconds) {
    if (this.cooling) this.cool(milliseconds);
    const steps = this.pace.due(this.model.get("speed") * this.glass.count, milliseconds);
    this.pace.spend(steps, (count) => this.advance(count));
    this.draw();
    if (this.rate.add(1)) this.readOut();
  }

  draw() {
    const { glass } = this;
    const [one, other] = glass.replicas.map(({ data }) => data);
    if (glass.side) this.unsatisfied = glass.unsatisfied();
    this.sheets.forEach((sheet, k) => {
      sheet.draw(k ? other : one, glass.edges && glass.side ? glass.edges : [], glass.ladders[k].marks.data);
    });
    this.between.draw(one.map((spin, i) => -spin * other[i]));
    this.lowest = Math.min(this.lowest, glass.lowest);
    this.q = glass.overlap;
    this.overlaps.draw(this.q);
    this.energies.draw(glass, this.facts.ground, this.lowest);
  }

  readOut() {
    const { write, glass, q, lowest } = this;
    const [first, second] = glass.energies;
    const mean = this.overlaps.census.mean;
    write["overlap q"](fixed(q, 3));
    write["mean |q|"](mean === undefined ? "–" : mean.toFixed(3));
    write["disagreeing spins"](percent((1 - q) / 2));
    this.between.entitle(`Where they disagree: ${percent((1 - q) / 2)}`);
    write["E / N, replica 1"](fixed(first, 4));
    write["E / N, replica 2"](fixed(second, 4));
    write["lowest E / N"](fixed(lowest, 4));
    if (glass.side) write["unsatisfied bonds"](this.unsatisfied.map(percent).join(", "));
    write["swaps made"](Number.isNaN(glass.swapRate) ? "–" : percent(glass.swapRate));
    write.sweeps(String(glass.sweeps));
    const told = { sweeps: glass.sweeps, overlap: q, mean_overlap: mean ?? null, lowest };
    for (const [name, value] of Object.entries({ ...told, energy: (first + second) / 2 }))
      this.model.set(name, value);
    this.model.save_changes();
    this.describe(first, second, mean ?? Math.abs(q));
  }

  describe(first, second, mean) {
    const { glass, q, lowest } = this;
    const number = (value) => fixed(value, 2).trim();
    const way = this.tempering
      ? `each replica the coldest of ${glass.count} temperatures`
      : "by the heat bath at this temperature alone";
    const bonds = glass.side
      ? ` Of their bonds ${this.unsatisfied.map(percent).join(" and ")} are not satisfied.`
      : "";
    const long =
      `${named(this.name, glass.n, glass.side)} at temperature ${short(this.model.get("temperature"), 5)}, ` +
      `${way}, after ${glass.sweeps} ${glass.sweeps === 1 ? "sweep" : "sweeps"}: q = ${number(q)}, ` +
      `the replicas disagree on ${percent((1 - q) / 2)} of the spins. Their energies are ${number(first)} and ` +
      `${number(second)} per spin, the lowest seen is ${number(lowest)}.${bonds} ` +
      "The histogram shows where they have been; nothing promises that this is equilibrium.";
    this.panel.description.set(this.inWords(mean), long);
  }

  // The kind of state, which a fluctuation does not change: a sentence is heard only when another kind begins.
  inWords(mean) {
    if (mean > AGREED.from) this.agreed = true;
    if (mean < AGREED.to) this.agreed = false;
    if (this.agreed && this.q > 0 && !this.tempering) return "The two replicas agree on nearly all spins.";
    if (this.agreed) return "The two replicas agree, but for a flip of all spins of one of them.";
    if (this.model.get("temperature") >= this.facts.cold)
      return "Hot: the replicas soon forget where they were, and q stays near 0.";
    if (this.name === "ferromagnet") return "Cold, but domains of both signs are left in the replicas.";
    if (this.tempering) return "Glassy: tempering takes the replicas from valley to valley, and q with them.";
    return "Glassy: the heat bath leaves each replica in the valley where it fell.";
  }

  // Hand the replicas to Python, and say where the run stands.
  report() {
    this.draw();
    const { n, replicas } = this.glass;
    const both = new Int8Array(2 * n);
    replicas.forEach(({ data }, k) => {
      both.set(data, k * n);
    });
    this.model.set("_spins", new DataView(both.buffer));
    this.readOut();
  }
}

// What is shown, at the beginning of a sentence.
function named(name, n, side) {
  if (name === "own") return `A network of ${n} spins`;
  if (name === "SK") return `${n} spins of the Sherrington-Kirkpatrick model`;
  const sites = `${side} by ${side} spins`;
  return name === "ferromagnet"
    ? `A ferromagnet of ${sites}`
    : `A lattice of ${sites} with bonds of plus and minus 1`;
}

function percent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

export default lab((parts) => new SpinGlassLab(parts));
