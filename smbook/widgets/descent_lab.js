// The live descent: optimizers on a landscape, their losses, and how near they are to the edge of stability.

import { Chart, legend, scientific, short, ticks } from "./runtime/chart.js";
import { contour } from "./runtime/contours.js";
import { capital, drawing, element, fixed } from "./runtime/dom.js";
import { Handle } from "./runtime/handle.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Later } from "./runtime/later.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { palette, shade } from "./runtime/palette.js";
import { watchTheme } from "./runtime/theme.js";
import { Trail } from "./runtime/trail.js";

const GRID = 96; // cells along a side of the picture
const ROOM = 64; // steps in one call of the kernel
const LEVELS = [0.1, 0.5, 2, 8, 32, 128]; // of the contours
const SHADES = [0.03, 300]; // losses with the first and the last colour
const POINTS = 400; // of the record
const FIRST = 60; // steps that the charts show at the beginning
const FLOOR = -16; // log10 of the least loss that is drawn
const OUT = 100; // a number beyond which nothing is drawn
const HIGH = 2.4; // end of the axis of relative rates
const CURVE = 120; // points of a branch of minima
const REST = 1e-6; // a gradient, or a distance from an orbit, that counts as none
const LANDSCAPES = { product: "product (1 \u2212 xy)\u00b2/2", bowl: "bowl", "double-well": "double well" };
const KINDS = Object.keys(LANDSCAPES);
const MINIMA = { product: [], bowl: [[0, 0]], "double-well": [-2, 2].map((x) => [x, 0]) };
const OPTIMIZERS = [
  { key: "gradient-descent", name: "gradient descent", line: "measured", dot: "now" },
  { key: "heavy-ball", name: "heavy ball", line: "heavy", dot: "theory" },
  { key: "adam", name: "Adam", line: "adam", dot: "adam" },
];
const SIGNS = [
  ["dot start", "start: drag it, or click"],
  ["line measured", "gradient descent"],
  ["line heavy", "heavy ball"],
  ["line adam", "Adam"],
  ["diamond flow", "where gradient flow from the start ends"],
  ["line average", "minima flat enough for gradient descent at this rate"],
  ["line lost", "minima too sharp for it"],
  ["diamond apart", "orbit of period two"],
  ["line contour", `losses ${LEVELS.join(", ")}`],
  ["dot apart", "minimum; hollow where it is too sharp"],
  ["line guide", "mean loss by theory"],
];
const MOVES = {
  ArrowLeft: [-0.05, 0],
  ArrowRight: [0.05, 0],
  ArrowDown: [0, -0.05],
  ArrowUp: [0, 0.05],
  PageDown: [0, -0.5],
  PageUp: [0, 0.5],
  Home: [-0.5, 0],
  End: [0.5, 0],
};
const QUIET = { momentum: 0.9, temperature: 0, condition: 10 };
const PRESETS = [
  ["Flat enough", { landscape: "product", rate: 0.2, start_x: 2, start_y: 0.2 }],
  ["Edge of stability", { landscape: "product", rate: 0.2, start_x: 3.5, start_y: 0.1 }],
  ["Period two", { landscape: "product", rate: 1.1, start_x: 1.6, start_y: 0.5 }],
  ["Runs away", { landscape: "product", rate: 0.5, start_x: 3, start_y: 0.1 }],
  [
    "Narrow bowl",
    { landscape: "bowl", rate: 0.035, start_x: 3.5, start_y: -1, condition: 50, optimizers: "all" },
  ],
  [
    "On the ridge",
    { landscape: "double-well", rate: 0.1, start_x: 0, start_y: 3, optimizers: "all", temperature: 0 },
  ],
  ["Ridge with noise", { landscape: "double-well", rate: 0.1, start_x: 0, start_y: 3, temperature: 0.1 }],
];

// All three optimizers on their kernels, and what theory says of them.
class Race {
  constructor(module, [low, high]) {
    this.kernels = new Kernels(module, 8 * GRID ** 2 + 96 * (ROOM + 8) + 2048);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    Object.assign(this, { low, high, states: real(3, 8), record: real(ROOM, 3, 4), pair: real(2) });
    Object.assign(this, { noise: real(2), row: real(3, 4), losses: real(GRID, GRID) });
    this.random = this.kernels.array("uint64", 4);
  }

