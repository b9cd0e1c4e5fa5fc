// The live amplifier, trigger and flip-flop: mean-field magnets whose field is an input voltage.

import { Chart, dragged, legend, short } from "./runtime/chart.js";
import { drawing, element, fixed } from "./runtime/dom.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Tour, Trail } from "./runtime/trail.js";

const TICK = 32; // steps between two looks at the input
const ROOM = 16; // ticks in one call of a kernel, before which a sweep chooses its speed
const GRAIN = 0.00001; // by how much a swept input moves in a tick at least,
const GRAINS = 100; // how many times as much at most,
const LAG = 0.03; // and how far the output may lag behind it
const BEYOND = 0.25; // how far a swept input goes beyond the trigger's thresholds
const PULSE = 6; // length of a pulse, in response times
const MEMORY = 80; // length of the flip-flop's record, in response times
const HIGHEST = 12; // the gain at the top of its chart
const PULSES = { hold: [0, 0], "set pulse": [1, -1], "reset pulse": [-1, 1], "both pulsed": [1, 1] };
const PULSED = {
  "set pulse": "A set pulse is on.",
  "reset pulse": "A reset pulse is on.",
  "both pulsed": "Both inputs are pulsed.",
};
const ACROSS = [-1.1, 1.1]; // outputs, with room for the dot
const STATES = { 1: "set", 0: "reset", "-1": "undecided" };
const AMPLIFIER_SIGNS = [
  ["line theory", "outputs at rest"],
  ["line unstable", "unstable"],
  ["line third", "small signals: slope G"],
  ["dot now", "now"],
  ["line measured", "trail"],
  ["line guide", "thresholds"],
  ["line beyond", "loop gain, off the chart"],
];
const FLIP_FLOP_SIGNS = [
  ["line theory", "Q as not Q drives it"],
  ["line third", "not Q as Q drives it"],
  ["line guide", "first input"],
  ["dot theory", "stable"],
  ["dot unstable", "unstable"],
  ["dot now", "now"],
  ["line measured", "trail"],
];

// One amplifier that feeds its output back with the loop gain.
class Amplifier {
  constructor(module, step) {
    this.kernels = new Kernels(module, 2 ** 16);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    this.step = step;
    this.curve = { output: real(801), input: real(801) };
    this.limit = real(2);
    this.state = real(1);
    this.noted = { inputs: real(ROOM), outputs: real(ROOM) };
  }

  get output() {
    return this.state.data[0];
  }

  obey(loopGain) {
    const { run } = this.kernels;
    this.loopGain = loopGain;
    run.equation_of_state(1.1 + loopGain, 1, loopGain, this.curve.output, this.curve.input);
    run.spinodal(1, loopGain, this.limit);
    const [output, input] = loopGain > 1 ? this.limit.data : [NaN, NaN];
    this.threshold = { output, input };
  }

  // The small-signal gain at an output; of no meaning where it is negative.
  gain(output = 0, loopGain = this.loopGain) {
    return this.kernels.run.susceptibility(output, 1, loopGain);
  }

  // By how many grains a swept input may move in a tick: fewer where the gain is high and the output slow.
  get pace() {
    const gain = this.gain(this.output);
    const time = gain / (1 - this.output ** 2); // in which it comes to rest, in response times
    const grains = Math.round(((LAG / (gain * time)) * TICK * this.step) / GRAIN);
    return gain > 0 ? Math.min(Math.max(grains, 1), GRAINS) : 1;
  }

  advance(ticks, input, tell) {
    for (let left = ticks; left > 0; left -= ROOM) {
      const length = Math.min(left, ROOM);
      const inputs = this.kernels.part(this.noted.inputs, length);
      const outputs = this.kernels.part(this.noted.outputs, length);
      inputs.data.forEach((_, i, all) => {
        all[i] = input();
      });
      this.kernels.run.relax(this.state, 1, this.loopGain, inputs, this.step, TICK, outputs);
      outputs.data.forEach((output, i) => {
        tell(inputs.data[i], output);
      });
    }
  }
}

// Two amplifiers, each of which suppresses the other.
class FlipFlop {
  constructor(module, step) {
    this.kernels = new Kernels(module, 2 ** 16);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    this.step = step;
    this.outputs = real(201);
    this.outputs.data.forEach((_, i, all) => {
      all[i] = i / 100 - 1;
    });
    this.answers = [real(201), real(201)];
    this.state = real(2);
    this.inputs = real(2);
    this.found = { states: real(3, 2), kinds: this.kernels.array("int64", 3) };
    this.noted = { inputs: real(1, 2), outputs: real(1, 2) };
  }

