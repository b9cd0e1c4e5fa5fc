// The live engine: bits in a double well that are erased in four strokes, the work of each, and what the works tell.

import { Chart, legend, roundedRange, short } from "./runtime/chart.js";
import { counted, drawing, element, fixed } from "./runtime/dom.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const REACH = 2.2; // how far bits are drawn at first, as in Python
const CELLS = 256; // of the law that they are drawn from
const QUANTILES = 4096; // of the least distance
const LOW = -20; // of the works that are counted
const WIDTH = 0.25; // of a box
const BOXES = 240;
const TAIL = 0.004; // share of the works that may lie beyond the histogram, on each side
const SHOWN = [-2, 4]; // of the works, the least
const PLACES = 121; // of the potential
const EDGE = 1.8; // of its picture
const LIFT = 36; // pixels that a bit may stand above the potential
const GOLDEN = 0.6180339887; // spreads them
const PARTS = 80; // of the record of the strokes
const DOING = ["the barrier falls", "the tilt rises", "the barrier rises", "the tilt falls"];
const HOLD = 900; // milliseconds that a slow run is seen when it is over
const SLOW = 1500; // milliseconds of a run from which on it is
const FAST = 1000;
const TOUR = [1, 2, 4, 8, 16, 32];
const ENOUGH = 4000; // bits of a duration before the next one, when all have their turn
const LEAST = 1200; // milliseconds that each of them is seen
const FEW = 100; // bits that carry a mean of exp(-W), below which neither it nor its error is to be trusted
const BUDGET = 10; // milliseconds of a frame for steps
const AT_ONCE = 60; // milliseconds for which a stroke is made at once, and a frame otherwise
const A_FRAME = 20;
const PIECE = 2 ** 16; // updates of a bit between two looks at the clock
const FASTEST = 1.06; // of one over the duration
const ROWS = [0.95, 0.87, 0.79]; // where on the axis the three means stand
const TOLD = {
  time: "time, all runs",
  runs: "runs",
  erased: "bits erased",
  errors: "errors, %",
  work: "mean work \u27e8W\u27e9",
  least: "least for these errors, ln 2 \u2212 S(p)",
  all: "\u2212ln\u27e8exp(\u2212W)\u27e9, all (exactly 0)",
  right: "\u2212ln\u27e8exp(\u2212W)\u27e9, right ends (exactly ln 2)",
};
const SIGNS = [
  ["bit right", "began on the right"],
  ["bit left", "began on the left"],
  ["line theory", "barrier"],
  ["line negative", "tilt"],
  ["box measured", "works of bits that end right"],
  ["box third", "of those that end wrong"],
  ["line present", "works so far, this run"],
  ["dot measured", "mean work"],
  ["diamond flow", "\u2212ln\u27e8exp(\u2212W)\u27e9 of all bits: 0"],
  ["diamond theory", "of the right ends: ln 2"],
  ["doubt", "too few works carry this mean: its error is not to be trusted"],
  ["dot mean", "ln 2 \u2212 S(p), the least for the errors made"],
  ["line beyond", "least of protocols that leave all bits settled on the right"],
];

// The bits of one run after another on the kernels, and what was counted of those that are over.
class Bits {
  constructor(module, { duration, barrier, bits }) {
    const rows = Math.ceil(128 * duration[1] * barrier[1]) + 8;
    this.kernels = new Kernels(module, 8 * (4 * rows + 12 * bits[1] + 4 * BOXES + QUANTILES + 2000));
    this.ground = this.kernels.top;
    const real = (...shape) => this.kernels.zeros("float64", ...shape);
    Object.assign(this, { whole: real(rows, 4), law: real(CELLS + 1), quantiles: real(QUANTILES + 1) });
    Object.assign(this, {
      sums: real(2, 5),
      passing: real(2, 5),
      places: real(PLACES),
      levels: real(PLACES),
    });
    this.counts = this.kernels.zeros("int64", 2, BOXES);
    this.now = this.kernels.zeros("int64", 2, BOXES);
    this.middle = real(1);
    this.height = real(1);
    for (let k = 0; k < PLACES; k += 1) this.places.data[k] = EDGE * ((2 * k) / (PLACES - 1) - 1);
    this.many = ["positions", "work", "heat", "noise", "heights"].map((name) => [name, real(bits[1])]);
    this.state = this.kernels.array("uint64", 4);
  }

