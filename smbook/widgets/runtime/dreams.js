// What a machine dreams that has learned a magnet: energy and |m| per spin of its chains, found by the magnet's own
// kernels, and a chart of the mean energy beside the exact one. Python's `dreams_of` finds the same means.

import { Chart, legend, roundedRange, short, ticks } from "./chart.js";
import { counted, element, fixed } from "./dom.js";
import { Kernels } from "./kernels.js";

const START = 20; // sweeps that no mean takes in; from ten times as many on, a tenth to a fifth of all
const SPACING = 1.04; // of the sweeps at one point of the record and the next
const BARS = 12; // error bars in the width of the chart
const ROOM = 0.05; // that the chart shows around the exact energy at least
export const CONDITION = "The exact energy is that of T = 1, with every pixel free and every unit on.";
const TOLD = ["dream_energy", "dream_magnetization"]; // to Python, with their errors
const SIGNS = [
  ["dot now", "the dreams, mean and error"],
  ["line theory", "exact"],
  ["line guide", "the images"],
];

// Means over chains and over the sweeps since measuring began, but the first.
class Dreams {
  constructor(module, [rows, columns], chains) {
    Object.assign(this, { chains, n: rows * columns, kernels: new Kernels(module, rows * columns + 1024) });
    this.spins = this.kernels.array("int8", this.n);
    this.shape = this.kernels.array("int64", 2);
    this.shape.data.set([BigInt(rows), BigInt(columns)]);
    this.restart();
  }

  restart() {
    // Of each chain the sums over its bonds and, whatever their sign, over its spins: whole numbers.
    this.sums = { bonds: new Float64Array(this.chains), sides: new Float64Array(this.chains) };
    this.starts = []; // the sums after 20, 40, 80, ... sweeps
    Object.assign(this, { sweeps: 0, record: [], next: START + 1 });
  }

  // Take in the chains after a sweep, chain k of units unitsOf(k).
  add(unitsOf) {
    const { sums, spins, shape } = this;
    const { run } = this.kernels;
    for (let k = 0; k < this.chains; k += 1) {
      const units = unitsOf(k);
      for (let i = 0; i < this.n; i += 1) spins.data[i] = units[i] > 0 ? 1 : -1;
      sums.bonds[k] += Number(run.bond_sum(spins, shape));
      sums.sides[k] += Math.abs(Number(run.spin_sum(spins)));
    }
    this.sweeps += 1;
    if (this.sweeps === START * 2 ** this.starts.length)
      this.starts.push({ sweeps: this.sweeps, bonds: sums.bonds.slice(), sides: sums.sides.slice() });
    if (this.sweeps < this.next) return;
    this.record.push(this.value);
    this.next = Math.ceil(SPACING * this.sweeps);
  }

  // Means and errors as they stand; nothing in the first sweeps.
  get value() {
    const { sweeps, starts, sums } = this;
    const start = starts.findLast((one) => 5 * one.sweeps <= sweeps) ?? starts[0];
    if (!start || sweeps === start.sweeps) return undefined;
    const weight = (sweeps - start.sweeps) * this.n;
    const late = (part) => sums[part].map((sum, k) => sum - start[part][k]);
    const energy = mean(
      late("bonds").map((sum) => 0 - sum),
      weight,
    );
    return { sweeps, leftOut: start.sweeps, energy, magnetization: mean(late("sides"), weight) };
  }
}

// The mean of one total of each chain, in units of a weight, and its standard error.
function mean(totals, weight) {
  const all = totals.reduce((a, b) => a + b, 0);
  const centre = all / totals.length / weight;
  const spread = totals.reduce((sum, total) => sum + (total / weight - centre) ** 2, 0);
  return {
    value: all / (totals.length * weight),
    error: Math.sqrt(spread / (totals.length - 1) / totals.length),
  };
}

// A mean with its error, as it is read.
function uncertain(found, digits = 3) {
  return found ? `${fixed(found.value, digits).trim()} ±\u00a0${found.error.toFixed(digits)}` : "–";
}

// The mean energy against the sweeps that it took, with what it should be.
class DreamChart {
  constructor(exact, images) {
    Object.assign(this, { exact, images });
    this.chart = new Chart({
      ...{ x: [0, 100], y: [exact - ROOM, exact + ROOM], height: 190 },
      xLabel: "sweeps measured",
      yLabel: "energy per spin of the dreams",
      describe:
        "Mean energy per spin of the dreams against the sweeps measured, with its error; across it the exact " +
        "energy and the mean of the images.",
    });
    this.across = [this.chart.line("guide"), this.chart.line("theory")];
    this.line = this.chart.line("measured");
    this.bars = this.chart.errors();
    this.dot = this.chart.dot("now", 5);
    this.start();
  }