  // Take loop gain and inputs; compute what each party answers to the other, and where both agree.
  obey(loopGain, inputs) {
    const { run } = this.kernels;
    const { outputs, answers, found } = this;
    this.loopGain = loopGain;
    this.inputs.data.set(inputs);
    inputs.forEach((input, party) => {
      run.response(outputs, 1, -loopGain, input, answers[party]);
    });
    const count = Number(run.flip_flop_fixed_points(1, loopGain, this.inputs, found.states, found.kinds));
    this.points = Array.from({ length: count }, (_, i) => {
      return {
        q: found.states.data[2 * i],
        notQ: found.states.data[2 * i + 1],
        stable: found.kinds.data[i] > 0n,
      };
    });
  }

  advance() {
    this.noted.inputs.data.set(this.inputs.data);
    const { inputs, outputs } = this.noted;
    this.kernels.run.relax_flip_flop(this.state, 1, this.loopGain, inputs, this.step, TICK, outputs);
  }

  get shown() {
    return STATES[this.kernels.run.logic_state(this.state.data[0], this.state.data[1])];
  }
}

// Output against input: the curve of all outputs at rest, its slope at zero, and the trail of the operating point.
class Transfer {
  constructor(onInput) {
    const describe =
      "Output against input voltage: the outputs at rest, dashed where unstable, the small-signal line, and the trail.";
    this.chart = new Chart({
      x: [-1, 1],
      y: ACROSS,
      xLabel: "input voltage",
      yLabel: "output / saturation",
      describe,
      left: 58,
    });
    this.guides = [-1, 1].map(() => this.chart.line("guide"));
    this.slope = this.chart.line("third");
    this.stable = this.chart.line("theory");
    this.unstable = this.chart.line("unstable");
    this.trail = new Trail(this.chart, "measured");
    this.now = this.chart.dot("now", 6);
    dragged(this.chart, { move: ({ x }) => onInput(x) });
  }

  draw(amplifier) {
    const { curve, threshold, loopGain } = amplifier;
    const outputs = curve.output.data;
    const inputs = Array.from(curve.input.data);
    const inside = Array.from(outputs, (value) => Math.abs(value) < threshold.output);
    this.stable.set(
      inputs.map((value, i) => (inside[i] ? NaN : value)),
      outputs,
    );
    this.unstable.set(
      inputs.map((value, i) => (inside[i] || inside[i - 1] || inside[i + 1] ? value : NaN)),
      outputs,
    );
    for (const [i, guide] of this.guides.entries()) {
      const place = (2 * i - 1) * threshold.input;
      guide.set([place, place], ACROSS);
    }
    const gain = amplifier.gain();
    if (loopGain < 1) this.slope.set([-2 / gain, 2 / gain], [-2, 2]);
    else this.slope.set([], []);
  }
}

// Gain against loop gain, up to where it diverges.
class GainChart {
  constructor(amplifier, highest, onLoopGain) {
    const describe =
      "Gain against loop gain: it diverges at a loop gain of 1, and beyond there is a Schmitt trigger.";
    this.chart = new Chart({
      x: [0, highest],
      y: [0, HIGHEST],
      xLabel: "loop gain",
      yLabel: "gain G",
      describe,
    });
    const loopGains = Array.from({ length: 200 }, (_, i) => i / 200);
    this.chart.line("guide", [1, 1], [0, HIGHEST]);
    this.chart.line(
      "theory",
      loopGains,
      loopGains.map((loopGain) => amplifier.gain(0, loopGain)),
    );
    const { x, y } = this.chart;
    const middle = x.to((1 + highest) / 2);
    const lines = ["no gain:", "a Schmitt trigger"].map((words, i) =>
      drawing("tspan", { x: middle, dy: `${1.25 * i}em` }, words),
    );
    const place = { y: y.to(0.93 * HIGHEST), "text-anchor": "middle", class: "lab-note" };
    this.chart.inside.append(drawing("text", place, ...lines));
    this.here = this.chart.line("beyond");
    this.chart.dots.append(this.here.node); // where it is whole at the end of the axis, too
    this.now = this.chart.dot("now", 6);
    dragged(this.chart, { move: ({ x: place }) => onLoopGain(place) });
  }

