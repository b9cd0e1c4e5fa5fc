// Live messages: a small graph that the reader draws, what its spins tell each other, and what comes of it beside what is exact.

import { Bars } from "./runtime/bars.js";
import { Chart, legend, scientific, short } from "./runtime/chart.js";
import { counted, drawing, element, fixed } from "./runtime/dom.js";
import { bytes, Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { meanings, Sketch } from "./runtime/sketch.js";

const ROOM = 2 ** 15; // bytes
const SPAN = 20; // steps that the course of errors shows at least
const KEPT = 300; // steps that it shows at most
const FLOOR = 1e-17; // where it draws an error of zero
const EXACT = 1e-12; // an error below it is one of rounding
const SLOW = 6; // steps a second, up to which messages are seen on their way
const HALF = 0.5; // of a field that is turned on
const DAMPED = [0.5, 0.9]; // which are tried where nothing settles
const WORDS = 40; // half as wide as an error in words, in a chart
const NEARLY = 1e-6; // a change below it will be none after more steps
const GRAPHS = {
  tree: "tree",
  chain: "chain",
  ring: "ring",
  grid: "grid, 3 by 3",
  triangle: "frustrated triangle",
  islands: "two islands",
  own: "your own",
};
const METHODS = {
  "belief-propagation": "belief propagation",
  tap: "TAP",
  "naive-mean-field": "naive mean field",
};
const STARTS = { nothing: "messages 0", up: "messages up" };
const SIGNS = [
  ["square measured", "the method"],
  ["line theory", "exact"],
  ["line measured", "largest error"],
  ["line guide", "change in a step"],
];

// A graph on the kernels, and what is passed along its edges. Python's `message_lab.py` does the same.
class Telling {
  constructor(module, most) {
    const kernels = new Kernels(module, ROOM);
    const entries = most * (most - 1);
    this.kernels = kernels;
    const reals = (size) => kernels.array("float64", size);
    const wholes = (size) => kernels.array("int64", size);
    this.room = {
      starts: wholes(most + 1),
      ...Object.fromEntries(["columns", "reverse"].map((name) => [name, wholes(entries)])),
      cursor: wholes(most),
      ...Object.fromEntries(["fields", "means", "older", "work", "exact"].map((name) => [name, reals(most)])),
      ...Object.fromEntries(
        ["entries", "messages", "cavities", "ahead", "pairs", "exactPairs"].map((name) => [
          name,
          reals(entries),
        ]),
      ),
    };
  }

  // Take a graph and the settings, and begin anew.
  begin({ places, edges, couplings, fields }, { beta, field, method, start, damping }) {
    const { kernels } = this;
    Object.assign(this, { n: places.length, beta, method, damping });
    const rows = places.map((_, i) =>
      edges
        .flatMap(([a, b], k) => (a === i ? [[b, couplings[k]]] : b === i ? [[a, couplings[k]]] : []))
        .sort(([a], [b]) => a - b),
    );
    const size = 2 * edges.length;
    const sizes = { starts: this.n + 1 };
    for (const name of ["cursor", "fields", "means", "older", "work", "exact"]) sizes[name] = this.n;
    this.part = Object.fromEntries(
      Object.entries(this.room).map(([name, array]) => [name, kernels.part(array, sizes[name] ?? size)]),
    );
    const { part } = this;
    part.starts.data[0] = 0n;
    rows.forEach((row, i) => {
      part.starts.data[i + 1] = part.starts.data[i] + BigInt(row.length);
    });
    part.columns.data.set(rows.flat().map(([j]) => BigInt(j)));
    part.entries.data.set(rows.flat().map(([, coupling]) => coupling));
    part.fields.data.set(fields.map((own) => own + field));
    kernels.run.reverse_entries(part.columns, part.starts, part.cursor, part.reverse);
    this.arrows = rows.flatMap((row, i) => row.map(([j]) => [j, i])); // from, to
    this.exactLog = kernels.run.enumerate_spins(...this.bonds, part.exact, part.exactPairs);
    this.first = Number(start === "up");
    this.restart();
  }

  get bonds() {
    const { entries, columns, starts, fields } = this.part;
    return [this.beta, entries, columns, starts, fields];
  }

  get ties() {
    const { entries, starts, reverse, fields } = this.part;
    return [this.beta, entries, starts, reverse, fields];
  }

  get passing() {
    return this.method === "belief-propagation";
  }

  // The least damping of a few with which it settles from the start on, undefined if with none. All stays as it is.
  calming(settled, patience) {
    const kept = ["messages", "means", "older"].map((name) => [name, this.part[name].data.slice()]);
    const { steps, change, sent, damping } = this;
    const settles = (tried) => {
      this.restart();
      this.damping = tried;
      while (this.steps < patience) {
        this.step();
        if (this.change < settled) return true;
      }
      return false;
    };
    const found = DAMPED.filter((tried) => tried > damping).find(settles);
    for (const [name, values] of kept) this.part[name].data.set(values);
    Object.assign(this, { steps, change, sent, damping });
    return found;
  }

  restart() {
    const { part } = this;
    for (const name of ["messages", "means"]) part[name].data.fill(this.first);
    part.older.data.fill(0);
    Object.assign(this, { steps: 0, change: undefined, sent: part.means.data.map(() => 0) });
    this.believe();
  }

  believe() {
    const { starts, fields, messages, means } = this.part;
    if (this.passing) this.kernels.run.beliefs(this.beta, starts, fields, messages, means);
  }

  // All spins tell their neighbours at once what they know.
  step() {
    const { kernels, part, damping } = this;
    const { messages, cavities, means, older, work } = part;
    this.sent = means.data.slice();
    if (this.passing) this.change = kernels.run.pass_messages(...this.ties, damping, messages, cavities);
    else if (this.method === "tap")
      this.change = kernels.run.tap_step(...this.bonds, damping, 0, means, older, work);
    else this.change = kernels.run.naive_step(...this.bonds, damping, means, work);
    this.steps += 1;
    this.believe();
  }

  // What has come along each arrow, from -1 to 1, for the eye.
  get come() {
    const { part, sent } = this;
    return this.passing ? [...part.messages.data].map(seen) : this.arrows.map(([from]) => sent[from]);
  }

  // What comes along next.
  get coming() {
    const { kernels, part, damping } = this;
    if (!this.passing) return this.arrows.map(([from]) => part.means.data[from]);
    part.ahead.data.set(part.messages.data);
    kernels.run.pass_messages(...this.ties, damping, part.ahead, part.cavities);
    return [...part.ahead.data].map(seen);
  }

  get error() {
    return largest(this.part.means.data, this.part.exact.data);
  }

  // The spin whose mean is wrong by most.
  get wrongest() {
    const errors = [...this.part.means.data].map((_, i) => this.errorOf(i));
    return errors.indexOf(Math.max(...errors));
  }

  errorOf(i) {
    return Math.abs(this.part.means.data[i] - this.part.exact.data[i]);
  }

  // The largest error of what belief propagation says of the two spins of an edge.
  get edgeError() {
    if (!this.passing) return undefined;
    const { messages, cavities, pairs, exactPairs } = this.part;
    this.kernels.run.edge_correlations(...this.ties, messages, cavities, pairs);
    return largest(pairs.data, exactPairs.data);
  }

  get log() {
    const { run } = this.kernels;
    const { messages, cavities, means } = this.part;
    if (this.passing) return run.bethe_log_partition(...this.ties, messages, cavities);
    return run.mean_field_log_partition(...this.bonds, this.method === "tap" ? 2 : 1, means);
  }
}

// A message, which has no bounds, on a scale from -1 to 1.
function seen(message) {
  return message / (0.5 + Math.abs(message));
}

function largest(found, exact) {
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i])), 0);
}

