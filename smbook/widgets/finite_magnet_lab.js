// The live finite magnet: two limits that do not commute, and a magnet that waits in a well.

import { Chart, dragged, legend, roundedRange, short } from "./runtime/chart.js";
import { element, fixed } from "./runtime/dom.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const BOXES = 120; // of the distribution, at most
const ROOM = 256; // sweeps in one call of a kernel
const FIELDS = 60; // of one sign on the curve of the mean
const NEAREST = 1e-5; // fields about as large stand half-way between zero and the first power of ten
const MEMORY = 400; // length of the record of m, in sweeps
const PATIENCE = 1e6; // sweeps for which nobody waits
const HURRY = 0.0012; // how much of a scale a setting passes in a millisecond while a limit is taken
const ACROSS = [-1.12, 1.12]; // m, with room for the dot
const NOWHERE = -1; // a number of spins up that no magnet has
const LIMITS_SIGNS = [
  ["line theory", "exact, N spins"],
  ["square measured", "visited by the magnet"],
  ["line third", "infinite magnet"],
  ["diamond third", "exact mean of m"],
  ["dot now", "the magnet now"],
];
const ESCAPE_SIGNS = [
  ["line theory", "\u2212ln p(m), exact"],
  ["dot theory", "where it waits"],
  ["dot unstable", "where it has escaped"],
  ["dot now", "the magnet now"],
  ["line measured", "its record"],
  ["line guide", "both minima"],
];
const EXAMPLE = { spins: 30, temperature: 0.6, field: -0.05 }; // a well worth waiting in

// Scales: where numbers stand, on a slider and on an axis. That of fields has room for zero and for both signs.
const decades = (size) => Math.log10(1 + size / NEAREST);
const rounded = (x, figures) => Number(x.toPrecision(figures));
const FIELD_SCALE = {
  to: (h) => Math.sign(h) * decades(Math.abs(h)),
  from: (u) => Math.sign(u) * NEAREST * (10 ** Math.abs(u) - 1),
  round: (h) => rounded(Number(h.toFixed(6)), 2),
};
const SPINS_SCALE = { to: Math.log10, from: (u) => 10 ** u, round: (n) => Math.round(rounded(n, 3)) };
const FIELD_TICKS = [-0.1, -0.001, 0, 0.001, 0.1].map((h) => [FIELD_SCALE.to(h), short(h)]);

// The magnet on its kernels: how many spins are up, what one update may do, and the exact law.
class Magnet {
  constructor(module, most) {
    this.kernels = new Kernels(module, 40 * most + 2 ** 16);
    const { kernels } = this;
    const real = (length) => kernels.array("float64", length);
    this.most = {
      table: kernels.array("int64", 2 * (most + 1)),
      law: real(most + 1),
      atZero: real(most + 1),
    };
    this.up = kernels.array("int64", 1);
    this.elapsed = kernels.array("int64", 1); // in updates
    this.words = kernels.array("uint64", 4);
    this.states = kernels.part(this.words, 1, 4);
    this.record = kernels.array("int64", ROOM, 1);
    this.shares = real(BOXES + 1);
    this.found = { m: real(3), kinds: kernels.array("int64", 3) };
    this.curve = { fields: real(FIELDS), m: real(FIELDS), sizes: real(FIELDS) };
    this.point = { field: real(1), m: real(1), size: real(1) };
    this.curve.fields.data.forEach((_, i, all) => {
      all[i] = FIELD_SCALE.from((i / (FIELDS - 1)) * FIELD_SCALE.to(0.5));
    });
  }

  get k() {
    return Number(this.up.data[0]);
  }

  set k(value) {
    this.up.data[0] = BigInt(value);
  }

  get m() {
    return this.magnetization(this.k);
  }

  get sweeps() {
    return Number(this.elapsed.data[0]) / this.spins;
  }

  magnetization(k) {
    return (2 * k - this.spins) / this.spins;
  }