  // Beyond the top of the chart and beyond 1 the place is shown by a line.
  draw(amplifier) {
    const gain = amplifier.gain();
    const { loopGain } = amplifier;
    const seen = loopGain < 1 && gain <= HIGHEST;
    this.now.move(loopGain, seen ? gain : NaN);
    this.here.set(seen ? [] : [loopGain, loopGain], [0, (loopGain > 1 ? 0.68 : 1) * HIGHEST]);
  }
}

// The plane of both outputs: what each party answers to the other, where both agree, and the trail of the state.
class Plane {
  constructor() {
    const describe =
      "The plane of both outputs: the two answer curves, the states where they cross, and the trail of the state.";
    const form = { x: ACROSS, y: ACROSS, xLabel: "Q", yLabel: "not Q", describe, height: 300, left: 58 };
    this.chart = new Chart(form);
    this.answers = [this.chart.line("theory"), this.chart.line("third")];
    this.trail = new Trail(this.chart, "measured");
    this.points = {
      true: [0, 1].map(() => this.chart.dot("theory", 4.5)),
      false: [this.chart.dot("unstable", 4.5)],
    };
    this.now = this.chart.dot("now", 6);
  }

  draw({ outputs, answers, points }) {
    this.answers[0].set(answers[0].data, outputs.data);
    this.answers[1].set(outputs.data, answers[1].data);
    for (const stable of [true, false]) {
      const found = points.filter((point) => point.stable === stable);
      this.points[stable].forEach((dot, i) => {
        if (i < found.length) dot.move(found[i].q, found[i].notQ);
        else dot.hide();
      });
    }
  }
}

// Both outputs and the first input in the time just past.
class Scope {
  constructor(tickLength) {
    const describe = "Both outputs and the first input against time.";
    const form = {
      x: [-MEMORY, 0],
      y: ACROSS,
      xLabel: "time, in response times",
      yLabel: "outputs",
      describe,
      height: 300,
      left: 58,
    };
    this.chart = new Chart(form);
    this.lines = {
      input: this.chart.line("guide"),
      q: this.chart.line("theory"),
      notQ: this.chart.line("third"),
    };
    this.tickLength = tickLength;
    this.clear();
  }

  clear() {
    this.record = { input: [], q: [], notQ: [] };
    this.draw();
  }

  add(values) {
    const room = MEMORY / this.tickLength;
    for (const [name, series] of Object.entries(this.record)) {
      series.push(values[name]);
      if (series.length > room) series.shift();
    }
  }

  draw() {
    const { length } = this.record.q;
    const ages = Array.from({ length }, (_, i) => (i + 1 - length) * this.tickLength);
    for (const [name, series] of Object.entries(this.record)) this.lines[name].set(ages, series);
  }
}

class AmplifierLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), ticks: 0 });
    const step = model.get("_step");
    this.tickLength = TICK * step;
    this.amplifier = new Amplifier(module, step);
    this.flipFlop = new FlipFlop(module, step);
    this.transfer = new Transfer((x) => this.put("voltage", x));
    this.gains = new GainChart(this.amplifier, panel.limits.loop_gain[1], (x) => this.put("loop_gain", x));
    this.plane = new Plane();
    this.scope = new Scope(this.tickLength);
    this.pulse = "hold";
    const [transfer, gains, plane, scope] = [this.transfer, this.gains, this.plane, this.scope].map(
      ({ chart }) => chart.svg,
    );
    const second = element("div", { class: "lab-second" }, gains, scope);
    const legends = [legend(AMPLIFIER_SIGNS), legend(FLIP_FLOP_SIGNS)];
    el.append(element("div", { class: "lab-figures" }, transfer, plane, second), ...legends);
    this.ofAmplifier = [transfer, gains, legends[0]];
    this.ofFlipFlop = [plane, scope, legends[1]];
    this.furnish();
    panel.follow("circuit", () => this.wire());
    panel.follow(["loop_gain", "pulse"], () => this.obey());
    panel.follow("voltage", () => this.moved());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    if (el.dataset.lab && !panel.restored && this.model.get("running")) this.open();
    panel.follow("running", () => this.model.get("running") || this.report());
  }

  furnish() {
    const { panel, ofAmplifier, ofFlipFlop } = this;
    panel.switch();
    panel.button("Step", () => this.stepOn());
    ofFlipFlop.push(
      panel.button("Set", () => this.press("set pulse")),
      panel.button("Reset", () => this.press("reset pulse")),
    );
    ofFlipFlop.push(panel.button("Pulse both inputs", () => this.press("both pulsed")));
    this.sweeper = panel.button("Sweep input", () => this.sweep());
    ofAmplifier.push(this.sweeper);
    panel.button("Outputs to zero", () => this.discharge());
    panel.button("Clear trail", () => this.clear());
    panel.share();
    panel.menu("circuit", { label: "Circuit" });
    const where = panel.main;
    panel.slider("loop_gain", { label: "Loop gain", where });
    ofAmplifier.push(
      panel.slider("voltage", { label: "Input voltage", where, onHand: () => this.endSweep() }),
    );
    ofFlipFlop.push(panel.slider("pulse", { label: "Pulse height", where }));
    panel.slider("speed", { label: "Response times a second", step: 0.5, digits: 1, logarithmic: true });
    this.write = {
      ...panel.readouts(["input", "output", "gain G", "thresholds"], ofAmplifier),
      ...panel.readouts(["Q", "not Q", "state", "inputs", "pulse / threshold"], ofFlipFlop),
      ...panel.readouts(["time"]),
    };
    panel.mount();
  }

  // What runs from the start shows a motion, unless its settings have one: nothing moves where nothing is put in.
  open() {
    if (this.isFlipFlop) this.press("set pulse");
    else if (this.model.get("voltage") === 0) this.sweep();
  }

  get isFlipFlop() {
    return this.model.get("circuit") === "flip-flop";
  }

  // Show what belongs to the chosen circuit, and nothing else.
  wire() {
    const chosen = this.isFlipFlop;
    for (const node of this.ofAmplifier) node.toggleAttribute("hidden", chosen);
    for (const node of this.ofFlipFlop) node.toggleAttribute("hidden", !chosen);
    this.endSweep();
    this.pulse = "hold";
    this.obey();
    this.report();
  }

  obey() {
    const { amplifier, flipFlop } = this;
    const { settings } = this.panel;
    amplifier.obey(settings.loop_gain);
    flipFlop.obey(
      settings.loop_gain,
      PULSES[this.pulse].map((sign) => sign * settings.pulse),
    );
    this.transfer.draw(amplifier);
    this.gains.draw(amplifier);
    this.plane.draw(flipFlop);
    if (this.tour) this.tour.far = this.far;
    this.draw();
  }

  // The input has moved: by hand or from Python, or by the sweep.
  moved() {
    if (this.tour && this.model.get("voltage") !== this.swept) this.endSweep();
    this.draw();
  }

  put(name, value) {
    const [low, high] = this.panel.limits[name];
    this.panel.set(name, Number(Math.min(Math.max(value, low), high).toFixed(2)));
  }

  // A pulse on the inputs, long enough for the outputs to follow if it is high enough.
  press(pulse) {
    this.pulse = pulse;
    this.left = Math.round(PULSE / this.tickLength);
    this.obey();
    this.panel.set("running", true);
  }

  // Take the outputs to zero, where the circuit is at rest, though perhaps not stable.
  discharge() {
    this.endSweep();
    this.pulse = "hold";
    this.ticks = 0;
    this.amplifier.state.data.fill(0);
    this.flipFlop.state.data.fill(0);
    this.clear();
    this.obey();
    this.report();
  }

  clear() {
    this.transfer.trail.clear();
    this.plane.trail.clear();
    this.scope.clear();
  }

  sweep() {
    if (this.tour) {
      this.endSweep();
      return;
    }
    this.swept = this.model.get("voltage");
    const turns = this.amplifier.loopGain > 1 ? [1, -1, 1, 0] : [1, -1, 0];
    this.tour = new Tour(this.swept, turns, this.far, GRAIN);
    this.sweeper.textContent = "Stop sweep";
    this.panel.set("running", true);
  }

  // Where a sweep of the input turns.
  get far() {
    const highest = this.panel.limits.voltage[1];
    const { input } = this.amplifier.threshold;
    return Number.isFinite(input) ? Math.min(input + BEYOND, highest) : highest;
  }

  endSweep() {
    this.tour = undefined;
    this.sweeper.textContent = "Sweep input";
  }

  stepOn() {
    this.panel.set("running", false);
    this.advance(Math.round(1 / this.tickLength));
    this.report();
  }

  advance(ticks) {
    if (this.isFlipFlop) for (let tick = 0; tick < ticks; tick += 1) this.tick();
    else this.follow(ticks);
    this.ticks += ticks;
  }

  // The amplifier follows its input.
  follow(ticks) {
    const input = () => {
      if (this.tour && !this.tour.over) this.swept = this.tour.next(this.amplifier.pace);
      return this.tour ? this.swept : this.model.get("voltage");
    };
    this.amplifier.advance(ticks, input, (voltage, output) => this.transfer.trail.add(voltage, output));
    if (!this.tour) return;
    this.model.set("voltage", this.swept);
    if (this.tour.over) this.endSweep();
  }

  // A tick of the flip-flop, at the end of which a pulse may end.
  tick() {
    const { flipFlop } = this;
    flipFlop.advance();
    const [q, notQ] = flipFlop.state.data;
    this.plane.trail.add(q, notQ);
    this.scope.add({ q, notQ, input: flipFlop.inputs.data[0] });
    if (this.pulse === "hold") return;
    this.left -= 1;
    if (this.left <= 0) {
      this.pulse = "hold";
      this.obey();
    }
  }

  frame(milliseconds) {
    const ticks = this.pace.due(this.model.get("speed") / this.tickLength, milliseconds);
    this.pace.spend(ticks, (count) => this.advance(count));
    this.draw();
    if (this.rate.add(1)) this.report();
  }

  draw() {
    const [q, notQ] = this.flipFlop.state.data;
    if (this.isFlipFlop) {
      this.plane.now.move(q, notQ);
      this.plane.trail.draw();
      this.scope.draw();
    } else {
      this.transfer.now.move(this.model.get("voltage"), this.amplifier.output);
      this.transfer.trail.draw();
    }
    this.readOut();
  }

  report() {
    this.draw();
    const [q, notQ] = this.flipFlop.state.data;
    this.model.set("output", this.isFlipFlop ? q : this.amplifier.output);
    this.model.set("complement", this.isFlipFlop ? notQ : null);
    this.model.set("time", this.ticks * this.tickLength);
    this.model.save_changes();
  }

  readOut() {
    const { write, amplifier, flipFlop } = this;
    const { loopGain, threshold } = amplifier;
    const gain = amplifier.gain();
    write.input(fixed(this.model.get("voltage"), 4));
    write.output(fixed(amplifier.output, 4));
    write["gain G"](
      loopGain > 1 ? "none: a Schmitt trigger" : Number.isFinite(gain) ? gain.toFixed(3) : "infinite",
    );
    write.thresholds(loopGain > 1 ? `\u00b1${threshold.input.toFixed(4)}` : "none");
    const [q, notQ] = flipFlop.state.data;
    write.Q(fixed(q, 4));
    write["not Q"](fixed(notQ, 4));
    write.state(flipFlop.shown);
    write.inputs(this.pulse);
    const needed = loopGain > 1 ? threshold.input.toFixed(4) : "\u2013";
    write["pulse / threshold"](`${this.model.get("pulse").toFixed(2)} / ${needed}`);
    write.time((this.ticks * this.tickLength).toFixed(1));
    this.panel.description.set(...(this.isFlipFlop ? this.ofTheBit() : this.ofTheOutput(gain)));
  }

  ofTheBit() {
    const { flipFlop } = this;
    const [q, notQ] = Array.from(flipFlop.state.data, (output) => fixed(output, 2).trim());
    const sentence = `The flip-flop is ${flipFlop.shown}.`;
    return [sentence, `${sentence} Q = ${q}, not Q = ${notQ}. ${PULSED[this.pulse] ?? this.ofRest()}`];
  }

  // What the flip-flop can do while nothing is put in.
  ofRest() {
    const { loopGain, points } = this.flipFlop;
    return points.filter((point) => point.stable).length > 1
      ? `At a loop gain of ${short(loopGain, 5)} and without a pulse it has two stable states: it can hold a bit.`
      : `At a loop gain of ${short(loopGain, 5)} it has a single stable state: it cannot hold a bit.`;
  }

  ofTheOutput(gain) {
    const { loopGain, output, threshold } = this.amplifier;
    const number = (value) => fixed(value, 2).trim();
    const sentence =
      loopGain > 1
        ? `A Schmitt trigger, its output ${output > 0 ? "high" : output < 0 ? "low" : "at zero"}.`
        : loopGain === 1
          ? "At a loop gain of 1 no gain holds for small signals: the output follows their cube root, ever more slowly."
          : `An amplifier with a gain of ${gain.toFixed(1)} for small signals.`;
    const switches =
      loopGain > 1 ? ` It switches at inputs of plus and minus ${threshold.input.toFixed(2)}.` : "";
    const now = `Loop gain ${short(loopGain, 5)}, input ${number(this.model.get("voltage"))}, output ${number(output)}.`;
    return [sentence, `${sentence}${switches} ${now}`];
  }
}

export default lab((parts) => new AmplifierLab(parts));