// What a graph is like: its parts, its loops, and the longest of the shortest paths.
class Shape {
  constructor({ places, edges }) {
    const n = places.length;
    this.far = Array.from({ length: n }, (_, i) => distances(n, edges, i));
    const firsts = this.far.map((row) => row.findIndex(Number.isFinite));
    this.parts = firsts.filter((first, i) => first === i).length;
    this.loops = edges.length - n + this.parts;
    this.calm = firsts.map((first) => {
      const spins = firsts.flatMap((other, i) => (other === first ? [i] : []));
      return edges.filter(([i]) => firsts[i] === first).length === spins.length - 1;
    }); // whether a spin is in a part without a loop
    this.longest = Math.max(...this.far.flat().filter(Number.isFinite));
    Object.assign(this, { n, edges });
  }

  // Two spins of one part that are farthest from each other and not yet joined.
  get ends() {
    const pairs = this.far.flatMap((row, i) => row.map((gap, j) => [gap, i, j])).filter(([, i, j]) => i < j);
    const open = pairs.filter(([gap]) => gap > 1 && Number.isFinite(gap));
    const most = Math.max(...open.map(([gap]) => gap));
    return open.find(([gap]) => gap === most)?.slice(1);
  }

  // The last edge that lies on a loop.
  get cuttable() {
    return this.edges.findLastIndex(([i, j], k) =>
      Number.isFinite(
        distances(
          this.n,
          this.edges.filter((_, other) => other !== k),
          i,
        )[j],
      ),
    );
  }
}

