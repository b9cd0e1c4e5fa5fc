// The live magnet: spins on a canvas, energy and magnetization on the exact curves.

import { Chart, legend, short } from "./runtime/chart.js";
import { drawing, element, fixed, subscripted } from "./runtime/dom.js";
import { bytes, Kernels, roomForRows, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Lattice } from "./runtime/lattice.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const ENTRIES = 64; // sweeps noted in one call of a kernel
const TRIALS_SIZE = 226; // as in smbook/kernels/bernoulli.py
const FLICKER = 350; // milliseconds between two pictures, where one step may turn most of the sheet
const TRANSIENT = 50; // sweeps after which the first average begins
const COLD = 1; // the temperature of the preset that cools at once
const NEAR = 0.05; // how close to the transition counts as at it
const SIGNS = [
  ["square up", "spin up"],
  ["square down", "spin down"],
  ["line theory", "exact, for an infinite lattice"],
  ["dot mean", "mean measured here"],
  ["dot now", "now"],
];
const SIDES = { both: 0.4, one: 0.6 }; // |m| up to which a sheet has taken no side, and from which it has
const SIZES = [8, 16, 24, 32, 64, 128, 256, 512];
const ALGORITHMS = {
  "heat-bath": "heat bath",
  metropolis: "Metropolis",
  wolff: "Wolff clusters",
  "swendsen-wang": "Swendsen-Wang clusters",
};
const UPDATED_BY = { ...ALGORITHMS, "heat-bath": "the heat bath", metropolis: "the Metropolis algorithm" };

// What views have reported. A notebook may show one lab twice: then each view is a run of its own.
const REPORTED = new WeakSet();

// One run: spins, generator, and the kernel that advances them.
class Magnet {
  constructor(module, { size, seed, initial }) {
    const sites = size * size;
    this.size = size;
    this.sites = sites;
    const words = size * Math.ceil(size / 64); // of 64 spins
    this.kernels = new Kernels(module, 12 * sites + 24 * words + 64 * size + 2 ** 18);
    const array = (...form) => this.kernels.array(...form);
    this.spins = array("int8", sites);
    this.shape = array("int64", 2);
    this.shape.data.fill(BigInt(size));
    this.tables = { "heat-bath": array("int64", 1, 7), metropolis: array("int64", 2, 7) };
    this.room = roomForRows(this.kernels, size);
    this.clusters = { sites: array("uint64", sites + 1), words: array("uint64", 3, words) };
    this.trials = array("uint64", TRIALS_SIZE);
    this.noted = { bonds: array("int64", ENTRIES), sums: array("int64", ENTRIES) };
    this.state = seeded(this.kernels, seed);
    if (initial === "up") this.spins.data.fill(1);
    else this.kernels.run.randomize(this.spins, this.state);
    this.start = this.state.data.slice();
    this.sweeps = 0;
  }

  // Take the law: the kernel's arguments before those that say how long. What it draws beforehand is drawn from the
  // state of the start as long as nothing has been swept, however often the reader changes the law until then.
  obey({ temperature, field, algorithm }) {
    const { run } = this.kernels;
    const { spins, shape, room, clusters, state } = this;
    const beta = 1 / temperature;
    this.field = field;
    if (this.sweeps === 0) {
      state.data.set(this.start);
      this.seeded = false;
    }
    if (algorithm in this.tables) {
      const table = this.tables[algorithm];
      run[algorithm === "metropolis" ? "metropolis_table" : "heat_bath_table"](beta, 1, field, 2, table);
      if (!this.seeded) run.seed_lanes(state, room[0]);
      this.seeded = true;
      this.advance = (...rest) => run.single_site(spins, shape, 1, table, ...room, state, ...rest);
      return;
    }
    const { trials } = this;
    run.begin_trials(state, run.bond_threshold(beta, 1), trials);
    if (algorithm === "wolff") {
      const flips = run.wolff_flips(this.sites, 2, beta, 1);
      this.advance = (...rest) => run.wolff(spins, shape, 1, flips, clusters.sites, trials, state, ...rest);
    } else {
      this.advance = (...rest) =>
        run.swendsen_wang(spins, shape, 1, clusters.words, clusters.sites, trials, state, ...rest);
    }
  }