  nearest(m) {
    return Math.floor((this.spins * (1 + m)) / 2 + 0.5);
  }

  seed(seed) {
    this.kernels.run.split_mix(this.words, seed);
    this.elapsed.data[0] = 0n;
  }

  // Take the settings; compute the law, the minima and the well, but not yet the curve of the mean.
  obey({ spins, temperature, field }) {
    const { run } = this.kernels;
    const { table, law, atZero } = this.most;
    Object.assign(this, { spins, field, beta: 1 / temperature });
    this.table = this.kernels.part(table, 2, spins + 1);
    this.law = this.kernels.part(law, spins + 1);
    this.atZero = this.kernels.part(atZero, spins + 1);
    this.boxSize = Math.ceil((spins + 1) / BOXES);
    this.boxes = this.kernels.part(this.shares, Math.ceil((spins + 1) / this.boxSize));
    run.flip_table(this.beta, 1, field, this.table);
    run.log_law(this.beta, 1, field, this.law);
    run.log_law(this.beta, 1, 0, this.atZero);
    run.gather(this.law, this.boxSize, this.boxes);
    this.point.field.data[0] = field;
    run.means(this.atZero, this.beta, this.point.field, this.point.m, this.point.size);
    this.minima = this.minimaAt(field);
    this.well = this.findWell();
  }

  get mean() {
    return { m: this.point.m.data[0], size: this.point.size.data[0] };
  }

  // The minima of the infinite magnet's free energy, one or two; the stable ones by their kind, 2.
  minimaAt(field) {
    const { m, kinds } = this.found;
    const count = Number(this.kernels.run.fixed_points(this.beta, 1, field, m, kinds));
    const all = Array.from({ length: count }, (_, i) => ({ m: m.data[i], kind: Number(kinds.data[i]) }));
    return all.filter(({ kind }) => kind > 0);
  }

  // What the infinite magnet shows: one magnetization, or two without a field.
  infinite(field = this.field) {
    return this.minimaAt(field)
      .filter(({ kind }) => kind === 2)
      .map(({ m }) => m);
  }

  // <m> in a row of fields of either sign, and the same of the infinite magnet.
  means() {
    const { fields, m, sizes } = this.curve;
    this.kernels.run.means(this.atZero, this.beta, fields, m, sizes);
    const both = (values) => [...Array.from(values, (value) => -value).reverse(), ...values];
    const limits = Array.from(fields.data, (field) => this.infinite(field).at(-1));
    return { fields: both(fields.data), finite: both(m.data), infinite: both(limits) };
  }

  // Where the magnet waits, where it has escaped, and how long that takes on the mean, if there is such a well.
  findWell() {
    const [low, high] = [this.minima[0], this.minima.at(-1)].map(({ m }) => this.nearest(m));
    if (low === high) return undefined;
    const [start, stop] = this.field > 0 ? [low, high] : [high, low];
    const ends = this.field > 0 ? [this.spins - start, this.spins - stop] : [start, stop];
    const lifetime = this.kernels.run.passage_time(this.beta, 1, -Math.abs(this.field), this.spins, ...ends);
    return { start, stop, lifetime };
  }

  // Sweep, and tell k after each.
  walk(sweeps, tell) {
    for (let left = sweeps; left > 0; left -= ROOM) {
      const length = Math.min(left, ROOM);
      this.kernels.run.walk(this.up, this.table, this.states, 1, this.kernels.part(this.record, length, 1));
      this.elapsed.data[0] += BigInt(length * this.spins);
      for (const k of this.record.data.subarray(0, length)) tell(Number(k));
    }
  }

  // Update until `stop` spins are up, or so many times; return how many times it was.
  update(stop, most) {
    const before = this.elapsed.data[0];
    this.kernels.run.first_passage(this.up, this.table, this.states, stop, most, this.elapsed);
    return Number(this.elapsed.data[0] - before);
  }
}

