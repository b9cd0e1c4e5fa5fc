// Live learning curves: students of different rules who learn from one teacher, and the theory of each.

import { Chart, dragged, legible, short } from "./runtime/chart.js";
import { counted, drawing, element, fixed } from "./runtime/dom.js";
import { Kernels, seeded } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Rate } from "./runtime/loop.js";

const ONLINE = { hebb: 0, perceptron: 1, optimal: 3 }; // numbers of the rules in the kernel
const WALKERS = ["gibbs", "bayes"];
const LOOKS = {
  hebb: { name: "Hebb", form: "circle" },
  pseudo_inverse: { name: "pseudo-inverse", form: "square" },
  perceptron: { name: "online perceptron", form: "up" },
  optimal: { name: "optimal online", form: "down" },
  stability: { name: "largest margin", form: "diamond" },
  gibbs: { name: "Gibbs", form: "cross" },
  bayes: { name: "Bayes", form: "star" },
};
const PRESETS = [
  [
    "Three exponents",
    ["hebb", "perceptron", "gibbs"],
    { axes: "logarithmic", size: 50, reach: 20, load: 10, speed: 2000 },
  ],
  [
    "The peak at \u03b1 = 1",
    ["hebb", "pseudo_inverse"],
    { axes: "linear", size: 100, reach: 4, load: 1, speed: 2000 },
  ],
  [
    "Who is best?",
    ["hebb", "optimal", "stability", "gibbs", "bayes"],
    { axes: "linear", size: 50, reach: 5, load: 3, speed: 1000 },
  ],
];
const FRAME = 8; // milliseconds of a frame for learning; the rest is for drawing and for the page
const PIECE = 4e5; // numbers that are passed through before the clock is asked
const BRIEF = 100; // milliseconds that a step may take at once
const LONG = 1000; // milliseconds at a stop that are explained
const TELLING = 4; // runs from which on their scatter tells an error
const NOTED = 250; // points of the run that goes on
const APART = 0.055; // decades between marks on a logarithmic axis
const DECADES = { load: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20], error: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] };
const HUB = { x: 36, y: 222 }; // of the compass
const ACROSS = Math.PI / 2; // from the teacher
const FARTHEST = 1.1 * ACROSS; // that a needle is drawn
const FRACTIONS = { 1: "1", 0.5: "1/2", 0.333: "1/3" };

// The teacher and its students on the kernels, run after run.
class School {
  constructor(module, { limits, model }) {
    const [size, reach] = [limits.size[1], limits.reach[1]];
    this.kernels = new Kernels(module, 16 * size * size * reach + 64 * size * (size + reach) + 2 ** 17);
    this.rules = model.get("_rules");
    this.fractions = model.get("_fractions");
    this.work = model.get("_work");
    this.ground = this.kernels.top;
  }

  // Begin anew, for the rules that are `shown`.
  begin({ size, reach, seed }, shown) {
    const { kernels, rules } = this;
    kernels.top = this.ground;
    const real = (...shape) => kernels.zeros("float64", ...shape);
    const most = size * reach;
    const places = this.fractions.map((f) => Math.max(Math.floor(most * f + 0.5), 1));
    this.stops = [...new Set([...places, size])].sort((a, b) => a - b);
    const whole = (x) => Math.abs(x - Math.round(x)) < 1e-4;
    this.evenly = new Set([size, ...places.filter((_, k) => whole(this.fractions[k] * this.work.even))]);
    Object.assign(this, { size, most, shown: new Set(shown), runs: 0, mu: 0 });
    const { length } = this.stops;
    Object.assign(this, {
      teacher: real(size),
      inputs: kernels.array("float64", most, size),
      labels: kernels.array("int8", most),
      columns: kernels.array("float64", size, most),
      weights: Object.fromEntries(rules.map((rule) => [rule, real(size)])),
      squares: [real(size, size), real(size, size), real(2, size)],
      strengths: real(most),
      centres: [real(size), real(size)],
      totals: real(2),
      errors: real(rules.length, length),
      counted: [0, 1, 2].map(() => real(rules.length, length)),
    });
    this.state = seeded(kernels, BigInt(seed));
    const apart = seeded(kernels, BigInt(seed));
    kernels.run.split_mix(apart, apart.data[0]);
    this.walk = [apart, real(size), real(most), real(most), this.weights.gibbs];
    this.since = undefined;
    this.course = this.learn();
    this.course.next();
  }

