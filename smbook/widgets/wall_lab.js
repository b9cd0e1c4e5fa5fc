// The live ring: its spins sweep by sweep, and what its domain walls cost and gain.

import { Census } from "./runtime/census.js";
import { Chart, dragged, legend, roundedRange, short } from "./runtime/chart.js";
import { element } from "./runtime/dom.js";
import { Kernels, roomForRows, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Raster } from "./runtime/raster.js";

const ROOM = { least: 8, spare: 2.2 }; // walls that the charts show at least, and in units of the mean
const FEW = 24; // walls up to which each number of them has its own dot
const FINE = { count: 6 }; // steps of an axis
const FARTHEST = 5; // decades of N in the chart of the first pair
const GRID = 40; // points of its curve in a decade,
const POINTS = FARTHEST * GRID + 1; // and in all
const COLD = 0.5; // the temperature of the presets
const EVEN = 0.05; // a price that is written as zero
const HOW = "cut open: a row a sweep, time runs down";
const SIGNS = [
  ["square up", "spin up"],
  ["square down", "spin down"],
  ["line third", "energy"],
  ["line beyond", "T times entropy"],
  ["line theory", "free energy, and exact shares"],
  ["dot theory", "least F, and a pair that is free"],
  ["square measured", "measured here"],
  ["dot now", "now"],
];

// The ring on its kernels: spins, generator, and the law of its walls.
class Ring {
  constructor(module, largest) {
    this.kernels = new Kernels(module, 64 * largest + 2 ** 18);
    this.shape = this.kernels.array("int64", 1);
    this.table = this.kernels.array("int64", 1, 7);
    this.noted = [this.kernels.array("int64", 1), this.kernels.array("int64", 1)];
    const [sizes, heat, price] = [0, 1, 2].map(() => this.kernels.array("float64", POINTS + 1));
    this.pairs = { sizes, heat, price }; // the last of each is that of the ring itself
    sizes.data.forEach((_, i, all) => {
      all[i] = Math.max(10 ** (i / GRID), 2);
    });
    this.ground = this.kernels.top;
  }

  // Begin a run; the arrays of the last one, which may have another length, make room.
  start({ size, seed, initial }) {
    const { kernels, shape, table, noted } = this;
    kernels.top = this.ground;
    this.size = size;
    this.sweeps = 0;
    shape.data[0] = BigInt(size);
    this.pairs.sizes.data[POINTS] = size;
    this.spins = kernels.array("int8", size);
    const room = roomForRows(kernels, size);
    const state = seeded(kernels, seed);
    if (initial === "up") this.spins.data.fill(1);
    else kernels.run.randomize(this.spins, state);
    kernels.run.seed_lanes(state, room[0]);
    this.move = [this.spins, shape, 1, table, ...room, state, 1, ...noted];
    const [energy, heat, free, share] = [0, 1, 2, 3].map(() => kernels.array("float64", (size >> 1) + 1));
    this.law = { energy, heat, free, share };
  }

  // Take the temperature, and compute all that is drawn but the spins.
  obey(temperature) {
    const { run } = this.kernels;
    const { size, law, pairs } = this;
    const beta = 1 / temperature;
    run.heat_bath_table(beta, 1, 0, 1, this.table);
    this.likeliest = Number(run.wall_law(size, beta, 1, law.energy, law.heat, law.free, law.share));
    this.mean = run.mean_walls(size, beta, 1);
    this.freeSize = run.free_pair_size(beta, 1);
    run.first_pair(pairs.sizes, beta, 1, pairs.heat, pairs.price);
  }

  sweep() {
    this.kernels.run.single_site(...this.move);
    this.sweeps += 1;
  }

  get walls() {
    return (this.size - Number(this.kernels.run.bond_sum(this.spins, this.shape))) / 2;
  }

  // What a pair of walls costs and gains, and the difference.
  get firstPair() {
    const { heat, price } = this.pairs;
    return { cost: this.law.energy.data[1], gain: heat.data[POINTS], price: price.data[POINTS] };
  }
}

// Energy, T times entropy, and free energy of each number of walls.
class Balance {
  constructor() {
    const describe =
      "Energy and T times entropy of w walls, both rising, and the free energy between them with its minimum.";
    this.chart = new Chart({
      x: [0, 1],
      y: [0, 1],
      xLabel: "walls w",
      yLabel: "E, T S and F = E − T S, in units of J",
      describe,
      height: 290,
    });
    this.zero = this.chart.line("zero");
    this.energy = this.chart.line("third");
    this.heat = this.chart.line("beyond");
    this.free = this.chart.line("theory");
    this.points = this.chart.shape("lab-dot theory", (xs, ys) =>
      xs.map(
        (x, i) =>
          `M${this.chart.x.to(x) - 2.5} ${this.chart.y.to(ys[i])}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0Z`,
      ),
    );
    this.least = this.chart.dot("theory", 5);
    this.now = this.chart.dot("now", 6);
  }

