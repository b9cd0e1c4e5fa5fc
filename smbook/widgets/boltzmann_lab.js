// The live Boltzmann machine: ten units or so learn a law from data, in a wake phase and a sleep phase.

import { Bars } from "./runtime/bars.js";
import { Chart, legend, roundedRange, short, ticks } from "./runtime/chart.js";
import { drawing, element, fixed } from "./runtime/dom.js";
import { bytes, Kernels, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { NetworkDrawing } from "./runtime/network.js";

const FIRST = 100; // steps that the curve shows at the beginning
const POINTS = 300; // of the curve, at most
const BARS = 64; // states that are shown, at most
const PRESSED = 16; // patterns that can be put into the data one by one, at most
const TILES = 8; // chains that are shown of each phase
const WIDEST = 1; // the least strength of a coupling that is drawn as wide as can be
const SLOW = 5; // steps a second at which every state of the chains is shown
const MET = 0.02; // largest difference of averages that have met
const LEARNED = 0.05; // KL, in nats, of a law that is learned
const ROOM = 1.1; // that bars need, in their own height, before the axis shrinks
const RING = 0.42; // radius of the circle of units, where the drawing has the width 1
const DATA = {
  xor: "XOR gate: 3 visible units",
  and: "AND gate: 3 visible units",
  "bars-2": "bars and stripes, 2 by 2",
  "bars-3": "bars and stripes, 3 by 3",
  ring: "Ising ring of 6 spins",
  own: "my own patterns",
};
const AVERAGES = { exact: "exact sums", sampled: "from samples" };
const SOURCES = {
  exact: "These chains are only shown: averages are sums over all states.",
  sampled: "Averages are those of these chains and of the others, one sweep a step.",
};
const CONNECTIONS = { full: "all pairs", restricted: "visible to hidden only" };
const SIGNS = {
  graph: [
    ["line theory", "positive coupling; bias: full disc"],
    ["line negative", "negative; bias: open disc"],
  ],
  law: [
    ["square measured", "machine, p(v)"],
    ["line theory", "data"],
  ],
  averages: [
    ["dot measured", "two visible units"],
    ["dot unstable", "one of them hidden, or both"],
    ["diamond theory", "single unit"],
  ],
};
const PRESETS = [
  {
    name: "XOR, nothing hidden",
    settings: { data: "xor", hidden: 0, averages: "exact", rate: 0.3 },
    ask: "Predict first: in XOR any two units agree as often as not. How far will KL fall, and why not to 0? Then press Start.",
  },
  {
    name: "XOR, one hidden unit",
    settings: { data: "xor", hidden: 1, averages: "exact", rate: 0.3 },
    ask: "Predict first: with one unit more, which no data reach, which bars will grow, and how far will KL fall? Then press Start.",
  },
  {
    name: "From samples",
    settings: { data: "xor", hidden: 1, averages: "sampled", rate: 0.1 },
    ask: "Predict first: with 100 chains in place of exact sums, what becomes of the falling curve? Then press Start.",
  },
  {
    name: "Ising ring",
    settings: { data: "ring", hidden: 0, averages: "exact", rate: 0.1 },
    ask: "Predict first: the data come from a ring of six spins, neighbours coupled by 0.6. Which lines stay? Then press Start.",
  },
];

// A machine on its kernels, with the data that it learns.
class Machine {
  constructor(module, { visible, hidden, chains }) {
    const [v, n] = [2 ** visible, visible + hidden];
    const clamped = Math.max(chains, v);
    const room = 16 * v * 2 ** hidden + 24 * v + (n + 8) * (chains + clamped) + v * (n + 8) + 64 * n * n;
    this.kernels = new Kernels(module, 2 * room + 4096);
    this.ground = this.kernels.top;
  }

  // Begin with the couplings of a seed; the arrays of the last run make room.
  begin({ hidden, connections, scale, chains, seed }, data) {
    const { kernels } = this;
    kernels.top = this.ground;
    const visible = Math.log2(data.length);
    const n = visible + hidden;
    Object.assign(this, { visible, hidden, n, steps: 0 });
    const real = (...shape) => kernels.zeros("float64", ...shape);
    Object.assign(this, { matrix: real(n, n), fields: real(n), pushes: [real(n, n), real(n)] });
    Object.assign(this, { data: real(data.length), law: real(data.length) });
    this.data.data.set(data);
    this.energies = [real(data.length * 2 ** hidden), real(data.length)];
    this.joint = real(data.length * 2 ** hidden);
    this.room = [kernels.array("int8", n), real(n)];
    this.mask = kernels.zeros("int8", n, n);
    this.mask.data.forEach((_, k, all) => {
      const across = k % n < visible !== Math.floor(k / n) < visible;
      all[k] = Number(k % n !== Math.floor(k / n) && (across || connections === "full"));
    });
    this.state = seeded(kernels, BigInt(seed));
    kernels.run.draw_couplings(this.state, scale, this.mask, this.matrix);
    this.phases = [this.wake(chains), this.sleep(chains)];
    this.measure();
    for (const phase of this.phases) phase.sample(0);
  }

  // Chains whose visible units are clamped to the rows of the data.
  wake(chains) {
    const { kernels, visible, n } = this;
    const states = [...this.data.data.keys()].filter((v) => this.data.data[v] > 0);
    const rows = kernels.array("int8", states.length, visible);
    const shares = kernels.array("float64", states.length);
    states.forEach((v, k) => {
      shares.data[k] = this.data.data[v];
      for (let i = 0; i < visible; i += 1) rows.data[k * visible + i] = (v >> i) & 1 ? 1 : -1;
    });
    const hidden = Array.from({ length: n - visible }, (_, k) => visible + k);
    return this.phase(rows, shares, Math.max(chains, states.length), hidden);
  }

  // Chains in which all units are free.
  sleep(chains) {
    const shares = this.kernels.array("float64", 1);
    shares.data[0] = 1;
    const all = Array.from({ length: this.n }, (_, i) => i);
    return this.phase(this.kernels.array("int8", 1, 0), shares, chains, all);
  }

  phase(rows, shares, count, units) {
    const { kernels, matrix, fields, state, n } = this;
    const [chains, weights] = [kernels.array("int8", count, n), kernels.array("float64", count)];
    const sites = kernels.array("int64", units.length);
    units.forEach((i, k) => {
      sites.data[k] = BigInt(i);
    });
    const room = [kernels.array("uint64", units.length), kernels.array("float64", units.length)];
    room.push(kernels.array("float64", n), kernels.array("int64", 1));
    kernels.run.begin_phase(rows, shares, state, chains, weights);
    const averages = () => [kernels.zeros("float64", n), kernels.zeros("float64", n, n)];
    const [exact, sampled] = [averages(), averages()];
    const given = [matrix, fields, chains, weights, sites, state, ...room];
    return {
      ...{ chains, exact, sampled },
      sample: (sweeps) => kernels.run.sample_phase(...given, sweeps, ...sampled),
    };
  }

  // Sum over all states: averages of both phases, the law of the visible units, and its KL from the data.
  measure() {
    const { run } = this.kernels;
    const { matrix, fields, data, law, energies, joint } = this;
    const averages = this.phases.flatMap(({ exact }) => exact);
    const [all, free] = energies;
    const z = run.exact_phases(matrix, fields, data, ...this.room, all, free, law, joint, ...averages);
    this.kl = run.kl_divergence(data, free, z);
    this.likelihood = run.log_likelihood(data, free, z);
  }

  // Once awake, once asleep, and learn from the difference.
  step(averages, rate) {
    for (const phase of this.phases) phase.sample(1);
    const found = this.phases.flatMap((phase) => phase[averages]);
    this.kernels.run.learn(...found, this.mask, rate, 0, 0, this.matrix, this.fields, ...this.pushes);
    this.steps += 1;
    this.measure();
  }

  // Pairs that are connected, and units: [wake, sleep] by the kind of average.
  compare(averages) {
    const { n, visible, mask } = this;
    const [wake, sleep] = this.phases.map((phase) => phase[averages].map(({ data }) => data));
    const found = { pairs: [], hidden: [], single: [] };
    for (let i = 0; i < n; i += 1) {
      found.single.push([wake[0][i], sleep[0][i]]);
      for (let j = 0; j < i; j += 1) {
        const k = i * n + j;
        if (mask.data[k]) found[i < visible ? "pairs" : "hidden"].push([wake[1][k], sleep[1][k]]);
      }
    }
    return found;
  }

  get couplings() {
    const { n, matrix, mask } = this;
    const pairs = [];
    for (let i = 0; i < n; i += 1)
      for (let j = 0; j < i; j += 1) if (mask.data[i * n + j]) pairs.push([j, i, matrix.data[i * n + j]]);
    return pairs;
  }

  // How likely the machine shows what is not in the data.
  get outside() {
    return this.law.data.reduce((sum, p, v) => (this.data.data[v] > 0 ? sum : sum + p), 0);
  }
}

// The units on a circle, hidden ones at the top, with their couplings, and biases as discs in them.
class Graph {
  constructor() {
    this.node = element("div");
    this.signs = legend(SIGNS.graph);
    this.signs.append(element("li", {}, "no line: less than 2 % of the largest coupling"));
  }

  // Returns what is new to be described.
  start({ visible, hidden, n }) {
    const places = Array.from({ length: n }, (_, i) => {
      const turn = i < visible ? -(hidden + 1) / 2 - i : i - visible - (hidden - 1) / 2;
      const angle = (2 * Math.PI * turn) / n;
      return [0.5 + RING * Math.sin(angle), 0.5 - 0.5 * Math.cos(angle)];
    });
    const names = places.map((_, i) => (i < visible ? String(i + 1) : `h${i - visible + 1}`));
    const describe = `${visible} visible and ${hidden} hidden units on a circle, joined by their couplings, with biases as discs.`;
    this.drawing = new NetworkDrawing({ places, names, describe, height: 300, radius: 12 });
    for (const node of this.drawing.nodes.slice(visible)) node.classList.add("hidden-unit");
    this.node.replaceChildren(this.drawing.svg, this.signs);
    return this.drawing.svg;
  }

  draw(couplings, fields) {
    this.largest = Math.max(0, ...couplings.map(([, , J]) => Math.abs(J)));
    const widest = Math.max(WIDEST, this.largest, ...fields.map(Math.abs));
    this.drawing.couple(couplings, widest);
    this.drawing.incline(fields, widest);
  }
}

// Averages of both phases, one against the other: where they have met they are on the diagonal.
class Averages {
  constructor() {
    this.chart = new Chart({
      x: [-1.08, 1.08],
      y: [-1.08, 1.08],
      xLabel: "average while awake (data)",
      yLabel: "average asleep (machine)",
      describe:
        "Averages of units and of pairs in the sleep phase against those in the wake phase, and the diagonal where both are the same.",
      height: 250,
    });
    this.chart.line("guide", [-1, 1], [-1, 1]);
    const { x, y } = this.chart;
    const dot = ([u, v]) => `M${x.to(u).toFixed(1)} ${y.to(v).toFixed(1)}h0`;
    const diamond = ([u, v]) =>
      `M${x.to(u).toFixed(1)} ${(y.to(v) - 4.5).toFixed(1)}l4.5 4.5l-4.5 4.5l-4.5-4.5Z`;
    const points = (kind, draw) => this.chart.shape(`lab-points ${kind}`, (found) => found.map(draw));
    this.kinds = {
      single: points("single", diamond),
      hidden: points("unstable", dot),
      pairs: points("measured", dot),
    };
  }

  draw(found) {
    for (const [name, points] of Object.entries(this.kinds)) points.set(found[name]);
    this.gap = Math.max(...Object.values(found).flatMap((pairs) => pairs.map(([a, b]) => Math.abs(a - b))));
  }
}

// The law of the visible units: of the machine as bars, of the data as lines across them.
class Law {
  constructor() {
    this.node = element("div");
  }

  start(data, visible) {
    const few = data.length <= PRESSED;
    const order = [...data.keys()];
    if (!few) order.sort((a, b) => data[b] - data[a] || a - b);
    this.states =
      data.length <= BARS ? order : order.slice(0, Math.min(data.filter((q) => q > 0).length, BARS));
    const names = few ? order.map((v) => signs(v, visible)) : undefined;
    const step = Math.max(data.length / 4, 1); // so few names that they have room on a phone
    const places = names && order.filter((v) => v % step === step >> 1).map((v) => [v, names[v]]);
    this.least = 1.2 * Math.max(...data);
    this.top = this.fit(0);
    this.bars = new Bars({
      ...{ names, places },
      count: this.states.length,
      y: [0, this.top],
      xLabel: few ? "visible state v" : "visible states, the likeliest in the data first",
      yLabel: "probability of v",
      describe: "Probabilities of the visible states: bars of the machine, and lines of the data.",
      height: 230,
    });
    this.exact = this.states.map((v) => data[v]);
    this.node.replaceChildren(this.bars.svg);
    return this.bars.svg;
  }

  // The end of an axis that has room for the data, and for a bar of this height.
  fit(height) {
    return roundedRange([0, Math.max(this.least, height)])[1];
  }

  // The axis grows with the bars, and shrinks again when they have room in a shorter one.
  draw(law) {
    const values = this.states.map((v) => law[v]);
    const highest = Math.max(...values);
    if (this.fit(highest) > this.top || this.fit(ROOM * highest) < this.top) {
      const { chart } = this.bars;
      this.top = this.fit(highest);
      chart.range([chart.x.low, chart.x.high], [0, this.top]);
    }
    this.bars.set(values, { exact: this.exact });
  }
}

// All patterns of a few visible units, to be put into the data and taken out.
class Patterns {
  constructor(onToggle) {
    this.onToggle = onToggle;
    this.told = element("p", { class: "lab-told" });
    const label = "Patterns of the visible units. Those that are pressed are the data.";
    this.list = element("div", { class: "lab-patterns", role: "group", "aria-label": label });
    this.node = element("div", {}, this.told, this.list);
  }

  start(data, visible) {
    const count = data.reduce((sum, q) => sum + Number(q > 0), 0);
    const few = data.length <= PRESSED;
    this.told.textContent = `Data: ${count} of ${data.length} patterns.${few ? " Press one to put it in or out." : ""}`;
    if (this.list.childElementCount !== (few ? data.length : 0)) {
      const buttons = few ? Array.from(data, (_, v) => this.button(v, visible)) : [];
      this.list.replaceChildren(...buttons);
    }
    [...this.list.children].forEach((button, v) => {
      button.setAttribute("aria-pressed", String(data[v] > 0));
    });
  }

  button(v, visible) {
    const columns = columnsOf(visible);
    const cells = { up: "", down: "" };
    for (let i = 0; i < visible; i += 1)
      cells[(v >> i) & 1 ? "up" : "down"] += square(i % columns, Math.floor(i / columns));
    const box = `0 0 ${columns} ${visible / columns}`;
    const picture = drawing("svg", { viewBox: box, "aria-hidden": "true" }, ...inked(cells));
    const button = element("button", { type: "button" }, picture, signs(v, visible));
    button.addEventListener("click", () => this.onToggle(v));
    return button;
  }
}

// The first chains of a phase: the visible units of each as a picture, and its hidden ones as discs below.
class Phase {
  constructor(name, clamped) {
    Object.assign(this, { clamped, title: element("p", { class: "lab-told" }, name) });
    this.down = drawing("path", { class: "lab-dot down" });
    this.up = drawing("path", { class: "lab-dot up" });
    this.frames = drawing("path", { class: "lab-clamp" });
    const form = {
      class: "lab-chart lab-tiles",
      role: "img",
      "aria-label": `${name}: the states of ${TILES} chains.`,
    };
    this.svg = drawing("svg", form, this.down, this.up, this.frames);
    this.node = element("div", {}, this.title, this.svg);
  }

  start({ visible, hidden }) {
    const columns = columnsOf(visible);
    const rows = visible / columns;
    const across = columns > 4 ? 2 : 4;
    const [width, height] = [Math.max(columns, hidden) + 1, rows + (hidden ? 1.3 : 0) + 0.9];
    const corners = Array.from({ length: TILES }, (_, k) => [
      0.2 + (k % across) * width,
      0.2 + Math.floor(k / across) * height,
    ]);
    this.cells = corners.map(([x, y]) => [
      ...Array.from({ length: visible }, (_, i) => square(x + (i % columns), y + Math.floor(i / columns))),
      ...Array.from({ length: hidden }, (_, i) => disc(x + i, y + rows + 0.3)),
    ]);
    const box = [0, 0, across * width - 0.6, (TILES / across) * height - 0.5];
    this.svg.setAttribute("viewBox", box.map((u) => u.toFixed(2)).join(" "));
    const frame = ([x, y]) =>
      `M${(x - 0.1).toFixed(2)} ${(y - 0.1).toFixed(2)}h${columns + 0.2}v${rows + 0.2}h${-columns - 0.2}Z`;
    this.frames.setAttribute("d", this.clamped ? corners.map(frame).join("") : "");
  }

  draw(chains, n) {
    const cells = { up: "", down: "" };
    this.cells.forEach((units, k) => {
      units.forEach((cell, i) => {
        cells[chains[k * n + i] > 0 ? "up" : "down"] += cell;
      });
    });
    this.up.setAttribute("d", cells.up);
    this.down.setAttribute("d", cells.down);
  }
}

// KL against time, in steps.
class Curve {
  constructor() {
    this.chart = new Chart({
      x: [0, FIRST],
      y: [0, 1],
      xLabel: "steps of learning",
      yLabel: "KL, in nats",
      describe: "Kullback-Leibler divergence of the data from the machine against the steps of learning.",
      height: 200,
    });
    this.line = this.chart.line("measured");
    this.dot = this.chart.dot("measured");
  }

  start(kl) {
    Object.assign(this, { record: [[0, kl]], latest: [0, kl], stride: 1, end: FIRST, fitted: undefined });
  }

  add(step, kl) {
    this.latest = [step, kl];
    if (step - this.record.at(-1)[0] < this.stride) return;
    this.record.push(this.latest);
    while (step > this.end) this.end *= 2;
    if (this.record.length < POINTS) return;
    this.stride *= 2;
    this.record = this.record.filter((_, k) => k % 2 === 0);
  }

  draw() {
    const all = [...this.record, this.latest];
    const values = all.map(([, kl]) => kl);
    const [, top] = roundedRange([0, 1.05 * Math.max(...values, 0.1)]);
    if (this.fitted !== this.end || top !== this.top) {
      Object.assign(this, { fitted: this.end, top });
      this.chart.places = ticks(0, this.end, 4).map((step) => [step, short(step)]);
      this.chart.range([0, this.end], [0, top]);
    }
    this.line.set(
      all.map(([step]) => step),
      values,
    );
    this.dot.move(...this.latest);
  }
}

class BoltzmannLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    const { hidden, chains } = panel.limits;
    const visible = model.get("_most_visible");
    this.machine = new Machine(module, { visible, hidden: hidden[1], chains: chains[1] });
    this.graph = new Graph();
    this.curve = new Curve();
    this.phases = [new Phase("Wake: data clamped", true), new Phase("Sleep: all free", false)];
    this.law = new Law();
    this.patterns = new Patterns((v) => this.toggle(v));
    this.averages = new Averages();
    const phases = element("div", { class: "lab-phases" }, ...this.phases.map(({ node }) => node));
    this.source = element("p", { class: "lab-told" });
    const second = element("div", { class: "lab-second" }, this.curve.chart.svg, phases, this.source);
    const left = element("div", {}, this.law.node, legend(SIGNS.law), this.patterns.node);
    const right = element("div", {}, this.averages.chart.svg, legend(SIGNS.averages));
    const below = element("div", { class: "lab-below lab-pair" }, left, right);
    el.append(element("div", { class: "lab-figures" }, this.graph.node, second, below));
    this.furnish();
    panel.main.append(el.querySelector(".lab-words")); // beside what is pressed
    panel.follow(["data", "_own", "hidden", "connections", "scale", "chains", "seed"], () => this.reset());
    panel.follow("averages", () => this.report());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.button("Other weights", () => this.drawAnew(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    for (const preset of PRESETS) panel.preset(preset.name, () => this.go(preset));
    panel.menu("data", { label: "Data", names: DATA, where });
    panel.slider("hidden", { label: "Hidden units", integer: true, step: 1, where });
    panel.menu("averages", { label: "Averages", names: AVERAGES });
    panel.slider("rate", { label: "Learning rate", digits: 3, logarithmic: true });
    panel.slider("speed", { label: "Steps a second", digits: 0, step: 1, logarithmic: true });
    panel.menu("connections", { label: "Couplings", names: CONNECTIONS });
    panel.slider("scale", { label: "First couplings", where: rest });
    panel.slider("chains", { label: "Chains", integer: true, logarithmic: true, where: rest });
    panel.field("seed", { label: "Seed", where: rest });
    const names = ["KL", "log-likelihood", "at best", "largest difference"];
    this.write = panel.readouts([...names, "outside the data", "largest coupling", "steps"]);
    panel.mount();
  }

  go({ settings, ask }) {
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.reset();
    this.panel.set("running", false);
    this.panel.say(ask);
  }

  drawAnew() {
    const [low, high] = this.panel.limits.seed;
    const seed = this.model.get("seed");
    this.panel.set("seed", seed < high ? seed + 1 : low);
  }

  // Put a pattern into the data, or take it out; all weigh the same then.
  toggle(v) {
    const inside = Float64Array.from(this.machine.data.data, (q, u) => Number(q > 0 !== (u === v)));
    const count = inside.reduce((sum, q) => sum + q, 0);
    if (count === 0) {
      this.panel.say("One pattern at least must stay in the data.");
      return;
    }
    const law = inside.map((q) => q / count);
    this.model.set("_own", new DataView(law.buffer));
    this.panel.set("data", "own");
    this.model.save_changes();
  }

  reset() {
    const { machine, panel, law, patterns } = this;
    const data = lawOf(this.model);
    machine.begin(panel.settings, data);
    const drawn = [this.graph.start(machine), law.start(data, machine.visible)];
    panel.description.belongs(drawn);
    patterns.start(data, machine.visible);
    for (const phase of this.phases) phase.start(machine);
    this.curve.start(machine.kl);
    this.pace.cost = this.pace.firstCost;
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(steps) {
    const { machine, model } = this;
    for (let k = 0; k < steps; k += 1) {
      machine.step(model.get("averages"), model.get("rate"));
      this.curve.add(machine.steps, machine.kl);
    }
  }

  frame(milliseconds) {
    const steps = this.pace.due(this.model.get("speed"), milliseconds);
    const first = steps > 0 && this.machine.steps === 0;
    this.pace.spend(steps, (count) => this.advance(count));
    const told = this.rate.add(1) || first;
    if (steps > 0) this.draw(told || this.model.get("speed") <= SLOW);
    if (told) this.readOut();
  }

  // Chains are drawn a few times a second, so that they can be looked at.
  draw(chains = true) {
    const { machine } = this;
    const averages = this.model.get("averages");
    this.source.textContent = SOURCES[averages];
    this.graph.draw(machine.couplings, [...machine.fields.data]);
    this.curve.draw();
    this.law.draw(machine.law.data);
    this.averages.draw(machine.compare(averages));
    if (!chains) return;
    this.phases.forEach((phase, k) => {
      phase.draw(machine.phases[k].chains.data, machine.n);
    });
  }

  readOut() {
    const { write, machine, model } = this;
    const { kl, likelihood, steps, outside } = machine;
    const { gap } = this.averages;
    write.KL(fixed(kl, 4));
    write["log-likelihood"](fixed(likelihood, 4));
    write["at best"](fixed(likelihood + kl, 4));
    write["largest difference"](fixed(gap, 4));
    write["outside the data"](fixed(outside, 4));
    write["largest coupling"](fixed(this.graph.largest, 2));
    write.steps(String(steps));
    for (const [name, value] of Object.entries({ steps, kl, difference: gap, outside }))
      model.set(name, value);
    model.save_changes();
    this.describe(kl, gap, outside);
  }

  describe(kl, gap, outside) {
    const { visible, hidden, steps } = this.machine;
    const way = this.model.get("averages") === "exact" ? "exact averages" : "sampled averages";
    const number = (value) => fixed(value, 3).trim();
    const long =
      `${visible} visible and ${hidden} hidden units learn ${DATA[this.model.get("data")]}, from ${way}. After ` +
      `${steps} ${steps === 1 ? "step" : "steps"} KL is ${number(kl)} nats, averages of data and machine differ by ` +
      `${number(gap)} at most, and the machine shows a pattern that is not in the data with probability ${number(outside)}.`;
    this.panel.description.set(this.inWords(kl, gap), long);
  }

  // The kind of state: a sentence is heard only when another kind begins.
  inWords(kl, gap) {
    const { steps, hidden } = this.machine;
    if (steps === 0)
      return "Before the first step: random couplings, and a law that has nothing to do with the data.";
    if (kl < LEARNED) return "Learned: the machine shows the patterns about as often as the data do.";
    if (this.model.get("averages") === "sampled")
      return "Learning from samples: the averages scatter, and KL with them.";
    if (gap >= MET)
      return "Learning: averages that are larger awake make their couplings grow, the others shrink.";
    if (hidden === 0) return "The averages have met, and nothing is left to learn; the laws still differ.";
    return "The averages nearly agree, and learning is slow: a plateau, or the end.";
  }

  // Hand the couplings, the biases and the chains to Python, and say where the run stands.
  report() {
    const { machine } = this;
    this.draw();
    const numbers = Float64Array.from([...machine.matrix.data, ...machine.fields.data]);
    this.model.set("_weights", new DataView(numbers.buffer));
    const chains = machine.phases.flatMap(({ chains: { data } }) => [...data]);
    this.model.set("_chains", new DataView(Int8Array.from(chains).buffer));
    this.readOut();
  }
}

// A state of the visible units as signs, the first unit first.
function signs(v, visible) {
  return Array.from({ length: visible }, (_, i) => ((v >> i) & 1 ? "+" : "\u2212")).join("");
}

// Visible units are shown as a square where they fill one, else in a row.
function columnsOf(visible) {
  const side = Math.sqrt(visible);
  return Number.isInteger(side) ? side : visible;
}

function square(x, y) {
  return `M${(x + 0.04).toFixed(2)} ${(y + 0.04).toFixed(2)}h.92v.92h-.92z`;
}

function disc(x, y) {
  return `M${(x + 0.08).toFixed(2)} ${(y + 0.5).toFixed(2)}a.42.42 0 1 0 .84 0a.42.42 0 1 0-.84 0z`;
}

function inked({ up, down }) {
  return [
    drawing("path", { class: "lab-dot down", d: down }),
    drawing("path", { class: "lab-dot up", d: up }),
  ];
}

// The law to be learned: float64, an entry for each state of the visible units.
function lawOf(model) {
  const name = model.get("data");
  const own = model.get("_own");
  if (name === "own" && own?.byteLength) return new Float64Array(bytes(own).slice().buffer);
  const { units, states, shares } = model.get("_data")[name];
  const law = new Float64Array(2 ** units);
  states.forEach((v, k) => {
    law[v] = shares[k];
  });
  return law;
}

// The states that own data give a probability, and these where they differ; nothing where the data are known by name.
function ownRows(model) {
  if (model.get("data") !== "own") return undefined;
  const law = lawOf(model);
  const states = [...law.keys()].filter((v) => law[v] > 0);
  const shares = states.map((v) => law[v]);
  return { units: Math.log2(law.length), states, shares: shares.some((q) => q !== shares[0]) ? shares : [] };
}

// In a link own data are the number of units, the states as bits of a number in base 16, and the shares of these.
const ALONG = {
  link(model) {
    const own = ownRows(model);
    if (!own) return [];
    const inside = own.states.reduce((sum, v) => sum | (1n << BigInt(v)), 0n);
    return [["own", [own.units, inside.toString(16), ...own.shares].join("_")]];
  },

  take: {
    own(text, model) {
      const law = lawFrom(text, model.get("_most_visible"));
      if (!law) return `There are no rows in own=${text.slice(0, 40)}.`;
      model.set("_own", new DataView(law.buffer));
      return undefined;
    },
  },

  python(settings, model) {
    const own = ownRows(model);
    if (!own) return settings;
    const row = (v) => Array.from({ length: own.units }, (_, i) => ((v >> i) & 1 ? 1 : -1));
    const given = [["X", own.states.map(row)]];
    if (own.shares.length) given.push(["sample_weight", own.shares]);
    return [...given, ...settings.filter(([name]) => name !== "data")];
  },
};

function lawFrom(text, most) {
  const [, units, digits, rest] = /^(\d+)_([0-9a-f]+)((?:_[^_]+)*)$/.exec(text) ?? [];
  if (!(units >= 1 && units <= most)) return undefined;
  const [length, inside] = [2 ** units, BigInt(`0x${digits}`)];
  const states = Array.from({ length }, (_, v) => v).filter((v) => (inside >> BigInt(v)) & 1n);
  const shares = rest ? rest.slice(1).split("_").map(Number) : states.map(() => 1 / states.length);
  const sum = shares.reduce((a, b) => a + b, 0);
  const good = shares.every((q) => q > 0) && Math.abs(sum - 1) < 1e-9;
  if (inside === 0n || inside >> BigInt(length) || shares.length !== states.length || !good) return undefined;
  const law = new Float64Array(length);
  states.forEach((v, k) => {
    law[v] = shares[k];
  });
  return law;
}

export default lab((parts) => new BoltzmannLab(parts), ALONG);