  start() {
    Object.assign(this, { end: 100, y: undefined });
  }

  draw({ record, value, sweeps }) {
    const all = value ? [...record, value] : record;
    this.fit(
      sweeps,
      all.filter((point) => 4 * point.sweeps >= sweeps),
    );
    const xs = all.map((point) => point.sweeps);
    this.line.set(
      xs,
      all.map(({ energy }) => energy.value),
    );
    let last = Number.NEGATIVE_INFINITY;
    const barred = all.filter((point) => {
      const apart = point === value || point.sweeps - last >= this.end / BARS;
      if (apart) last = point.sweeps;
      return apart;
    });
    const parts = (part) => barred.map(({ energy }) => energy[part]);
    this.bars.set(
      barred.map((point) => point.sweeps),
      parts("value"),
      parts("error"),
    );
    this.dot.move(value?.sweeps, value?.energy.value);
  }

  // Axes that hold the later means and both lines, and keep still while they do.
  fit(sweeps, late) {
    const before = this.end;
    while (sweeps > this.end) this.end *= 2;
    const near = [this.exact - ROOM, this.exact + ROOM, this.images];
    const ends = late.flatMap(({ energy: { value, error } }) => [value - error, value + error]);
    const out = ends.some((y) => y < this.y?.[0] || y > this.y?.[1]);
    if (this.y && !out && before === this.end) return;
    this.y = roundedRange([...near, ...ends]);
    this.chart.places = ticks(0, this.end, 4).map((x) => [x, short(x)]);
    this.chart.range([0, this.end], this.y);
    [this.images, this.exact].forEach((y, k) => {
      this.across[k].set([0, this.end], [y, y]);
    });
  }
}

// What is measured of the dreams, drawn, read out and said; `other` has its place while the machine learns.
export class Comparison {
  constructor({ model, panel, module }, chains, other) {
    Object.assign(this, { model, dreams: new Dreams(module, model.get("_shape"), chains) });
    this.chart = new DreamChart(model.get("exact_energy"), model.get("image_energy"));
    this.words = element("p", { class: "lab-told" });
    this.node = element("div", {}, this.chart.chart.svg, legend(SIGNS), this.words);
    panel.follow("learning", () => {
      this.node.hidden = this.learns;
      other.toggleAttribute("hidden", !this.learns);
    });
  }

  get learns() {
    return this.model.get("learning") !== "off";
  }

  restart() {
    this.dreams.restart();
    this.chart.start();
  }

  add(unitsOf) {
    this.dreams.add(unitsOf);
  }

  furnish(panel) {
    this.write = panel.readouts([
      ...["energy of the dreams", "energy of the images", "exact energy"],
      ...["|m| of the dreams", "|m| of the images"],
    ]);
  }

  number(name) {
    return fixed(this.model.get(name), 3);
  }

  // Show how it stands, and whether the exact energy holds.
  show(holds) {
    const { chart, dreams, write, model, words } = this;
    const { value } = dreams;
    const means = [value?.energy, value?.magnetization];
    TOLD.forEach((name, k) => {
      model.set(name, means[k]?.value ?? null);
      model.set(`${name}_error`, means[k]?.error ?? null);
    });
    chart.draw(dreams);
    write["energy of the dreams"](uncertain(means[0]));
    write["energy of the images"](this.number("image_energy"));
    write["exact energy"](this.number("exact_energy"));
    write["|m| of the dreams"](uncertain(means[1]));
    write["|m| of the images"](this.number("image_magnetization"));
    const mean = value
      ? `Mean of ${dreams.chains} chains over ${counted(value.sweeps - value.leftOut, "sweep")}, the first ${value.leftOut} left out.`
      : `The first ${START} sweeps are left out.`;
    const text = holds ? mean : `${mean} ${CONDITION}`;
    if (words.textContent !== text) words.textContent = text;
  }

  // The same in words.
  atLength(holds) {
    const { energy, magnetization } = this.dreams.value ?? {};
    const number = (name) => this.number(name).trim();
    const measured = energy
      ? `The dreams have the energy ${uncertain(energy)} and |m| = ${uncertain(magnetization)}. ${this.words.textContent}`
      : `Of the dreams nothing is measured ${this.learns ? "while it learns" : "yet"}.${holds ? "" : ` ${CONDITION}`}`;
    return (
      ` The images are of a magnet at inverse temperature ${short(this.model.get("magnet"), 4)}, with the exact ` +
      `energy ${number("exact_energy")} a spin; they have ${number("image_energy")} and ` +
      `|m| = ${number("image_magnetization")}. ${measured}`
    );
  }
}