// How many edges lead from one spin to each.
function distances(n, edges, from) {
  const far = Array(n).fill(Number.POSITIVE_INFINITY);
  far[from] = 0;
  const waiting = [from];
  while (waiting.length) {
    const i = waiting.shift();
    for (const [a, b] of edges) {
      const j = a === i ? b : b === i ? a : i;
      if (far[j] <= far[i] + 1) continue;
      far[j] = far[i] + 1;
      waiting.push(j);
    }
  }
  return far;
}

// The largest error and the last change, step by step, on a scale of powers of ten.
class Course {
  constructor() {
    this.chart = new Chart({
      x: [0, SPAN],
      y: [Math.log10(FLOOR), 0.6],
      xLabel: "steps",
      yLabel: "largest error of m, and change",
      describe: "The largest error of a mean and the change of each step, on a scale of powers of ten.",
      height: 190,
    });
    this.chart.heights = [0, 4, 8, 12, 16].map((power) => [-power, power ? tenTo(power) : "1"]);
    this.changes = this.chart.line("guide");
    this.errors = this.chart.line("measured");
    this.dot = this.chart.dot("measured", 3.5);
    this.start();
  }

  start() {
    Object.assign(this, { steps: [], known: [], moved: [] });
  }

  add(step, error, change) {
    for (const [list, value] of [
      [this.steps, step],
      [this.known, error],
      [this.moved, change],
    ]) {
      list.push(value);
      if (list.length > KEPT) list.shift();
    }
  }

  draw() {
    const [first, last] = [this.steps[0], this.steps.at(-1)];
    const range = [first, Math.max(first + SPAN, last)];
    this.chart.range(range, [Math.log10(FLOOR), 0.6]);
    const height = (value) => Math.log10(Math.max(value, FLOOR));
    this.errors.set(this.steps, this.known.map(height));
    this.changes.set(this.steps, this.moved.map(height));
    this.dot.move(last, height(this.known.at(-1)));
  }
}

// What stands at 10 to the power of -n, in a chart.
function tenTo(n) {
  return drawing("tspan", {}, "10", drawing("tspan", { dy: "-0.4em", "font-size": "75%" }, `\u2212${n}`));
}

class MessageLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), facts: model.get("_facts") });
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.telling = new Telling(module, this.facts.most);
    this.sketch = new Sketch({
      describe:
        "A graph of spins, and what they tell each other. Two spins that are pressed one after the other are " +
        "joined, or their bond is cut; a press on a bond turns its sign, and Delete cuts it; a press on empty " +
        "room adds a spin.",
      on: {
        choose: (i) => this.choose(i),
        join: (i, j) => this.join(i, j),
        edge: (k) => this.turn(k),
        add: (place, from) => this.grow(place, from),
        remove: (i) => this.remove(i),
        cut: (k) => this.sever(k),
        push: (i, sign) => this.push(i, sign * HALF),
      },
    });
    this.bars = new Bars({
      count: 1,
      y: [-1, 1],
      xLabel: "spin",
      yLabel: "mean m of each spin",
      describe: "The mean of each spin.",
      height: 200,
    });
    this.worst = drawing("text", { class: "lab-note lab-worst", "aria-hidden": true });
    this.leader = drawing("path", { class: "lab-leader" });
    this.bars.svg.append(this.leader, this.worst);
    this.course = new Course();
    this.tools = element("div", { class: "lab-presets lab-tools" });
    const how =
      "Press a bond to turn its sign, two spins one after the other to join them or to cut their bond, " +
      "empty room for a new spin. Remove spin and Turn field are for the spin pressed last.";
    const first = element(
      "div",
      { class: "lab-drawn" },
      this.sketch.svg,
      element("p", { class: "lab-how lab-hint" }, how),
      this.tools,
      meanings(),
    );
    const second = element(
      "div",
      { class: "lab-second lab-beside" },
      this.bars.svg,
      this.course.chart.svg,
      legend(SIGNS),
    );
    el.append(element("div", { class: "lab-figures" }, first, second));
    this.furnish();
    panel.main.append(el.querySelector(".lab-words"));
    panel.follow(["graph", "_own"], () => this.build());
    panel.follow(["beta", "field", "method", "start", "damping"], () => this.begin());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel, tools } = this;
    const { main: where } = panel;
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Settle", () => this.settle(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.menu("graph", { label: "Graph", names: GRAPHS, where });
    panel.slider("beta", { label: "Coupling strength \u03b2", where });
    panel.menu("method", { label: "Method", names: METHODS, where });
    panel.slider("field", { label: "Additional field" });
    panel.slider("damping", { label: "Damping" });
    panel.menu("start", { label: "Start from", names: STARTS });
    panel.slider("speed", { label: "Steps / s", step: 0.5, digits: 1, logarithmic: true });
    panel.button("Close a loop", () => this.close(), tools);
    panel.button("Cut a loop", () => this.cut(), tools);
    panel.button("Add spin", () => this.grow(this.gap(), this.sketch.chosen), tools);
    panel.button("Remove spin", () => this.chosenOne((i) => this.remove(i)), tools);
    panel.button("Turn field", () => this.chosenOne((i) => this.turnField(i)), tools);
    panel.button(
      "Part all",
      () => this.edit((graph) => Object.assign(graph, { edges: [], couplings: [] })),
      tools,
    );
    this.write = panel.readouts([
      "steps",
      "largest error of m",
      "largest error, pairs",
      "change in the step",
      "ln Z",
      "ln Z, exact",
      "loops",
    ]);
    panel.mount();
  }

  // Draw the graph, if it is another one, and begin anew.
  build() {
    const graph = graphOf(this.model);
    const key = JSON.stringify([this.model.get("graph"), graph]);
    if (key === this.key) return;
    Object.assign(this, { key, graph, shape: new Shape(graph) });
    this.bars.rename(graph.places.map((_, i) => String(i)));
    this.telling.begin(graph, this.panel.settings);
    this.sketch.show(graph, this.telling.arrows);
    this.renew();
  }

  // Begin anew with the settings as they are; where all was settled at once, it is again.
  begin() {
    if (!this.graph) return;
    this.telling.begin(this.graph, this.panel.settings);
    this.renew();
  }

  renew() {
    this.restart();
    if (this.settling) this.rush();
    this.report();
  }

  restart() {
    const { telling, course } = this;
    telling.restart();
    this.pace.owed = 0;
    this.exactSince = undefined;
    course.start();
    this.note();
  }

  reset() {
    this.settling = false;
    this.sketch.mark(undefined);
    this.restart();
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.settling = false;
    this.advance(1);
    this.report();
  }

  // Step until nothing changes, or for as long as there is patience.
  settle() {
    this.panel.set("running", false);
    this.settling = true;
    this.rush();
    this.report();
  }

  rush() {
    for (let k = 0; k < this.facts.patience; k += 1) {
      this.advance(1);
      if (this.settled) return;
    }
  }

  advance(count) {
    for (let k = 0; k < count; k += 1) {
      this.telling.step();
      this.note();
    }
  }

  note() {
    const { telling } = this;
    const { steps, error, change } = telling;
    this.course.add(steps, error, change ?? Number.NaN);
    if (error >= EXACT) this.exactSince = undefined;
    else this.exactSince ??= steps;
  }

  get settled() {
    return this.telling.change < this.facts.settled;
  }

  frame(milliseconds) {
    const speed = this.model.get("speed");
    this.settling = false;
    const due = this.pace.due(speed, milliseconds);
    if (due > 0) {
      this.pace.spend(due, (count) => this.advance(count));
      this.coming = undefined;
      this.draw();
    }
    const seenOnTheirWay = speed <= SLOW && !this.still.matches;
    if (seenOnTheirWay) {
      this.coming ??= this.telling.coming;
      this.sketch.pass(this.coming, 0.08 + 0.84 * Math.min(this.pace.owed, 1));
    }
    if (this.rate.add(1) || (due > 0 && speed <= SLOW)) this.readOut();
  }

  draw() {
    const { telling } = this;
    const means = telling.part.means.data;
    this.sketch.set(means, this.told());
    this.sketch.pass(telling.come);
    this.bars.set(means, { exact: telling.part.exact.data });
    this.point();
    this.course.draw();
  }

  // Name the largest error above its bar: as long as it is small, it is not seen.
  point() {
    const { telling, worst, leader } = this;
    const { error, wrongest, part } = telling;
    const { x, y } = this.bars.chart;
    const [place, top] = [x.to(wrongest), y.to(1) - 3];
    const end = y.to(Math.max(part.means.data[wrongest], part.exact.data[wrongest], 0)) - 2;
    const wrong = error >= EXACT;
    worst.textContent = wrong ? `off by ${short(error, 2)}` : "";
    worst.setAttribute("x", Math.min(Math.max(place, x.to(x.low) + WORDS), x.to(x.high) - WORDS));
    worst.setAttribute("y", top - 2);
    leader.setAttribute("d", wrong ? `M${place} ${top}V${Math.max(end, top)}` : "");
  }

  // Hand the numbers to Python, and say on the page how it stands.
  readOut() {
    const { model, write, telling, shape } = this;
    const { steps, error, edgeError, change, log, exactLog } = telling;
    write.steps(String(steps));
    write["largest error of m"](scientific(error));
    write["largest error, pairs"](edgeError === undefined ? "\u2013" : scientific(edgeError));
    write["largest error, pairs"].row.hidden = edgeError === undefined;
    write["change in the step"](change === undefined ? "\u2013" : scientific(change));
    write["ln Z"](fixed(log, 4).trim());
    write["ln Z, exact"](fixed(exactLog, 4).trim());
    write.loops(String(shape.loops));
    const told = {
      ...{ steps, error, edge_error: edgeError ?? null, log_partition: log, exact_log_partition: exactLog },
      ...{ change: change ?? null, loops: shape.loops, converged: Number(this.settled) },
    };
    for (const [name, value] of Object.entries(told)) model.set(name, value);
    model.save_changes();
    panelWords(this);
  }

  // Each spin in words.
  told() {
    const { graph, telling } = this;
    return graph.places.map((_, i) => {
      const joined = graph.edges.flatMap(([a, b], k) => {
        if (a !== i && b !== i) return [];
        return [`${a === i ? b : a} by ${short(graph.couplings[k], 3)}`];
      });
      const field = graph.fields[i] ? `, field ${short(graph.fields[i], 3)}` : "";
      const mean = short(telling.part.means.data[i], 2);
      return `spin ${i}, mean ${mean}${field}, ${joined.length ? `joined to ${joined.join(", ")}` : "joined to none"}`;
    });
  }

  report() {
    this.coming = undefined;
    this.draw();
    this.readOut();
  }

  choose(i) {
    this.panel.say(
      i === undefined
        ? ""
        : `Spin ${i} is chosen. Press another one to join the two, or to cut their bond if there is one.`,
    );
  }

  chosenOne(action) {
    const { chosen } = this.sketch;
    if (chosen === undefined) this.panel.say("Choose a spin first: press it in the drawing.");
    else action(chosen);
  }

  // Change the graph by `change`, which makes it the reader's own, and say it.
  edit(change, words = "", chosen = undefined) {
    const { model, graph, panel } = this;
    const made = structuredClone(graph);
    change(made);
    keep(model, made);
    panel.set("graph", "own");
    model.save_changes();
    this.sketch.mark(chosen);
    if (words) panel.say(words);
  }

  // Join two spins that are not; the bond of two that are is cut.
  join(i, j) {
    const k = this.graph.edges.findIndex(([a, b]) => (a === i && b === j) || (a === j && b === i));
    if (k >= 0) {
      this.sever(k);
      return;
    }
    this.edit(({ edges, couplings }) => {
      edges.push([i, j]);
      couplings.push(1);
    }, `Spins ${i} and ${j} are joined, J = 1.`);
  }

  // The bond changes its sign, whatever it is.
  turn(k) {
    const [i, j] = this.graph.edges[k];
    const coupling = -this.graph.couplings[k];
    this.edit(
      ({ couplings }) => {
        couplings[k] = coupling;
      },
      `The bond of ${i} and ${j} now has J = ${short(coupling, 4)}.`,
    );
  }

  sever(k) {
    const [i, j] = this.graph.edges[k];
    this.edit(({ edges, couplings }) => {
      edges.splice(k, 1);
      couplings.splice(k, 1);
    }, `The bond of ${i} and ${j} is cut.`);
  }

  grow(place, from) {
    const { places } = this.graph;
    const { most, apart } = this.facts;
    if (places.length === most) {
      this.panel.say(`${counted(most, "spin")} are the most.`);
      return;
    }
    if (places.some(([u, v]) => Math.hypot(u - place[0], v - place[1]) < apart)) {
      this.panel.say("There is no room so near to another spin.");
      return;
    }
    const n = places.length;
    this.edit(
      (graph) => {
        graph.places.push(place);
        graph.fields.push(0);
        if (from === undefined) return;
        graph.edges.push([from, n]);
        graph.couplings.push(1);
      },
      from === undefined
        ? `Spin ${n} is new, and joined to none.`
        : `Spin ${n} is new, and joined to ${from}.`,
    );
  }

  // A place that is far from all spins.
  gap() {
    const { places } = this.graph;
    const grid = Array.from({ length: 81 }, (_, k) => [(k % 9) / 8, Math.floor(k / 9) / 8]);
    const room = ([u, v]) => Math.min(...places.map(([x, y]) => Math.hypot(u - x, v - y)));
    return grid.reduce((best, place) => (room(place) > room(best) ? place : best));
  }

  remove(i) {
    if (this.graph.places.length === 1) {
      this.panel.say("The last spin stays.");
      return;
    }
    this.edit((graph) => {
      const kept = graph.edges.map(([a, b]) => a !== i && b !== i);
      const moved = (j) => (j > i ? j - 1 : j);
      graph.couplings = graph.couplings.filter((_, k) => kept[k]);
      graph.edges = graph.edges.filter((_, k) => kept[k]).map(([a, b]) => [moved(a), moved(b)]);
      graph.places.splice(i, 1);
      graph.fields.splice(i, 1);
    }, `Spin ${i} is gone; those behind it have moved up by one.`);
  }

  turnField(i) {
    const field = this.graph.fields[i];
    this.push(i, field > 0 ? -field : field < 0 ? 0 : HALF);
  }

  push(i, field) {
    this.edit(
      ({ fields }) => {
        fields[i] = field;
      },
      `The field of spin ${i} is ${short(field, 4)}.`,
      this.sketch.chosen,
    );
  }

  close() {
    const { ends } = this.shape;
    if (!ends) this.panel.say("All spins that could be are joined.");
    else this.join(...ends);
  }

  cut() {
    const k = this.shape.cuttable;
    if (k < 0) {
      this.panel.say("There is no loop to cut: it is a tree.");
      return;
    }
    this.sever(k);
  }
}