  obey({ landscape, condition, rate, momentum, temperature }) {
    const place = [KINDS.indexOf(landscape), condition];
    Object.assign(this, { place, rate, momentum, temperature });
    this.setting = [...place, rate, momentum];
  }

  begin({ start_x, start_y, seed }) {
    const { run } = this.kernels;
    run.begin_descent(start_x, start_y, this.states);
    run.split_mix(this.random, seed);
    this.steps = 0;
    return this.look();
  }

  // Where all are now, by the settings now.
  look() {
    this.kernels.run.note_descent(...this.setting, this.states, this.row);
    return this.told(this.row.data, 0);
  }

  // x, y, loss and relative rate of all three in a record, from one of its entries on.
  told(data, first) {
    return OPTIMIZERS.map((_, k) => {
      const [x, y, loss, relative] = data.subarray(first + 4 * k, first + 4 * k + 4);
      return { x, y, loss, relative };
    });
  }

  advance(steps, tell) {
    const { kernels, setting, temperature, states, random, noise } = this;
    for (let left = steps; left > 0; left -= ROOM) {
      const count = Math.min(left, ROOM);
      const record = kernels.part(this.record, count, 3, 4);
      kernels.run.descend(...setting, temperature, states, random, noise, record);
      for (let i = 0; i < count; i += 1) {
        this.steps += 1;
        tell(this.told(record.data, 12 * i));
      }
    }
  }

  fill() {
    this.kernels.run.fill_losses(...this.place, this.low, this.high, this.losses);
    return this.losses.data;
  }

  pairOf(kernel, ...given) {
    this.kernels.run[kernel](...given, this.pair);
    return [...this.pair.data];
  }

  // Both eigenvalues of the Hessian.
  curvatures(x, y) {
    return this.pairOf("curvatures", ...this.place, x, y);
  }

  flowEnd(x, y) {
    return this.pairOf("flow_end", this.place[0], x, y);
  }

  get orbit() {
    return this.place[0] === 0 ? this.pairOf("period_two", this.rate) : [NaN, NaN];
  }

  // From which x to which x > 0 minima of the product hold gradient descent.
  get held() {
    return this.pairOf("stable_minima", this.rate);
  }

  expected(k) {
    return this.kernels.run.mean_loss(k, ...this.setting, this.temperature);
  }
}

// The landscape from above, with the paths; pointer and keys move the start.
class Picture {
  constructor(panel, [low, high], onStart) {
    Object.assign(this, { panel, low, high });
    const ends = [low, high];
    this.chart = new Chart({
      ...{ x: ends, y: ends, xLabel: "x", yLabel: "y", left: 40, height: 386 },
      describe:
        "The landscape from above, with lines of equal loss, its minima, and the paths of optimizers.",
    });
    this.chart.svg.setAttribute("role", "group");
    const words = "The loss as shades, dark where it is low.";
    this.canvas = element("canvas", { width: GRID, height: GRID, role: "img", "aria-label": words });
    this.image = new ImageData(GRID, GRID);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.node = element("div", { class: "lab-sheet lab-landscape" }, this.canvas, this.chart.svg);
    this.contours = this.chart.line("contour");
    this.lost = this.chart.line("lost");
    this.held = this.chart.line("average");
    this.trails = OPTIMIZERS.map(({ line }) => new Trail(this.chart, line, 2000));
    this.minima = [0, 1].map(() => this.chart.dot("apart", 4));
    this.flow = this.chart.diamond("flow");
    this.orbit = [0, 1].map(() => this.chart.diamond("apart"));
    this.heads = OPTIMIZERS.map(({ dot }) => this.chart.dot(dot, 5));
    this.chart.lay(this.canvas);
    this.furnish(onStart);
    watchTheme(panel, () => this.recolour());
  }

  furnish(onMove) {
    this.handle = new Handle(this.chart, {
      name: "Start: x and y where all begin; arrow keys move it",
      ends: [this.low, this.high],
      sign: drawing("circle", { class: "lab-dot start", r: 6.5 }),
      moves: () => MOVES,
      onMove,
    });
  }

