// The live phase diagram of the Hopfield model: a point of the plane, what theory says there, and a network that lives there.

import { Chart, legend, roundedRange, short, ticks } from "./runtime/chart.js";
import { drawing, element, fixed, subscripted } from "./runtime/dom.js";
import { Handle } from "./runtime/handle.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Later } from "./runtime/later.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const BUDGET = 9; // milliseconds of a frame for sweeps
const POINTS = 240; // of the record of overlaps
const FIRST = 60; // sweeps that the chart of overlaps shows at the beginning
const APART = 2n ** 53n; // between the seeds of both replicas
const LEAST = 0.1; // height of the chart of overlaps
const KEPT = 0.9; // an overlap from which a pattern counts as remembered, unless theory expects less
const LOST = 0.5; // one below which it counts as lost
const SCATTER = 3; // how many errors and how many 1/√N a network may lie below theory
const DIP = 0.2; // how far below that a replica may be for a moment
const SHARE = 0.3; // an overlap from which a pattern is part of what random spins have found
const MOST_MIXED = 7; // patterns that are named
const WHOLE = 0.5; // sum of their squared overlaps, from which they are what was found
const PATIENCE = 50; // sweeps after which what is still remembered counts
const STATES = ["retrieval", "spin glass", "paramagnet"];
const ALIKE = { load: 0.2, temperature: 1.5 }; // ends of the plane
const CURVE = 80; // points of the line T_g
const SIGNS = [
  ["line theory", "theory, for N to infinity"],
  ["line measured", "replica 1"],
  ["line third", "replica 2"],
  ["line average", "their mean over the later half, with its error"],
  ["square measured", "pattern 1"],
  ["square third", "other patterns"],
  ["line guide", "noise expected in an overlap"],
];
const STARTS = { pattern: "pattern 1", random: "random spins" };
const PRESETS = [
  { name: "Well inside", load: 0.05, temperature: 0.2 },
  {
    name: "Just inside the edge",
    load: 0.13,
    temperature: 0,
    ask: "Predict first: T = 0 and 0.13 N patterns. How many of 100 spins will be wrong in the end? Then press Start.",
  },
  {
    name: "Just beyond",
    load: 0.15,
    temperature: 0,
    ask: "Predict first: theory has no memory left here. Will this network of finite size lose it too? Then press Start.",
  },
  {
    name: "Hot",
    load: 0.05,
    temperature: 0.65,
    ask: "Predict first: does the overlap fade slowly, or fall at once? Then press Start.",
  },
  { name: "Spin glass", load: 0.17, temperature: 0.3 },
  { name: "Paramagnet", load: 0.05, temperature: 1.35 },
];

// Two replicas of one network on its kernels, and what theory says of it.
class Memory {
  constructor(module, { spins, load }) {
    const [n, p] = [spins[1], spins[1] * load[1] + 2];
    this.kernels = new Kernels(module, 2 * n * p + 100 * (n + p) + 4096);
    this.found = this.kernels.array("float64", 6);
    this.ground = this.kernels.top;
  }

  // Draw the patterns of a seed, and begin a run; the arrays of the last one make room.
  begin({ load, temperature, spins: n, seed, start }) {
    const { kernels } = this;
    kernels.top = this.ground;
    const count = Math.max(1, Math.floor(load * n + 0.5));
    Object.assign(this, { n, count, temperature, sweeps: 0 });
    const state = this.seeded(BigInt(seed));
    kernels.run.split_mix(state, state.data[0]); // as the package parts patterns from runs
    const drawn = kernels.array("int8", (count + 1) * n); // one more than is learned
    kernels.run.fill_patterns(state, 0.5, 1, drawn);
    this.sites = kernels.array("int8", n, count);
    for (let mu = 0; mu < count; mu += 1)
      for (let i = 0; i < n; i += 1) this.sites.data[i * count + mu] = drawn.data[mu * n + i];
    this.own = kernels.array("int64", n);
    this.own.data.fill(BigInt(count));
    const from = start === "pattern" ? 0 : count * n;
    this.replicas = [0n, APART].map((beyond) =>
      this.replica(drawn.data.subarray(from, from + n), BigInt(seed) + beyond),
    );
    this.states = this.solve();
  }