  draw({ law, likeliest }, walls) {
    const top = walls.at(-1);
    const [energy, heat, free] = [law.energy, law.heat, law.free].map(({ data }) =>
      Array.from(data.subarray(0, walls.length)),
    );
    this.chart.range(around(top), roundedRange([...energy, ...heat, ...free], FINE));
    this.zero.set(around(top), [0, 0]);
    this.energy.set(walls, energy);
    this.heat.set(walls, heat);
    this.free.set(walls, free);
    this.points.set(top > FEW ? [] : walls, free);
    this.least.move(likeliest, free[likeliest / 2]);
  }

  roll({ law }, walls) {
    this.now.move(walls, law.free.data[walls / 2]);
  }
}

// The share of sweeps with each number of walls, measured and exact.
class Shares {
  constructor() {
    const describe = "Histogram of the number of walls, with the exact share of each number.";
    const form = {
      x: [0, 1],
      y: [0, 1],
      xLabel: "walls w",
      yLabel: "share of sweeps",
      describe,
      height: 170,
    };
    this.chart = new Chart(form);
    this.boxes = this.chart.boxes("measured");
    this.exact = this.chart.line("theory");
  }

  draw({ law }, walls) {
    const exact = Array.from(law.share.data.subarray(0, walls.length));
    const [, top] = roundedRange([0, 1.2 * Math.max(...exact)], FINE);
    this.chart.range(around(walls.at(-1)), [0, Math.min(top, 1)]);
    this.ends = [-1, 1].map((side) => walls.map((w) => w + 0.8 * side));
    this.exact.set(
      walls.flatMap((w) => [w - 1, w + 1, NaN]),
      exact.flatMap((share) => [share, share, NaN]),
    );
  }

  count(shares) {
    this.boxes.set(...this.ends, shares.subarray(0, this.ends[0].length));
  }
}

// What the first pair of walls costs, whatever N is, and gains, which grows with N.
class FirstPair {
  constructor(onSize) {
    const describe =
      "Price of the first pair of walls against the number of spins: a level energy of 4 J, and T times the logarithm of the number of places, which rises past it.";
    this.chart = new Chart({
      x: [0, FARTHEST],
      y: [0, 8],
      xLabel: "spins N",
      yLabel: "first pair: 4J and T ln C(N, 2)",
      describe,
      names: ["1", "10", "100", "1000", "10⁴", "10⁵"],
      height: 190,
    });
    this.cost = this.chart.line("third");
    this.gain = this.chart.line("beyond");
    this.price = this.chart.line("theory");
    this.free = this.chart.dot("theory", 5);
    this.now = this.chart.dot("now", 6);
    dragged(this.chart, { move: ({ x }) => onSize(10 ** x) });
  }

  draw({ size, pairs, firstPair, freeSize }) {
    const { cost, gain } = firstPair;
    const place = Math.log10(size);
    this.chart.range([0, FARTHEST], [0, Math.max(2 * cost, roundedRange([0, gain], FINE)[1])]);
    this.cost.set([0, FARTHEST], [cost, cost]);
    this.gain.set(Array.from(pairs.sizes.data.subarray(0, POINTS), Math.log10), pairs.heat.data);
    this.price.set([place, place], [cost, gain]);
    this.free.move(Math.log10(freeSize), cost);
    this.now.move(place, gain);
  }
}

// Room for the first and the last box of a histogram.
function around(top) {
  return [-1, top + 1];
}

// The mean length of a patch; with less than one wall as a rule it is all there is.
function patch(size, walls) {
  return walls < 1 ? "the whole ring" : `${short(size / walls, 3)} spins`;
}

function signed(value) {
  const digits = Math.abs(value).toFixed(1);
  return Number(digits) === 0 ? digits : `${value < 0 ? "\u2212" : "+"}${digits}`;
}

class WallLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, census: new Census(), pace: new Pace(), rate: new Rate() });
    this.ring = new Ring(module, panel.limits.size[1]);
    this.picture = new Raster(panel);
    this.balance = new Balance();
    this.shares = new Shares();
    this.firstPair = new FirstPair((size) => this.resize(size));
    const [balance, shares, pair] = [this.balance, this.shares, this.firstPair].map(({ chart }) => chart.svg);
    const words = element("p", { class: "lab-told" }, `The ring, ${HOW}.`);
    const first = element("div", {}, words, this.picture.canvas, pair);
    const second = element("div", { class: "lab-second" }, balance, shares);
    el.append(element("div", { class: "lab-figures" }, first, second), legend(SIGNS));
    this.furnish();
    panel.follow(["size", "seed", "initial"], () => this.reset());
    panel.follow("temperature", () => this.obey());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.reset());
    panel.button("Clear histogram", () => this.clear());
    panel.share();
    const { main, rest: where } = panel;
    panel.slider("temperature", { label: "Temperature T", where: main });
    panel.slider("size", { label: "Spins N", logarithmic: true, integer: true, where: main });
    panel.preset("Short and cold", () => this.cool(16));
    panel.preset("Long and cold", () => this.cool(panel.limits.size[1]));
    panel.preset("N where the pair is free", () => this.resize(this.ring.freeSize));
    panel.slider("speed", { label: "Sweeps a second", step: 1, digits: 0, logarithmic: true });
    panel.menu("initial", {
      label: "Start from",
      names: { up: "all spins up", random: "random spins" },
      where,
    });
    panel.field("seed", { label: "Seed", where });
    const names = [
      "walls",
      "mean walls",
      "exact mean",
      "mean patch",
      "first pair costs",
      "pair free at N",
      "sweeps",
    ];
    this.write = panel.readouts(names);
    panel.mount();
  }

  resize(size) {
    this.panel.set("size", Math.round(this.panel.clamp("size", size, "Spins N")));
  }

  cool(size) {
    this.panel.set("temperature", COLD);
    this.panel.set("size", size);
    this.panel.set("running", true);
  }

  reset() {
    this.ring.start(this.panel.settings);
    const { size, spins } = this.ring;
    this.picture.start(size, `The ring of ${size} spins, ${HOW}, and walls are where the colours meet.`);
    this.picture.add(spins.data);
    this.obey();
    this.report();
  }

  obey() {
    this.ring.obey(this.model.get("temperature"));
    this.count();
    this.firstPair.draw(this.ring);
    this.top = undefined;
    this.draw();
    if (!this.model.get("running")) this.readOut();
  }

  clear() {
    this.count();
    this.report();
  }

  // Count walls anew; entry k of the census is for 2 k of them.
  count() {
    this.census.restart(Array.from({ length: (this.ring.size >> 1) + 1 }, (_, k) => 2 * k));
  }

  step() {
    this.panel.set("running", false);
    this.sweep(1);
    this.report();
  }

  sweep(count) {
    for (let i = 0; i < count; i += 1) {
      this.ring.sweep();
      this.picture.add(this.ring.spins.data);
      this.census.add(this.ring.walls / 2);
    }
  }

  frame(milliseconds) {
    const units = this.pace.due(this.model.get("speed"), milliseconds);
    const done = this.pace.spend(units, (count) => this.sweep(count));
    if (done) this.draw();
    if (this.rate.add(done)) this.readOut();
  }

  // How many walls the charts have room for: more than there are as a rule, and twice as many as often as it takes
  // where there are more; for fewer only when these are fewer by far.
  fit(walls) {
    const { size, mean, likeliest } = this.ring;
    const usual = 2 * Math.ceil(Math.max(ROOM.least, ROOM.spare * Math.max(mean, likeliest)) / 2);
    const room = (number) => {
      let top = usual;
      while (top < number) top *= 2;
      return Math.min(top, size - (size % 2));
    };
    const top = Math.min(Math.max(this.top ?? 0, room(walls)), room(1.3 * walls));
    if (top === this.top) return;
    this.top = top;
    const shown = Array.from({ length: top / 2 + 1 }, (_, k) => 2 * k);
    this.balance.draw(this.ring, shown);
    this.shares.draw(this.ring, shown);
  }

  draw() {
    const { walls } = this.ring;
    this.fit(walls);
    this.picture.draw();
    this.balance.roll(this.ring, walls);
    this.shares.count(this.census.shares);
  }

  readOut() {
    const { ring, census, write } = this;
    const { walls, sweeps, size, mean, freeSize, firstPair } = ring;
    const measured = census.mean;
    const known = measured !== undefined;
    write.walls(String(walls));
    write["mean walls"](known ? short(measured, 3) : "–");
    write["exact mean"](short(mean, 3));
    write["mean patch"](known ? patch(size, measured) : "–");
    write["first pair costs"](`${signed(firstPair.price)} J`);
    write["pair free at N"](short(freeSize, 3));
    write.sweeps(String(sweeps));
    for (const [name, value] of Object.entries({ walls, sweeps, mean_walls: measured ?? null }))
      this.model.set(name, value);
    this.model.save_changes();
    this.describe();
  }

  describe() {
    const { size, sweeps, walls, likeliest, mean, freeSize, firstPair } = this.ring;
    const { cost, gain, price } = firstPair;
    const way = price > 0 ? "they stay away as a rule" : "they come in";
    const words = Math.abs(price) < EVEN ? "they come and go" : way;
    const sentence = `The first two walls cost 4J − T ln C(N, 2) = ${cost.toFixed(1)} − ${gain.toFixed(1)} = ${signed(price)} J: ${words}.`;
    const long =
      `A ring of ${size} spins at temperature ${short(this.model.get("temperature"), 5)}, ` +
      `after ${sweeps} ${sweeps === 1 ? "sweep" : "sweeps"}: ${walls || "no"} walls now, ${short(mean, 3)} on average. ` +
      `The free energy is least at ${likeliest || "no"} walls. ` +
      `The first two walls cost ${signed(price)} J; they are free in a ring of ${short(freeSize, 3)} spins.`;
    this.panel.description.set(sentence, long);
  }

  // Say where the run stands.
  report() {
    this.draw();
    this.readOut();
  }
}

export default lab((parts) => new WallLab(parts));