  // Draw the landscape anew.
  survey(losses) {
    this.losses = losses;
    const { x, y } = this.chart;
    const place = (k) => this.low + ((k + 0.5) * (this.high - this.low)) / GRID;
    const logs = Array.from(losses, (loss) => Math.log(loss + 1e-9));
    const pieces = LEVELS.flatMap((level) => contour(logs, GRID, GRID, Math.log(level)));
    const point = (u, v) => `${x.to(place(u)).toFixed(1)} ${y.to(place(v)).toFixed(1)}`;
    this.contours.node.setAttribute(
      "d",
      pieces.map(([a, b, c, d]) => `M${point(a, b)}L${point(c, d)}`).join(""),
    );
    this.recolour();
  }

  recolour() {
    if (!this.losses) return;
    const tones = palette(this.panel.el, "--lab-sequential");
    const upside = Float64Array.from(this.losses, (_, i) => {
      const row = GRID - 1 - Math.floor(i / GRID);
      return Math.log(this.losses[row * GRID + (i % GRID)] + 1e-9);
    });
    shade(this.pixels, upside, tones, ...SHADES.map(Math.log));
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  // Minima that hold gradient descent, and those that do not: a curve of the product, or points.
  mark(kind, [least, most], orbit, holds) {
    const product = kind === "product";
    const curve = (from, to) => (from < to ? branches(from, to) : [[], []]);
    const [first, last] = Number.isFinite(least) ? [least, most] : [1, 1];
    const [one, other] = [curve(1 / this.high, first), curve(last, this.high)];
    const ends = product ? [0, 1].map((i) => [...one[i], NaN, ...other[i]]) : [[], []];
    this.lost.set(...ends);
    const within = curve(Math.max(least, 1 / this.high), Math.min(most, this.high));
    this.held.set(...(product ? within : [[], []]));
    this.minima.forEach((dot, k) => {
      const [x, y] = MINIMA[kind][k] ?? [NaN, NaN];
      dot.move(x, y);
      dot.node.classList.toggle("lost", !holds);
    });
    const [high, low] = orbit;
    this.orbit[0].move(high, high);
    this.orbit[1].move(low, low);
  }

  put(x, y, [u, v]) {
    this.handle.put(x, y, x.toFixed(2), `x ${short(x, 3)}, y ${short(y, 3)}`);
    this.flow.move(u, v);
    for (const trail of this.trails) trail.clear();
  }

  add(entries) {
    for (const [k, { x, y }] of entries.entries())
      if (Number.isFinite(x + y)) this.trails[k].add(bounded(x), bounded(y));
  }

  draw(entries, seen) {
    for (const [k, { x, y }] of entries.entries()) {
      const drawn = seen[k];
      this.trails[k].line.node.style.display = drawn ? "" : "none";
      if (drawn) this.trails[k].draw();
      this.heads[k].move(drawn ? bounded(x) : NaN, drawn ? bounded(y) : NaN);
    }
  }
}

// Loss and relative rate against steps: means of as many steps as it takes.
class Course {
  constructor() {
    const form = { x: [0, FIRST], xLabel: "steps", left: 44, height: 190 };
    this.losses = new Chart({
      ...form,
      y: [-4, 2],
      yLabel: "log10 of the loss",
      describe: "Loss of the optimizers against steps, as a logarithm.",
    });
    this.rates = new Chart({
      ...form,
      y: [0, HIGH],
      yLabel: "relative rate (descent: sharpness \u00b7 \u03b7 / 2)",
      describe:
        "Learning rate over the largest one that the curvature bears, against steps, with a line at 1.",
    });
    this.levels = [0, 1].map(() => this.losses.line("guide"));
    this.edge = this.rates.line("zero");
    const lines = (chart) => OPTIMIZERS.map(({ line }) => chart.line(line));
    this.lines = [lines(this.losses), lines(this.rates)];
  }

  start(entries) {
    Object.assign(this, { stride: 1, count: 0, records: [[], []], sums: none(), steps: 0 });
    this.add(entries);
    this.steps = 0;
  }