// What the figure shows, in words.
function panelWords(figure) {
  const { panel, graph, telling, shape, model } = figure;
  const { steps } = telling;
  const means = graph.places.map((_, i) => {
    const [mean, exact] = [telling.part.means.data[i], telling.part.exact.data[i]];
    return `spin ${i}: ${short(mean, 2)}, exact ${short(exact, 2)}`;
  });
  const long =
    `${counted(shape.n, "spin")} with ${counted(graph.edges.length, "bond")} and ${counted(shape.loops, "loop")} at ` +
    `beta ${short(model.get("beta"), 3)}, ${METHODS[telling.method]}, after ${counted(steps, "step")}. ` +
    `The means are: ${means.join("; ")}. ln Z is ${fixed(telling.log, 3).trim()}, and ` +
    `${fixed(telling.exactLog, 3).trim()} exactly. The largest error of a mean is ${scientific(telling.error)}, ` +
    `that of spin ${telling.wrongest}.`;
  panel.description.set(model.get("running") ? underWay(figure) : standing(figure), long);
}

// While time passes, a sentence is heard only when another kind of state begins.
function underWay(figure) {
  const { telling, shape, exactSince, settled } = figure;
  if (settled || (exactSince !== undefined && shape.loops === 0)) return standing(figure);
  if (!telling.passing) return "Spins tell their neighbours their means.";
  if (shape.loops === 0) return "Messages travel: each step brings news from one bond farther away.";
  return `Messages travel, and meet themselves again round ${counted(shape.loops, "loop")}.`;
}