// The law of m, exact and as the magnet has visited it.
class Distribution {
  constructor() {
    this.chart = new Chart({
      x: ACROSS,
      y: [0, 1],
      xLabel: "magnetization m",
      yLabel: "density of m",
      describe: "Density of the magnetization: the exact law of N spins, and what the magnet has visited.",
      left: 46,
    });
    this.boxes = this.chart.boxes("measured");
    this.limits = [0, 1].map(() => this.chart.line("third"));
    this.line = this.chart.line("theory");
    this.mean = this.chart.diamond("third");
    this.now = this.chart.dot("now", 6);
  }

  obey(magnet) {
    const { boxes, boxSize, spins } = magnet;
    const ends = Array.from(boxes.data, (_, i) => [i * boxSize, Math.min((i + 1) * boxSize, spins + 1)]);
    this.edges = [0, 1].map((end) => ends.map((pair) => magnet.magnetization(pair[end] - 0.5)));
    this.centres = ends.map(([from, to]) => magnet.magnetization((from + to - 1) / 2));
    this.widths = ends.map(([from, to]) => (2 * (to - from)) / spins);
    this.boxSize = boxSize;
    const exact = this.densities(boxes.data, 1);
    this.top = roomAbove(Math.max(...exact));
    this.chart.range(ACROSS, [0, this.top]);
    this.line.set(this.centres, exact);
    const places = magnet.infinite();
    for (const [i, limit] of this.limits.entries()) {
      const place = places[i] ?? NaN;
      limit.set([place, place], [0, this.top]);
    }
    this.mean.move(magnet.mean.m, 0);
    this.clear();
  }

  densities(counts, total) {
    return Array.from(counts, (count, i) => count / Math.max(total, 1) / this.widths[i]);
  }

  clear() {
    this.counts = new Float64Array(this.widths.length);
    this.total = 0;
  }

  add(k) {
    this.counts[Math.floor(k / this.boxSize)] += 1;
    this.total += 1;
  }

  draw(m) {
    const heights = this.densities(this.counts, this.total);
    this.boxes.set(
      ...this.edges,
      heights.map((height) => Math.min(height, 1.2 * this.top)),
    );
    this.now.move(m, 0);
  }
}

// A round number above a positive one.
function roomAbove(value) {
  return roundedRange([0, value], { room: 0.1 })[1];
}

// <m> against the field, whose axis has room for every power of ten.
class Response {
  constructor(onField) {
    const ends = FIELD_SCALE.to(0.5);
    this.chart = new Chart({
      x: [-ends, ends],
      y: ACROSS,
      xLabel: "field h, by powers of ten",
      yLabel: "mean magnetization",
      describe:
        "Mean magnetization against field, on a scale of powers of ten: N spins, and the step of the infinite magnet.",
      places: FIELD_TICKS,
      left: 52,
    });
    this.chart.line("guide", [0, 0], ACROSS);
    this.infinite = this.chart.line("third");
    this.finite = this.chart.line("theory");
    this.mean = this.chart.diamond("third");
    dragged(this.chart, { move: ({ x }) => onField(FIELD_SCALE.round(FIELD_SCALE.from(x))) });
  }

  obey(magnet) {
    const name = `${magnet.spins} ${magnet.beta}`;
    if (name !== this.name) {
      const { fields, finite, infinite } = magnet.means();
      const places = fields.map(FIELD_SCALE.to);
      this.finite.set(places, finite);
      this.infinite.set(places, infinite);
      this.name = name;
    }
    this.mean.move(FIELD_SCALE.to(magnet.field), magnet.mean.m);
  }
}

// -ln p(m), in which the magnet waits like a ball.
class Landscape {
  constructor() {
    this.chart = new Chart({
      x: ACROSS,
      y: [0, 10],
      xLabel: "magnetization m",
      yLabel: "free energy \u2212ln p(m), in units of T",
      describe:
        "Minus the logarithm of the exact law against magnetization: wells, a barrier, and the magnet.",
      left: 46,
    });
    this.line = this.chart.line("theory");
    this.start = this.chart.dot("theory", 5);
    this.stop = this.chart.dot("unstable", 5);
    this.ball = this.chart.dot("now", 7.5);
  }

