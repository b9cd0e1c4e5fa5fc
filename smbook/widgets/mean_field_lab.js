// The live mean-field magnet: a ball that rolls in the free energy, and the loop that it draws as the field moves.

import { Chart, dragged, legend, roundedRange, short } from "./runtime/chart.js";
import { element, fixed, furnish } from "./runtime/dom.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Tour, Trail } from "./runtime/trail.js";

const TICK = 32; // steps between two looks at the field
const ROOM = 64; // ticks in one call of the kernel
const GRAIN = 0.0005; // by how much a swept field moves in a tick
const BEYOND = 0.25; // how far a swept field goes beyond the spinodal field
const ACROSS = [-1.1, 1.1]; // m, with room for the ball
const SIGNS = [
  ["dot theory", "stable"],
  ["diamond third", "metastable"],
  ["dot unstable", "unstable"],
  ["dot now", "ball"],
  ["line measured", "its trail"],
  ["line guide", "spinodal fields"],
];
const KINDS = ["unstable", "metastable", "stable"];
const PLACES = {
  unstable: "on the hilltop",
  metastable: "in the metastable well",
  stable: "in the stable well",
};

// The magnet on its kernels: the ball, the free energy it rolls in, and the curve m(h).
class Magnet {
  constructor(module, step) {
    this.kernels = new Kernels(module, 2 ** 16);
    const real = (length) => this.kernels.array("float64", length);
    this.step = step;
    this.profile = { m: real(401), f: real(401) };
    this.profile.m.data.forEach((_, i, all) => {
      all[i] = i / 200 - 1;
    });
    this.curve = { m: real(801), h: real(801) };
    this.found = { m: real(3), f: real(3), kinds: this.kernels.array("int64", 3) };
    this.ball = { m: real(1), f: real(1) };
    this.noted = { fields: real(ROOM), m: real(ROOM) };
    this.limit = real(2);
  }

  get m() {
    return this.ball.m.data[0];
  }

  set m(value) {
    this.ball.m.data[0] = value;
  }

  get f() {
    this.kernels.run.free_energy(this.ball.m, this.beta, 1, this.field, this.ball.f);
    return this.ball.f.data[0];
  }

  // Take temperature and field, and compute all that is drawn but the ball.
  obey({ temperature, field }) {
    const { run } = this.kernels;
    const { profile, curve, limit, found } = this;
    this.field = field;
    this.beta = 1 / temperature;
    run.free_energy(profile.m, this.beta, 1, field, profile.f);
    run.equation_of_state(2.2 * this.beta, this.beta, 1, curve.m, curve.h);
    run.spinodal(this.beta, 1, limit);
    const count = Number(run.fixed_points(this.beta, 1, field, found.m, found.kinds));
    run.free_energy(found.m, this.beta, 1, field, found.f);
    this.points = Array.from({ length: count }, (_, i) => {
      return { m: found.m.data[i], f: found.f.data[i], kind: KINDS[Number(found.kinds.data[i])] };
    });
  }

  get spinodal() {
    const [m, h] = this.limit.data;
    return { m, h };
  }

  // Move on by some ticks, each in the field that `field()` names, and tell field and m after each.
  advance(ticks, field, tell) {
    for (let left = ticks; left > 0; left -= ROOM) {
      const length = Math.min(left, ROOM);
      const fields = this.kernels.part(this.noted.fields, length);
      const noted = this.kernels.part(this.noted.m, length);
      fields.data.forEach((_, i, all) => {
        all[i] = field();
      });
      this.kernels.run.relax(this.ball.m, this.beta, 1, fields, this.step, TICK, noted);
      noted.data.forEach((m, i) => {
        tell(fields.data[i], m);
      });
    }
  }
}

// f(m), its minima and its hilltop, and the ball, which pointer and keyboard can move.
class Landscape {
  constructor(onMove, onHold) {
    const describe =
      "Free energy against magnetization, with its minima, the hilltop between them, and the ball.";
    this.chart = new Chart({
      x: ACROSS,
      y: [-1, 0],
      xLabel: "magnetization m",
      yLabel: "free energy f(m)",
      describe,
      left: 64,
    });
    this.chart.svg.setAttribute("role", "group");
    this.line = this.chart.line("theory");
    this.marks = {
      unstable: this.chart.dot("unstable", 4.5),
      metastable: this.chart.diamond("third"),
      stable: this.chart.dot("theory", 4.5),
    };
    this.marks.second = this.chart.dot("theory", 4.5);
    this.ball = this.chart.dot("now", 7.5);
    furnish(
      this.ball.node,
      {
        tabindex: 0,
        role: "slider",
        "aria-label": "Ball: magnetization m",
        "aria-valuemin": -1,
        "aria-valuemax": 1,
      },
      [],
    );
    this.ball.node.addEventListener("keydown", (event) => this.key(event, onMove));
    dragged(this.chart, { start: () => onHold(true), move: ({ x }) => onMove(x), end: () => onHold(false) });
  }