  add(entries) {
    this.steps += 1;
    for (const [k, { loss, relative }] of entries.entries()) {
      this.sums[0][k] += loss;
      this.sums[1][k] += relative;
    }
    this.count += 1;
    if (this.count < this.stride) return;
    this.records.forEach((record, i) => {
      record.push(this.sums[i].map((sum) => sum / this.stride));
    });
    Object.assign(this, { count: 0, sums: none() });
    if (this.records[0].length > POINTS) this.widen();
  }

  widen() {
    this.stride *= 2;
    this.records = this.records.map((record) =>
      Array.from({ length: record.length >> 1 }, (_, i) =>
        record[2 * i].map((value, k) => (value + record[2 * i + 1][k]) / 2),
      ),
    );
  }

  draw(seen, expected) {
    const within = (value, low) => Math.min(Math.max(value, low), OUT);
    const logs = this.records[0].map((values) => values.map((loss) => within(Math.log10(loss), FLOOR)));
    const rates = this.records[1].map((values) => values.map((value) => within(value, 0)));
    this.fit(logs, seen);
    const times = logs.map((_, i) => (i + 0.5) * this.stride - 0.5);
    this.edge.set([0, this.end], [1, 1]);
    this.levels.forEach((line, k) => {
      const level = seen[k] ? Math.log10(expected[k]) : NaN;
      line.set([0, this.end], [level, level]);
    });
    for (const [i, record] of [logs, rates].entries())
      this.lines[i].forEach((line, k) => {
        line.set(
          times,
          record.map((values) => (seen[k] ? values[k] : NaN)),
        );
      });
  }

