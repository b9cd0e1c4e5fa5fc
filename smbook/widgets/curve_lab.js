// The live curves: 64 temperatures of one lattice at once, whose means draw themselves onto the exact curves.

import { Chart, dragged, legend, short } from "./runtime/chart.js";
import { counted, drawing, element, subscripted } from "./runtime/dom.js";
import { Kernels, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { palette, shade } from "./runtime/palette.js";
import { watchTheme } from "./runtime/theme.js";

const LANES = 64;
const ALL = 2n ** 64n - 1n;
const BLOCK = 32; // words that the kernels update together
const COLOUR_SIZE = 5; // entry of the grid
const ROUNDS = 32; // measurements in one call
const BUDGET = 10; // milliseconds of a frame for sweeps
const SLOW = 4e-4; // milliseconds a site, of a measurement with its sweeps, until measured
const PICTURE = 120; // milliseconds between two drawings of the curves
const FLICKER = 350; // and of the lattices, of which a hot one has no spin in common with the last
const BESIDE = 10; // temperatures from the lattice in the middle to those beside it
const FAR = 5; // errors, by which no energy is off by chance
const [COLD, WALLS] = [2, 2]; // temperatures at which a wall is seen, and what two cost: 4 J a row
const TURN = 5000; // milliseconds that each size is seen at least, when all have their turn
const FINE = 4; // pieces of a curve from one temperature to the next
const DOT = 2.6;
const SIZES = ["16", "32", "64", "128"];
const VIEWS = { whole: "all temperatures", transition: "near the transition" };
const ALGORITHMS = { "heat-bath": "heat bath", metropolis: "Metropolis" };
const STARTS = { up: "all spins up", random: "random spins" };
const ENDS = { whole: [1.5, 3.5], transition: [2.07, 2.47] };
const CURVES = [
  { name: "magnetization", yLabel: "magnetization, mean of |m|", whole: [0, 1], transition: [0, 1] },
  { name: "energy", yLabel: "energy E / N", whole: [-2, -0.6], transition: [-1.8, -1] },
  { name: "specific_heat", yLabel: "specific heat c", whole: [0, 3], transition: [0, 3] },
  { name: "cumulant", yLabel: "Binder's cumulant U", whole: [-0.1, 0.7], transition: [-0.1, 0.7] },
];
const [M, E] = [0, 1];
const SIGNS = [
  ["dot measured", "measured, with its error"],
  ["dot mean", "run too short to know its error"],
  ["line theory", "exact: E and c of this size (Kaufman), m of an infinite lattice (Yang)"],
  ["line guide", "infinite lattice: E and c (Onsager), U in the ordered phase and at the transition"],
  ["dot ringed", "the lattice in the middle"],
];

// 64 lattices on the kernels, one in each bit of a word, and what was measured of them.
class Lattices {
  constructor(module, exact, most) {
    const [count, sums] = exact.blocks;
    this.kernels = new Kernels(module, 8 * (4 * most * most + count * sums * LANES) + 2 ** 18);
    Object.assign(this, { exact, thin: exact.thin, ground: this.kernels.top });
  }

  // Begin with a size and a seed; the arrays of the last run make room.
  begin({ size, seed, algorithm, initial }) {
    const { kernels, exact } = this;
    const { run } = kernels;
    kernels.top = this.ground;
    const side = Number(size);
    const bath = algorithm === "heat-bath";
    const whole = (...shape) => kernels.zeros("int64", ...shape);
    const words = (count) => kernels.zeros("uint64", count);
    const real = (...shape) => kernels.zeros("float64", ...shape);
    const [sides, blocks, grid, crossings] = [whole(3), whole(3), whole(8), words(18)];
    sides.data.set([1n, BigInt(side), BigInt(side)]);
    blocks.data.fill(1n);
    run.fill_grid(sides, blocks, grid);
    run.fill_crossings(blocks, crossings);
    const parities = words(side * side + 2 * BLOCK);
    run.fill_parities(grid, parities);
    const betas = real(LANES);
    betas.data.set(exact.temperature.map((t) => 1 / t));
    const work = words(exact.room);
    run.begin_streams(seeded(kernels, seed), work);
    run.fill_thresholds(betas, 1, 2, bath ? 1 : 0, work);
    const spins = words(2 * Number(grid.data[COLOUR_SIZE]));
    if (initial === "up") spins.data.fill(ALL);
    else run.randomize_lanes(spins, grid, work);
    this.law = [spins, parities, grid, crossings, bath ? ALL : 0n, work, this.thin];
    this.noted = [whole(ROUNDS, LANES), whole(ROUNDS, LANES)];
    this.sums = [real(...exact.blocks, LANES), whole(3)];
    this.sums[1].data[2] = 1n;
    this.results = [real(4, LANES), real(4, LANES)];
    this.told = [...this.sums, betas, side, this.thin, real(exact.blocks[0]), ...this.results];
    const picture = kernels.zeros("int8", side * side);
    this.look = (lane) => {
      run.unpack_lattice(spins, sides, blocks, grid, lane, picture);
      return picture.data;
    };
    Object.assign(this, { side, sweeps: 0 });
  }

  // Measure so many times, and sweep before each.
  advance(rounds) {
    const { run } = this.kernels;
    for (let left = rounds; left > 0; left -= ROUNDS) {
      const noted = this.noted.map((array) => this.kernels.part(array, Math.min(left, ROUNDS), LANES));
      run.run_square_lanes(...this.law, ...noted);
      run.gather_curves(...noted, this.side ** 2, ...this.sums);
    }
    this.sweeps += rounds * this.thin;
  }

  // What was found so far: four rows of values, and four of their errors.
  get found() {
    this.kernels.run.estimate_curves(...this.told);
    const [values, errors] = this.results.map(({ data }) =>
      CURVES.map((_, k) => [...data.subarray(k * LANES, (k + 1) * LANES)]),
    );
    return { values, errors };
  }
}

// The spins of one lattice, which are only looked at.
class Snapshot {
  constructor(panel) {
    this.panel = panel;
    this.canvas = element("canvas", { role: "img", class: "lab-look" });
    this.title = element("p", { class: "lab-told" });
    this.node = element("div", {}, this.title, this.canvas);
  }

  draw(spins, side, temperature) {
    const { canvas, title } = this;
    const name = `T = ${short(temperature, 4)}`;
    if (title.textContent !== name) title.textContent = name;
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    canvas.setAttribute("aria-label", `The lattice at ${name}: ${side} by ${side} spins in two colours.`);
    const image = new ImageData(side, side);
    const colours = palette(this.panel.el, "--lab-spins", 2);
    shade(new Int32Array(image.data.buffer), spins, colours, -1, 1);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

// One of the four curves: points of the 64 temperatures on what is exact, and fainter those of other sizes.
class Diagram {
  constructor(curve, exact) {
    Object.assign(this, { curve, exact, places: exact.temperature });
    const words = `${curve.yLabel} against temperature: points at 64 temperatures and what is exact.`;
    this.chart = new Chart({
      x: ENDS.whole,
      y: curve.whole,
      xLabel: "temperature T",
      ...curve,
      describe: words,
    });
    this.transition = this.chart.line("guide");
    this.name = drawing("text", { class: "lab-note" }, ...subscripted("T", "c"));
    this.chart.inside.append(this.name);
    this.infinite = this.chart.line(curve.name === "magnetization" ? "theory" : "guide");
    this.limits = this.chart.line("guide");
    this.past = drawing("g", { class: "lab-past" });
    this.chart.inside.append(this.past);
    this.line = this.chart.line("theory");
    this.bars = this.chart.shape("lab-errors", (xs, ys, errors) =>
      Array.from(xs, (x, k) => `M${this.x(x)} ${this.y(ys[k] - errors[k])}V${this.y(ys[k] + errors[k])}`),
    );
    this.open = this.chart.shape("lab-dot mean", (xs, ys) =>
      Array.from(xs, (x, k) => {
        const half = `a${DOT} ${DOT} 0 1 0`;
        return `M${this.x(x)} ${this.y(ys[k])}m${-DOT} 0${half} ${2 * DOT} 0${half} ${-2 * DOT} 0`;
      }),
    );
    this.dots = this.points();
    this.chart.dots.append(this.open.node, this.dots.node); // not cut at the ends of the axes
    this.ring = this.chart.dot("ringed", 6);
  }

  x(place) {
    return this.chart.x.to(place).toFixed(1);
  }

  y(height) {
    return this.chart.y.to(height).toFixed(2);
  }

  points() {
    return this.chart.shape("lab-points small", (xs, ys) =>
      Array.from(xs, (x, k) => `M${this.x(x)} ${this.y(ys[k])}h0`),
    );
  }

  // Take the axes of a view, and the size; other sizes stay.
  obey(view, size, others) {
    const { chart, curve, exact } = this;
    chart.range(ENDS[view], curve[view]);
    const { critical, infinite, cumulant } = exact;
    this.transition.set([critical, critical], curve[view]);
    this.name.setAttribute("x", chart.x.to(critical) + 5);
    const [high, low] = [chart.y.to(chart.y.high) + 12, chart.y.to(chart.y.low) - 7];
    this.name.setAttribute("y", curve.name === "cumulant" ? low : high); // where no points are
    this.infinite.set(infinite.temperature, infinite[curve.name] ?? []);
    if (curve.name === "cumulant") {
      const [low, high] = ENDS[view];
      this.limits.set(
        [low, critical, NaN, critical - 0.06 * (high - low), critical + 0.06 * (high - low)],
        [2 / 3, 2 / 3, NaN, cumulant, cumulant],
      );
    }
    this.line.set(...this.smooth(size));
    this.past.replaceChildren();
    for (const [other, { values, errors }] of others) {
      const kept = this.settled(values, errors);
      const [line, dots] = [this.chart.line("theory", ...this.smooth(other)), this.points()];
      dots.set(...kept);
      this.past.append(line.node, dots.node);
    }
  }

  // The exact curve of a size between the temperatures, by cubic pieces.
  smooth(size) {
    const values = this.exact.sizes[size]?.[this.curve.name];
    return values ? [between(this.places), between(values)] : [[], []];
  }

  settled(values, errors) {
    const known = this.places.map((_, k) => k).filter((k) => Number.isFinite(errors[k]));
    return [this.places, values, errors].map((row) => known.map((k) => row[k]));
  }

  draw(values, errors, lane) {
    const kept = this.settled(values, errors);
    this.bars.set(...kept);
    this.dots.set(kept[0], kept[1]);
    this.open.set(
      this.places,
      values.map((value, k) => (Number.isFinite(errors[k]) ? NaN : value)),
    );
    this.ring.move(this.places[lane], values[lane]);
  }
}

class CurveLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(BUDGET), rate: new Rate(), past: new Map() });
    this.exact = model.get("_exact");
    this.lattices = new Lattices(module, this.exact, Math.max(...SIZES));
    this.diagrams = CURVES.map((curve, k) => ({ k, diagram: new Diagram(curve, this.exact) }));
    this.snapshots = [-BESIDE, 0, BESIDE].map((beside) => ({ beside, sheet: new Snapshot(panel) }));
    const sheets = this.snapshots.map(({ sheet }) => sheet.node);
    const second = element("div", { class: "lab-second lab-sheets lab-looks" }, ...sheets);
    const charts = this.charts.map(({ svg }) => svg);
    el.append(element("div", { class: "lab-figures" }, ...charts, this.legend(), second));
    for (const chart of this.charts) dragged(chart, { move: ({ x }) => this.pick(x) });
    this.furnish();
    panel.follow(["size", "seed", "algorithm", "initial"], () => this.reset());
    panel.follow("view", () => this.obey());
    panel.follow("shown", () => this.picked());
    watchTheme(panel, () => this.picture());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  legend() {
    const signs = legend(SIGNS);
    const dot = drawing("path", { d: "M13 7h0", class: "lab-points small" });
    const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
    const key = drawing("svg", form, drawing("g", { class: "lab-past" }, dot));
    this.before = element("li", { hidden: "" }, key, "before");
    signs.append(this.before);
    return signs;
  }

  get charts() {
    return this.diagrams.map(({ diagram }) => diagram.chart);
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    const sizes = element("div", { class: "lab-presets lab-sizes", role: "group", "aria-label": "Size L" });
    this.buttons = SIZES.map((size) => {
      const button = panel.button(`L = ${size}`, () => this.choose(size), sizes);
      return { size, button };
    });
    where.append(sizes);
    panel.slider("shown", { label: "Show the lattice at T", step: 0.01, where });
    panel.preset("Sizes, one after another, near the transition", () => this.travel());
    panel.preset("From random spins", () => this.go({ initial: "random", view: "whole" }));
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.forget());
    panel.share();
    panel.menu("view", { label: "Charts show", names: VIEWS });
    panel.menu("algorithm", { label: "Algorithm", names: ALGORITHMS });
    panel.menu("initial", { label: "Start from", names: STARTS });
    panel.slider("speed", { label: "Sweeps a second", step: 5, digits: 0, logarithmic: true });
    panel.menu("size", { label: "Sites a side", options: SIZES, where: rest });
    panel.field("seed", { label: "Seed", where: rest });
    this.write = panel.readouts([
      "sweeps",
      "sweeps a second",
      "spins asked per ns",
      "temperatures with errors",
      "energies off, in errors",
      "largest of them",
    ]);
    panel.mount();
  }

  go(settings) {
    this.tour = undefined;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.panel.set("running", true);
  }

  choose(size) {
    this.tour = undefined;
    this.panel.set("size", size);
  }

  // Give each size its turn, the last one for ever.
  travel() {
    this.past.clear();
    this.go({ view: "transition", initial: "up", size: SIZES[0] });
    this.past.clear();
    this.reset();
    this.tour = { left: SIZES.slice(1), seen: 0, now: SIZES[0] };
  }

  goOn(milliseconds) {
    const { tour } = this;
    tour.seen += milliseconds;
    if (tour.left.length === 0 || tour.seen < TURN || this.settled < LANES) return;
    Object.assign(tour, { seen: 0, now: tour.left.shift() });
    this.panel.set("size", tour.now);
  }

  forget() {
    this.tour = undefined;
    this.past.clear();
    this.reset();
  }

  reset() {
    const { lattices, panel, past } = this;
    const { size, algorithm, initial, seed } = panel.settings;
    if (this.size && this.size !== size && 2 * this.settled > LANES) past.set(this.size, this.found);
    if (this.initial !== initial) past.clear(); // which may be off
    if (this.tour && this.tour.now !== size) this.tour = undefined;
    past.delete(size);
    Object.assign(this, { size, initial, undrawn: 0, unlooked: 0 });
    lattices.begin({ size, algorithm, initial, seed });
    Object.assign(this.pace, { owed: 0, cost: SLOW * lattices.side ** 2 });
    for (const { size: own, button } of this.buttons)
      button.setAttribute("aria-pressed", String(own === size));
    this.obey();
  }

  obey() {
    if (!this.size) return;
    const { size, past } = this;
    const others = [...past].sort(([one], [other]) => one - other);
    for (const { k, diagram } of this.diagrams)
      diagram.obey(
        this.model.get("view"),
        size,
        others.map(([other, { values, errors }]) => [other, { values: values[k], errors: errors[k] }]),
      );
    this.before.toggleAttribute("hidden", others.length === 0);
    this.before.lastChild.data = `before: L = ${others.map(([other]) => other).join(", ")}`;
    this.report();
  }

  // Show the lattice of the temperature that is next to a place on the charts.
  pick(place) {
    const [low, high] = this.panel.limits.shown;
    this.panel.set("shown", Number(Math.min(Math.max(place, low), high).toFixed(2)));
  }

  get lane() {
    const shown = this.model.get("shown");
    const off = this.exact.temperature.map((t) => Math.abs(t - shown));
    return off.indexOf(Math.min(...off));
  }

  picked() {
    if (!this.found) return;
    this.drawCurves();
    this.picture();
  }

  step() {
    this.tour = undefined;
    this.panel.set("running", false);
    this.lattices.advance(1);
    this.report();
  }

  frame(milliseconds) {
    const { thin } = this.exact;
    const rounds = this.pace.due(this.model.get("speed") / thin, milliseconds);
    const done = this.pace.spend(rounds, (count) => this.lattices.advance(count));
    this.undrawn += milliseconds;
    this.unlooked += milliseconds;
    if (this.undrawn > PICTURE) this.draw();
    else if (this.unlooked > FLICKER) this.picture();
    if (this.tour) this.goOn(milliseconds);
    if (this.rate.add(done * thin)) this.readOut();
  }

  draw() {
    this.undrawn = 0;
    this.found = this.lattices.found;
    this.drawCurves();
  }

  drawCurves() {
    const { values, errors } = this.found;
    for (const { k, diagram } of this.diagrams) diagram.draw(values[k], errors[k], this.lane);
  }

  picture() {
    this.unlooked = 0;
    const { lattices, exact, lane } = this;
    for (const { beside, sheet } of this.snapshots) {
      const k = Math.min(Math.max(lane, BESIDE), LANES - 1 - BESIDE) + beside;
      sheet.draw(lattices.look(k), lattices.side, exact.temperature[k]);
    }
  }

  report() {
    if (!this.size) return;
    this.draw();
    this.picture();
    this.readOut();
  }

  // How many errors each energy is off the exact one.
  get scores() {
    const { values, errors } = this.found;
    const exact = this.exact.sizes[this.size].energy;
    return values[E].map((value, k) => (value - exact[k]) / errors[E][k]).filter(Number.isFinite);
  }

  get settled() {
    return this.found ? this.found.errors[E].filter(Number.isFinite).length : 0;
  }

  readOut() {
    const { write, rate, lattices, model, scores, settled } = this;
    const known = model.get("running") && Number.isFinite(rate.value);
    const speed = known ? (rate.value * LANES * lattices.side ** 2) / 1e9 : null;
    const score = settled ? Math.sqrt(scores.reduce((sum, z) => sum + z * z, 0) / settled) : null;
    const most = Math.max(...scores.map(Math.abs));
    write.sweeps(String(lattices.sweeps));
    write["sweeps a second"](known ? rate.value.toFixed(0) : "\u2013");
    write["spins asked per ns"](known ? speed.toFixed(2) : "\u2013");
    write["temperatures with errors"](`${settled} of ${LANES}`);
    write["energies off, in errors"](settled ? score.toFixed(2) : "\u2013");
    write["largest of them"](settled ? most.toFixed(1) : "\u2013");
    for (const [name, value] of Object.entries({ sweeps: lattices.sweeps, rate: speed, settled, score }))
      model.set(name, value);
    model.save_changes();
    this.describe(score, most);
  }

  describe(score, most) {
    const { lattices, settled, size, exact, lane, past } = this;
    const { values } = this.found;
    const { algorithm, initial } = this.panel.settings;
    const way = algorithm === "metropolis" ? "the Metropolis algorithm" : "the heat bath";
    const off = settled
      ? ` Their energies are ${short(score, 3)} errors off the exact ones, as a root of the mean square; the one ` +
        `that is farthest off by ${short(most, 2)}.`
      : "";
    const here = Number.isFinite(values[M][lane])
      ? ` At T = ${short(exact.temperature[lane], 4)} the mean of |m| is ${short(values[M][lane], 3)}.`
      : "";
    const before = past.size ? ` Seen before: L = ${[...past.keys()].join(", ")}.` : "";
    const long =
      `${size} by ${size} spins at 64 temperatures from 1.5 to 3.5, from ${STARTS[initial]}, by ${way}, after ` +
      `${counted(lattices.sweeps, "sweep")}. ${settled} temperatures know their errors.${off}${here}${before}`;
    this.panel.description.set(this.inWords(most), long);
  }

  // The kind of state, which a fluctuation does not change: a sentence is heard only when another kind begins.
  inWords(most) {
    const { settled, stuck } = this;
    if (settled === 0) return "Just begun: no temperature knows its error yet.";
    if (stuck === 1) return "A cold lattice is stuck in two domains: its energy is too high.";
    if (stuck > 1) return "Cold lattices are stuck in two domains: their energies are too high.";
    if (most > FAR) return "Some energies are farther off the exact curve than their errors allow.";
    if (settled < LANES)
      return "Near the transition sweeps are too much alike to know an error yet; the others lie on the exact curve.";
    return "All 64 points know their errors, and lie on the exact curves within them.";
  }

  // How many cold lattices have far too much energy, that of walls.
  get stuck() {
    const { values } = this.found;
    const exact = this.exact.sizes[this.size].energy;
    const { temperature } = this.exact;
    return temperature.filter((t, k) => t < COLD && values[E][k] - exact[k] > WALLS / this.lattices.side)
      .length;
  }
}

// Values, and those between them on cubic pieces that pass through all of them (Catmull and Rom).
function between(values) {
  const at = (k) => values[Math.min(Math.max(k, 0), values.length - 1)];
  return Array.from({ length: FINE * (values.length - 1) + 1 }, (_, i) => {
    const [k, u] = [Math.floor(i / FINE), (i % FINE) / FINE];
    const [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)];
    return b + (u / 2) * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)));
  });
}

export default lab((parts) => new CurveLab(parts));