  key(event, onMove) {
    const steps = {
      ArrowLeft: -0.01,
      ArrowDown: -0.01,
      ArrowRight: 0.01,
      ArrowUp: 0.01,
      PageDown: -0.1,
      PageUp: 0.1,
    };
    const ends = { Home: -1, End: 1 };
    if (event.key in steps) onMove(this.m + steps[event.key]);
    else if (event.key in ends) onMove(ends[event.key]);
    else return;
    event.preventDefault();
  }

  draw({ profile, points }) {
    this.chart.range(ACROSS, roundedRange(profile.f.data, { room: 0.15 }));
    this.line.set(profile.m.data, profile.f.data);
    for (const mark of Object.values(this.marks)) mark.hide();
    const taken = new Set();
    for (const { m, f, kind } of points) {
      this.marks[taken.has(kind) ? "second" : kind].move(m, f);
      taken.add(kind);
    }
  }

  roll({ m, f }) {
    this.m = m;
    this.ball.move(m, f);
    this.ball.node.setAttribute("aria-valuenow", m.toFixed(2));
  }
}

// m against h: the curve of all solutions, the spinodal fields, and the trail that the reader draws.
class Loops {
  constructor(onField) {
    const describe =
      "Magnetization against field: the curve of all solutions, dashed where they are unstable, and the trail of the ball.";
    this.chart = new Chart({
      x: [-1, 1],
      y: ACROSS,
      xLabel: "field h",
      yLabel: "magnetization m",
      describe,
      left: 58,
    });
    this.guides = [-1, 1].map(() => this.chart.line("guide"));
    this.stable = this.chart.line("theory");
    this.unstable = this.chart.line("unstable");
    this.trail = new Trail(this.chart, "measured");
    this.now = this.chart.dot("now", 5);
    dragged(this.chart, { move: ({ x }) => onField(x) });
  }

  draw({ curve, spinodal }) {
    const m = curve.m.data;
    const inside = Array.from(m, (value) => Math.abs(value) < spinodal.m);
    const h = Array.from(curve.h.data);
    this.stable.set(
      h.map((value, i) => (inside[i] ? NaN : value)),
      m,
    );
    this.unstable.set(
      h.map((value, i) => (inside[i] || inside[i - 1] || inside[i + 1] ? value : NaN)),
      m,
    );
    for (const [i, guide] of this.guides.entries()) {
      const place = (2 * i - 1) * spinodal.h;
      guide.set([place, place], ACROSS);
    }
  }
}

class MeanFieldLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), ticks: 0 });
    this.magnet = new Magnet(module, model.get("_step"));
    this.landscape = new Landscape(
      (m) => this.put(m),
      (held) => {
        this.held = held;
      },
    );
    this.loops = new Loops((h) => this.pull(h));
    const second = element("div", { class: "lab-second" }, this.loops.chart.svg);
    el.append(element("div", { class: "lab-figures" }, this.landscape.chart.svg, second), legend(SIGNS));
    this.furnish();
    panel.follow(["temperature", "field"], () => this.obey());
    panel.follow("magnetization", () => this.place());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    panel.switch();
    panel.button("Step", () => this.stepOn());
    panel.button("Reset", () => this.reset());
    panel.button("Clear trail", () => this.clear());
    this.sweeper = panel.button("Sweep field", () => this.sweep());
    panel.share();
    panel.slider("temperature", { label: "Temperature T", where: panel.main });
    panel.slider("field", { label: "Field h", where: panel.main });
    this.handle(panel.slider("magnetization", { label: "Ball at m" }));
    panel.slider("speed", { label: "Sweeps a second", step: 0.5, digits: 1, logarithmic: true });
    const names = ["m", "f(m)", "ball", "minima", "spinodal field", "sweeps"];
    this.write = panel.readouts(names);
    panel.mount();
  }

  // The slider of m moves with the ball: while it is held, so is the ball; while a number is typed, it waits.
  handle(row) {
    const [range, number] = row.querySelectorAll("input");
    range.addEventListener("pointerdown", () => {
      this.held = true;
    });
    for (const end of ["pointerup", "pointercancel", "blur"])
      range.addEventListener(end, () => {
        this.held = false;
      });
    this.typing = () => document.activeElement === number;
    this.panel.follow("magnetization", () => {
      number.value = this.model.get("magnetization").toFixed(3);
    });
  }

  get field() {
    return this.model.get("field");
  }

  // Temperature or field have changed; a sweep of the field changes it itself.
  obey() {
    if (this.tour && this.field !== this.swept) this.endSweep();
    this.magnet.obey({ temperature: this.model.get("temperature"), field: this.field });
    if (this.tour) this.tour.far = this.far;
    this.landscape.draw(this.magnet);
    this.loops.draw(this.magnet);
    this.draw();
    if (!this.model.get("running")) this.readOut();
  }

  // The ball has been put somewhere else, by hand or from Python.
  place() {
    const m = this.model.get("magnetization");
    if (m === this.told) return;
    this.told = m;
    this.start = m;
    this.magnet.m = m;
    this.loops.trail.lift();
    this.draw();
    if (!this.model.get("running")) this.report();
  }

  put(m) {
    const [low, high] = this.panel.limits.magnetization;
    this.panel.set("magnetization", Number(Math.min(Math.max(m, low), high).toFixed(3)));
  }

  pull(h) {
    const [low, high] = this.panel.limits.field;
    this.panel.set("field", Number(Math.min(Math.max(h, low), high).toFixed(2)));
  }

  reset() {
    this.endSweep();
    this.ticks = 0;
    this.magnet.m = this.start;
    this.clear();
    this.report();
  }

  clear() {
    this.loops.trail.clear();
  }

  // Take the field once up, down and up again, beyond both spinodals, and back to zero.
  sweep() {
    if (this.tour) {
      this.endSweep();
      return;
    }
    this.tour = new Tour(this.field, [1, -1, 1, 0], this.far, GRAIN);
    this.swept = this.field;
    this.sweeper.textContent = "Stop sweep";
    this.panel.set("running", true);
  }

  // Where a sweep of the field turns.
  get far() {
    const { h } = this.magnet.spinodal;
    return Math.min((Number.isFinite(h) ? h : 0) + BEYOND, this.panel.limits.field[1]);
  }

  endSweep() {
    this.tour = undefined;
    this.sweeper.textContent = "Sweep field";
  }

  stepOn() {
    this.panel.set("running", false);
    this.advance(Math.round(1 / (TICK * this.magnet.step)));
    this.report();
  }

  advance(ticks) {
    const field = () => {
      if (this.tour && !this.tour.over) this.swept = this.tour.next();
      return this.tour ? this.swept : this.field;
    };
    this.magnet.advance(ticks, field, (h, m) => this.loops.trail.add(h, m));
    this.ticks += ticks;
    if (!this.tour) return;
    this.model.set("field", this.swept);
    if (this.tour.over) this.endSweep();
  }

  frame(milliseconds) {
    const rate = this.model.get("speed") / (TICK * this.magnet.step);
    const ticks = this.pace.due(rate, milliseconds);
    if (!this.held) this.pace.spend(ticks, (count) => this.advance(count));
    this.draw();
    this.publish();
    if (this.rate.add(1)) this.report();
  }

  draw() {
    const { m, f } = this.magnet;
    this.landscape.roll({ m, f });
    this.loops.now.move(this.field, m);
    this.loops.trail.draw();
    this.readOut();
  }

  publish() {
    if (this.typing()) return;
    this.told = this.magnet.m;
    this.model.set("magnetization", this.told);
  }

  report() {
    this.publish();
    this.draw();
    this.model.set("sweeps", this.ticks * TICK * this.magnet.step);
    this.model.save_changes();
  }

  readOut() {
    const { magnet, write } = this;
    const { h } = magnet.spinodal;
    const minima = magnet.points.filter(({ kind }) => kind !== "unstable").length;
    const near = magnet.points.find(({ m }) => Math.abs(m - magnet.m) < 0.002);
    write.m(fixed(magnet.m, 4));
    write["f(m)"](fixed(magnet.f, 4));
    write.ball(near ? PLACES[near.kind] : "rolling");
    write.minima(minima === 1 ? "1" : this.field === 0 ? "2, equally deep" : "2, one metastable");
    write["spinodal field"](Number.isFinite(h) ? `\u00b1${h.toFixed(4)}` : "none above T = 1");
    write.sweeps((this.ticks * TICK * magnet.step).toFixed(1));
    this.describe(near, minima);
  }

  describe(near, minima) {
    const { magnet, field } = this;
    const temperature = this.model.get("temperature");
    const wells = minima === 1 ? "one well" : field === 0 ? "two wells of the same depth" : "two wells";
    const sentence = `${wells[0].toUpperCase()}${wells.slice(1)}; the ball ${near ? `rests ${PLACES[near.kind]}` : "rolls"}.`;
    const places = magnet.points.map(({ m, kind }) => `${kind} at ${fixed(m, 2).trim()}`).join(", ");
    const long =
      `Free energy with ${wells} at temperature ${short(temperature, 5)} and ` +
      `${field === 0 ? "without a field" : `in a field of ${short(field, 5)}`}: ${places}. ` +
      `The ball is at m = ${fixed(magnet.m, 2).trim()}.`;
    this.panel.description.set(sentence, long);
  }
}

export default lab((parts) => new MeanFieldLab(parts));