  seeded(seed) {
    const state = this.kernels.array("uint64", 4);
    this.kernels.run.split_mix(state, seed);
    return state;
  }

  replica(cue, seed) {
    const { kernels, n, count, sites, own } = this;
    const spins = kernels.array("int8", n);
    spins.data.set(cue);
    const sums = kernels.array("int32", count);
    kernels.run.find_sums(sites, spins, sums);
    const room = [this.seeded(seed), kernels.array("uint64", n), kernels.array("float64", n)];
    const sequence = kernels.array("int64", n);
    sequence.data.forEach((_, i, all) => {
      all[i] = BigInt(i);
    });
    const given = [sites, own, spins, sums, ...room, sequence, kernels.zeros("int64", 4)];
    const sweep = () => kernels.run.retrieve_hebb(...given, 0, 1 / this.temperature, n);
    return { spins, sums, sweep };
  }

  sweep() {
    for (const replica of this.replicas) replica.sweep();
    this.sweeps += 1;
  }

  get alpha() {
    return this.count / this.n;
  }

  // The overlaps of a replica with all patterns.
  overlaps(k) {
    return Array.from(this.replicas[k].sums.data, (sum) => sum / this.n);
  }

  // m of both replicas, q, r and the mean energy per neuron.
  measure() {
    const { n, own, replicas } = this;
    const { run } = this.kernels;
    const [one, other] = replicas;
    const energies = replicas.map(({ sums }) => run.hebb_energy(own, sums) / n);
    return {
      m: replicas.map(({ sums }) => sums.data[0] / n),
      q: run.overlap(one.spins, other.spins),
      r: run.crosstalk(one.sums, other.sums, n),
      e: (energies[0] + energies[1]) / 2,
    };
  }

  // What states there are by theory; the one with the least free energy is marked.
  solve() {
    const { kernels, found, alpha, temperature } = this;
    const states = STATES.map((name, kind) => {
      if (kernels.run.order_parameters(kind, alpha, temperature, found) !== 1n) return { name };
      const [m, q, r, e, f, square] = found.data;
      return { name, m, q, r, e, f, noise: Math.sqrt(square / this.n) };
    });
    const least = Math.min(...states.map(({ f }) => f ?? Infinity));
    for (const state of states) state.lowest = state.f === least;
    return states;
  }
}

// The plane with its lines and regions, and the point, which pointer and keys can move.
class Plane {
  constructor(lines, onMove) {
    this.chart = new Chart({
      x: [0, ALIKE.load],
      y: [0, ALIKE.temperature],
      xLabel: "load α = P / N",
      yLabel: "temperature T",
      describe:
        "Plane of load and temperature: a paramagnet at the top, a spin glass below it, and in the corner of low load and low temperature the region of retrieval.",
      left: 40,
      height: 374,
    });
    this.chart.svg.setAttribute("role", "group");
    this.colour(lines);
    this.rule(lines);
    this.name();
    this.furnish(onMove);
  }

  // Fill the regions, the larger first.
  colour({ retrieval, load, temperature }) {
    const region = (kind, xs, ys) =>
      this.chart.shape(`lab-region ${kind}`, () => [`${this.chart.path(xs, ys)}Z`]).set();
    const [loads, glass] = this.edge();
    region("glass", [0, ...loads, ALIKE.load], [0, ...glass, 0]);
    region("recalled", [0, ...retrieval], [0, ...heights(retrieval)]);
    region("lowest", [0, ...load], [0, ...temperature]);
  }

  // T_g, where alpha is a square, so that the line is smooth at its beginning.
  edge() {
    const roots = Array.from({ length: CURVE + 1 }, (_, k) => (Math.sqrt(ALIKE.load) * k) / CURVE);
    return [roots.map((root) => root * root), roots.map((root) => 1 + root)];
  }

  rule({ retrieval, load, temperature }) {
    this.chart.line("third", ...this.edge());
    this.chart.line("theory", retrieval, heights(retrieval));
    this.chart.line("unstable", load, temperature);
  }

