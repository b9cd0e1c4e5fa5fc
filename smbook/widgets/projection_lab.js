// The live projection: random sections of a saddle, the law of their curvatures, and two ways to average.

import { Bars } from "./runtime/bars.js";
import { Chart, legend, short } from "./runtime/chart.js";
import { capital, counted, drawing, element, fixed, furnish } from "./runtime/dom.js";
import { HeatMap } from "./runtime/heatmap.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const ROOM = 64; // sections in one call of the kernels
const CELLS = 61; // along each side of the picture
const AXIS = 0.94; // how far an axis reaches in it
const POINTS = 241; // of a law
const BOXES = 40; // of a histogram
const FAR = 5; // standard widths, the root of s, from t to the ends of the histograms
const PEAK = 0.33448; // of a law, in units of that width
const NEAR = 2.6; // widths from t to the ends of the chart of averages
const DENSE = 60; // points of a power of ten there
const POWERS = ["1", "10", "100", "1000", "10\u2074", "10\u2075", "10\u2076", "10\u2077", "10\u2078"];
const LOOKS = ["saddle", "minimum", "maximum"];
const MANY = { saddle: "saddles", minimum: "minima", maximum: "maxima" };
const [LOW, HIGH] = ["\u03ba\u208b", "\u03ba\u208a"]; // kappa with minus and plus below it
const PRESETS = [
  ["As many up as down", 500, 500],
  ["A few more up", 530, 470],
  ["800 up, 200 down", 800, 200],
];
const OF_SECTION = [
  ["line upward", "curved up"],
  ["line downward", "curved down"],
];
const OF_LAWS = [
  ["square measured", `${HIGH} of the sections`],
  ["line theory", `law of ${HIGH}`],
  ["square low", LOW],
  ["line unstable", `law of ${LOW}`],
  ["diamond third", "trace t"],
  ["line zero", "zero"],
];
const OF_LOOKS = [
  ["square measured", "share so far"],
  ["line theory", "law of many directions"],
];
const OF_AVERAGES = [
  ["line measured", `means of ${LOW} and ${HIGH}`],
  ["line section", `${LOW} and ${HIGH} of the mean section`],
  ["line guide", "where they go"],
];

// The saddle on its kernels: sections are drawn, and counted.
class Saddle {
  constructor(module, most) {
    this.kernels = new Kernels(module, 24 * most + 8 * (CELLS * CELLS + 3 * POINTS + 12 * ROOM) + 2 ** 12);
    const real = (...shape) => this.kernels.array("float64", ...shape);
    this.all = { eigenvalues: real(most), eta: real(most), delta: real(most) };
    this.forms = real(ROOM, 3);
    this.curvatures = real(ROOM, 2);
    this.averages = real(ROOM, 4);
    this.totals = real(9);
    this.last = real(3);
    this.axes = real(2, 2);
    this.picture = real(CELLS, CELLS);
    this.kappa = real(POINTS);
    this.laws = [real(POINTS), real(POINTS)];
    this.means = real(2);
    this.chances = real(3);
  }

  // Take the numbers of directions, and what is known of the sections before any is drawn.
  start({ n_up: up, n_down: down, seed }) {
    const { kernels, kappa, laws, means, chances } = this;
    const { run } = kernels;
    Object.assign(this, { up, down, trace: up - down, square: up + down });
    this.width = Math.sqrt(this.square);
    for (const [name, array] of Object.entries(this.all)) this[name] = kernels.part(array, up + down + 1);
    this.eigenvalues.data
      .fill(1, 0, up)
      .fill(-1, up, up + down)
      .fill(0, up + down);
    this.state ??= kernels.array("uint64", 4);
    run.split_mix(this.state, seed);
    this.totals.data.fill(0);
    kappa.data.forEach((_, i, all) => {
      all[i] = this.trace + FAR * this.width * ((2 * i) / (POINTS - 1) - 1);
    });
    for (const [i, law] of laws.entries())
      run.curvature_density(kappa, this.trace, this.square, 2 * i - 1, law);
    run.expect_sections(this.trace, this.square, means, chances);
    this.exact = run.saddle_probability_exact(up, down);
  }

  // Draw sections; tell their number, both curvatures and the averages after each.
  draw(count, tell) {
    const { kernels, totals, last } = this;
    for (let left = count; left > 0; left -= ROOM) {
      const length = Math.min(left, ROOM);
      const before = this.count;
      const forms = kernels.part(this.forms, length, 3);
      const curvatures = kernels.part(this.curvatures, length, 2);
      const averages = kernels.part(this.averages, length, 4);
      kernels.run.draw_sections(this.state, this.eigenvalues, this.eta, this.delta, forms);
      kernels.run.find_curvatures(forms, curvatures);
      kernels.run.note_sections(forms, curvatures, totals, averages);
      for (let k = 0; k < length; k += 1)
        tell(
          before + k + 1,
          curvatures.data.subarray(2 * k, 2 * k + 2),
          averages.data.subarray(4 * k, 4 * k + 4),
        );
      last.data.set(forms.data.subarray(3 * length - 3));
      this.seen = Array.from(curvatures.data.subarray(2 * length - 2));
      this.averaged = Array.from(averages.data.subarray(4 * length - 4));
    }
  }

