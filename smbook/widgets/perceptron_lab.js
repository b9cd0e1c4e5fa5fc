// The live perceptron: points that the reader places, a line that learns to part them, and two layers where none can.

import { Chart, legend, scientific, short, ticks } from "./runtime/chart.js";
import { contour } from "./runtime/contours.js";
import { counted, drawing, element, fixed, furnish, unique } from "./runtime/dom.js";
import { bytes, Kernels, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { palette, shade } from "./runtime/palette.js";
import { watchTheme } from "./runtime/theme.js";

const EDGE = 2; // of the plane
const GRID = 1024; // places a unit of length
const FIRST = [
  { x: -1, y: 0, label: -1 },
  { x: 1, y: 0, label: 1 },
]; // own points before any have been placed
const CELLS = 72; // of the shaded plane, along each side
const ROOM = 64; // steps in one call of a kernel
const POINTS = 400; // of a record
const START = 30; // steps that the charts show at the beginning
const CURVE = 60; // points of a curve of a bound
const FAR = 12; // how much higher than the mistakes a bound may be and still be drawn to scale
const FEW = 8; // mistakes that a chart has room for at least
const STEEP = 1e6; // of a threshold
const LEAST = 1e-3; // of the largest margin, by which the one that is reached may be smaller
const SMALL = 1e-3; // loss that is told with a power of ten
const SLOW = 0.01; // share by which a loss falls while the steps double, if it hardly does
const [TANH, CROSS] = [1, 1]; // numbers of the kernels
const SHAKE = 3; // pixels that a point which is pressed may be moved, and stays where it is
const REACH = { mouse: 10, pen: 12, touch: 22 }; // pixels from a point that count as on it
const NEAR = 0.1; // of the cursor, in units of the plane
const STEP = 0.125; // of the cursor
const FINE = 0.03125; // with Shift
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const KEYED = ["PageUp", "PageDown", "Enter", " ", "Delete", "Backspace"];
const DATA = {
  "two-clouds": "two clouds",
  "narrow-gap": "narrow gap",
  xor: "XOR",
  ring: "disc in a ring",
  moons: "two moons",
  own: "my own points",
};
const KINDS = Object.keys(DATA);
const MODELS = { perceptron: "perceptron: one line", "two-layers": "two layers" };
const ALGORITHMS = { perceptron: "perceptron rule", adatron: "Adatron: largest margin" };
const BRUSHES = [
  ["1", "class +1 (disc)"],
  ["-1", "class \u22121 (square)"],
  ["0", "nothing: it removes"],
];
const KEYS =
  "Arrow keys move the cursor, with Shift by less. Enter places a point of the brush's class, or gives a point that class. " +
  "Space takes a point up and lets it go, Delete removes it, Page Up and Page Down go from point to point.";
const ONE = { model: "perceptron", algorithm: "perceptron", count: 24 };
const TWO = { model: "two-layers", rate: 0.5, seed: 1, sample: 2, count: 24 };
const PRESETS = [
  ["Two clouds", { ...ONE, data: "two-clouds", sample: 2, speed: 4 }],
  ["Narrow gap", { ...ONE, data: "narrow-gap", sample: 6, speed: 40 }],
  ["XOR, one line", { ...ONE, data: "xor", speed: 4 }],
  ["XOR, two hidden units", { ...TWO, data: "xor", hidden: 2, speed: 60 }],
  ["Ring, four hidden units", { ...TWO, data: "ring", hidden: 4, speed: 40 }],
];
// What the two charts beside the plane show.
const COURSES = {
  perceptron: [
    {
      x: "points shown",
      y: "mistakes so far",
      words: "Mistakes so far against points shown, below their bound.",
    },
    {
      x: "mistakes so far",
      y: "length of the weights, |w|",
      words: "Length of the weights against mistakes, between the two bounds of the proof.",
    },
  ],
  adatron: [
    {
      x: "points shown",
      y: "margin of the weights now",
      words: "Margin of the weights against points shown, and the largest.",
    },
    {
      x: "points shown",
      y: "length of the weights, |w|",
      words: "Length of the weights against points shown, and that of the largest margin.",
    },
  ],
  "two-layers": [
    {
      x: "steps",
      y: "mean loss, in nats",
      words: "Mean loss of the network against steps of gradient descent.",
    },
    { x: "steps", y: "share of errors", words: "Share of points that are answered wrong against steps." },
  ],
};
const SIGNS = [
  ["dot plus", "class +1"],
  ["square minus", "class \u22121"],
  ["dot ringed", "point shown; bold: a mistake, corrected"],
  ["line boundary", "where the answer changes its sign"],
  ["line theory", "largest margin, with its band"],
  ["line unit", "where a hidden unit answers 0"],
  ["line measured", "course of learning"],
  ["line guide", "bound (R/\u03ba)\u00b2"],
  ["line beyond", "\u221aM R, most"],
  ["line unstable", "M\u03ba, least"],
];

// The points, and what learns from them, on the kernels.
class School {
  constructor(module, apart) {
    this.kernels = new Kernels(module, 2 ** 19);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    const whole = (...shape) => this.kernels.array("int64", ...shape);
    this.pair = real(2);
    this.best = { weights: real(3), support: whole(3) };
    this.cells = real(CELLS ** 2, 2);
    this.kernels.run.fill_plane(this.cells);
    this.shades = real(CELLS ** 2);
    this.scale = { mistakes: real(CURVE), least: real(CURVE), most: real(CURVE) };
    this.losses = real(ROOM);
    this.turn = whole(1);
    this.apart = apart; // how far the seed of weights is from that of points
    this.ground = this.kernels.top;
  }

  // The points of a data set, as a page keeps its own.
  drawn({ data, count, sample }) {
    const { kernels } = this;
    kernels.top = this.ground;
    const n = data === "xor" ? FIRST.length * 2 : count;
    const [points, labels] = [kernels.array("float64", n, 2), kernels.array("int8", n)];
    const state = seeded(kernels, BigInt(sample));
    kernels.run.fill_points(KINDS.indexOf(data), state, this.pair, points, labels);
    return Array.from(labels.data, (label, k) => {
      return { x: points.data[2 * k], y: points.data[2 * k + 1], label };
    });
  }

  // Take points and begin anew; the arrays of the last run make room.
  begin(examples, { model, algorithm, hidden, rate, seed }) {
    const { kernels } = this;
    const { run } = kernels;
    kernels.top = this.ground;
    const n = examples.length;
    const real = (...shape) => kernels.zeros("float64", ...shape);
    const layers = model === "two-layers";
    const widths = kernels.array("int64", layers ? 3 : 2);
    (layers ? [2, hidden, 1] : [2, 1]).forEach((width, k) => {
      widths.data[k] = BigInt(width);
    });
    const units = layers ? hidden + 1 : 1;
    const size = layers ? 4 * hidden + 1 : 3;
    Object.assign(this, { n, layers, adatron: algorithm === "adatron", rate, hidden, widths, steps: 0 });
    Object.assign(this, { mistakes: 0, shown: undefined, corrected: false, weights: real(size) });
    Object.assign(this, {
      points: real(n, 2),
      inputs: real(n, 3),
      targets: real(n, 1),
      units: real(n, units),
    });
    Object.assign(this, { labels: kernels.array("int8", n), plane: real(CELLS ** 2, units) });
    examples.forEach(({ x, y, label }, k) => {
      this.points.data.set([x, y], 2 * k);
      this.inputs.data.set([x, y, 1], 3 * k);
      this.labels.data[k] = label;
      this.targets.data[k] = label;
    });
    this.state = seeded(kernels, BigInt(seed));
    for (let k = 0; k < this.apart; k += 1) run.split_mix(this.state, this.state.data[0]);
    if (layers) run.draw_layers(widths, this.state, this.pair, this.weights);
    this.strengths = real(n);
    const order = kernels.array("int64", n);
    for (let k = 0; k < n; k += 1) order.data[k] = BigInt(k);
    this.work = [real(size), order, this.state, real(n, units), real(units), real(size)];
    this.margin = run.largest_margin(this.inputs, this.labels, this.best.weights, this.best.support);
    this.radius = run.radius(this.inputs);
    this.bound = run.mistake_bound(this.radius, this.margin);
    this.look();
  }

  // What it answers to the points now, and what is told of its weights.
  look() {
    const { run } = this.kernels;
    run.multilayer_outputs(this.widths, TANH, this.weights, this.points, this.units);
    this.wrong = Number(run.count_wrong(this.units, this.labels));
    this.length = run.length(this.weights);
    this.loss = this.layers ? run.multilayer_loss(CROSS, this.targets, this.units) : NaN;
    this.stability = this.layers ? NaN : run.stability(this.inputs, this.labels, this.weights);
  }

  // The numbers that the charts draw: two against steps, or the second against the first.
  get entry() {
    const { steps, mistakes, stability, length, loss, wrong, n } = this;
    if (this.layers) return [steps, loss, wrong / n];
    return [steps, this.adatron ? stability : mistakes, length];
  }

  advance(steps, tell) {
    for (let left = steps; left > 0; left -= ROOM) {
      if (this.layers) this.descend(Math.min(left, ROOM), tell);
      else for (let k = Math.min(left, ROOM); k > 0; k -= 1) this.show(tell);
    }
  }

  // Show the unit the next point.
  show(tell) {
    const { run } = this.kernels;
    this.shown = this.steps % this.n;
    this.turn.data[0] = BigInt(this.shown);
    const given = [this.inputs, this.labels];
    if (this.adatron) {
      const before = this.strengths.data[this.shown];
      run.adatron_pass(...given, this.turn, 1, this.strengths, this.weights);
      this.corrected = this.strengths.data[this.shown] !== before;
    } else {
      this.corrected = run.perceptron_step(...given, this.shown, 0, this.weights) > 0;
      this.mistakes += Number(this.corrected);
    }
    this.steps += 1;
    this.look();
    tell(this.entry);
  }

  // Make so many steps of gradient descent; losses are noted before each.
  descend(count, tell) {
    const { widths, rate, n, points, targets, weights, work } = this;
    const losses = this.kernels.part(this.losses, count);
    const kind = [widths, TANH, CROSS, rate, 0, n];
    this.kernels.run.multilayer_descend(...kind, points, targets, weights, ...work, losses);
    for (let k = 1; k < count; k += 1) tell([this.steps + k, losses.data[k], this.wrong / n]);
    this.steps += count;
    this.look();
    tell(this.entry);
  }

  // Answers all over the plane, from -1 to 1, and what they are made of.
  survey() {
    const { run } = this.kernels;
    run.multilayer_outputs(this.widths, TANH, this.weights, this.cells, this.plane);
    run.answers(this.plane, this.layers ? 0.5 : STEEP, this.shades);
    const units = this.hidden + 1;
    return { shades: this.shades.data, outputs: this.plane.data.filter((_, k) => k % units === units - 1) };
  }

  // Whether each point is answered wrong.
  get misses() {
    const { n, units, labels } = this;
    const columns = units.data.length / n;
    return Array.from(labels.data, (label, k) => label * units.data[(k + 1) * columns - 1] <= 0);
  }

  // The bounds of |w| for mistakes up to a number.
  bounds(most) {
    const { mistakes, least, most: highest } = this.scale;
    mistakes.data.forEach((_, k, all) => {
      all[k] = (most * k ** 2) / (CURVE - 1) ** 2;
    });
    this.kernels.run.length_bounds(this.radius, this.margin, mistakes, least, highest);
    return [mistakes.data, least.data, highest.data];
  }
}

// The plane with its points, which pointer, finger and keys place, move and remove.
class Plane {
  constructor(panel, most, onChange) {
    Object.assign(this, { panel, most, onChange, points: [], cursor: { x: 0, y: 0 } });
    const ends = [-EDGE, EDGE];
    this.chart = new Chart({
      ...{ x: ends, y: ends, xLabel: "x", yLabel: "y", left: 40, height: 386 },
      describe: `The plane of points. ${KEYS}`,
    });
    const { svg } = this.chart;
    furnish(svg, { role: "application", tabindex: 0 }, []);
    const words = "What is answered in the plane, as shades: orange for +1, blue for \u22121.";
    this.canvas = element("canvas", { width: CELLS, height: CELLS, role: "img", "aria-label": words });
    this.image = new ImageData(CELLS, CELLS);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.node = element("div", { class: "lab-sheet lab-landscape lab-classes" }, this.canvas, svg);
    this.band = drawing("path", { class: "lab-region" });
    this.chart.inside.append(this.band);
    this.middle = this.chart.line("theory");
    this.units = this.chart.line("unit");
    this.boundary = this.chart.line("boundary");
    this.signs = drawing("g");
    this.crosses = [0, 1].map(() => drawing("path"));
    this.ring = drawing("circle", { class: "lab-dot ringed", r: 11, visibility: "hidden" });
    this.mark = drawing("path", {
      class: "lab-cursor",
      d: "M-14 0H-5M5 0H14M0-14V-5M0 5V14",
      visibility: "hidden",
    });
    const crosses = drawing("g", { class: "lab-cased" }, ...this.crosses);
    this.chart.dots.append(this.signs, crosses, this.ring, this.mark);
    this.chart.lay(this.canvas);
    this.listen(svg);
    watchTheme(panel, () => this.recolour());
  }

  listen(svg) {
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.drag(event));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("lostpointercapture", () => {
      this.held = undefined;
    });
    svg.addEventListener("click", (event) => this.tap(event));
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("focus", () => this.steer(svg.matches(":focus-visible")));
    svg.addEventListener("blur", () => this.steer(false));
  }

  // The menu of what a click does, as arguments of Panel.place after the label.
  brushes() {
    const options = BRUSHES.map(([value, name]) => element("option", { value }, name));
    this.menu = element("select", { autocomplete: "off", id: unique("brush") }, ...options);
    return [[this.menu], this.menu];
  }

  get brush() {
    return Number(this.menu.value);
  }

  put(points) {
    this.points = points;
    const shape = ({ x, y, label }) => {
      const [u, v] = this.onPaper(x, y);
      if (label > 0) return drawing("circle", { class: "lab-dot plus", cx: u, cy: v, r: 6 });
      return drawing("rect", { class: "lab-dot minus", x: u - 5.4, y: v - 5.4, width: 10.8, height: 10.8 });
    };
    this.signs.replaceChildren(...points.map(shape));
    [...this.signs.children].forEach((node) => {
      // So that a finger on it does not scroll: touch-action is not heeded on parts of a drawing.
      node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    });
  }

  onPaper(x, y) {
    return [this.chart.x.to(x), this.chart.y.to(y)].map((place) => Number(place.toFixed(1)));
  }

  // The number of the point nearest to a place, within a distance, and of two the upper one; undefined where there is none.
  nearest({ x, y }, distance) {
    const far = this.points.map((point) => Math.hypot(point.x - x, point.y - y));
    const k = far.lastIndexOf(Math.min(...far));
    return far[k] <= distance ? k : undefined;
  }

  under(event) {
    const box = this.chart.svg.getBoundingClientRect();
    const unit =
      ((this.chart.x.to(1) - this.chart.x.to(0)) * box.width) / this.chart.svg.viewBox.baseVal.width;
    return this.nearest(this.chart.at(event), (REACH[event.pointerType] ?? REACH.mouse) / unit);
  }

  // A point that is pressed is held, and is changed when it is let go unless it has been moved; elsewhere the mouse
  // places one. A finger scrolls there, and its tap is a click.
  press(event) {
    const k = this.under(event);
    this.tapped = event.pointerType === "touch" && k === undefined;
    if (event.button !== 0 || this.held || this.tapped) return;
    event.preventDefault();
    this.panel.say("");
    this.chart.svg.focus({ preventScroll: true });
    this.steer(false);
    const before = this.points.length;
    if (k === undefined) this.use(k, this.chart.at(event));
    if (k === undefined && this.points.length === before) return;
    this.chart.svg.setPointerCapture(event.pointerId);
    const { pointerId: pointer, clientX, clientY } = event;
    this.held = { pointer, from: [clientX, clientY], k: k ?? before, moved: k === undefined };
  }

  drag(event) {
    const { held } = this;
    if (held?.pointer !== event.pointerId || this.brush === 0) return;
    held.moved ||= Math.hypot(event.clientX - held.from[0], event.clientY - held.from[1]) > SHAKE;
    if (held.moved) this.move(held.k, this.chart.at(event));
  }

  release(event) {
    const { held } = this;
    if (held?.pointer !== event.pointerId) return;
    this.held = undefined;
    if (!held.moved && this.points[held.k]) this.use(held.k);
  }

  tap(event) {
    if (!this.tapped) return;
    this.panel.say("");
    this.use(undefined, this.chart.at(event));
  }

  // Do with a point, or at a place where none is, what the brush does.
  use(k, place) {
    const { brush } = this;
    if (k === undefined) {
      if (brush === 0) this.panel.say("There is no point to remove.");
      else this.add(place, brush);
    } else if (brush === 0) this.remove(k);
    else if (this.points[k].label !== brush)
      this.change(this.points.with(k, { ...this.points[k], label: brush }));
  }

  add(place, label) {
    if (this.points.length >= this.most) this.panel.say(`There is room for ${this.most} points.`);
    else this.change([...this.points, { ...onGrid(place), label }]);
  }

  move(k, place) {
    if (!this.points[k]) return;
    const moved = { ...this.points[k], ...onGrid(place) };
    if (moved.x !== this.points[k].x || moved.y !== this.points[k].y) this.change(this.points.with(k, moved));
  }

  remove(k) {
    this.carried = undefined;
    if (this.points.length === 1) this.panel.say("One point at least must stay.");
    else this.change(this.points.toSpliced(k, 1));
  }

  change(points) {
    this.put(points);
    this.onChange(points);
  }

  // Whether the cursor is led by keys, and seen.
  steer(yes) {
    if (!yes) this.carried = undefined;
    const [u, v] = this.onPaper(this.cursor.x, this.cursor.y);
    this.mark.setAttribute("transform", `translate(${u} ${v})`);
    this.mark.setAttribute("visibility", yes ? "visible" : "hidden");
  }

  key(event) {
    const known = event.key in MOVES || KEYED.includes(event.key);
    if (!known || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.panel.say("");
    const at = this.carried ?? this.nearest(this.cursor, NEAR);
    if (event.key in MOVES) this.lead(MOVES[event.key], event.shiftKey ? FINE : STEP);
    else if (event.key === "PageUp" || event.key === "PageDown") this.visit(event.key === "PageUp" ? -1 : 1);
    else if (event.key === "Enter") this.use(at, this.cursor);
    else if (event.key === " ") this.carried = this.carried === undefined ? at : undefined;
    else if (at !== undefined) this.remove(at);
    this.steer(true);
    if (this.panel.status.textContent === "") this.tell();
  }

  lead([right, up], step) {
    this.cursor = onGrid({ x: this.cursor.x + step * right, y: this.cursor.y + step * up });
    if (this.carried !== undefined) this.move(this.carried, this.cursor);
  }

  // Go to the next point, or to the one before.
  visit(turn) {
    const count = this.points.length;
    this.visited = ((this.visited ?? (turn > 0 ? -1 : 0)) + turn + count) % count;
    const { x, y } = this.points[this.visited];
    Object.assign(this, { cursor: { x, y }, carried: undefined });
  }

  // Say where the cursor is, and what is there.
  tell() {
    const { x, y } = this.cursor;
    const k = this.carried ?? this.nearest(this.cursor, NEAR);
    const sign = (label) => (label > 0 ? "+1" : "\u22121");
    const what =
      k === undefined
        ? "no point"
        : `point ${k + 1} of ${this.points.length}, class ${sign(this.points[k].label)}`;
    const carried = this.carried === undefined ? "" : ", taken up";
    this.panel.say(`Cursor at x ${short(x, 3)}, y ${short(y, 3)}: ${what}${carried}.`);
  }

  recolour() {
    if (!this.surveyed) return;
    const { shades, soft } = this.surveyed;
    shade(this.pixels, shades, palette(this.panel.el, "--lab-diverging"), -soft, soft);
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  draw(school) {
    const { layers, weights, margin, best, hidden } = school;
    const { shades, outputs } = school.survey();
    this.surveyed = { shades, soft: layers ? 1.5 : 2 };
    this.recolour();
    if (layers) this.encircle(outputs);
    else this.boundary.node.setAttribute("d", this.path(weights.data));
    const lines = Array.from({ length: layers ? hidden : 0 }, (_, i) => [
      ...weights.data.subarray(2 * i, 2 * i + 2),
      weights.data[2 * hidden + i],
    ]);
    this.units.node.setAttribute("d", lines.map((line) => this.path(line)).join(""));
    this.frame(layers ? 0 : margin, best.weights.data);
    const { misses } = school;
    const wrong = school.steps > 0 ? this.points.filter((_, k) => misses[k]) : [];
    const cross = ({ x, y }) => `M${this.onPaper(x, y).join(" ")}m-4.5-4.5l9 9m0-9l-9 9`;
    for (const path of this.crosses) path.setAttribute("d", wrong.map(cross).join(""));
    const shown = layers ? undefined : this.points[school.shown];
    this.ring.setAttribute("visibility", shown ? "visible" : "hidden");
    this.ring.classList.toggle("bold", school.corrected);
    if (!shown) return;
    const [cx, cy] = this.onPaper(shown.x, shown.y);
    furnish(this.ring, { cx, cy }, []);
  }

  // Where u x + v y + b is a number, as far as the plane goes and farther.
  ends([u, v, b], level = 0) {
    const square = u * u + v * v;
    const length = Math.sqrt(square);
    const [x, y] = [((level - b) * u) / square, ((level - b) * v) / square];
    return [-9, 9].map((s) => [x - (s * v) / length, y + (s * u) / length]);
  }

  path(line) {
    const [[x, y], [u, v]] = this.ends(line);
    return this.chart.path([x, u], [y, v]);
  }

  // The line of the largest margin, and its band.
  frame(margin, best) {
    const seen = margin > 0;
    this.middle.node.setAttribute("d", seen ? this.path(best) : "");
    const [low, high] = seen ? [-margin, margin].map((level) => this.ends(best, level)) : [[], []];
    const corners = [...low, ...high.toReversed()];
    const path = this.chart.path(
      corners.map(([x]) => x),
      corners.map(([, y]) => y),
    );
    this.band.setAttribute("d", path && `${path}Z`);
  }

  // The line on which a network answers 0.
  encircle(outputs) {
    const place = (k) => ((2 * k + 1) / CELLS - 1) * EDGE;
    const point = (u, v) => this.onPaper(place(u), -place(v)).join(" ");
    const pieces = contour(outputs, CELLS, CELLS, 0);
    this.boundary.node.setAttribute(
      "d",
      pieces.map(([a, b, c, d]) => `M${point(a, b)}L${point(c, d)}`).join(""),
    );
  }
}

// Two charts of how it went.
class Course {
  constructor() {
    const chart = ({ x, y, words }) =>
      new Chart({ x: [0, START], y: [0, 1], xLabel: x, yLabel: y, describe: words, left: 48, height: 190 });
    this.charts = COURSES.perceptron.map(chart);
    this.guides = this.charts.map((one) => one.line("guide"));
    this.most = this.charts[1].line("beyond");
    this.least = this.charts[1].line("unstable");
    this.lines = this.charts.map((one) => one.line("measured"));
    this.dots = this.charts.map((one) => one.dot("measured"));
    this.note = drawing("text", { class: "lab-note", "text-anchor": "end", x: 346 });
    this.charts[0].svg.append(this.note);
  }

  start(kind, entry) {
    Object.assign(this, { kind, record: [entry], latest: entry, stride: 1, fitted: undefined });
    this.charts.forEach((chart, k) => {
      const { x, y, words } = COURSES[kind][k];
      chart.labels = { xLabel: x, yLabel: y };
      chart.svg.setAttribute("aria-label", words);
    });
  }

  add(entry) {
    this.latest = entry;
    if (entry[0] - this.record.at(-1)[0] < this.stride) return;
    this.record.push(entry);
    if (this.record.length < POINTS) return;
    this.stride *= 2;
    this.record = this.record.filter((_, k) => k % 2 === 0);
  }

  draw(school) {
    const { kind } = this;
    const all = [...this.record, this.latest];
    const [steps, first, second] = [0, 1, 2].map((i) => all.map((entry) => entry[i]));
    const across = kind === "perceptron" ? [steps, first] : [steps, steps];
    const levels = this.levels(school);
    const ends = across.map((values, k) =>
      grown(values.at(-1), kind === "perceptron" && k === 1 ? FEW : START),
    );
    this.fit(ends, [first, second], levels, school);
    const values =
      kind === "two-layers" ? [first, second] : [first.map((v) => Math.max(v, this.low)), second];
    this.lines.forEach((line, k) => {
      line.set(...(kind === "perceptron" && k === 0 ? stairs(steps, first) : [across[k], values[k]]));
      this.dots[k].move(across[k].at(-1), values[k].at(-1));
      const drawn = levels[k] <= this.tops[k];
      this.guides[k].set([0, ends[k]], drawn ? [levels[k], levels[k]] : [NaN, NaN]);
    });
    this.bind(school, ends[1]);
    this.write(levels[0]);
  }

  // Lines across both charts: what is never exceeded, or what is neared.
  levels({ bound, margin }) {
    if (this.kind === "two-layers" || !(margin > 0)) return [NaN, NaN];
    return this.kind === "perceptron" ? [bound, NaN] : [margin, 1 / margin];
  }

  // The two bounds of the length of the weights, of which one fails where there is no margin.
  bind(school, end) {
    const seen = this.kind === "perceptron";
    const [mistakes, least, most] = seen ? school.bounds(end) : [[], [], []];
    this.most.set(mistakes, most);
    this.least.set(...(school.margin > 0 ? [mistakes, least] : [[], []]));
  }

  fit(ends, columns, levels, { margin, radius }) {
    const tops = columns.map((values, k) => {
      const highest = Math.max(...values.filter(Number.isFinite), k === 0 ? 0.1 : 0);
      if (this.kind === "two-layers") return k === 0 ? rounded(1.05 * highest) : 1;
      if (this.kind === "adatron") return rounded(1.1 * Math.max(highest, levels[k] || 0.1));
      if (k === 1) return rounded(1.15 * Math.max(highest, radius));
      return rounded(
        1.15 * Math.max(highest, levels[0] <= FAR * Math.max(highest, FEW) ? levels[0] : 0, FEW),
      );
    });
    const lowest = Math.min(...columns[0].filter(Number.isFinite), 0);
    this.low = this.kind === "adatron" ? Math.max(-rounded(-lowest), -4 * (margin > 0 ? margin : 0.25)) : 0;
    this.tops = tops;
    const fitted = [...ends, ...tops, this.low].join(" ");
    if (fitted === this.fitted) return;
    this.fitted = fitted;
    this.charts.forEach((chart, k) => {
      chart.places = ticks(0, ends[k], 4).map((place) => [place, short(place)]);
      chart.range([0, ends[k]], [k === 0 ? this.low : 0, tops[k]]);
    });
  }

  // The name of the bound, where it is or above the chart.
  write(level) {
    const seen = this.kind === "perceptron" && level > 0;
    const drawn = level <= this.tops[0];
    this.note.textContent = seen ? `bound ${scientific(level)}${drawn ? "" : ", above this chart"}` : "";
    this.note.setAttribute("y", drawn && seen ? this.charts[0].y.to(level) - 5 : 30);
  }
}

class PerceptronLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    const most = model.get("_most_points");
    this.school = new School(module, model.get("_weights_apart"));
    this.plane = new Plane(panel, most, (points) => this.keep(points));
    this.course = new Course();
    this.signs = legend(SIGNS);
    const key = drawing("path", { d: "M8.5 2.5l9 9m0-9l-9 9" });
    const cased = drawing("g", { class: "lab-cased" }, key, key.cloneNode());
    const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
    this.crossed = element("li", {}, drawing("svg", form, cased), "answered wrong");
    this.signs.insertBefore(this.crossed, this.signs.children[3]);
    const second = element(
      "div",
      { class: "lab-second lab-courses" },
      ...this.course.charts.map(({ svg }) => svg),
    );
    el.append(element("div", { class: "lab-figures" }, this.plane.node, second), this.signs);
    this.furnish();
    panel.main.append(el.querySelector(".lab-words"));
    panel.follow(["data", "count", "sample", "_own", "model", "algorithm", "hidden", "seed"], () =>
      this.reset(),
    );
    panel.follow("rate", () => {
      this.school.rate = model.get("rate");
    });
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
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
    this.buttons = {
      weights: panel.button("New weights", () => this.next("seed"), actions),
      points: panel.button("New points", () => this.renew(), actions),
    };
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.place("Click places", ...this.plane.brushes(), where).classList.add("lab-narrow");
    panel.menu("model", { label: "Model", names: MODELS });
    panel.menu("data", { label: "Points", names: DATA });
    this.rows = {
      algorithm: panel.menu("algorithm", { label: "Rule", names: ALGORITHMS }),
      hidden: panel.slider("hidden", { label: "Hidden units", integer: true, step: 1 }),
      rate: panel.slider("rate", { label: "Learning rate", digits: 3, logarithmic: true }),
    };
    panel.slider("speed", { label: "Steps a second", step: 0.5, digits: 1, logarithmic: true });
    this.rows.count = panel.slider("count", { label: "Points drawn", integer: true, step: 1, where: rest });
    this.rows.sample = panel.field("sample", { label: "Seed of points", where: rest });
    this.rows.seed = panel.field("seed", { label: "Seed of weights", where: rest });
    const names = [
      "steps",
      "mistakes",
      "bound (R/\u03ba)\u00b2",
      "largest margin \u03ba",
      "margin now",
      "length |w|",
    ];
    this.write = panel.readouts([...names, "loss", "answered wrong"]);
    panel.mount();
  }

  go(settings) {
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.reset();
    this.panel.set("running", true);
  }

  next(name) {
    const [low, high] = this.panel.limits[name];
    const value = this.model.get(name);
    this.panel.set(name, value < high ? value + 1 : low);
  }

  renew() {
    if (this.model.get("data") === "own") this.keep(FIRST);
    else this.next("sample");
  }

  // Keep points that the reader has placed.
  keep(points) {
    this.model.set("_own", packed(points));
    this.panel.set("data", "own");
    this.model.save_changes();
  }

  reset() {
    const { school, panel, plane, course, rows, buttons } = this;
    const { settings } = panel;
    const { data, model, algorithm } = settings;
    const examples = data === "own" ? ownPoints(this.model) : school.drawn(settings);
    school.begin(examples, settings);
    plane.put(examples);
    const layers = model === "two-layers";
    this.kind = layers ? model : algorithm;
    course.start(this.kind, school.entry);
    const drawn = data !== "own" && data !== "xor";
    const hide = (node, yes) => node.toggleAttribute("hidden", yes);
    hide(rows.algorithm, layers);
    for (const node of [rows.hidden, rows.rate, rows.seed, buttons.weights]) hide(node, !layers);
    for (const node of [rows.count, rows.sample]) hide(node, !drawn);
    hide(buttons.points, data === "xor");
    const points = data === "own" ? "Back to two points" : "New points";
    if (buttons.points.textContent !== points) buttons.points.textContent = points;
    this.legend();
    this.pace.cost = this.pace.firstCost;
    this.report();
  }

  legend() {
    const { kind } = this;
    const { margin } = this.school;
    const seen = {
      ringed: kind !== "two-layers",
      unit: kind === "two-layers",
      guide: kind !== "two-layers" && margin > 0,
    };
    const children = [...this.signs.children];
    const show = (k, yes) => children[k].toggleAttribute("hidden", !yes);
    show(2, seen.ringed);
    children[2].lastChild.data =
      kind === "adatron" ? "point shown; bold: weights moved" : "point shown; bold: a mistake, corrected";
    show(5, seen.guide);
    show(6, seen.unit);
    show(8, seen.guide);
    children[8].lastChild.data =
      kind === "adatron" ? "largest margin \u03ba, and 1/\u03ba" : "bound (R/\u03ba)\u00b2";
    show(9, kind === "perceptron");
    show(10, kind === "perceptron" && margin > 0);
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(steps) {
    this.school.advance(steps, (entry) => this.course.add(entry));
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
    this.plane.draw(this.school);
    this.course.draw(this.school);
  }

  // Hand the weights to Python, and say where the run stands.
  report() {
    if (!this.kind) return;
    this.draw();
    this.model.set("_weights", new DataView(Float64Array.from(this.school.weights.data).buffer));
    this.readOut();
  }

  readOut() {
    const { write, school, kind, model } = this;
    const { steps, mistakes, bound, margin, stability, length, loss, wrong, n } = school;
    const rule = kind === "perceptron";
    const unit = kind !== "two-layers";
    const parted = margin > 0;
    write.steps(String(steps));
    write.mistakes(String(mistakes));
    write["bound (R/\u03ba)\u00b2"](parted ? scientific(bound) : "none");
    write["largest margin \u03ba"](parted ? fixed(margin, 4) : "none");
    write["margin now"](fixed(stability, 4));
    write["length |w|"](fixed(length, 3));
    write.loss(loss < SMALL ? scientific(loss) : fixed(loss, 4));
    write["answered wrong"](`${wrong} of ${n}`);
    const hidden = { mistakes: !rule, "bound (R/\u03ba)\u00b2": !rule, "largest margin \u03ba": !unit };
    Object.assign(hidden, { "margin now": !unit, "length |w|": !unit, loss: unit });
    for (const [name, yes] of Object.entries(hidden)) write[name].row.toggleAttribute("hidden", yes);
    const told = { steps, length, errors: wrong / n, loss, stability };
    Object.assign(told, { mistakes: rule ? mistakes : NaN, bound: rule ? bound : NaN });
    told.margin = unit && parted ? margin : NaN;
    for (const [name, value] of Object.entries(told)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe();
  }

  describe() {
    const { school, kind, panel } = this;
    const { n, steps, mistakes, wrong, margin, bound, length, stability, loss } = school;
    const plus = this.plane.points.filter(({ label }) => label > 0).length;
    const parted = margin > 0;
    const learner = {
      perceptron: "The perceptron rule",
      adatron: "The Adatron",
      "two-layers": `A network of ${counted(school.hidden, "hidden unit")}`,
    }[kind];
    const line = this.uniform
      ? "All are of one class."
      : parted
        ? `A line parts them, with a margin of at most ${short(margin, 3)}.`
        : "No line parts them.";
    const course = {
      perceptron: `${counted(mistakes, "mistake")}${parted ? `, never more than ${short(bound, 4)}` : ""}; the length of the weights is ${short(length, 3)}`,
      adatron: `the weights have a margin of ${short(stability, 3)}`,
      "two-layers": `the loss is ${short(loss, 3)} nats`,
    }[kind];
    const long =
      `${n} points: ${plus} of class +1, as discs, and ${n - plus} of class \u22121, as squares. ${line} ` +
      `${learner} learns them. After ${counted(steps, "step")}: ${course}, ${wrong} answered wrong.`;
    panel.description.set(this.inWords(), long);
  }

  // Whether all points are of one class.
  get uniform() {
    return new Set(this.plane.points.map(({ label }) => label)).size === 1;
  }

  inWords() {
    const { steps, margin } = this.school;
    const parted = margin > 0;
    if (this.kind === "two-layers") return this.networkInWords();
    if (steps === 0 && this.uniform)
      return "Before the first step: all weights are 0. All points are of one class: add some of the other.";
    if (steps === 0)
      return parted
        ? "Before the first step: all weights are 0. A line can part these classes."
        : "Before the first step: all weights are 0. No line parts these classes.";
    return this.kind === "perceptron" ? this.ruleInWords(parted) : this.adatronInWords(parted);
  }

  ruleInWords(parted) {
    const { wrong, mistakes, bound } = this.school;
    if (!parted) return "No line parts these classes: mistakes go on for ever, and the weights stay bounded.";
    const most = `the bound is ${scientific(bound)}`;
    if (wrong === 0)
      return `Learned: every point is on its side, after ${counted(mistakes, "mistake")}; ${most}.`;
    return `Learning: ${counted(mistakes, "mistake")} so far, and ${most}.`;
  }

  adatronInWords(parted) {
    const { stability, margin, wrong } = this.school;
    if (!parted) return "No line parts these classes: the Adatron never comes to rest.";
    if (stability > (1 - LEAST) * margin)
      return "Learned: no line keeps farther from all points than this one.";
    if (wrong === 0) return "Every point is on its side, and the margin still grows.";
    return "Learning: the weights turn towards the largest margin.";
  }

  networkInWords() {
    const { steps, wrong, n, loss } = this.school;
    if (steps === 0) return "Before the first step: random weights.";
    if (wrong === 0) return "Learned: every point is answered right, and the loss falls on.";
    const before = this.course.record.findLast(([time]) => time <= steps / 2)?.[1];
    if (steps > 200 && loss > (1 - SLOW) * before)
      return `Stuck, or very slow: ${wrong} of ${n} points are answered wrong, and the loss hardly falls.`;
    return `Learning: ${wrong} of ${n} points are answered wrong.`;
  }
}

// The nearest place of the grid inside the plane.
function onGrid({ x, y }) {
  const within = (value) => Math.round(Math.min(Math.max(value, -EDGE), EDGE) * GRID) / GRID;
  return { x: within(x), y: within(y) };
}

// The end of an axis of steps or mistakes.
function grown(value, start) {
  let end = start;
  while (end < value) end *= 2;
  return end;
}

// The least round number that is no smaller.
function rounded(value) {
  if (!(value > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((m) => m * power >= value * 0.999999) * power;
}

// Mistakes as stairs, which rise where one is made.
function stairs(times, values) {
  const xs = times.flatMap((time, k) => (k > 0 ? [time, time] : [time]));
  const ys = values.flatMap((value, k) => (k > 0 ? [values[k - 1], value] : [value]));
  return [xs, ys];
}

function packed(points) {
  const numbers = points.flatMap(({ x, y, label }) => [x * GRID, y * GRID, label]);
  return new DataView(Int16Array.from(numbers).buffer);
}

// The reader's own points.
function ownPoints(model) {
  const own = model.get("_own");
  if (!own?.byteLength) return FIRST;
  const numbers = new Int16Array(bytes(own).slice().buffer);
  return Array.from({ length: numbers.length / 3 }, (_, k) => {
    const [x, y, label] = numbers.subarray(3 * k, 3 * k + 3);
    return { x: x / GRID, y: y / GRID, label };
  });
}

// In a link own points are whole numbers: x and y in units of the grid, and the label, point after point.
const ALONG = {
  link(model) {
    if (model.get("data") !== "own") return [];
    return [
      [
        "own",
        ownPoints(model)
          .map(({ x, y, label }) => [x * GRID, y * GRID, label].join("_"))
          .join("_"),
      ],
    ];
  },

  take: {
    own(text, model) {
      const points = pointsFrom(text, model.get("_most_points"));
      if (!points) return `There are no points in own=${text.slice(0, 40)}.`;
      model.set("_own", packed(points));
      return undefined;
    },
  },

  python(settings, model) {
    if (model.get("data") !== "own") return settings;
    const points = ownPoints(model);
    const given = [
      ["points", points.map(({ x, y }) => [x, y])],
      ["labels", points.map(({ label }) => label)],
    ];
    return [...given, ...settings.filter(([name]) => name !== "data")];
  },
};

function pointsFrom(text, most) {
  if (!/^-?\d+(_-?\d+)*$/.test(text)) return undefined;
  const numbers = text.split("_").map(Number);
  const points = Array.from({ length: numbers.length / 3 }, (_, k) => {
    const [x, y, label] = numbers.slice(3 * k, 3 * k + 3);
    return { x: x / GRID, y: y / GRID, label };
  });
  const good = points.every(
    ({ x, y, label }) => Math.max(Math.abs(x), Math.abs(y)) <= EDGE && Math.abs(label) === 1,
  );
  return numbers.length % 3 === 0 && points.length <= most && good ? points : undefined;
}

export default lab((parts) => new PerceptronLab(parts), ALONG);