  // Say in words what is where.
  name() {
    const line = (x, y, anchor, ...words) => this.write("lab-note", x, y, anchor, ...words);
    const region = (x, y, ...words) => this.write("lab-place", x, y, "middle", ...words);
    line(0.19, 1.33, "middle", ...subscripted("T", "g"));
    line(0.105, 0.37, "start", ...subscripted("T", "M"));
    line(0.009, 0.55, "middle", ...subscripted("T", "c"));
    region(0.07, 1.37, "paramagnet");
    region(0.14, 0.8, "spin glass");
    region(0.0245, 0.21, "memory");
    region(0.0245, 0.09, "stable");
    region(0.089, 0.21, "memory");
    region(0.089, 0.09, "metastable");
  }

  write(kind, x, y, anchor, ...words) {
    const place = { x: this.chart.x.to(x).toFixed(1), y: this.chart.y.to(y).toFixed(1) };
    this.chart.inside.append(drawing("text", { class: kind, "text-anchor": anchor, ...place }, ...words));
  }

  furnish(onMove) {
    this.handle = new Handle(this.chart, {
      name: "Point: load α and temperature T; arrow keys move it",
      ends: [0, ALIKE.load],
      sign: drawing("circle", { class: "lab-dot now", r: 7 }),
      moves: () => this.moves,
      onMove,
    });
  }

  // By a pattern more or less, or a little warmer or colder.
  get moves() {
    const pattern = 1 / this.n;
    return {
      ArrowLeft: [-pattern, 0],
      ArrowRight: [pattern, 0],
      ArrowDown: [0, -0.01],
      ArrowUp: [0, 0.01],
      PageDown: [0, -0.1],
      PageUp: [0, 0.1],
      Home: [-1, 0],
      End: [1, 0],
    };
  }

  draw({ alpha, temperature, n, count }) {
    this.n = n;
    const words = `load ${short(alpha, 4)}, ${patterns(count)}, temperature ${short(temperature, 4)}`;
    this.handle.put(alpha, temperature, alpha.toFixed(4), words);
  }
}

// The overlap of both replicas with their pattern against time: means of as many sweeps as it takes.
class Trace {
  constructor() {
    this.chart = new Chart({
      x: [0, FIRST],
      y: [-0.2, 1.08],
      xLabel: "time, in sweeps",
      yLabel: "overlap m with pattern 1",
      describe: "Overlap of both replicas with pattern 1 against time, beside the overlap of the theory.",
      left: 44,
      height: 200,
    });
    this.zero = this.chart.line("zero");
    this.theory = this.chart.line("theory");
    this.lines = ["third", "measured"].map((kind) => this.chart.line(kind));
    this.average = this.chart.line("average");
    this.error = this.chart.errors();
    this.dots = ["third", "measured"].map((kind) => this.chart.dot(kind, 4));
  }

  start(m) {
    Object.assign(this, { stride: 1, count: 0, sums: [0, 0], records: [[], []], end: undefined });
    this.add(m);
  }

  add(m) {
    m.forEach((value, k) => {
      this.sums[k] += value;
    });
    this.count += 1;
    if (this.count < this.stride) return;
    this.records.forEach((record, k) => {
      record.push(this.sums[k] / this.stride);
    });
    Object.assign(this, { count: 0, sums: [0, 0] });
    if (this.records[0].length > POINTS) this.widen();
  }

  widen() {
    this.stride *= 2;
    this.records = this.records.map((record) =>
      Array.from({ length: record.length >> 1 }, (_, i) => (record[2 * i] + record[2 * i + 1]) / 2),
    );
  }

  draw(m, sweeps, expected, later) {
    this.fit(sweeps, expected);
    const times = this.records[0].map((_, i) => (i + 0.5) * this.stride - 0.5);
    this.zero.set([0, this.end], [0, 0]);
    this.theory.set([0, this.end], [expected, expected]);
    [1, 0].forEach((k, i) => {
      this.lines[i].set(times, this.records[k]);
      this.dots[i].move(sweeps, m[k]);
    });
    const mean = later.mean(0);
    const [from, to] = mean ? later.span : [NaN, NaN];
    this.average.set([from, to], [mean?.value, mean?.value]);
    const middle = (from + to) / 2;
    this.error.set([middle], [mean?.value], [mean?.error]);
  }