  get count() {
    return this.totals.data[0];
  }

  // How many sections look like a saddle, a minimum, a maximum; as shares, with their errors.
  get shares() {
    const { count, totals, kernels } = this;
    const counts = Array.from(totals.data.subarray(6));
    return {
      values: counts.map((number) => number / count),
      errors: counts.map((number) => kernels.run.share_error(number, count)),
    };
  }

  // What the last section looks like.
  get look() {
    return LOOKS[Number(this.kernels.run.look(...this.seen))];
  }
}

// The last section as a map of heights, with its axes: solid where it is curved up, dashed where it is curved down.
class Section {
  constructor(panel) {
    this.map = new HeatMap(panel, {
      ...{ rows: CELLS, columns: CELLS, diverging: true, x: [-1, 1], y: [-1, 1] },
      xLabel: "steps along \u03b7",
      yLabel: "steps along \u03b4",
      describe: "The section that was drawn last, as a map of its heights, with its two axes.",
    });
    this.axes = [0, 1].map(() => drawing("g", { class: "lab-principal" }, drawing("path"), drawing("path")));
    this.map.chart.inside.append(...this.axes);
    this.told = element("p", { class: "lab-told" });
    this.node = element("div", {}, this.map.node, legend(OF_SECTION), this.told);
  }

  // Make room for the heights of sections of this saddle.
  start(saddle) {
    this.high = Math.abs(saddle.trace) + 2 * saddle.width;
    saddle.picture.data.fill(0);
    this.map.set(saddle.picture.data, { low: -this.high, high: this.high });
    for (const axis of this.axes) axis.setAttribute("visibility", "hidden");
    this.told.textContent = "No section is drawn yet.";
  }

  draw(saddle) {
    const { run } = saddle.kernels;
    run.fill_section(saddle.last, 1, saddle.picture);
    run.principal_axes(saddle.last, saddle.axes);
    this.map.set(saddle.picture.data, { low: -this.high, high: this.high });
    const { x, y } = this.map.chart;
    for (const [i, axis] of this.axes.entries()) {
      const [u, v] = Array.from(saddle.axes.data.subarray(2 * i, 2 * i + 2), (part) => AXIS * part);
      const d = `M${x.to(-u).toFixed(1)} ${y.to(-v).toFixed(1)}L${x.to(u).toFixed(1)} ${y.to(v).toFixed(1)}`;
      furnish(
        axis,
        { class: `lab-principal ${saddle.seen[i] < 0 ? "downward" : "upward"}`, visibility: "visible" },
        [],
      );
      for (const path of axis.children) path.setAttribute("d", d);
    }
    const [low, high] = saddle.seen.map((value) => fixed(value, 1).trim());
    this.told.textContent = `The last one: a ${saddle.look}, ${LOW} = ${low}, ${HIGH} = ${high}.`;
  }
}

// Histograms of both curvatures on their laws.
class Laws {
  constructor() {
    this.chart = new Chart({
      ...{ x: [-1, 1], y: [0, 1], xLabel: "curvature of a section", yLabel: "density" },
      describe: "Histograms of the smaller and of the larger curvature, each on its law, and the trace.",
      left: 58,
    });
    this.boxes = ["measured", "low"].map((kind) => this.chart.boxes(kind)).reverse();
    this.zero = this.chart.line("zero");
    this.lines = ["unstable", "theory"].map((kind) => this.chart.line(kind));
    this.mean = this.chart.diamond("third");
    this.signs = legend(OF_LAWS);
  }

  start({ trace, width, kappa, laws }) {
    const [start, top] = [trace - FAR * width, (1.8 * PEAK) / width];
    this.chart.range([start, trace + FAR * width], [0, top]);
    this.zero.set([0, 0], [0, top]);
    this.signs.lastChild.toggleAttribute("hidden", Math.abs(trace) > FAR * width);
    for (const [i, line] of this.lines.entries()) line.set(kappa.data, laws[i].data);
    this.mean.move(trace, 0);
    this.low = start;
    this.box = (2 * FAR * width) / BOXES;
    this.edges = Array.from({ length: BOXES + 1 }, (_, i) => start + i * this.box);
    this.counts = [0, 1].map(() => new Float64Array(BOXES));
    this.draw(1);
  }

  add(curvatures) {
    for (const [i, counts] of this.counts.entries()) {
      const box = Math.floor((curvatures[i] - this.low) / this.box);
      if (box >= 0 && box < BOXES) counts[box] += 1;
    }
  }