  begin({ duration, barrier, tilt, bits, seed }) {
    const { kernels } = this;
    const { run } = kernels;
    this.steps = Number(run.erasing_steps(duration, barrier));
    Object.assign(this, { duration, barrier, tilt, count: bits, step: duration / this.steps });
    this.table = kernels.part(this.whole, this.steps + 1, 4);
    run.erase_bit(barrier, tilt, 0, this.table);
    run.split_mix(this.state, BigInt(seed));
    run.bound_law(kernels.row(this.table, 0), -REACH, REACH, this.law);
    for (const [name, array] of this.many) this[name] = kernels.part(array, bits);
    this.sums.data.fill(0);
    this.counts.data.fill(0n);
    this.runs = 0;
    this.distance = run.erasing_distance(barrier, this.quantiles);
    this.draw();
  }

  // Begin a run with bits in equilibrium.
  draw() {
    const row = this.kernels.row(this.table, 0);
    this.kernels.run.draw_equilibrium(row, -REACH, REACH, this.law, this.state, this.positions);
    this.work.data.fill(0);
    this.heat.data.fill(0);
    this.initial = this.positions.data.slice();
    this.done = 0;
  }

  // Make steps, and begin another run where one is over.
  advance(steps) {
    for (let left = steps; left > 0; ) {
      if (this.over) this.draw();
      const count = Math.min(left, this.steps - this.done);
      this.drive(count);
      left -= count;
    }
  }

  drive(count) {
    const { kernels, table, step, positions, work, heat, state, noise } = this;
    const piece = kernels.part(kernels.row(table, this.done), count + 1, 4);
    kernels.run.drive(piece, step, positions, work, heat, state, noise);
    this.done += count;
    if (!this.over) return;
    kernels.run.tally_works(positions, work, 0, LOW, WIDTH, this.counts, this.sums);
    this.runs += 1;
  }

  // The number of the stroke that the last step belongs to, from 0 on.
  get stroke() {
    return Math.floor((4 * Math.max(this.done - 1, 0)) / this.steps);
  }

  // Go on to the end of the stroke, but not for long; return whether that is reached.
  finishStroke() {
    if (this.over) this.draw();
    const next = Math.floor((4 * this.done) / this.steps) + 1;
    const end = Math.ceil((next * this.steps) / 4);
    this.drive(Math.min(end - this.done, Math.ceil(PIECE / this.count)));
    return this.done === end;
  }

  get over() {
    return this.done === this.steps;
  }

  get time() {
    return (this.runs + (this.over ? 0 : this.done / this.steps)) * this.duration;
  }

  get row() {
    return this.kernels.row(this.table, this.done);
  }

  // The potential, its wells at height 0 without the tilt, at places of the picture, or where the bits are.
  potential() {
    this.kernels.run.fill_wells(this.row, this.places, this.levels);
    return this.levels.data;
  }

  lifted() {
    this.kernels.run.fill_wells(this.row, this.positions, this.heights);
    return this.heights.data;
  }

  // The barrier after a step.
  barrierAt(k) {
    this.kernels.run.fill_wells(this.kernels.row(this.table, k), this.middle, this.height);
    return this.height.data[0];
  }

  tiltAt(k) {
    return -this.table.data[4 * k];
  }

  // Works so far of the run that is made, counted; the height of the wells, which changes on the way, is left out.
  soFar() {
    this.now.data.fill(0n);
    const shift = this.barrierAt(this.done) - this.barrier;
    this.kernels.run.tally_works(this.positions, this.work, shift, LOW, WIDTH, this.now, this.passing);
    return this.now.data;
  }

  get right() {
    return this.positions.data.reduce((sum, x) => sum + Number(x > 0), 0);
  }

  get record() {
    return new Record(this.sums.data, this.duration, this.kernels.run);
  }
}