  // From the lowest to the highest that there was, and high enough that noise does not fill the chart.
  fit(sweeps, expected) {
    let end = FIRST;
    while (end < sweeps) end *= 2;
    const values = [...this.records.flat(), expected];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const [low, high] = roundedRange([Math.min(least, most - LEAST), most + 0.02], { count: 5 });
    if (end === this.end && low === this.floor && high === this.top) return;
    Object.assign(this, { end, floor: low, top: high });
    this.chart.places = ticks(0, end, 4).map((time) => [time, short(time)]);
    this.chart.range(
      [0, end],
      [low, high].map((value) => Number(value.toPrecision(6))),
    );
  }
}

// The overlaps of replica 1 with all patterns, in the order of their numbers.
class Spectrum {
  constructor() {
    this.chart = new Chart({
      x: [0, 10],
      y: [-0.35, 1.08],
      xLabel: "pattern µ",
      yLabel: "overlaps of replica 1 with all patterns",
      describe: "Overlap of replica 1 with each pattern.",
      left: 44,
      height: 170,
    });
    this.noise = [-1, 1].map(() => this.chart.line("guide"));
    this.others = this.chart.boxes("third");
    this.first = this.chart.boxes("measured");
    this.zero = this.chart.line("zero");
  }

  draw(overlaps, noise) {
    this.fit(overlaps);
    const ends = [-0.4, 0.4].map((side) => overlaps.map((_, i) => i + 1 + side));
    const [lefts, rights] = ends;
    this.others.set(lefts.slice(1), rights.slice(1), overlaps.slice(1));
    this.first.set(lefts.slice(0, 1), rights.slice(0, 1), overlaps.slice(0, 1));
    const across = [0, this.count + 1];
    this.zero.set(across, [0, 0]);
    this.noise.forEach((line, k) => {
      const level = (2 * k - 1) * noise;
      line.set(across, [level, level]);
    });
  }

  fit(overlaps) {
    const count = overlaps.length;
    const low = Math.min(...overlaps) < -0.35 ? -1.08 : -0.35;
    if (count === this.count && low === this.low) return;
    Object.assign(this, { count, low });
    const whole = ticks(1, Math.max(count, 2), 5).filter((mu) => Number.isInteger(mu) && mu > 0);
    this.chart.places = [...new Set([1, ...whole])].map((mu) => [mu, short(mu)]);
    this.chart.range([0, count + 1], [low, 1.08]);
  }
}

// Order parameters of the states by theory, and below them what the network has.
class Table {
  constructor() {
    const columns = ["m", "q", "r", "e", "f"];
    const head = columns.map((name) => heading(name));
    this.rows = STATES.map((name) => this.row(name));
    this.measured = this.row("this network");
    this.measured.row.classList.add("measured");
    const body = [...this.rows, this.measured].map(({ row }) => row);
    this.node = element(
      "table",
      { class: "lab-table", role: "table" },
      element(
        "caption",
        {},
        "Theory at this point, for N to infinity, and what this one network has: overlap m, q of two replicas, " +
          "noise r of the other patterns, energy e and free energy f per neuron. Another seed lands a little " +
          "elsewhere, in r by as much as 40 %.",
      ),
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, heading("state"), ...head)),
      element("tbody", { role: "rowgroup" }, ...body),
    );
  }

  row(name) {
    const note = element("small", {});
    const cells = Array.from({ length: 5 }, () => element("td", { role: "cell" }));
    const head = element("th", { scope: "row", role: "rowheader" }, name, note);
    const row = element("tr", { role: "row" }, head, ...cells);
    return { row, note, cells };
  }

  theory(states) {
    states.forEach(({ m, q, r, e, f, lowest }, k) => {
      const { row, note, cells } = this.rows[k];
      const exists = f !== undefined;
      row.classList.toggle("absent", !exists);
      put(note, exists ? (lowest ? "lowest" : "metastable") : "not here");
      [m, q, r, e, f].forEach((value, i) => {
        put(cells[i], exists ? fixed(value, i === 2 ? 2 : 3).trim() : "–");
      });
    });
  }

  measure(later) {
    const means = [0, 1, 2, 3].map((i) => later.mean(i));
    put(this.measured.note, later.span ? `sweeps ${later.span[0]} to ${later.span[1]}` : "after 32 sweeps");
    this.measured.cells.forEach((cell, i) => {
      const mean = means[i];
      if (!mean) put(cell, "–");
      else {
        const digits = i === 2 ? 2 : 3;
        const error = element("small", {}, `± ${mean.error.toFixed(digits)}`);
        cell.replaceChildren(fixed(mean.value, digits).trim(), error);
      }
    });
  }
}

class PhaseDiagramLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(BUDGET), rate: new Rate() });
    this.memory = new Memory(module, panel.limits);
    this.plane = new Plane(model.get("_lines"), (load, temperature) => this.move(load, temperature));
    this.trace = new Trace();
    this.spectrum = new Spectrum();
    this.table = new Table();
    const second = element(
      "div",
      { class: "lab-second" },
      ...[this.trace, this.spectrum].map(({ chart }) => chart.svg),
    );
    const figures = [this.plane.chart.svg, second, element("div", { class: "lab-below" }, this.table.node)];
    el.append(element("div", { class: "lab-figures" }, ...figures), legend(SIGNS));
    this.furnish();
    panel.main.append(el.querySelector(".lab-words")); // beside what is pressed, though the table is long
    panel.follow(["load", "temperature", "spins", "start", "seed"], () => this.reset());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const actions = element("div", { class: "lab-presets" });
    const { main: where, rest } = panel;
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.button("New patterns", () => this.drawAnew(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.slider("load", { label: "Load α", step: 0.002, digits: 3, where });
    panel.slider("temperature", { label: "Temperature T", where });
    for (const preset of PRESETS) panel.preset(preset.name, () => this.go(preset));
    panel.menu("start", { label: "Start from", names: STARTS });
    panel.slider("spins", { label: "Neurons N", integer: true, step: 10 });
    panel.slider("speed", { label: "Sweeps a second", step: 1, digits: 0, logarithmic: true });
    panel.field("seed", { label: "Seed", where: rest });
    const names = ["m now", "mean m", "error of the mean", "m by theory", "E / N now", "E / N by theory"];
    this.write = panel.readouts([...names, "q now", "patterns P", "P / N", "sweeps"]);
    panel.mount();
  }

  // To the place nearest to one in the plane that a network of this size can have.
  move(load, temperature) {
    const { limits } = this.panel;
    const within = (name, value) => Math.min(Math.max(value, limits[name][0]), limits[name][1]);
    const count = Math.round(within("load", load) * this.memory.n);
    const place = {
      load: within("load", Number((count / this.memory.n).toFixed(6))),
      temperature: within("temperature", Number(temperature.toFixed(2))),
    };
    this.panel.say("");
    this.panel.set("load", place.load);
    this.panel.set("temperature", place.temperature);
  }

  go({ load, temperature, ask }) {
    this.panel.set("start", "pattern");
    this.panel.set("load", load);
    this.panel.set("temperature", temperature);
    this.reset();
    this.panel.set("running", !ask);
    if (ask) this.panel.say(ask);
  }

  drawAnew() {
    const [low, high] = this.panel.limits.seed;
    const seed = this.model.get("seed");
    this.panel.set("seed", seed < high ? seed + 1 : low);
    this.panel.set("running", true);
  }

  reset() {
    const { memory } = this;
    memory.begin(this.panel.settings);
    this.later = new Later(6);
    this.now = memory.measure();
    this.trace.start(this.now.m);
    this.plane.draw(memory);
    this.table.theory(memory.states);
    this.pace.cost = this.pace.firstCost;
    this.report();
  }

  // The state that the network is held against: retrieval if it starts on a pattern and there is such a state.
  get expected() {
    const [retrieval, ...others] = this.memory.states;
    const recalls = this.model.get("start") === "pattern" && retrieval.f !== undefined;
    return recalls ? retrieval : others.find(({ f }) => f !== undefined);
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(sweeps) {
    for (let k = 0; k < sweeps; k += 1) {
      this.memory.sweep();
      this.now = this.memory.measure();
      const { m, q, r, e } = this.now;
      this.trace.add(m);
      this.later.add([(m[0] + m[1]) / 2, q, r, e, ...m]);
    }
  }

  frame(milliseconds) {
    const sweeps = this.pace.due(this.model.get("speed"), milliseconds);
    const first = sweeps > 0 && this.memory.sweeps === 0;
    this.pace.spend(sweeps, (count) => this.advance(count));
    this.draw();
    if (this.rate.add(1) || first) this.readOut();
  }

  draw() {
    const { memory, now, expected } = this;
    this.trace.draw(now.m, memory.sweeps, expected.m, this.later);
    this.overlaps = memory.overlaps(0);
    this.spectrum.draw(this.overlaps, expected.noise);
  }

  readOut() {
    const { write, memory, now, expected, later } = this;
    const [mean, q] = [later.mean(0), later.mean(1)];
    const overlap = (now.m[0] + now.m[1]) / 2;
    write["m now"](fixed(overlap, 4));
    write["mean m"](mean ? fixed(mean.value, 4) : "–");
    write["error of the mean"](mean ? fixed(mean.error, 4) : "–");
    write["m by theory"](fixed(expected.m, 4));
    write["E / N now"](fixed(now.e, 4));
    write["E / N by theory"](fixed(expected.e, 4));
    write["q now"](fixed(now.q, 4));
    write["patterns P"](String(memory.count));
    write["P / N"](short(memory.alpha, 4));
    write.sweeps(String(memory.sweeps));
    this.table.measure(later);
    const told = { sweeps: memory.sweeps, alpha: memory.alpha, overlap, energy: now.e };
    const means = { mean_overlap: mean?.value, overlap_error: mean?.error, replica_overlap: q?.value };
    const theory = { expected_overlap: expected.m, expected_energy: expected.e };
    for (const [name, value] of Object.entries({ ...told, ...means, ...theory }))
      this.model.set(name, value ?? null);
    this.model.save_changes();
    this.describe(overlap, mean);
  }

  describe(overlap, mean) {
    const { memory, expected } = this;
    const { n, count, alpha, temperature, sweeps } = memory;
    const states = memory.states
      .filter(({ f }) => f !== undefined)
      .map(
        ({ name, m, q, lowest }) =>
          `${name} with m = ${number(m)} and q = ${number(q)}${lowest ? ", the lowest" : ""}`,
      );
    const found = mean ? `, ${number(mean.value)} on average with an error of ${mean.error.toFixed(3)}` : "";
    const long =
      `Load ${short(alpha, 4)} and temperature ${short(temperature, 4)}. Theory has ${states.join("; ")}. ` +
      `${n} neurons with ${patterns(count)}, started from ${STARTS[this.model.get("start")]}: after ${sweeps} ` +
      `${sweeps === 1 ? "sweep" : "sweeps"} the overlap with pattern 1 is ${number(overlap)}${found}; ` +
      `theory expects ${number(expected.m)}.`;
    this.panel.description.set(this.inWords(), long);
  }

  // What is to be expected here, which a fluctuation does not change. Before the first sweep nothing is given away.
  inWords() {
    const { n, states, sweeps } = this.memory;
    const [retrieval, , paramagnet] = states;
    const random = this.model.get("start") === "random";
    if (sweeps === 0)
      return `Before the first sweep, both replicas ${random ? "have the same random spins" : "are on pattern 1"}.`;
    if (paramagnet.f !== undefined)
      return `Paramagnet: the heat wins, and an overlap is noise, about 1/√N = ${(1 / Math.sqrt(n)).toFixed(2)}.`;
    if (random) return this.searched(retrieval);
    return retrieval.f === undefined ? this.beyond(n, sweeps) : this.inside(retrieval, n);
  }

  // Where theory has no memory.
  beyond(n, sweeps) {
    const fates = this.fates(KEPT);
    if (!fates || sweeps <= PATIENCE)
      return `Theory has no memory here. Watch whether these ${n} neurons lose theirs.`;
    if (fates.every((fate) => fate === "kept"))
      return `Theory has no memory here, and these ${n} neurons remember: their edge is rounded, and lies above that of theory.`;
    if (fates.every((fate) => fate === "lost"))
      return "Spin glass: too many patterns or too much heat for a memory to last.";
    if (fates.includes("kept"))
      return "Theory has no memory here: one replica remembers, the other does not any more.";
    return `Theory has no memory here, and these ${n} neurons have lost part of theirs.`;
  }

  // Where it has one.
  inside(retrieval, n) {
    const fates = this.fates(this.expectedAtLeast(retrieval));
    if (!fates) return `Theory keeps the memory here. Watch whether these ${n} neurons do.`;
    if (fates.every((fate) => fate === "kept"))
      return retrieval.lowest
        ? "Retrieval: the memory lasts, and no state has less free energy."
        : "Retrieval: the memory lasts, though the spin glass has less free energy.";
    if (fates.includes("kept"))
      return "Theory keeps the memory here: one replica remembers, the other does not any more.";
    const part = fates.includes("partly lost") ? "part of it" : "it";
    return `Theory keeps the memory here, and these ${n} neurons lost ${part}: near the edge small networks do.`;
  }

  // An overlap from which a network of this size is at that of theory. At T = 0 nothing fluctuates.
  expectedAtLeast({ m }) {
    const { n, temperature } = this.memory;
    const error = this.later.mean(0)?.error ?? 0;
    return temperature === 0 ? KEPT : Math.min(KEPT, m - SCATTER * (error + 1 / Math.sqrt(n)));
  }

  // Whether each replica has kept the pattern, by its mean over the later half, or has just lost it; undefined before.
  fates(least) {
    if (!this.later.span) return undefined;
    return this.now.m.map((m, k) => {
      const [now, mean] = [Math.abs(m), Math.abs(this.later.mean(4 + k).value)];
      if (mean >= least && now >= least - DIP) return "kept";
      return Math.min(mean, now) < LOST ? "lost" : "partly lost";
    });
  }

  // Whether a random start has come upon a pattern, or upon a mixture of some.
  searched(retrieval) {
    const near = this.overlaps.flatMap((m, mu) => (Math.abs(m) > SHARE ? [mu] : []));
    const least = retrieval.f === undefined ? KEPT : this.expectedAtLeast(retrieval);
    const whole = near.reduce((sum, mu) => sum + this.overlaps[mu] ** 2, 0);
    const enough = near.length === 1 ? Math.abs(this.overlaps[near[0]]) >= least : whole >= WHOLE;
    const found = enough ? near : [];
    const names = found.map((mu) => mu + 1);
    if (found.length === 1) {
      const reversed = this.overlaps[found[0]] < 0 ? ", all spins reversed" : "";
      return `From random spins it found pattern ${names[0]}${reversed}.`;
    }
    if (found.length > 1 && found.length <= MOST_MIXED)
      return `From random spins it found no memory, but a mixture of patterns ${names.slice(0, -1).join(", ")} and ${names.at(-1)}.`;
    if (retrieval.f === undefined) return "Spin glass: there is no memory that random spins could find.";
    return "Memories exist here, and random spins did not find one: they are caught in some other state.";
  }

  // Hand the replicas to Python, and say where the run stands.
  report() {
    this.draw();
    const { n, replicas } = this.memory;
    const both = new Int8Array(2 * n);
    replicas.forEach(({ spins }, k) => {
      both.set(spins.data, k * n);
    });
    this.model.set("_spins", new DataView(both.buffer));
    this.readOut();
  }
}

// The temperatures of the line of retrieval, in equal steps from 0 to 1.
function heights(line) {
  return line.map((_, k) => k / (line.length - 1));
}

function heading(name) {
  return element("th", { scope: "col", role: "columnheader" }, name);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function patterns(count) {
  return `${count} ${count === 1 ? "pattern" : "patterns"}`;
}

function number(value) {
  return fixed(value, 2).trim();
}

export default lab((parts) => new PhaseDiagramLab(parts));