  get walks() {
    return WALKERS.some((rule) => this.shown.has(rule));
  }

  // Learn one example after the other, and yield whenever the clock may be asked: 1 after an example, else 0.
  *learn() {
    for (;;) {
      this.start();
      yield 0;
      let stop = 0;
      for (let mu = 0; mu < this.most; mu += 1) {
        yield* this.show(mu);
        this.mu = mu + 1;
        if (this.mu === this.stops[stop]) {
          this.since = performance.now();
          yield* this.think();
          this.since = undefined;
          this.noteAt(stop);
          stop += 1;
        }
        this.note(stop);
        yield 1;
      }
      this.kernels.run.add_run(this.errors, ...this.counted);
      this.runs += 1;
    }
  }

  start() {
    const { run } = this.kernels;
    run.draw_teacher(this.state, this.teacher);
    for (const { data } of [...Object.values(this.weights), this.strengths]) data.fill(0);
    run.begin_least_squares(this.squares[0], this.squares[1], this.weights.pseudo_inverse);
    if (this.walks) run.draw_teacher(this.walk[0], this.weights.gibbs);
    this.errors.data.fill(NaN);
    this.mu = 0;
    this.record = Object.fromEntries(this.rules.map((rule) => [rule, { loads: [], errors: [] }]));
  }

  *show(mu) {
    const { run } = this.kernels;
    const { inputs, labels, columns, weights, shown, walk } = this;
    run.draw_example(this.teacher, mu, this.state, inputs, labels, columns);
    for (const [rule, number] of Object.entries(ONLINE))
      if (shown.has(rule)) run.online_step(inputs, labels, mu, number, weights[rule]);
    if (shown.has("pseudo_inverse"))
      run.least_squares_step(inputs, labels, mu, ...this.squares, weights.pseudo_inverse);
    if (shown.has("stability")) {
      this.ask(mu + 1);
      yield 0;
    }
    if (!this.walks) return;
    while (!Number(run.meet_example(inputs, labels, mu, 1, columns, ...walk))) yield 0;
    run.sweep_version_space(columns, mu + 1, this.work.sweeps, ...walk);
  }

  // Let the adatron go on, and tell whether it has come to rest.
  ask(count) {
    const { inputs, labels, strengths, weights, work } = this;
    const most = count + work.asked;
    const given = [inputs, labels, count, work.rate, work.tolerance, most, strengths, weights.stability];
    return Number(this.kernels.run.adatron_rest(...given)) < most;
  }

  // Do what takes long, at a stop.
  *think() {
    const { run } = this.kernels;
    const { mu, size, work, centres, totals, columns, walk, teacher } = this;
    while (this.shown.has("stability") && !this.ask(mu)) yield 0;
    if (!this.walks) return;
    const piece = Math.max(1, Math.floor(PIECE / (mu * size)));
    for (let left = work.warm * size; left > 0; left -= piece) {
      run.sweep_version_space(columns, mu, Math.min(left, piece), ...walk);
      yield 0;
    }
    for (const { data } of [...centres, totals]) data.fill(0);
    for (const centre of centres)
      for (let left = work.half * size; left > 0; left -= piece) {
        run.gather_centre(teacher, columns, mu, Math.min(left, piece), ...walk, centre, totals);
        yield 0;
      }
    this.weights.bayes.data.forEach((_, i, all) => {
      all[i] = centres[0].data[i] + centres[1].data[i];
    });
  }