// What was counted of bits that were erased, as `smbook.widgets.engine_lab.Erasures` holds it.
class Record {
  constructor(sums, duration, run) {
    const [left, right] = [sums.slice(0, 5), sums.slice(5)];
    const [n, work, squares, weights, weightSquares] = left.map((sum, k) => sum + right[k]);
    Object.assign(this, { n, duration });
    const share = left[0] / n;
    const near = (left[0] + 1) / (n + 2);
    this.errors = { value: share, error: Math.sqrt((near * (1 - near)) / n) };
    this.work = meanOf(n, work, squares);
    this.least = n > 0 ? run.erasing_work(share) : NaN;
    const minusLog = ({ value, error }) => ({ value: -run.log(value), error: error / value });
    this.all = minusLog(meanOf(n, weights, weightSquares));
    this.right = minusLog(meanOf(n, right[3], right[4]));
    this.right.worth = worthOf(right);
    this.all.worth = Math.min(worthOf(left), worthOf(right));
  }
}

// How many bits of equal weight would make a mean of exp(-W) as sure as those of one well do.
function worthOf(sums) {
  return sums[4] > 0 ? sums[3] ** 2 / sums[4] : 0;
}

function meanOf(n, sum, squares) {
  const value = sum / n;
  const variance = Math.max(squares - n * value * value, 0) / (n - 1);
  return { value, error: Math.sqrt(variance / n) };
}

// The double well with its bits.
class Wells {
  constructor() {
    this.chart = new Chart({
      ...{ x: [-EDGE, EDGE], y: [-5, 12], xLabel: "position x", yLabel: "potential U(x) / kT", height: 340 },
      describe: "The potential with a dot for each bit.",
    });
    this.node = this.chart.svg;
    this.middle = this.chart.line("guide");
    this.line = this.chart.line("boundary");
    this.bits = { right: this.points("right"), left: this.points("left") };
    const side = (x, anchor) => drawing("text", { class: "lab-note", x, y: 32, "text-anchor": anchor });
    this.notes = [side(this.chart.x.to(-EDGE) + 8, "start"), side(this.chart.x.to(EDGE), "end")];
    this.node.append(...this.notes);
  }

  points(kind) {
    const path = drawing("path", { class: `lab-bits ${kind}` });
    this.chart.dots.append(path);
    return path;
  }

  obey({ barrier, tilt }) {
    this.chart.range([-EDGE, EDGE], [-Math.ceil(tilt) - 1, Math.ceil(barrier) + 4]);
    const { low, high } = this.chart.y;
    this.middle.set([0, 0], [low, high]);
  }

  draw(bits) {
    const { x, y } = this.chart;
    this.line.set(bits.places.data, bits.potential());
    const [positions, heights] = [bits.positions.data, bits.lifted()];
    const marks = { left: [], right: [] };
    for (let i = 0; i < positions.length; i += 1) {
      const lift = 4 + LIFT * ((i * GOLDEN) % 1);
      const mark = `M${x.to(positions[i]).toFixed(1)} ${(y.to(heights[i]) - lift).toFixed(1)}h0`;
      marks[bits.initial[i] > 0 ? "right" : "left"].push(mark);
    }
    for (const [side, path] of Object.entries(this.bits)) path.setAttribute("d", marks[side].join(""));
    const { right, count } = bits;
    this.notes[0].textContent = `left: ${count - right}`;
    this.notes[1].textContent = `right: ${right}`;
  }
}

// The four strokes against time, and where the run is.
class Strokes {
  constructor() {
    this.chart = new Chart({
      ...{
        x: [0, 1],
        y: [0, 1],
        xLabel: "time t",
        yLabel: "barrier and tilt, of their largest",
        height: 132,
        heights: [
          [0, "0"],
          [1, "1"],
        ],
      },
      describe: "Barrier and tilt against time, in four strokes.",
    });
    this.node = this.chart.svg;
    this.barrier = this.chart.line("theory");
    this.tilt = this.chart.line("negative");
    this.now = this.chart.line("guide");
  }