  draw(total) {
    for (const [i, boxes] of this.boxes.entries())
      boxes.set(
        this.edges.slice(0, -1),
        this.edges.slice(1),
        this.counts[i].map((count) => count / total / this.box),
      );
  }
}

// Means of the curvatures and curvatures of the mean section against the number of sections, by powers of ten.
class Averages {
  constructor() {
    this.chart = new Chart({
      ...{
        x: [0, 4],
        y: [-1, 1],
        xLabel: "sections S",
        yLabel: "averages over S sections",
        names: POWERS.slice(0, 5),
      },
      describe:
        "Means of both curvatures and the curvatures of the mean section against the number of sections, with their limits.",
      left: 58,
    });
    this.guides = [0, 1, 2].map(() => this.chart.line("guide"));
    this.lines = ["measured", "measured", "section", "section"].map((kind) => this.chart.line(kind));
  }

  start({ trace, width, means }) {
    this.limits = [...means.data, trace];
    this.ends = [trace - NEAR * width, trace + NEAR * width];
    this.places = [];
    this.values = [[], [], [], []];
    this.reach(4);
    this.draw();
  }

  reach(far) {
    this.chart.names = POWERS.slice(0, far + 1);
    this.chart.range([0, far], this.ends);
    for (const [i, guide] of this.guides.entries()) guide.set([0, far], [this.limits[i], this.limits[i]]);
  }

  add(count, averages) {
    const place = Math.log10(count);
    if (this.places.length > 0 && place < this.places.at(-1) + 1 / DENSE) return;
    this.places.push(place);
    for (const [i, value] of averages.entries()) this.values[i].push(value);
  }

  draw() {
    const latest = this.places.at(-1) ?? 0;
    if (latest > this.chart.x.high && latest < POWERS.length - 1) this.reach(Math.ceil(latest));
    for (const [i, line] of this.lines.entries()) line.set(this.places, this.values[i]);
  }
}

class ProjectionLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate() });
    const { n_up: up, n_down: down } = panel.limits;
    this.saddle = new Saddle(module, up[1] + down[1] + 1);
    this.section = new Section(panel);
    this.looks = new Bars({
      ...{
        names: LOOKS,
        y: [0, 1.06],
        xLabel: "what it looks like",
        yLabel: "share of sections",
        held: "law",
        height: 190,
        left: 58,
      },
      describe: "Share of sections that look like a saddle, a minimum and a maximum.",
    });
    this.laws = new Laws();
    this.averages = new Averages();
    const first = element("div", {}, this.section.node, this.looks.svg, legend(OF_LOOKS));
    const charts = [this.laws.chart.svg, this.laws.signs, this.averages.chart.svg, legend(OF_AVERAGES)];
    const second = element("div", { class: "lab-second" }, ...charts);
    el.append(element("div", { class: "lab-figures" }, first, second));
    this.furnish();
    panel.follow("n_up", () => this.keepTwo("n_down"));
    panel.follow("n_down", () => this.keepTwo("n_up"));
    panel.follow(["n_up", "n_down", "seed"], () => this.reset());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  furnish() {
    const { panel } = this;
    const { main, rest: where } = panel;
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.reset());
    panel.share();
    for (const [name, up, down] of PRESETS) panel.preset(name, () => this.play(up, down));
    panel.slider("n_up", { label: "Directions up", integer: true, step: 1, where: main });
    panel.slider("n_down", { label: "Directions down", integer: true, step: 1, where: main });
    panel.slider("speed", { label: "Sections / s", step: 1, digits: 0, logarithmic: true });
    panel.field("seed", { label: "Seed", where });
    this.write = panel.readouts([
      ...["sections", "look like saddles", "law of many directions", "exact"],
      ...[`mean ${LOW}`, `mean ${HIGH}`, "their limits"],
      ...[`mean section ${LOW}`, `mean section ${HIGH}`, "t = tr H"],
    ]);
    panel.mount();
  }

  // A section has two directions, and as many at least must not be flat: the reader's choice stays, the other moves.
  keepTwo(other) {
    const { n_up: up, n_down: down } = this.panel.settings;
    if (up + down >= 2) return;
    const least = this.model.get(other) + 2 - up - down;
    this.panel.set(other, least);
    const name = other === "n_up" ? "up" : "down";
    this.panel.say(`Two directions at least must not be flat: directions ${name} are now ${least}.`);
  }

  play(up, down) {
    this.panel.set("n_up", up);
    this.panel.set("n_down", down);
    this.panel.set("running", true);
  }

  reset() {
    this.pace.cost = this.pace.firstCost;
    this.saddle.start(this.panel.settings);
    for (const part of [this.section, this.laws, this.averages]) part.start(this.saddle);
    this.looks.set([0, 0, 0], { exact: this.saddle.chances.data });
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(count) {
    this.saddle.draw(count, (number, curvatures, averages) => {
      this.laws.add(curvatures);
      this.averages.add(number, averages);
    });
  }

  frame(milliseconds) {
    const due = this.pace.due(this.model.get("speed"), milliseconds);
    const done = this.pace.spend(due, (count) => this.advance(count));
    if (done) this.draw();
    if (this.rate.add(done)) this.readOut();
  }

  draw() {
    const { saddle } = this;
    if (saddle.count === 0) return;
    const { values, errors } = saddle.shares;
    this.section.draw(saddle);
    this.laws.draw(saddle.count);
    this.averages.draw();
    this.looks.set(values, { exact: saddle.chances.data, errors });
  }

  report() {
    this.draw();
    this.readOut();
  }

  // Write the numbers, and hand them to Python too.
  readOut() {
    const { saddle, model, write } = this;
    const some = saddle.count > 0;
    const [share, error] = some ? [saddle.shares.values[0], saddle.shares.errors[0]] : [null, null];
    const [low, high, sectionLow, sectionHigh] = some ? saddle.averaged : [null, null, null, null];
    const digits = some ? Math.min(Math.max(Math.ceil(-Math.log10(error)) + 1, 2), 4) : 2;
    write.sections(String(saddle.count));
    write["look like saddles"](some ? `${share.toFixed(digits)} \u00b1 ${error.toFixed(digits)}` : "\u2013");
    write["law of many directions"](chance(saddle.chances.data[0]));
    write.exact(chance(saddle.exact));
    write[`mean ${LOW}`](fixed(low, 2));
    write[`mean ${HIGH}`](fixed(high, 2));
    write["their limits"](Array.from(saddle.means.data, (value) => fixed(value, 2).trim()).join(", "));
    write[`mean section ${LOW}`](fixed(sectionLow, 2));
    write[`mean section ${HIGH}`](fixed(sectionHigh, 2));
    write["t = tr H"](fixed(saddle.trace, 0));
    this.panel.description.set(this.inWords(), this.atLength());
    const told = {
      ...{ sections: saddle.count, saddles: share, saddles_error: error, mean_low: low, mean_high: high },
      ...{ averaged_low: sectionLow, averaged_high: sectionHigh },
    };
    for (const [name, value] of Object.entries(told)) model.set(name, value);
    model.save_changes();
  }

  // What the landscape is.
  get kind() {
    const { up, down } = this.saddle;
    if (down === 0) return "minimum";
    return up === 0 ? "maximum" : "saddle";
  }

  // What is seen of it, whatever the numbers of this run: a sentence is heard only when another one is right.
  inWords() {
    const { exact, trace } = this.saddle;
    if (this.kind !== "saddle") return `A ${this.kind}, and every section looks like one.`;
    const other = trace > 0 ? MANY.minimum : MANY.maximum;
    if (exact > 0.9999) return "A saddle, and every section looks like one.";
    if (exact >= 0.5) return "A saddle, and most sections look like one.";
    if (exact >= 0.05) return `A saddle, but most sections look like ${other}.`;
    if (exact >= 0.0005) return `A saddle, but hardly a section looks like one: they look like ${other}.`;
    return `A saddle, but all sections look like ${other}.`;
  }

  atLength() {
    const { saddle } = this;
    const number = (value) => fixed(value, 1).trim();
    const [low, high] = saddle.means.data;
    const is =
      `${capital(`a ${this.kind}`)} with ${counted(saddle.up, "direction")} curved up and ${saddle.down} down. ` +
      `A section looks like a saddle with the probability ${chance(saddle.exact)}; its curvatures are ` +
      `${number(low)} and ${number(high)} on average, those of the mean section both go to ${number(saddle.trace)}.`;
    if (saddle.count === 0) return `${is} No section is drawn yet.`;
    const shares = saddle.shares.values.map(
      (share, i) => `${(100 * share).toFixed(1)} % like ${MANY[LOOKS[i]]}`,
    );
    const [meanLow, meanHigh, sectionLow, sectionHigh] = saddle.averaged.map(number);
    return (
      `${is} Of ${counted(saddle.count, "section")} ${shares.join(", ")}. ` +
      `Their curvatures are ${meanLow} and ${meanHigh} on average, those of the mean section ${sectionLow} and ${sectionHigh}. ` +
      `The last section looks like a ${saddle.look}.`
    );
  }
}

// A probability, or its power of ten where it has no digits to show.
function chance(p) {
  if (p === 0 || p >= 5e-5) return short(Number(p.toFixed(4)), 4);
  const [digits, power] = p.toExponential(1).split("e-");
  return `${digits} \u00b7 10\u207b${power.replace(/\d/g, (digit) => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[digit])}`;
}

export default lab((parts) => new ProjectionLab(parts));