  // The error of a rule at a stop.
  errorAtStop(rule) {
    const { totals, centres, teacher } = this;
    if (rule === "gibbs") return totals.data[0] / totals.data[1];
    if (rule === "bayes") return this.kernels.run.error_of_centre(teacher, ...centres);
    return this.errorNow(rule);
  }

  errorNow(rule) {
    return this.kernels.run.error_of(this.teacher, this.weights[rule]);
  }

  noteAt(stop) {
    for (const [k, rule] of this.rules.entries()) {
      if (!this.shown.has(rule)) continue;
      const error = this.errorAtStop(rule);
      this.errors.data[k * this.stops.length + stop] = error;
      if (WALKERS.includes(rule)) this.remember(rule, error);
    }
  }

  // What the run that goes on shows between its stops.
  note() {
    if (this.mu % Math.ceil(this.most / NOTED) !== 0) return;
    for (const rule of this.shown) if (!WALKERS.includes(rule)) this.remember(rule, this.errorNow(rule));
  }

  remember(rule, error) {
    this.record[rule].loads.push(this.mu / this.size);
    this.record[rule].errors.push(error);
  }

  get load() {
    return this.mu / this.size;
  }

  // Whether a stop takes so long that a reader should know.
  get waits() {
    return this.walks && performance.now() - this.since > LONG;
  }

  // Learn so many examples, or as many as there is time for; return how many.
  advance(examples, milliseconds) {
    const end = performance.now() + milliseconds;
    let done = 0;
    while (done < examples && performance.now() < end) done += this.course.next().value;
    return done;
  }

  // The stop that is next to a load.
  nearest(load) {
    const apart = this.stops.map((stop) => Math.abs(Math.log(stop / this.size / load)));
    return apart.indexOf(Math.min(...apart));
  }

  // Load, mean, standard error and number of runs of a rule at a stop.
  measured(rule, stop) {
    const place = this.rules.indexOf(rule) * this.stops.length + stop;
    const [count, mean, square] = this.counted.map(({ data }) => data[place]);
    return {
      load: this.stops[stop] / this.size,
      count,
      mean: count > 0 ? mean : NaN,
      error: count >= TELLING ? Math.sqrt(square / (count - 1) / count) : NaN,
    };
  }
}

// The teacher's direction straight up, and those of the students at their true angles to it.
class Compass {
  constructor(rules) {
    this.svg = drawing("svg", {
      viewBox: "0 0 360 262",
      role: "img",
      "aria-label":
        "Compass: the teacher's direction straight up, and a needle for each student at its angle to it.",
      class: "lab-chart lab-compass",
    });
    const radius = 190;
    const at = (angle, r) => [HUB.x + r * Math.sin(angle), HUB.y - r * Math.cos(angle)];
    const scale = drawing("g", { class: "lab-axes" });
    const [top, side] = [at(0, radius), at(ACROSS, radius)];
    scale.append(drawing("path", { d: `M${top}A${radius} ${radius} 0 0 1 ${side}` }));
    for (const error of [0.1, 0.2, 0.3, 0.4, 0.5]) {
      const angle = error * Math.PI;
      const [x, y] = at(angle, radius + 8);
      const text = drawing("text", { x: x.toFixed(1), y: (y + 4).toFixed(1) }, short(error));
      scale.append(drawing("path", { d: `M${at(angle, radius)}L${at(angle, radius + 5)}` }), text);
    }
    const about = { x: 358, "text-anchor": "end" };
    this.now = drawing("text", { ...about, y: 17 });
    const named = drawing("text", { x: 4, y: 17 }, "teacher");
    const told = drawing("text", { ...about, y: 254 }, "angle = \u03c0 \u00d7 error");
    scale.append(this.now, named, told);
    const up = drawing("path", { d: `M${at(0, 0)}L${top}m-5 10l5-10l5 10`, class: "lab-line lab-teacher" });
    this.svg.append(scale, up);
    this.at = at;
    this.needles = rules.map((rule, k) => {
      const line = drawing("path", { class: `lab-line lab-needle ${rule}` });
      const tip = drawing("path", { class: `lab-mark ${rule}` });
      this.svg.append(line, tip);
      return { rule, line, tip, length: radius - 12 - 12 * k };
    });
    this.svg.append(drawing("circle", { cx: HUB.x, cy: HUB.y, r: 4, class: "lab-hub" }));
    legible(this.svg);
  }