  fit(logs, seen) {
    let end = FIRST;
    while (end < this.steps) end *= 2;
    const values = logs.flatMap((entry) => entry.filter((log, k) => seen[k] && Number.isFinite(log)));
    const low = Math.max(4 * Math.floor(Math.min(...values, -3.9) / 4), FLOOR);
    const high = Math.min(2 * Math.ceil(Math.max(...values, 1.9) / 2), 8);
    if (end === this.end && low === this.low && high === this.high) return;
    Object.assign(this, { end, low, high });
    for (const chart of [this.losses, this.rates]) {
      chart.places = ticks(0, end, 4).map((time) => [time, short(time)]);
      chart.range([0, end], chart === this.losses ? [low, high] : [0, HIGH]);
    }
  }
}

class DescentLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    const ends = panel.limits.start_x;
    this.race = new Race(module, ends);
    this.picture = new Picture(panel, ends, (x, y) => this.move(x, y));
    this.course = new Course();
    this.signs = legend(SIGNS);
    const charts = [this.course.losses.svg, this.course.rates.svg];
    const second = element("div", { class: "lab-second lab-courses" }, ...charts);
    el.append(element("div", { class: "lab-figures" }, this.picture.node, second), this.signs);
    this.furnish();
    panel.main.append(el.querySelector(".lab-words"));
    panel.follow(["landscape", "condition", "rate", "momentum", "temperature"], () => this.obey());
    panel.follow(["landscape", "start_x", "start_y", "seed"], () => this.reset());
    panel.follow("optimizers", () => this.choose());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    for (const [name, settings] of PRESETS) panel.preset(name, () => this.go(settings));
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.slider("rate", {
      ...{ label: "Learning rate \u03b7", step: 0.001, digits: 4, logarithmic: true, where },
    });
    panel.slider("temperature", { label: "Temperature T", where });
    panel.menu("landscape", { label: "Landscape", names: LANDSCAPES });
    const names = Object.fromEntries(OPTIMIZERS.map(({ key, name }) => [key, capital(name)]));
    panel.menu("optimizers", { label: "Optimizers", names: { ...names, all: "all three" } });
    this.rows = {
      momentum: panel.slider("momentum", { label: "Momentum \u03b2" }),
      condition: panel.slider("condition", { label: "Condition number", step: 1, digits: 0 }),
    };
    panel.slider("speed", { label: "Steps a second", step: 0.5, digits: 1, logarithmic: true });
    panel.slider("start_x", { label: "Start x", where: rest });
    panel.slider("start_y", { label: "Start y", where: rest });
    this.rows.seed = panel.field("seed", { label: "Seed", where: rest });
    const told = ["numbers of", "steps", "x", "y", "loss", "sharpness", "2 / \u03b7", "relative rate"];
    this.write = panel.readouts([...told, "mean loss", "error of the mean", "mean loss by theory"]);
    panel.mount();
  }

  move(x, y) {
    const [low, high] = this.panel.limits.start_x;
    const within = (value) => Number(Math.min(Math.max(value, low), high).toFixed(2));
    this.panel.say("");
    this.panel.set("start_x", within(x));
    this.panel.set("start_y", within(y));
  }

  go(settings) {
    const all = { ...QUIET, optimizers: "gradient-descent", ...settings };
    for (const [name, value] of Object.entries(all)) this.panel.set(name, value);
    this.reset();
    this.panel.set("running", true);
  }

  // A setting of the steps has changed; paths go on.
  obey() {
    const { race, picture, rows } = this;
    const settings = this.panel.settings;
    const { landscape, condition, temperature, rate } = settings;
    race.obey(settings);
    const surveyed = `${landscape} ${landscape === "bowl" ? condition : ""}`;
    if (surveyed !== this.surveyed) picture.survey(race.fill());
    this.surveyed = surveyed;
    const [x, y] = MINIMA[landscape][0] ?? [1, 1];
    picture.mark(landscape, race.held, race.orbit, (rate * race.curvatures(x, y)[1]) / 2 < 1);
    rows.condition.toggleAttribute("hidden", landscape !== "bowl");
    rows.seed.toggleAttribute("hidden", temperature === 0);
    this.later = new Later(3);
    this.expected = [0, 1].map((k) => race.expected(k));
    const { children } = this.signs;
    const product = landscape === "product";
    const orbit = Number.isFinite(race.orbit[0]);
    children[5].toggleAttribute("hidden", !product || !(rate < 1));
    children[6].toggleAttribute("hidden", !product);
    children[7].toggleAttribute("hidden", !orbit);
    children[9].toggleAttribute("hidden", product);
    children[10].toggleAttribute("hidden", !this.expected.some((level) => level > 0));
    if (!this.now) return;
    this.now = race.look();
    this.past[0] = this.now;
    this.report();
  }

  reset() {
    const { race, picture, course } = this;
    const settings = this.panel.settings;
    this.now = race.begin(settings);
    this.past = [this.now];
    this.ended = OPTIMIZERS.map(() => undefined);
    const { start_x: x, start_y: y } = settings;
    picture.put(x, y, race.flowEnd(x, y));
    picture.add(this.now);
    course.start(this.now);
    this.later = new Later(3);
    this.pace.cost = this.pace.firstCost;
    this.report();
  }

  // Which optimizers are seen; the first of them is the one whose numbers are told.
  choose() {
    const chosen = this.model.get("optimizers");
    this.seen = OPTIMIZERS.map(({ key }) => chosen === "all" || chosen === key);
    this.lead = this.seen.indexOf(true);
    this.rows.momentum.toggleAttribute("hidden", chosen === "gradient-descent");
    this.seen.forEach((seen, k) => {
      this.signs.children[1 + k].toggleAttribute("hidden", !seen);
    });
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(steps) {
    this.race.advance(steps, (entries) => {
      this.now = entries;
      this.past = [entries, ...this.past.slice(0, 4)];
      this.picture.add(entries);
      this.course.add(entries);
      this.later.add(entries.map(({ loss }) => loss));
      for (const [k, { x }] of entries.entries()) if (Number.isNaN(x)) this.ended[k] ??= this.race.steps;
    });
  }

  frame(milliseconds) {
    const steps = this.pace.due(this.model.get("speed"), milliseconds);
    if (steps > 0) {
      this.pace.spend(steps, (count) => this.advance(count));
      this.draw();
    }
    if (this.rate.add(1)) this.readOut();
  }

  draw() {
    if (!this.seen) return;
    this.picture.draw(this.now, this.seen);
    this.course.draw(this.seen, this.expected);
  }

  report() {
    if (!this.seen) return;
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, race, lead } = this;
    const { x, y, loss, relative } = this.now[lead];
    const mean = this.later.mean(lead);
    const sharpness = race.curvatures(x, y)[1];
    const expected = this.expected[lead] ?? NaN;
    const tossed = race.temperature > 0 || Number.isFinite(race.orbit[0]);
    write["numbers of"](OPTIMIZERS[lead].name);
    write.steps(String(race.steps));
    for (const [name, value] of Object.entries({ x, y, sharpness }))
      write[name](Math.abs(value) < OUT ** 2 ? fixed(value, 4) : scientific(value));
    write.loss(scientific(loss));
    write["2 / \u03b7"](short(2 / race.rate, 5));
    write["relative rate"](fixed(relative, 3));
    write["mean loss"](mean ? scientific(mean.value) : "\u2013");
    write["error of the mean"](mean ? scientific(mean.error) : "\u2013");
    for (const name of ["mean loss", "error of the mean"]) write[name].row.toggleAttribute("hidden", !tossed);
    write["mean loss by theory"](scientific(expected));
    write["mean loss by theory"].row.toggleAttribute("hidden", !Number.isFinite(expected));
    const told = { steps: race.steps, x, y, loss, sharpness, relative_rate: relative };
    const means = { mean_loss: mean?.value, mean_loss_error: mean?.error, expected_loss: expected };
    for (const [name, value] of Object.entries({ ...told, ...means }))
      this.model.set(name, Number.isFinite(value) ? value : null);
    this.model.save_changes();
    this.describe();
  }

  describe() {
    const { race, now } = this;
    const { landscape, start_x: x, start_y: y } = this.panel.settings;
    const shown = OPTIMIZERS.map((_, k) => k).filter((k) => this.seen[k]);
    const fates = shown.map((k) => `${OPTIMIZERS[k].name} ${this.fate(k)}`);
    const places = shown.map((k) => {
      const { loss, relative } = now[k];
      const rate = Number.isFinite(relative) ? ` and a relative rate of ${short(relative, 3)}` : "";
      return Number.isFinite(loss)
        ? `${OPTIMIZERS[k].name} has a loss of ${short(loss, 3)}${rate}`
        : `${OPTIMIZERS[k].name} has run away`;
    });
    const end = race.flowEnd(x, y);
    const long =
      `Landscape: ${LANDSCAPES[landscape]}. Learning rate ${short(race.rate, 4)}, started at x ${short(x, 3)}, y ${short(y, 3)}. ` +
      `Gradient flow from there ends where the sharpness is ${short(race.curvatures(...end)[1], 3)}; ` +
      `gradient descent bears ${short(2 / race.rate, 3)}. After ${race.steps} steps ${places.join(", ")}.`;
    const sentence = race.steps === 0 ? "At the start, before the first step" : capital(fates.join("; "));
    this.panel.description.set(`${sentence}.`, long);
  }

  // What an optimizer does, in words.
  fate(k) {
    const { race, past } = this;
    const { x, y, relative } = this.now[k];
    if (Number.isNaN(x)) return `ran away by step ${this.ended[k]}`;
    if (race.temperature > 0) return "moves with the noise";
    const back = (i) => (past[i] ? Math.hypot(x - past[i][k].x, y - past[i][k].y) : Infinity);
    const [low, high] = race.curvatures(x, y);
    if (back(1) < REST * race.rate) {
      if (low < -REST) return "rests on the saddle";
      if (relative > 1) return "rests where any nudge would drive it away, as its rate is too large";
      return `${k === 2 ? "rests" : "has settled"}, at a sharpness of ${short(high, 3)}`;
    }
    if (back(2) < REST) return "jumps between two points";
    if (back(4) < REST) return "jumps between four points";
    if (Math.max(Math.abs(x), Math.abs(y)) > race.high) return "has left the picture";
    if (relative > 1) return "cannot settle here, as its rate is too large";
    return k === 0 ? "moves downhill" : "moves";
  }
}

// The curve x y = 1 from one x > 0 to another, and its mirror image.
function branches(from, to) {
  const xs = Array.from({ length: CURVE + 1 }, (_, k) => from * (to / from) ** (k / CURVE));
  const ys = xs.map((x) => 1 / x);
  const minus = (values) => values.map((value) => -value);
  return [
    [...xs, NaN, ...minus(xs)],
    [...ys, NaN, ...minus(ys)],
  ];
}

function none() {
  return [0, 1].map(() => OPTIMIZERS.map(() => 0));
}

function bounded(value) {
  return Math.min(Math.max(value, -OUT), OUT);
}

export default lab((parts) => new DescentLab(parts));