  obey(magnet, well) {
    const { law, spins } = magnet;
    this.law = law.data;
    this.bottom = this.law.reduce((high, value) => Math.max(high, value));
    const every = Math.ceil((spins + 1) / 400);
    const shown = Array.from({ length: Math.floor(spins / every) + 1 }, (_, i) => i * every);
    this.chart.range(ACROSS, [0, roomAbove(Math.max(1.1 * this.barrier(well), 6))]);
    this.line.set(
      shown.map((k) => magnet.magnetization(k)),
      shown.map((k) => this.height(k)),
    );
    for (const [dot, k] of [
      [this.start, well?.start],
      [this.stop, well?.stop],
    ]) {
      if (well) dot.move(magnet.magnetization(k), this.height(k));
      else dot.hide();
    }
  }

  height(k) {
    return this.bottom - this.law[k];
  }

  // The top of the hill between the wells.
  barrier(well) {
    if (!well) return 0;
    const [low, high] = [well.start, well.stop].sort((a, b) => a - b);
    return this.bottom - this.law.subarray(low, high + 1).reduce((deep, value) => Math.min(deep, value));
  }

  draw(magnet) {
    this.ball.move(magnet.m, Math.min(this.height(magnet.k), this.chart.y.high));
  }
}

// m in the sweeps just past.
class Strip {
  constructor() {
    this.chart = new Chart({
      x: [-MEMORY, 0],
      y: ACROSS,
      xLabel: "time, in sweeps",
      yLabel: "magnetization m",
      describe: "Magnetization of the waiting magnet against time, in the sweeps just past.",
      left: 52,
    });
    this.guides = [0, 1].map(() => this.chart.line("guide"));
    this.line = this.chart.line("measured");
    this.now = this.chart.dot("now", 5);
    this.clear();
  }

  clear() {
    this.times = [];
    this.values = [];
  }

  obey(magnet) {
    for (const [i, guide] of this.guides.entries()) {
      const place = magnet.minima[i]?.m ?? NaN;
      guide.set([-MEMORY, 0], [place, place]);
    }
  }

  add(time, m) {
    this.times.push(time);
    this.values.push(m);
  }

  draw(magnet) {
    const { sweeps } = magnet;
    const old = this.times.findIndex((time) => time >= sweeps - MEMORY);
    this.times.splice(0, old);
    this.values.splice(0, old);
    this.line.set(
      this.times.map((time) => time - sweeps),
      this.values,
    );
    this.now.move(0, magnet.m);
  }
}

// Waiting times: how many, their mean and its error.
class Waits {
  constructor() {
    Object.assign(this, { count: 0, sum: 0, squares: 0 });
  }

  add(wait) {
    this.count += 1;
    this.sum += wait;
    this.squares += wait * wait;
  }

  get mean() {
    return this.count > 0 ? this.sum / this.count : null;
  }

  get error() {
    if (this.count < 2) return null;
    const variance = (this.squares - this.sum * this.mean) / (this.count - 1);
    return Math.sqrt(Math.max(variance, 0) / this.count);
  }
}

class FiniteMagnetLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    this.magnet = new Magnet(module, panel.limits.spins[1]);
    this.distribution = new Distribution();
    this.response = new Response((h) => this.put("field", h));
    this.landscape = new Landscape();
    this.strip = new Strip();
    const [distribution, response, landscape, strip] = [
      this.distribution,
      this.response,
      this.landscape,
      this.strip,
    ].map(({ chart }) => chart.svg);
    const second = element("div", { class: "lab-second" }, response, strip);
    const legends = [legend(LIMITS_SIGNS), legend(ESCAPE_SIGNS)];
    el.append(element("div", { class: "lab-figures" }, distribution, landscape, second), ...legends);
    this.ofLimits = [distribution, response, legends[0]];
    this.ofEscape = [landscape, strip, legends[1]];
    this.furnish();
    panel.follow(["view", "spins", "seed"], () => this.reset());
    panel.follow(["temperature", "field"], () => this.obey());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel, ofLimits, ofEscape } = this;
    panel.switch();
    panel.button("Step", () => this.stepOn());
    panel.button("Reset", () => {
      this.limit = undefined;
      this.reset();
    });
    panel.share();
    panel.menu("view", { label: "View", names: { limits: "two limits", escape: "escape from a well" } });
    const where = panel.main;
    ofLimits.push(
      panel.preset("Let h \u2192 0", () => this.takeLimit("field", 0, FIELD_SCALE)),
      panel.preset("Let N \u2192 \u221e", () => this.takeLimit("spins", panel.limits.spins[1], SPINS_SCALE)),
    );
    ofEscape.push(panel.preset("A well worth waiting in", () => this.exemplify()));
    const onHand = () => this.stay();
    panel.slider("spins", { label: "Spins N", scale: SPINS_SCALE, integer: true, where, onHand });
    panel.slider("field", { label: "Field h", step: 0.001, scale: FIELD_SCALE, where, onHand });
    panel.slider("temperature", { label: "Temperature T", where });
    panel.slider("speed", { label: "Sweeps a second", step: 1, digits: 0, logarithmic: true });
    panel.field("seed", { label: "Seed", where: panel.rest });
    this.write = {
      ...panel.readouts(["m"]),
      ...panel.readouts(["N h", "exact \u27e8m\u27e9", "exact \u27e8|m|\u27e9", "infinite magnet"], ofLimits),
      ...panel.readouts(["escapes", "mean wait", "exact mean wait", "barrier / T"], ofEscape),
      ...panel.readouts(["sweeps"]),
    };
    panel.mount();
  }

  // A hand on a setting ends its way to a limit.
  stay() {
    this.limit = undefined;
  }

  get escaping() {
    return this.model.get("view") === "escape";
  }

  get well() {
    return this.escaping ? this.magnet.well : undefined;
  }

  put(name, value) {
    const [low, high] = this.panel.limits[name];
    this.panel.set(name, Math.min(Math.max(value, low), high));
  }

  // Begin anew from the seed, in the well or in the lowest minimum; show what belongs to the view, and nothing else.
  reset() {
    for (const node of this.ofLimits) node.toggleAttribute("hidden", this.escaping);
    for (const node of this.ofEscape) node.toggleAttribute("hidden", !this.escaping);
    this.magnet.obey(this.panel.settings);
    this.magnet.seed(this.model.get("seed"));
    this.magnet.k = this.magnet.nearest(this.magnet.infinite().at(-1));
    this.show();
    this.report();
  }

  obey() {
    this.magnet.obey(this.panel.settings);
    this.show();
    if (!this.model.get("running")) this.report();
  }

  // Draw what the settings say. A magnet that waits is put into its well; what was counted is of no use now.
  show() {
    const { magnet, limit } = this;
    if (limit && this.model.get(limit.name) !== limit.shown) this.limit = undefined;
    this.pace.cost = this.pace.firstCost;
    this.goal = this.well && { ...this.well, since: magnet.sweeps };
    if (this.goal) magnet.k = this.goal.start;
    this.waits = new Waits();
    this.strip.clear();
    if (this.escaping) {
      this.landscape.obey(magnet, this.well);
      this.strip.obey(magnet);
      this.strip.add(magnet.sweeps, magnet.m);
    } else {
      this.distribution.obey(magnet);
      this.response.obey(magnet);
    }
    this.draw();
  }

  // Move a setting towards a limit, step by step, and see what becomes of the mean.
  takeLimit(name, goal, scale) {
    const from = scale.to(this.model.get(name));
    this.limit = { name, scale, place: from, end: scale.to(goal), goal, shown: this.model.get(name) };
    this.panel.set("running", true);
  }

  approach(milliseconds) {
    const { limit } = this;
    const left = limit.end - limit.place;
    const step = HURRY * milliseconds;
    const there = Math.abs(left) <= step;
    limit.place += Math.sign(left) * step;
    limit.shown = there ? limit.goal : limit.scale.round(limit.scale.from(limit.place));
    if (there) this.limit = undefined;
    this.put(limit.name, limit.shown);
  }

  exemplify() {
    for (const [name, value] of Object.entries(EXAMPLE)) this.panel.set(name, value);
    this.panel.set("running", true);
  }

  stepOn() {
    this.panel.set("running", false);
    this.sweep(1);
    this.report();
  }

  sweep(count) {
    if (!this.escaping) this.magnet.walk(count, (k) => this.distribution.add(k));
    else for (let done = 0; done < count; done += 1) this.wait();
  }

  // One sweep of a magnet that waits, perhaps with an escape on the way.
  wait() {
    const { magnet, strip } = this;
    for (let left = magnet.spins; left > 0; ) {
      left -= magnet.update(this.goal?.stop ?? NOWHERE, left);
      if (magnet.k === this.goal?.stop) this.escape();
    }
    strip.add(magnet.sweeps, magnet.m);
  }

  // It has escaped: put it back, or, without a field, let it wait where it is.
  escape() {
    const { magnet, strip, goal } = this;
    this.waits.add(magnet.sweeps - goal.since);
    strip.add(magnet.sweeps, magnet.m);
    goal.since = magnet.sweeps;
    if (magnet.field === 0) {
      [goal.start, goal.stop] = [goal.stop, goal.start];
      return;
    }
    strip.add(magnet.sweeps, NaN);
    magnet.k = goal.start;
    strip.add(magnet.sweeps, magnet.m);
  }

  frame(milliseconds) {
    if (this.limit) this.approach(milliseconds);
    const units = this.pace.due(this.model.get("speed"), milliseconds);
    this.pace.spend(units, (count) => this.sweep(count));
    this.draw();
    if (this.rate.add(1)) this.report();
  }

  draw() {
    if (this.escaping) {
      this.landscape.draw(this.magnet);
      this.strip.draw(this.magnet);
    } else this.distribution.draw(this.magnet.m);
    this.readOut();
  }

  report() {
    const { magnet, waits } = this;
    this.draw();
    const told = {
      sweeps: magnet.sweeps,
      magnetization: magnet.m,
      escapes: this.well ? waits.count : null,
      wait: waits.mean,
      wait_error: waits.error,
    };
    for (const [name, value] of Object.entries(told)) this.model.set(name, value);
    this.model.save_changes();
  }

  readOut() {
    const { write, magnet, waits, well } = this;
    const { m, size } = magnet.mean;
    write.m(fixed(magnet.m, 4));
    write.sweeps(magnet.sweeps.toFixed(0));
    write["N h"](short(magnet.spins * magnet.field, 4));
    write["exact \u27e8m\u27e9"](fixed(m, 4));
    write["exact \u27e8|m|\u27e9"](fixed(size, 4));
    write["infinite magnet"](this.infinitely());
    write.escapes(well ? String(waits.count) : "no well");
    write["mean wait"](waits.count ? withError(waits.mean, waits.error) : "\u2013");
    write["exact mean wait"](well ? duration(well.lifetime) : "\u2013");
    write["barrier / T"](well ? fixed(this.climb, 2) : "\u2013");
    this.panel.description.set(...(this.escaping ? this.ofTheWell() : this.ofTheLimits()));
  }

  // From the well where the magnet waits to the top of the hill.
  get climb() {
    return this.landscape.barrier(this.well) - this.landscape.height(this.well.start);
  }

  infinitely() {
    const places = this.magnet.infinite();
    return places.length > 1 ? `\u00b1${places[1].toFixed(4)}` : fixed(places[0], 4);
  }

  ofTheLimits() {
    const { magnet } = this;
    const { spins, temperature, field } = this.panel.settings;
    const place = field === 0 ? "without a field" : `in a field of ${short(field, 5)}`;
    const long =
      `${spins} spins at temperature ${short(temperature, 5)} ${place}. ` +
      `The exact mean of m is ${fixed(magnet.mean.m, 3).trim()}, that of its size ${magnet.mean.size.toFixed(3)}; ` +
      `the infinite magnet has m = ${this.infinitely().trim()}. ` +
      `The magnet is at m = ${fixed(magnet.m, 2).trim()}, after ${magnet.sweeps.toFixed(0)} sweeps.`;
    return [this.compared(), long];
  }

  // How the mean of N spins compares with the infinite magnet.
  compared() {
    const { magnet } = this;
    const limit = magnet.infinite().at(-1);
    if (magnet.field === 0 && limit === 0) return "No field, no order: one peak at m = 0.";
    if (magnet.field === 0)
      return "Without a field both signs are equally likely: the mean is 0, whatever N is.";
    const share = magnet.mean.m / magnet.infinite()[0];
    if (share > 0.95) return "The mean of so many spins is nearly that of the infinite magnet.";
    if (share < 0.25)
      return "The field is too weak for so few spins: both signs occur, and the mean is small.";
    return "In between: the field favours one sign, and the other still occurs.";
  }

  ofTheWell() {
    const { magnet, well, waits } = this;
    const { spins, temperature, field } = this.panel.settings;
    const place = field === 0 ? "without a field" : `in a field of ${short(field, 5)}`;
    const state = `${spins} spins at temperature ${short(temperature, 5)} ${place}.`;
    if (!well) return [this.without(), `${state} ${this.without()} m = ${fixed(magnet.m, 2).trim()}.`];
    const expected = `On the mean an escape takes ${duration(well.lifetime)} sweeps`;
    const so = waits.count === 1 ? "1 escape" : `${waits.count || "no"} escapes`;
    const measured = waits.count > 1 ? `, measured ${withError(waits.mean, waits.error)}` : "";
    const sentence =
      well.lifetime > PATIENCE
        ? `Beyond patience: an escape would take ${duration(well.lifetime)} sweeps.`
        : field === 0
          ? "The magnet waits in one of two equal wells."
          : `The magnet waits in the ${field < 0 ? "upper" : "lower"} well, against the field.`;
    const barrier = `The barrier is ${this.climb.toFixed(1)} times the temperature.`;
    return [
      sentence,
      `${state} ${sentence} ${barrier} ${expected}${measured}; ${so} so far. m = ${fixed(magnet.m, 2).trim()}.`,
    ];
  }

  // Why there is no well.
  without() {
    if (this.magnet.beta <= 1) return "No well to wait in: at T = 1 and above there is a single minimum.";
    if (this.magnet.minima.length < 2)
      return "No well to wait in: the field is beyond the spinodal, one minimum is left.";
    return "No well to wait in: so few spins do not tell the two minima apart.";
  }
}

// A time in sweeps, or its power of ten if nobody would wait for it.
function duration(sweeps) {
  if (!Number.isFinite(sweeps)) return "more than 10\u00b3\u2070\u2078";
  if (sweeps <= PATIENCE) return short(sweeps, 4);
  const power = String(Math.round(Math.log10(sweeps)));
  return `about 10${power.replace(/\d/g, (digit) => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[digit])}`;
}

// A mean and its error, to two figures of the error.
function withError(mean, error) {
  if (error === null) return short(mean, 3);
  const digits = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 4) : 0;
  return `${mean.toFixed(digits)} \u00b1 ${error.toFixed(digits)}`;
}

export default lab((parts) => new FiniteMagnetLab(parts));