  draw(school) {
    for (const { rule, line, tip, length } of this.needles) {
      const seen = school.shown.has(rule);
      for (const node of [line, tip]) node.toggleAttribute("hidden", !seen);
      if (!seen) continue;
      const angle = Math.min(school.errorNow(rule) * Math.PI, FARTHEST);
      const [x, y] = this.at(angle, length);
      line.setAttribute("d", `M${HUB.x} ${HUB.y}L${x.toFixed(1)} ${y.toFixed(1)}`);
      tip.setAttribute("d", form(LOOKS[rule].form, x, y, 5.5));
    }
    const words = `now \u03b1 = ${school.load.toFixed(2)}`;
    if (this.now.textContent !== words) this.now.textContent = words;
  }
}

// Error against load: theory as lines, means over runs as marks, the run that goes on as a faint line.
class Curves {
  constructor(rules, { curves, powers }, onLoad) {
    Object.assign(this, { curves, powers });
    this.chart = new Chart({
      x: [0, 1],
      y: [0, 0.5],
      xLabel: "load \u03b1 = P / N",
      yLabel: "error \u03b5",
      describe: "Error against load: the theory of each rule as a line, means over runs as marks on it.",
      height: 262,
      left: 46,
    });
    const { chart } = this;
    this.reading = chart.line("guide");
    this.powerLaws = drawing("g");
    chart.inside.append(this.powerLaws);
    this.note = drawing(
      "text",
      { class: "lab-note", x: 348, y: 14, "text-anchor": "end" },
      "dashed: for large \u03b1",
    );
    chart.svg.append(this.note);
    this.parts = rules.map((rule) => {
      const [now, line] = [chart.line(`lab-now ${rule}`), chart.line(`lab-curve ${rule}`)];
      const errors = chart.shape(`lab-errors ${rule}`, bars(chart));
      const marks = drawing("path", { class: `lab-mark ${rule}` });
      chart.dots.append(marks);
      return { rule, now, line, errors, marks };
    });
    dragged(chart, { move: ({ x }) => onLoad(this.logarithmic ? 10 ** x : x) });
  }

  // Give the axes their ends, and draw what does not move.
  obey({ axes, reach, load }, school) {
    const { chart } = this;
    this.logarithmic = axes === "logarithmic";
    const low = (0.3 / reach) * (reach > 5 ? 1 : 0.8);
    const ends = this.logarithmic
      ? { x: [reach > 8 ? 0.2 : 0.1, reach], y: [low, 0.56] }
      : { x: [0, reach], y: [0, 0.53] };
    const within =
      ([a, b]) =>
      (v) =>
        v >= a && v <= b;
    const at = (values, range) => values.filter(within(range)).map((v) => [Math.log10(v), short(v)]);
    chart.places = this.logarithmic ? at(DECADES.load, ends.x) : undefined;
    chart.heights = this.logarithmic ? at(DECADES.error, ends.y) : undefined;
    chart.range(
      ends.x.map((v) => this.to(v)),
      ends.y.map((v) => this.to(v)),
    );
    this.ends = ends;
    for (const { rule, line, now, errors, marks } of this.parts) {
      const seen = school.shown.has(rule);
      for (const { node } of [line, now, errors, { node: marks }]) node.toggleAttribute("hidden", !seen);
      if (seen) line.set(this.all(this.curves.load), this.all(this.curves[rule]));
    }
    this.drawPowers(school);
    this.read(school.stops[school.nearest(load)] / school.size);
    this.drawMarks(school);
  }