function standing(figure) {
  const { telling, shape, exactSince, settled, graph, facts } = figure;
  const { steps, error, passing, method, change } = telling;
  const off = `off by ${short(error, 2)}`;
  const loops = `with ${counted(shape.loops, "loop")}`;
  const after = `after ${counted(steps, "step")}`;
  if (graph.edges.length === 0) return "No spin is joined to another one, and each is exact by itself.";
  if (exactSince === 0 && (steps === 0 || shape.loops === 0) && telling.first === 0)
    return "Without a field all means are 0, which is exact. Turn a field, or start from messages up.";
  if (steps === 0) return `Nothing has been passed on yet: ${off}. Press Step, or Start.`;
  if (!passing) {
    const name = method === "tap" ? "TAP" : "Naive mean field";
    if (settled) return `${name} has settled ${after}: ${error < EXACT ? "the means are exact" : off}.`;
    if (steps >= facts.patience) return `${name} ${unsettled(figure)}`;
    return `${name}, ${after}: ${off}, and the last step changed ${short(change, 2)}.`;
  }
  if (shape.loops === 0) {
    if (exactSince === undefined)
      return (
        `News from ${counted(steps, "bond")} away has come: ${off}. ` +
        `The longest path has ${counted(shape.longest, "bond")}.`
      );
    return `Exact after ${counted(exactSince, "step")}: the longest path has ${counted(shape.longest, "bond")}.`;
  }
  if (!settled && steps >= facts.patience) return `Belief propagation ${unsettled(figure)}`;
  if (!settled)
    return `Not settled ${after}, ${loops}: ${off}, and the last step changed ${short(change, 2)}.`;
  if (error < EXACT)
    return `Settled, ${loops}. The means are exact, but pairs on a bond are off by ${short(telling.edgeError, 2)}.`;
  const right =
    shape.calm.some(Boolean) && shape.calm.every((calm, i) => !calm || telling.errorOf(i) < EXACT);
  return `Settled ${after}, ${loops}: ${off}${right ? ", and exact where there is no loop" : ""}.`;
}