  // Sweep `count` times; tell energy and magnetization per site after each.
  sweep(count, tell) {
    for (let left = count; left > 0; left -= ENTRIES) {
      const length = Math.min(left, ENTRIES);
      const bonds = this.kernels.part(this.noted.bonds, length);
      const sums = this.kernels.part(this.noted.sums, length);
      this.advance(1, bonds, sums);
      for (let i = 0; i < length; i += 1)
        tell(this.energy(bonds.data[i], sums.data[i]), Number(sums.data[i]) / this.sites);
    }
    this.sweeps += count;
  }

  energy(bonds, sum) {
    return (0 - Number(bonds) - this.field * Number(sum)) / this.sites;
  }

  measure() {
    const { run } = this.kernels;
    const sum = run.spin_sum(this.spins);
    return {
      energy: this.energy(run.bond_sum(this.spins, this.shape), sum),
      magnetization: Number(sum) / this.sites,
    };
  }
}

// The mean over the later half, or more, of what came since the last restart: blocks double in length, and all
// but the last whole one and the one being filled are forgotten.
class LateMean {
  constructor() {
    this.restart();
  }

  restart() {
    this.whole = undefined;
    this.filling = { count: 0, energy: 0, magnetization: 0, length: TRANSIENT };
  }

  add(energy, magnetization) {
    const block = this.filling;
    block.count += 1;
    block.energy += energy;
    block.magnetization += Math.abs(magnetization);
    if (block.count < block.length) return;
    if (block.length > TRANSIENT) this.whole = block;
    this.filling = { count: 0, energy: 0, magnetization: 0, length: 2 * block.length };
  }

  get value() {
    const { whole, filling } = this;
    if (!whole) return undefined;
    const mean = (name) => (whole[name] + filling[name]) / (whole.count + filling.count);
    return { energy: mean("energy"), magnetization: mean("magnetization") };
  }
}

// A chart of one density against temperature: the exact curve, the points of the reader, and where we are.
class Diagram {
  constructor(name, { label, range, describe, mirrored = false }, curves) {
    this.name = name;
    this.chart = new Chart({
      x: [0.5, 5],
      y: range,
      xLabel: "temperature T",
      yLabel: label,
      describe,
      height: 190,
    });
    const values = curves[name];
    this.chart.mark(curves.critical[0], ...subscripted("T", "c"));
    this.exact = [this.chart.line("theory", curves.temperature, values)];
    if (mirrored)
      this.exact.push(
        this.chart.line(
          "theory",
          curves.temperature,
          values.map((v) => -v),
        ),
      );
    this.points = drawing("g");
    this.chart.dots.append(this.points);
    this.now = this.chart.dot("now", 5);
    this.marks = new Map();
  }

  clear() {
    this.points.replaceChildren();
    this.marks.clear();
  }

  point(temperature, value) {
    const known = this.marks.get(temperature) ?? this.add(temperature);
    known.move(temperature, value);
  }

  add(temperature) {
    const dot = this.chart.dot("mean", 2.8);
    this.points.append(dot.node);
    this.marks.set(temperature, dot);
    return dot;
  }

  // The exact curves hold without a field.
  holds(yes) {
    for (const { node } of this.exact) node.setAttribute("visibility", yes ? "visible" : "hidden");
  }
}

function diagrams(curves) {
  const magnetization = {
    label: "magnetization m",
    range: [-1.05, 1.05],
    mirrored: true,
    describe: "Magnetization against temperature: Yang's exact curve, and the points measured here.",
  };
  const energy = {
    label: "energy E / N",
    range: [-2.1, 0],
    describe: "Energy per site against temperature: Onsager's exact curve, and the points measured here.",
  };
  return Object.entries({ magnetization, energy }).map(([name, form]) => new Diagram(name, form, curves));
}

class IsingLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, module, mean: new LateMean(), pace: new Pace() });
    this.rate = new Rate(); // of sweeps
    this.lattice = new Lattice(panel, () => this.painted());
    this.diagrams = diagrams(model.get("_curves"));
    const charts = this.diagrams.map(({ chart }) => chart.svg);
    const second = element("div", { class: "lab-second" }, ...charts, legend(SIGNS));
    el.append(element("div", { class: "lab-figures" }, this.lattice.canvas, second));
    this.furnish();
    panel.follow("algorithm", () => this.freeOfField());
    panel.follow("field", () => this.freeOfClusters());
    panel.follow(["size", "seed", "initial"], () => this.reset());
    panel.follow(["temperature", "field", "algorithm"], () => this.obey());
    panel.follow("_spins", () => this.receive());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.reset());
    panel.button("Clear points", () => this.clear());
    panel.share();
    const { main, rest: where } = panel;
    panel.slider("temperature", { label: "Temperature T", where: main });
    panel.preset(["Go to T", element("sub", {}, "c")], () => panel.set("temperature", this.critical));
    panel.preset(`Quench to T = ${COLD}`, () => this.quench());
    panel.slider("field", { label: "Field h" });
    panel.slider("speed", { label: "Sweeps a second", step: 1, digits: 0, logarithmic: true });
    panel.menu("algorithm", { label: "Algorithm", names: ALGORITHMS });
    panel.place("Brush paints", ...this.lattice.brushes());
    panel.menu("size", { label: "Sites a side", options: SIZES, parse: Number, where });
    panel.menu("initial", {
      label: "Start from",
      names: { random: "random spins", up: "all spins up" },
      where,
    });
    panel.field("seed", { label: "Seed", where });
    const names = ["m", "E / N", "sweeps", "sweeps a second"];
    this.write = panel.readouts(names);
    panel.mount();
  }

  get clustered() {
    return ["wolff", "swendsen-wang"].includes(this.model.get("algorithm"));
  }

  get critical() {
    return this.model.get("_curves").critical[0];
  }

  // From random spins, which are infinitely hot, into the cold at once.
  quench() {
    this.panel.set("initial", "random");
    this.panel.set("temperature", COLD);
    this.reset();
    this.panel.set("running", true);
  }

  // Clusters and a field exclude each other: what the reader chose last stays.
  freeOfField() {
    if (!this.clustered || this.model.get("field") === 0) return;
    this.panel.set("field", 0);
    this.panel.say("Clusters can only be flipped without a field: h is now 0.");
  }

  freeOfClusters() {
    if (!this.clustered || this.model.get("field") === 0) return;
    this.panel.set("algorithm", "heat-bath");
    this.panel.say("Whole clusters cannot be flipped in a field: the algorithm is now the heat bath.");
  }

  reset() {
    const settings = this.panel.settings;
    this.magnet = new Magnet(this.module, settings);
    this.magnet.obey(settings);
    this.lattice.show(this.magnet);
    this.clear();
    this.receive();
    this.report();
  }

  obey() {
    this.magnet.obey(this.panel.settings);
    this.pace.cost = this.pace.firstCost;
    this.mean.restart();
    for (const diagram of this.diagrams) diagram.holds(this.magnet.field === 0);
    const now = this.magnet.measure();
    this.tell(now);
    if (!this.model.get("running")) this.readOut(now);
  }

  clear() {
    this.mean.restart();
    for (const diagram of this.diagrams) diagram.clear();
  }

  // Spins that Python has set, or that another view has reported; these do not disturb a run.
  receive() {
    const view = this.model.get("_spins");
    if (!view?.byteLength || view === this.known || view.byteLength !== this.magnet.sites) return;
    this.known = view;
    if (REPORTED.has(view) && this.model.get("running")) return;
    this.magnet.spins.data.set(bytes(view, Int8Array));
    this.mean.restart();
    this.show();
  }

  painted() {
    this.mean.restart();
    if (this.model.get("running")) this.draw();
    else this.report();
  }

  step() {
    this.panel.set("running", false);
    this.sweep(1);
    this.report();
  }

  sweep(count) {
    this.magnet.sweep(count, (energy, magnetization) => {
      this.latest = { energy, magnetization };
      this.mean.add(energy, magnetization);
    });
  }

  frame(milliseconds) {
    const units = this.pace.due(this.model.get("speed"), milliseconds);
    const done = this.pace.spend(units, (count) => this.sweep(count));
    this.undrawn += milliseconds;
    if (!this.clustered || this.undrawn > FLICKER) this.draw();
    if (done) this.tell(this.latest);
    if (this.rate.add(done)) this.readOut(this.latest ?? this.magnet.measure());
  }

  draw() {
    this.undrawn = 0;
    this.lattice.draw();
  }

  // Move the dots of the diagrams.
  tell(now) {
    const { value } = this.mean;
    const temperature = this.model.get("temperature");
    const side = now.magnetization < 0 ? -1 : 1;
    const means =
      value && this.magnet.field === 0
        ? { energy: value.energy, magnetization: side * value.magnetization }
        : undefined;
    for (const diagram of this.diagrams) {
      diagram.now.move(temperature, now[diagram.name]);
      if (means) diagram.point(temperature, means[diagram.name]);
    }
  }

  readOut({ energy, magnetization }) {
    const { write, rate, magnet } = this;
    const known = this.model.get("running") && Number.isFinite(rate.value);
    write.m(fixed(magnetization, 4));
    write["E / N"](fixed(energy, 4));
    write.sweeps(String(magnet.sweeps));
    write["sweeps a second"](known ? rate.value.toFixed(0) : "–");
    for (const [name, value] of Object.entries({ energy, magnetization, sweeps: magnet.sweeps }))
      this.model.set(name, value);
    this.model.save_changes();
    this.describe(energy, magnetization);
  }

  describe(energy, magnetization) {
    const { size, sweeps } = this.magnet;
    const { temperature, field, algorithm } = this.panel.settings;
    const place = field === 0 ? "without a field" : `in a field of ${short(field, 5)}`;
    const up = Math.round(50 * (1 + magnetization));
    const count = this.diagrams[0].marks.size;
    const points = count === 1 ? "1 point" : `${count || "no"} points`;
    const long =
      `${size} by ${size} spins at temperature ${short(temperature, 5)} ${place}, ` +
      `updated by ${UPDATED_BY[algorithm]}, after ${sweeps} ${sweeps === 1 ? "sweep" : "sweeps"}: ` +
      `${up} of 100 spins point up, m = ${fixed(magnetization, 2).trim()}, ` +
      `and the energy is ${fixed(energy, 2).trim()} a spin. ` +
      `The charts hold ${points} measured here.` +
      (field === 0 ? "" : " The exact curves hold without a field and are hidden.");
    this.panel.description.set(this.inWords(temperature, field, magnetization), long);
  }

  // The kind of state, which a fluctuation does not change: a sentence is heard only when another kind begins.
  inWords(temperature, field, magnetization) {
    if (Math.abs(magnetization) < SIDES.both) this.sided = false;
    if (Math.abs(magnetization) > SIDES.one) this.sided = true;
    if (field !== 0) return `The field pulls the spins ${field > 0 ? "up" : "down"}.`;
    if (Math.abs(temperature - this.critical) < NEAR)
      return "Near the transition: between order and disorder.";
    if (temperature > this.critical) return "Above the transition: no order lasts.";
    return this.sided
      ? "Ordered, below the transition."
      : "Below the transition, with large patches of both signs.";
  }

  // Hand the spins to Python, and say where the run stands.
  report() {
    this.known = new DataView(this.magnet.spins.data.slice().buffer);
    REPORTED.add(this.known);
    this.model.set("_spins", this.known);
    this.show();
  }

  show() {
    const now = this.magnet.measure();
    this.latest = now;
    this.draw();
    this.tell(now);
    this.readOut(now);
  }
}

export default lab((parts) => new IsingLab(parts));