  to(value) {
    return this.logarithmic ? Math.log10(value) : value;
  }

  all(values) {
    return Array.from(values, (value) => this.to(value));
  }

  read(load) {
    const x = this.to(load);
    const { y } = this.chart;
    this.reading.set([x, x], [y.low, y.high]);
  }

  // What the curves tend to, straight on logarithmic axes.
  drawPowers(school) {
    const { chart, ends } = this;
    this.powerLaws.replaceChildren();
    this.note.toggleAttribute("hidden", !this.logarithmic || school.shown.size === 0);
    if (!this.logarithmic) return;
    for (const rule of school.shown) {
      const [amplitude, exponent] = this.powers[rule];
      const loads = [1, ends.x[1]];
      const heights = loads.map((load) => amplitude * load ** -exponent);
      const d = chart.path(this.all(loads), this.all(heights));
      this.powerLaws.append(drawing("path", { class: "lab-line guide", d }));
    }
  }

  // The stops that have a mark: those at equal distances and alpha = 1, or at about equal ratios.
  marked(school) {
    const { stops, size, evenly } = school;
    if (!this.logarithmic) return [...stops.keys()].filter((k) => evenly.has(stops[k]));
    const kept = [];
    for (const k of stops.keys()) {
      const place = Math.log10(stops[k] / size);
      if (place < this.chart.x.low - 1e-9) continue;
      if (!(place - kept.at(-1)?.place < APART)) kept.push({ k, place });
    }
    return kept.map(({ k }) => k);
  }

  drawMarks(school) {
    const { chart } = this;
    const shown = this.marked(school);
    for (const { rule, errors, marks } of this.parts) {
      if (!school.shown.has(rule)) continue;
      const points = shown.map((k) => school.measured(rule, k)).filter(({ count }) => count > 0);
      const xs = points.map(({ load }) => this.to(load));
      const [low, high] = [-1, 1].map((sign) =>
        points.map(({ mean, error }) => this.to(Math.max(mean + sign * error, 1e-6))),
      );
      errors.set(xs, low, high);
      const d = points.map(({ mean }, i) =>
        form(LOOKS[rule].form, chart.x.to(xs[i]), chart.y.to(this.to(mean)), 3.1),
      );
      marks.setAttribute("d", d.join(""));
    }
  }

  draw(school) {
    for (const { rule, now } of this.parts) {
      if (!school.shown.has(rule)) continue;
      const { loads, errors } = school.record[rule];
      now.set(this.all(loads), this.all(errors));
    }
  }

  // The theory of a rule at a load: a cubic in its logarithm, through four points on one side of alpha = 1.
  theory(rule, load) {
    const { load: xs, [rule]: ys } = this.curves;
    const [cusp, next] = [1, load].map((value) => xs.findIndex((x) => x >= value));
    let first = Math.min(Math.max(next - 2, 0), xs.length - 4);
    if (first < cusp && cusp < first + 3) first = load < 1 ? cusp - 3 : cusp;
    const points = [0, 1, 2, 3].map((k) => ({ x: Math.log(xs[first + k]), y: ys[first + k] }));
    const factors = (point) =>
      points.filter((other) => other !== point).map(({ x }) => (Math.log(load) - x) / (point.x - x));
    return points.reduce((sum, point) => sum + factors(point).reduce((all, f) => all * f, point.y), 0);
  }
}

// Error bars between two ends.
function bars(chart) {
  return (xs, lows, highs) =>
    Array.from(xs, (x, i) => {
      const [low, high] = [lows[i], highs[i]].map((y) => chart.y.to(y).toFixed(2));
      const u = chart.x.to(x).toFixed(1);
      return `M${u} ${low}V${high}m-2.5 0h5M${u} ${low}m-2.5 0h5`;
    });
}