  obey(bits) {
    const { chart } = this;
    chart.range([0, bits.duration], [0, 1]);
    const rows = Array.from({ length: PARTS + 1 }, (_, k) => Math.round((k / PARTS) * bits.steps));
    const times = rows.map((k) => k * bits.step);
    this.barrier.set(
      times,
      rows.map((k) => bits.barrierAt(k) / bits.barrier),
    );
    this.tilt.set(
      times,
      rows.map((k) => (bits.tilt > 0 ? bits.tiltAt(k) / bits.tilt : 0)),
    );
  }

  draw(bits) {
    const now = bits.done * bits.step;
    this.now.set([now, now], [0, 1]);
  }
}

// The least axis that holds some.
function hull(...ends) {
  return [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
}

// Whether a mean of exp(-W) hangs on few bits.
function doubtful({ worth }) {
  return worth < FEW;
}

// The works as a histogram, with three means above it.
class Works {
  constructor() {
    this.chart = new Chart({
      ...{ x: [-2, 6], y: [0, 1], xLabel: "work W / kT", yLabel: "density of works", height: 270 },
      describe: "Histogram of works, with lines at 0 and ln 2.",
    });
    this.node = this.chart.svg;
    this.lines = [this.chart.line("guide"), this.chart.line("guide")];
    this.boxes = { measured: this.chart.boxes("measured"), third: this.chart.boxes("third") };
    this.present = this.chart.line("present");
    this.errors = this.chart.shape("lab-errors", (xs, ys, errors) =>
      Array.from(xs, (value, i) => {
        const [low, high] = [value - errors[i], value + errors[i]].map((v) => this.chart.x.to(v).toFixed(1));
        const v = this.chart.y.to(ys[i]).toFixed(1);
        return `M${low} ${v}H${high}M${low} ${v}m0-2.5v5M${high} ${v}m0-2.5v5`;
      }),
    );
    this.marks = [this.chart.dot("measured", 4.5), this.chart.diamond("flow"), this.chart.diamond("theory")];
    this.notes = ["0", "ln 2"].map((words) => this.note(words, { y: 32 }));
    this.doubts = this.marks.map(() => this.note("?", { visibility: "hidden" }));
    this.obey();
  }

  note(words, where) {
    const note = drawing("text", { class: "lab-note", ...where }, words);
    this.node.append(note);
    return note;
  }

  draw(bits, record) {
    const [counts, now] = [bits.counts.data, bits.soFar()];
    const total = Math.max(record.n, 1);
    const density = (data, first, all) =>
      Array.from({ length: BOXES }, (_, k) => Number(data[first + k]) / all / WIDTH);
    const [wrong, right] = [density(counts, 0, total), density(counts, BOXES, total)];
    const both = right.map((d, k) => d + wrong[k]);
    const flying = density(now, 0, bits.count).map((d, k) => d + Number(now[BOXES + k]) / bits.count / WIDTH);
    if (this.runs !== bits.runs) this.land(bits.runs);
    this.flight = hull(this.flight, this.ends(flying));
    this.frame(hull(this.flight, this.last, this.ends(both)), Math.max(...flying, ...both, 0.3));
    const lefts = both.map((_, k) => LOW + k * WIDTH);
    const rights = lefts.map((x) => x + WIDTH);
    this.boxes.measured.set(...this.some(lefts, rights, both));
    this.boxes.third.set(...this.some(lefts, rights, wrong));
    const running = !bits.over && bits.done > 0;
    const stairs = lefts.flatMap((x) => [x, x + WIDTH]);
    this.present.set(running ? stairs : [], running ? flying.flatMap((d) => [d, d]) : []);
    this.drawMeans(record);
  }

  // Only boxes with something in them.
  some(lefts, rights, ys) {
    const kept = [...ys.keys()].filter((k) => ys[k] > 0);
    return [lefts, rights, ys].map((values) => kept.map((k) => values[k]));
  }

  // Forget how far works reached.
  obey() {
    Object.assign(this, { last: SHOWN, flight: SHOWN, runs: 0 });
  }

  // Remember how far works reached in the run that is over, but not of those before it.
  land(runs) {
    Object.assign(this, { last: this.flight, flight: SHOWN, runs });
  }

  // Where nearly all works that are shown lie; none reach no further than the axis does at first.
  ends(shown) {
    const all = shown.reduce((a, b) => a + b, 0) * WIDTH;
    if (all === 0) return SHOWN;
    let [first, last] = [0, BOXES];
    for (let tail = 0; first < BOXES && tail <= TAIL * all; first += 1) tail += shown[first] * WIDTH;
    for (let tail = 0; last > first && tail <= TAIL * all; last -= 1) tail += shown[last - 1] * WIDTH;
    const [least, most] = [LOW + (first - 1) * WIDTH, LOW + (last + 1) * WIDTH];
    return [2 * Math.floor(least / 2), 2 * Math.ceil(most / 2)];
  }

  frame(x, highest) {
    const y = [0, Math.ceil((highest / 0.72) * 5) / 5];
    if (String([x, y]) === this.framed) return;
    this.framed = String([x, y]);
    this.chart.range(x, y);
    for (const [k, place] of [0, Math.LN2].entries()) {
      this.lines[k].set([place, place], [0, y[1]]);
      this.notes[k].setAttribute("x", this.chart.x.to(place) + (k ? 4 : -4));
      this.notes[k].setAttribute("text-anchor", k ? "start" : "end");
    }
  }

  drawMeans({ work, all, right, n }) {
    const means = [work, all, right];
    const heights = ROWS.map((share) => share * this.chart.y.high);
    for (const [k, mark] of this.marks.entries()) {
      if (n > 0) mark.move(means[k].value, heights[k]);
      else mark.hide();
      const doubt = this.doubts[k];
      doubt.setAttribute("visibility", n > 0 && doubtful(means[k]) ? "visible" : "hidden");
      if (!(n > 0 && Number.isFinite(means[k].value))) continue;
      doubt.setAttribute("x", (this.chart.x.to(means[k].value) + 9).toFixed(1));
      doubt.setAttribute("y", (this.chart.y.to(heights[k]) + 4).toFixed(1));
    }
    this.errors.set(
      means.map(({ value }) => value),
      heights,
      means.map(({ error }) => error),
    );
  }
}

// Mean works against one over the duration, of all durations that were seen.
class Speeds {
  constructor() {
    this.chart = new Chart({
      ...{
        x: [0, 1],
        y: [0, 5],
        xLabel: "one over the duration, 1 / t",
        yLabel: "mean work \u27e8W\u27e9 / kT",
      },
      describe: "Mean work against one over the duration.",
    });
    this.node = this.chart.svg;
    this.landauer = this.chart.line("guide");
    this.bound = this.chart.line("beyond");
    this.errors = this.chart.errors();
    this.past = this.points();
    this.least = drawing("g");
    this.chart.dots.append(this.least, this.past.node);
    this.now = this.chart.dot("measured", 5);
    this.note = drawing("text", { class: "lab-note" }, "ln 2");
    this.node.append(this.note);
  }

  points() {
    return this.chart.shape("lab-points small", (xs, ys) =>
      Array.from(ys, (y, k) => `M${this.chart.x.to(xs[k]).toFixed(1)} ${this.chart.y.to(y).toFixed(1)}h0`),
    );
  }

  draw(bits, record, past) {
    const { chart } = this;
    const known = [...past.values(), ...(record.n > 0 ? [record] : [])];
    const values = known.map(({ work }) => work.value);
    const [low, high] = roundedRange([0, 3, ...values, ...values.map((v) => 1.05 * v)], { count: 5 });
    if (low !== chart.y.low || high !== chart.y.high || chart.x.high !== FASTEST)
      chart.range([0, FASTEST], [low, high]);
    this.landauer.set([0, FASTEST], [Math.LN2, Math.LN2]);
    this.bound.set([0, FASTEST], [Math.LN2, Math.LN2 + FASTEST * bits.distance]);
    this.note.setAttribute("x", chart.x.to(0.72));
    this.note.setAttribute("y", chart.y.to(Math.LN2) + 14);
    const xs = known.map(({ duration }) => 1 / duration);
    this.errors.set(
      xs,
      values,
      known.map(({ work }) => work.error),
    );
    const seen = record.n > 0 ? values.slice(0, -1) : values;
    this.past.set(xs, seen);
    const hollow = known.map(({ least }, k) =>
      drawing("circle", {
        class: "lab-dot mean",
        cx: chart.x.to(xs[k]).toFixed(1),
        cy: chart.y.to(least).toFixed(1),
        r: 3.4,
      }),
    );
    this.least.replaceChildren(...hollow);
    if (record.n > 0) this.now.move(1 / record.duration, record.work.value);
    else this.now.hide();
  }
}

class EngineLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(BUDGET), rate: new Rate(), past: new Map() });
    Object.assign(this, { held: 0, ahead: 0 });
    this.bits = new Bits(module, panel.limits);
    this.wells = new Wells();
    this.strokes = new Strokes();
    this.works = new Works();
    this.speeds = new Speeds();
    const first = element("div", {}, this.wells.node, this.strokes.node);
    const second = element("div", { class: "lab-second" }, this.works.node, this.speeds.node);
    el.append(element("div", { class: "lab-figures" }, first, second), signs());
    this.furnish();
    panel.follow(["duration", "barrier", "tilt", "bits", "seed"], () => this.reset());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => (model.get("running") ? this.halt() : this.report()));
    panel.cleanups.push(() => this.halt());
  }

  furnish() {
    const { panel } = this;
    const { main: where } = panel;
    panel.slider("duration", { label: "Duration t", step: 0.5, digits: 1, logarithmic: true, where });
    const usual = { barrier: 8, tilt: 4 };
    panel.preset("Slowly", () => this.go({ ...usual, duration: 32, speed: 16 }));
    panel.preset("In a hurry", () => this.go({ ...usual, duration: 1, speed: 0.5 }));
    panel.preset("A weak tilt: errors", () => this.go({ barrier: 6, tilt: 1, duration: 8, speed: 8 }));
    panel.preset("All speeds, one after another", () => this.travel(usual));
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => {
      this.leave();
      this.past.clear();
      this.reset();
    });
    panel.share();
    panel.slider("barrier", { label: "Barrier B", step: 0.5, digits: 1 });
    panel.slider("tilt", { label: "Tilt f", step: 0.25, digits: 2 });
    panel.slider("speed", { label: "Time a second", step: 0.25, digits: 2, logarithmic: true });
    panel.field("bits", { label: "Bits in a run", where: panel.rest });
    panel.field("seed", { label: "Seed", where: panel.rest });
    this.write = Object.fromEntries(
      Object.entries(TOLD).map(([name, label]) => [name, panel.readout(label)]),
    );
    panel.mount();
  }

  go(settings) {
    this.leave();
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.reset();
    this.panel.set("running", true);
  }

  // Give each duration its turn.
  travel(usual) {
    this.leave();
    const speed = this.model.get("speed");
    this.go({ ...usual, duration: TOUR[0], speed: FAST });
    this.past.clear();
    this.tour = { left: TOUR.slice(1), seen: 0, now: TOUR[0], speed };
  }

  // End the tour, at the speed of before, unless a hand has set another one on the way.
  leave() {
    const { tour, model, panel } = this;
    this.tour = undefined;
    if (tour && model.get("speed") === FAST) panel.set("speed", tour.speed);
  }

  reset() {
    const { bits, panel, past } = this;
    const { settings } = panel;
    if (bits.runs > 0 && bits.duration !== settings.duration) past.set(bits.duration, bits.record);
    const kept = [settings.barrier, settings.tilt, settings.seed].join();
    if (this.kept !== kept) past.clear();
    this.kept = kept;
    past.delete(settings.duration);
    if (this.tour?.now !== settings.duration) this.leave();
    this.halt();
    bits.begin(settings);
    this.held = 0;
    this.pace.owed = 0;
    this.pace.cost = this.pace.firstCost;
    this.wells.obey(settings);
    this.strokes.obey(bits);
    this.works.obey();
    this.report();
  }

  // To the end of a stroke, or of one more, where one is being made; of a whole run at most.
  step() {
    this.leave();
    this.panel.set("running", false);
    this.ahead = Math.min(this.ahead + 1, 4);
    if (this.ahead === 1) this.pursue(AT_ONCE);
  }

  // Make strokes: at once as far as that does not hold up the page, and then frame by frame.
  pursue(milliseconds) {
    const until = performance.now() + milliseconds;
    let finished = false;
    while (!finished && performance.now() < until) finished = this.bits.finishStroke();
    if (finished) this.ahead -= 1;
    if (this.ahead > 0) this.request = requestAnimationFrame(() => this.pursue(A_FRAME));
    if (finished) this.report();
    else this.draw();
  }

  // Make no more of them.
  halt() {
    cancelAnimationFrame(this.request);
    this.ahead = 0;
  }

  frame(milliseconds) {
    const { bits, pace } = this;
    if (this.tour) this.goOn(milliseconds);
    const speed = this.model.get("speed");
    const slow = (1000 * bits.duration) / speed > SLOW;
    if (bits.over && slow && this.held < HOLD) {
      this.held += milliseconds;
      return;
    }
    const before = bits.runs;
    const due = pace.due(speed / bits.step, milliseconds);
    const steps = slow && !bits.over ? Math.min(due, bits.steps - bits.done) : due;
    if (steps === 0) return;
    this.held = 0;
    pace.spend(steps, (count) => bits.advance(count));
    this.draw();
    if (this.rate.add(1) || bits.runs !== before) this.readOut();
  }

  goOn(milliseconds) {
    const { tour, bits } = this;
    tour.seen += milliseconds;
    if (bits.runs * bits.count < ENOUGH || tour.seen < LEAST) return;
    if (tour.left.length === 0) {
      this.leave();
      return;
    }
    Object.assign(tour, { seen: 0, now: tour.left.shift() });
    this.panel.set("duration", tour.now);
  }

  draw() {
    const { bits } = this;
    const { record } = bits;
    this.wells.draw(bits);
    this.strokes.draw(bits);
    this.works.draw(bits, record);
    if (this.drawn !== `${bits.runs} ${this.kept} ${bits.duration} ${this.past.size}`) {
      this.speeds.draw(bits, record, this.past);
      this.drawn = `${bits.runs} ${this.kept} ${bits.duration} ${this.past.size}`;
    }
    this.record = record;
  }

  report() {
    if (!this.write) return;
    this.drawn = undefined;
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, bits, record, model } = this;
    const { errors, work, least, all, right, n } = record;
    write.time(bits.time.toFixed(bits.duration < 10 ? 2 : 1));
    write.runs(String(bits.runs));
    write.erased(String(n));
    write.errors(withError({ value: 100 * errors.value, error: 100 * errors.error }));
    write.work(withError(work));
    write.least(fixed(least, 3).trim());
    write.all(withDoubt(all));
    write.right(withDoubt(right));
    const told = { time: bits.time, runs: bits.runs, erased: n, errors: errors.value };
    Object.assign(told, { errors_error: errors.error, work: work.value, work_error: work.error });
    Object.assign(told, { least_work: least, jarzynski: all.value, jarzynski_error: all.error });
    Object.assign(told, { jarzynski_right: right.value, jarzynski_right_error: right.error });
    Object.assign(told, { jarzynski_worth: all.worth, jarzynski_right_worth: right.worth });
    if (n === 0) Object.assign(told, { jarzynski_worth: NaN, jarzynski_right_worth: NaN });
    for (const [name, value] of Object.entries(told)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe();
  }

  describe() {
    const { bits, record, panel } = this;
    const stage =
      bits.done === 0
        ? `${bits.count} bits in equilibrium, ${bits.right} of them on the right.`
        : bits.over
          ? `A run is over: ${bits.right} of ${bits.count} bits are on the right.`
          : `Stroke ${bits.stroke + 1} of 4, ${DOING[bits.stroke]}: ${bits.right} of ${bits.count} bits are on the right.`;
    panel.description.set(record.n > 0 ? this.inWords() : stage, `${stage} ${this.inFull()}`);
    this.wells.node.setAttribute("aria-label", `The potential with a dot for each bit. ${stage}`);
    const height = record.n > 0 ? ` Mean work ${withError(record.work)} at t = ${bits.duration}.` : "";
    this.works.node.setAttribute("aria-label", `Histogram of works, with lines at 0 and ln 2.${height}`);
    const seen = counted(this.past.size + Number(record.n > 0), "duration");
    this.speeds.node.setAttribute("aria-label", `Mean work against one over the duration: ${seen} seen.`);
  }

  inWords() {
    const { work, errors, least, duration } = this.record;
    const wrong = `${short(100 * errors.value, 2)} %`;
    const where = `t = ${short(duration)}: \u27e8W\u27e9 = ${withError(work)} kT`;
    if (this.bits.tilt === 0)
      return `${where}, for nothing: without a tilt no bit is erased, and ${wrong} end on the left.`;
    const apart = work.value - least;
    const excess = apart < 2 * work.error ? "within two of its errors of" : `${apart.toFixed(2)} more than`;
    const other = least.toFixed(2) === Math.LN2.toFixed(2) ? "" : "; without errors it is ln 2 = 0.69";
    const told = `ln 2 \u2212 S(p) = ${least.toFixed(2)}`;
    return `${where}, ${excess} the least for ${wrong} errors, ${told}${other}.`;
  }

  inFull() {
    const { bits, record, past } = this;
    const before = past.size > 0 ? ` Seen before: t = ${[...past.keys()].join(", ")}.` : "";
    if (record.n === 0) return `No run is over yet.${before}`;
    const { errors, work, least, all, right } = record;
    const bound = Math.LN2 + bits.distance / bits.duration;
    const idle = bits.tilt === 0 ? "Without a tilt nothing is erased. " : "";
    return (
      `${counted(bits.runs, "run")} of ${bits.count} bits: the mean work is ${withError(work)} kT, the share of errors ` +
      `${withError({ value: 100 * errors.value, error: 100 * errors.error })} %, and for these the least mean work ` +
      `${least.toFixed(3)}; the mean lies ${fixed(work.value - least, 3).trim()} above it. ${idle}A protocol that leaves all bits in equilibrium in the right well takes at least ` +
      `${bound.toFixed(3)} in this time. Minus the ` +
      `logarithm of the mean of exp(\u2212W) is ${withError(all)} for all bits, exactly 0${inDoubt(all)}, and ${withError(right)} for ` +
      `those that end on the right, exactly ln 2 = 0.693${inDoubt(right)}.${before}`
    );
  }
}