// What is said of a method that has not come to rest for as long as there is patience.
function unsettled(figure) {
  const { telling, facts } = figure;
  const { steps, error, change } = telling;
  const state =
    `After ${counted(steps, "step")} it is off by ${short(error, 2)}, and the last one changed ` +
    `${short(change, 2)}.`;
  if (change < NEARLY) return `has nearly settled. ${state} Press Settle again.`;
  const damping = telling.calming(facts.settled, facts.patience);
  if (damping === undefined) return `does not settle. ${state} Damping up to ${DAMPED.at(-1)} does not help.`;
  return `does not settle. ${state} With damping ${damping} it does.`;
}

// The graph that a model shows.
function graphOf(model) {
  const name = model.get("graph");
  const own = model.get("_own");
  const listed =
    name === "own" && own?.byteLength
      ? JSON.parse(new TextDecoder().decode(bytes(own)))
      : model.get("_graphs")[name];
  const [places, edges, couplings, fields] = structuredClone(listed);
  return { places, edges, couplings, fields };
}

function keep(model, { places, edges, couplings, fields }) {
  const text = JSON.stringify([places, edges, couplings, fields]);
  model.set("_own", new DataView(new TextEncoder().encode(text).buffer));
}

// In a link the reader's own graph is a list of spins, place and field, and one of edges, two spins and J.
const ALONG = {
  link(model) {
    if (model.get("graph") !== "own") return [];
    const { places, edges, couplings, fields } = graphOf(model);
    const spins = places.map(([u, v], i) =>
      [Math.round(1000 * u), Math.round(1000 * v), fields[i]].join("~"),
    );
    return [
      ["spins", spins.join("_")],
      ["edges", edges.map(([i, j], k) => [i, j, couplings[k]].join("~")).join("_")],
    ];
  },

  take: {
    spins(text, model) {
      const { most, strongest, apart } = model.get("_facts");
      const rows = numbers(text);
      const places = rows.map(([u, v]) => [u / 1000, v / 1000]);
      const within = (share) => share >= 0 && share <= 1;
      const apartFrom = (i) =>
        places.every(([u, v], j) => j >= i || Math.hypot(u - places[i][0], v - places[i][1]) >= apart);
      const good =
        rows.length <= most &&
        rows.every(
          (row, i) =>
            row.length === 3 && places[i].every(within) && Math.abs(row[2]) <= strongest && apartFrom(i),
        );
      if (!rows.length || !good) return `There are no spins in spins=${text.slice(0, 40)}.`;
      keep(model, { places, edges: [], couplings: [], fields: rows.map(([, , field]) => field) });
      model.set("graph", "own");
      return undefined;
    },
    edges(text, model) {
      if (text === "") return undefined;
      const { strongest } = model.get("_facts");
      const graph = graphOf(model);
      const rows = numbers(text);
      const names = rows.map(([i, j]) => [Math.min(i, j), Math.max(i, j)].join());
      const spin = (i) => Number.isInteger(i) && i >= 0 && i < graph.places.length;
      const good =
        rows.length > 0 &&
        rows.every(
          (row) =>
            row.length === 3 &&
            spin(row[0]) &&
            spin(row[1]) &&
            row[0] !== row[1] &&
            row[2] !== 0 &&
            Math.abs(row[2]) <= strongest,
        );
      if (!good || new Set(names).size < names.length || model.get("graph") !== "own")
        return `There are no edges in edges=${text.slice(0, 40)}.`;
      keep(model, { ...graph, edges: rows.map(([i, j]) => [i, j]), couplings: rows.map(([, , J]) => J) });
      return undefined;
    },
  },

  python(settings, model) {
    if (model.get("graph") !== "own") return settings;
    const { edges, couplings, fields, places } = graphOf(model);
    return [
      ...Object.entries({ edges, couplings, fields, places }),
      ...settings.filter(([name]) => name !== "graph"),
    ];
  },
};

// Rows of numbers from a link; a row with something else in it is empty.
function numbers(text) {
  return text.split("_").map((row) => {
    const parts = row.split("~").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    return parts.every(Number.isFinite) ? parts : [];
  });
}

export default lab((parts) => new MessageLab(parts), ALONG);