// A mark around a place.
function form(name, x, y, r) {
  const around = (count, turn, radii) =>
    Array.from({ length: count }, (_, k) => {
      const angle = turn + (2 * Math.PI * k) / count;
      const radius = radii[k % radii.length] * r;
      return `${(x + radius * Math.sin(angle)).toFixed(1)} ${(y - radius * Math.cos(angle)).toFixed(1)}`;
    });
  const shapes = {
    circle: () =>
      `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    square: () => `M${around(4, Math.PI / 4, [1.3]).join("L")}Z`,
    diamond: () => `M${around(4, 0, [1.35]).join("L")}Z`,
    up: () => `M${around(3, 0, [1.35]).join("L")}Z`,
    down: () => `M${around(3, Math.PI, [1.35]).join("L")}Z`,
    star: () => `M${around(10, 0, [1.6, 0.7]).join("L")}Z`,
    cross: () => {
      const [a, b, c, d] = around(4, Math.PI / 4, [1.3]);
      return `M${a}L${c}M${b}L${d}`;
    },
  };
  return shapes[name]();
}

// The line and the mark of a student, as they are drawn in the chart.
function key(rule) {
  return drawing(
    "svg",
    { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" },
    drawing("path", { d: "M1 7H25", class: `lab-line lab-curve ${rule}` }),
    drawing("path", { d: form(LOOKS[rule].form, 13, 7, 4.4), class: `lab-mark ${rule}` }),
  );
}

// The buttons that show and hide students, which are the legend too.
function chips(panel, rules) {
  const row = element("div", { class: "lab-presets lab-chips", role: "group", "aria-label": "Students" });
  for (const rule of rules) {
    const label = [key(rule), LOOKS[rule].name];
    const button = panel.button(label, () => panel.set(rule, !panel.model.get(rule)), row);
    panel.follow(rule, () => button.setAttribute("aria-pressed", String(panel.model.get(rule))));
  }
  return row;
}

// A legend for paper, which has no buttons.
function paperLegend(panel, rules) {
  const list = element("ul", { class: "lab-legend lab-paper" });
  for (const rule of rules) {
    const entry = element("li", {}, key(rule), LOOKS[rule].name);
    panel.follow(rule, () => entry.toggleAttribute("hidden", !panel.model.get(rule)));
    list.append(entry);
  }
  return list;
}

// Means and theory of the students at one load, in words.
class Table {
  constructor(rules, powers) {
    this.head = element("caption");
    const names = ["student", "measured", "theory", "for large \u03b1"].map((name) =>
      element("th", { scope: "col" }, name),
    );
    this.rows = Object.fromEntries(
      rules.map((rule) => {
        const cells = [element("td"), element("td")];
        const law = element("td", {}, ...power(powers[rule]));
        const row = element("tr", {}, element("th", { scope: "row" }, LOOKS[rule].name), ...cells, law);
        return [rule, { row, cells }];
      }),
    );
    const body = element("tbody", {}, ...Object.values(this.rows).map(({ row }) => row));
    const head = element("thead", {}, element("tr", {}, ...names));
    this.node = element("table", { class: "lab-answers lab-scores" }, this.head, head, body);
  }

  write(words, found) {
    if (this.head.textContent !== words) this.head.textContent = words;
    for (const [rule, { row, cells }] of Object.entries(this.rows)) {
      const numbers = found.find((score) => score.rule === rule);
      row.toggleAttribute("hidden", !numbers);
      if (!numbers) continue;
      const told = [withError(numbers), fixed(numbers.theory, 4).trim()];
      for (const [k, text] of told.entries()) if (cells[k].textContent !== text) cells[k].textContent = text;
    }
  }
}

// A power law, as "0.399 \u03b1" and its exponent.
function power([amplitude, exponent]) {
  const parts = FRACTIONS[Number(exponent.toFixed(3))];
  return [`${amplitude.toFixed(3)} \u03b1`, element("sup", {}, `\u2212${parts}`)];
}

// A mean and its error.
function withError({ count, mean, error }) {
  if (!(count > 0)) return "\u2013";
  return count >= TELLING ? `${mean.toFixed(4)} \u00b1 ${error.toFixed(4)}` : mean.toFixed(3);
}

class LearningCurveLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, rate: new Rate(), owed: 0, shownRuns: -1 });
    this.school = new School(module, panel);
    const { rules } = this.school;
    const theory = { curves: named(model.get("_curves"), rules), powers: model.get("_powers") };
    this.compass = new Compass(rules);
    this.curves = new Curves(rules, theory, (load) => panel.set("load", this.within(load)));
    this.table = new Table(rules, theory.powers);
    el.append(element("div", { class: "lab-figures" }, this.compass.svg, this.curves.chart.svg));
    el.append(paperLegend(panel, rules));
    this.furnish();
    panel.follow(["size", "reach", "seed"], () => this.reset());
    panel.follow(rules, () => this.choose());
    panel.follow(["axes", "load"], () => this.obey());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.cleanups.push(() => cancelAnimationFrame(this.stepping));
    panel.follow("running", () => model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const { main: where, rest } = panel;
    where.classList.add("lab-scored");
    where.append(chips(panel, this.school.rules));
    for (const [name, rules, settings] of PRESETS) panel.preset(name, () => this.go(rules, settings));
    const scale = { to: Math.log, from: Math.exp, round: (x) => Number(x.toPrecision(2)) };
    panel.slider("load", { label: "Read at load \u03b1", step: 0.05, scale, where });
    const actions = element("div", { class: "lab-presets" });
    where.append(actions, this.table.node);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    panel.slider("speed", { label: "Examples a second", step: 1, digits: 0, logarithmic: true });
    panel.menu("axes", { label: "Axes", names: { linear: "linear", logarithmic: "both logarithmic" } });
    panel.slider("reach", { label: "Largest load", integer: true, step: 1 });
    panel.menu("size", { label: "Inputs N", options: [20, 50, 100, 200], parse: Number });
    panel.field("seed", { label: "Seed", where: rest });
    this.write = panel.readouts(["load \u03b1", "examples P", "runs"]);
    panel.mount();
  }

  within(load) {
    const [low, high] = this.panel.limits.load;
    return Math.min(Math.max(Number(load.toPrecision(3)), low), high);
  }

  go(rules, settings) {
    for (const rule of this.school.rules) this.panel.set(rule, rules.includes(rule));
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.panel.set("running", true);
  }

  get wanted() {
    return this.school.rules.filter((rule) => this.model.get(rule));
  }

  reset() {
    this.steps = 0; // that are still to be done
    this.school.begin(this.panel.settings, this.wanted);
    this.obey();
    this.report();
  }

  // A student who is new begins, and all others begin anew; who is hidden rests.
  choose() {
    const { shown } = this.school;
    if (this.wanted.some((rule) => !shown.has(rule))) {
      this.reset();
      return;
    }
    for (const rule of [...shown]) if (!this.wanted.includes(rule)) shown.delete(rule);
    this.obey();
    this.report();
  }

  obey() {
    this.curves.obey(this.panel.settings, this.school);
    this.draw();
    this.readOut();
  }

  // One example more. At a stop that may take seconds: then frame by frame, unless something else is done.
  step() {
    this.panel.set("running", false);
    if (this.school.shown.size > 0) this.steps += 1;
    cancelAnimationFrame(this.stepping);
    this.goOn(BRIEF);
  }

  goOn(milliseconds) {
    if (this.model.get("running") || this.school.shown.size === 0) this.steps = 0;
    if (this.steps === 0) return;
    this.steps -= this.school.advance(this.steps, milliseconds);
    this.stepping = requestAnimationFrame(() => this.goOn(FRAME));
    this.report();
  }

  frame(milliseconds) {
    const speed = this.model.get("speed");
    this.owed = Math.min(this.owed + (speed * milliseconds) / 1000, Math.max(speed / 10, 1));
    const whole = Math.floor(this.owed);
    if (whole > 0 && this.school.shown.size > 0) this.owed -= this.school.advance(whole, FRAME);
    this.draw();
    if (this.rate.add(1)) this.report();
  }

  draw() {
    this.compass.draw(this.school);
    this.curves.draw(this.school);
    this.write["load \u03b1"](this.school.load.toFixed(2));
    this.write["examples P"](String(this.school.mu));
    this.write.runs(String(this.school.runs));
    if (this.shownRuns === this.school.runs) return;
    this.shownRuns = this.school.runs;
    this.curves.drawMarks(this.school);
  }

  // Hand over what has been counted, and say where the run stands.
  report() {
    const { school, model } = this;
    this.draw();
    const all = school.counted.flatMap(({ data }) => [...data]);
    model.set("_counted", new DataView(Float64Array.from(all).buffer));
    model.set("examples", school.mu);
    model.set("runs", school.runs);
    model.save_changes();
    this.readOut();
  }

  // What is measured at the stop next to the load that is read.
  scores() {
    const { school, curves } = this;
    const stop = school.nearest(this.model.get("load"));
    return [...school.rules]
      .filter((rule) => school.shown.has(rule))
      .map((rule) => {
        const found = school.measured(rule, stop);
        return { rule, ...found, theory: curves.theory(rule, found.load) };
      });
  }

  readOut() {
    const { school, table } = this;
    const scores = this.scores();
    const at = () => `Errors at \u03b1 = ${short(scores[0].load, 4)}`;
    const of = `means over ${counted(school.runs, "run")} and theory for N \u2192 \u221e`;
    table.write(scores.length ? `${at()}: ${of}` : "No student is shown", scores);
    this.describe(scores);
  }

  describe(scores) {
    const { school, panel } = this;
    const { size } = panel.settings;
    const name = (rule) => LOOKS[rule].name;
    const told = scores.map(
      (score) => `${name(score.rule)} ${withError(score)}, theory ${score.theory.toFixed(4)}`,
    );
    const place = scores.length ? ` Errors at load ${short(scores[0].load, 4)}: ${told.join("; ")}.` : "";
    const long =
      `${counted(scores.length, "student")} of one teacher with ${size} inputs, run ${school.runs + 1}, ` +
      `after ${counted(school.mu, "example")}, at load ${school.load.toFixed(2)}.${place}`;
    panel.description.set(this.inWords(scores), long);
  }

  inWords(scores) {
    const { school } = this;
    if (scores.length === 0) return "No student is shown: choose one above.";
    if (school.runs === 0 && school.mu === 0)
      return "Before the first example: nobody knows anything of the teacher.";
    const learns = this.model.get("running") || this.steps > 0;
    if (learns && school.waits)
      return `Waiting at load ${short(school.load, 3)}: the walk through all students who answer right takes a while.`;
    const ranked = scores.filter(({ count }) => count > 0).sort((a, b) => a.mean - b.mean);
    if (ranked.length === 0)
      return `The first run, now at load ${school.load.toFixed(1)}: means come with its end, errors with run ${TELLING}.`;
    const share = ({ rule, mean }) => `${LOOKS[rule].name} (${(100 * mean).toFixed(1)} % wrong)`;
    const at = `At load ${short(ranked[0].load, 3)}`;
    if (ranked.length === 1) return `${at}: ${share(ranked[0])}.`;
    const over = `on the mean of ${counted(school.runs, "run")}`;
    return `${at}, ${over}, the best is ${share(ranked[0])}, the worst ${share(ranked.at(-1))}.`;
  }
}

// The loads and errors of theory by name.
function named(curves, rules) {
  return Object.fromEntries(["load", ...rules].map((name, k) => [name, curves[k]]));
}

export default lab((parts) => new LearningCurveLab(parts));