// What the signs mean; bits and boxes have shapes of their own.
function signs() {
  const own = {
    bit: (kind) => drawing("path", { d: "M13 7h0", class: `lab-bits ${kind}` }),
    doubt: () => drawing("text", { x: 10, y: 12, class: "lab-note" }, "?"),
    box: (kind) => drawing("rect", { x: 6, y: 1, width: 14, height: 12, class: `lab-boxes ${kind}` }),
  };
  const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
  const list = legend([]);
  for (const [sign, words] of SIGNS) {
    const [shape, kind] = sign.split(" ");
    if (own[shape]) list.append(element("li", {}, drawing("svg", form, own[shape](kind)), words));
    else list.append(...legend([[sign, words]]).children);
  }
  return list;
}

// What is said of a mean of exp(-W) that hangs on few bits.
function withDoubt(mean) {
  return doubtful(mean) && Number.isFinite(mean.value)
    ? `${withError(mean)} (too few works)`
    : withError(mean);
}

function inDoubt(mean) {
  return doubtful(mean)
    ? `, but too few works carry this mean for its error to be trusted, worth ${short(mean.worth, 2)} bits`
    : "";
}

// A measured value with its error, to two digits of that.
function withError({ value, error }) {
  if (!Number.isFinite(value)) return "\u2013";
  if (!(error > 0)) return short(value, 3);
  const digits = Math.min(Math.max(0, 1 - Math.floor(Math.log10(error))), 6);
  const text = `${value.toFixed(digits)} \u00b1 ${error.toFixed(digits)}`;
  return text.replaceAll("-", "\u2212");
}

export default lab((parts) => new EngineLab(parts));
