// The live capacity: points with random labels come one by one, until no plane through the origin separates them.

import { Chart, legend, short } from "./runtime/chart.js";
import { counted, drawing, element, fixed } from "./runtime/dom.js";
import { Kernels } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";

const SIZES = [2, 3, 5, 10, 20, 50]; // that have a button
const TALL = 386; // of a chart, whose axes are a square then
const LOADS = 4; // P/N that the charts show
const WIDE = 3.2; // margins that they show
const PLANE = 3; // from the middle of the plane to its edges
const FAR = 9; // from there to where no edge is
const FINE = 9; // directions of which an edge of a wedge is made
const DOTS = 40; // points of a curve that are drawn, at most
const MANY = 2 ** 50; // sets, more than anyone waits for
const ENOUGH = 1000; // sets of a size before the next one, when all have their turn
const LEAST = 1500; // milliseconds that each of them is seen
const TELLING = 5; // sets from which on the scatter tells an error of a mean
const FEW = 30; // sets of which no more is said than how many they are, and of a size that is not kept
const KEPT = 5; // sizes seen before that stay
const BUDGET = 9; // milliseconds of a frame for points, as there is much to draw
const FAST = 1e6;
const VIEWS = { separable: "share that is separable", margin: "mean margin" };
const SET = ["line boundary", "margin \u03ba of this set"];
const GARDNER = ["line theory", "Gardner, N \u2192 \u221e"];
const TOLD = {
  points: "points P now",
  margin: "margin \u03ba now",
  sets: "sets tried",
  share: "separable at 2N (exactly \u00bd)",
  last: "mean last P (exactly 2N)",
  mean: "mean \u03ba at P = N (N \u2192 \u221e: $)",
};
const PLANE_SIGNS = [
  ["dot plus", "class +1"],
  ["square minus", "class \u22121"],
  ["dot ringed", "last point"],
  ["line theory", "line of the largest margin"],
  ["region", "all lines that separate"],
];

// Sets of points on the kernels: one that grows, and what was counted of those that are over.
class Sets {
  constructor(module, most) {
    this.kernels = new Kernels(module, 8 * (8 * most + 70) * (most + 8) + 2 ** 17);
    this.ground = this.kernels.top;
  }

  // Begin with a number of inputs and a seed; the arrays of the last ones make room.
  begin(n, seed) {
    const { kernels } = this;
    kernels.top = this.ground;
    const most = 8 * n + 64;
    const real = (...shape) => kernels.zeros("float64", ...shape);
    const whole = (...shape) => kernels.zeros("int64", ...shape);
    Object.assign(this, { n, most, points: real(most, n), labels: kernels.zeros("int8", most) });
    Object.assign(this, { weights: real(n), tally: whole(4), path: real(most + 1) });
    Object.assign(this, {
      failed: whole(most + 1),
      margins: real(2, most + 1),
      state: kernels.array("uint64", 4),
    });
    this.tally.data[2] = 1n;
    kernels.run.split_mix(this.state, BigInt(seed));
    const hull = [
      this.points,
      real(n, n),
      real(n, n),
      whole(n),
      real(most),
      this.weights,
      real(5, n),
      this.tally,
    ];
    this.work = [this.state, this.labels, ...hull, this.path, this.failed, this.margins];
    this.law = real(LOADS * n + 1);
    kernels.run.separable_shares(n, real(n), this.law);
    this.ones = kernels.array("int8", most);
    this.ones.data.fill(1);
    this.across = real(2);
    this.ends = real(4);
  }

  // Add points, until so many sets are over; return how many it were.
  grow(points, sets = MANY) {
    return Number(this.kernels.run.grow_sets(points, sets, ...this.work));
  }

  get count() {
    return Number(this.tally.data[0]);
  }

  get over() {
    return this.tally.data[2] === 1n;
  }

  get sets() {
    return Number(this.tally.data[3]);
  }

  // The margin of the points that there are; infinite without any.
  get margin() {
    return this.count > 0 ? this.path.data[this.count] : Number.POSITIVE_INFINITY;
  }

  // The points as they are labelled, in the plane.
  get examples() {
    return Array.from({ length: this.count }, (_, k) => {
      const label = this.labels.data[k];
      return { x: label * this.points.data[2 * k], y: label * this.points.data[2 * k + 1], label };
    });
  }

  // From which to which direction all weights lie that separate points of the plane, turning left.
  wedge() {
    const [a, b] = this.weights.data;
    this.across.data.set([-b, a]);
    const turned = this.kernels.part(this.points, this.count, 2);
    const ones = this.kernels.part(this.ones, this.count);
    this.kernels.run.consistent_arc(turned, ones, this.weights, this.across, this.ends);
    const [cosine, sine, second, other] = this.ends.data;
    const angle = (c, s) => Math.atan2(b * c + a * s, a * c - b * s);
    const [from, to] = [angle(cosine, sine), angle(second, other)];
    return { from, width: (to - from + 4 * Math.PI) % (2 * Math.PI), best: Math.atan2(b, a) };
  }

  get record() {
    return new Record(
      this.n,
      Array.from(this.failed.data, Number),
      [...this.margins.data],
      [...this.law.data],
    );
  }
}

// What was counted of sets of N inputs, as `smbook.widgets.capacity_lab.PointSets` holds it.
class Record {
  constructor(n, failed, margins, law) {
    const [most, sets] = [failed.length, failed.reduce((a, b) => a + b, 0)];
    Object.assign(this, { n, failed, margins, law, most, sets });
    let left = sets;
    this.shares = failed.map((ended) => {
      left -= ended;
      return left / sets;
    });
  }

  // Up to N points it is certain, and no error.
  share(p) {
    const { sets, shares, n } = this;
    if (p <= n) return { value: shares[p], error: 0 };
    const near = (sets * shares[p] + 1) / (sets + 2);
    return { value: shares[p], error: Math.sqrt((near * (1 - near)) / sets) };
  }

  margin(p) {
    const { sets, margins, most } = this;
    const value = margins[p] / sets;
    const variance = (margins[most + p] - sets * value * value) / (sets - 1);
    return { value, error: Math.sqrt(Math.max(variance, 0) / sets), telling: sets >= TELLING };
  }

  // The mean number of points that were still separable.
  get separated() {
    const { sets, failed } = this;
    const value = failed.reduce((sum, ended, p) => sum + ended * (p - 1), 0) / sets;
    const squares = failed.reduce((sum, ended, p) => sum + ended * (p - 1 - value) ** 2, 0);
    return { value, error: Math.sqrt(squares / (sets - 1) / sets), telling: sets >= TELLING };
  }

  // The numbers of points that are drawn.
  get places() {
    const every = Math.max(1, Math.round((LOADS * this.n) / DOTS));
    return Array.from({ length: Math.floor((LOADS * this.n) / every) }, (_, k) => (k + 1) * every);
  }

  measured(view) {
    const { places, n } = this;
    const found = places.map((p) => (view === "margin" ? this.margin(p) : this.share(p)));
    const shown = this.sets > 0 ? found : [];
    return [places.map((p) => p / n), shown.map(({ value }) => value), shown.map(told)];
  }
}

// The plane of two inputs: points, the line of the largest margin, and all lines that separate.
class Plane {
  constructor() {
    const ends = [-PLANE, PLANE];
    this.chart = new Chart({
      ...{ x: ends, y: ends, xLabel: "input x\u2081", yLabel: "input x\u2082", left: 40, height: TALL },
      describe: "The plane of two inputs: points of two classes, and the lines through 0 that separate them.",
    });
    this.region = drawing("path", { class: "lab-region" });
    this.chart.inside.append(this.region);
    this.best = this.chart.line("theory");
    this.origin = drawing("path", { class: "lab-line guide", d: this.cross() });
    this.signs = drawing("g");
    this.ring = drawing("circle", { class: "lab-dot ringed", r: 10, visibility: "hidden" });
    this.note = drawing("text", { class: "lab-note", x: 348, y: 14, "text-anchor": "end" });
    this.chart.inside.append(this.origin);
    this.chart.dots.append(this.signs, this.ring);
    this.chart.svg.append(this.note);
  }

  cross() {
    const { x, y } = this.chart;
    return `M${x.to(0) - 5} ${y.to(0)}h10M${x.to(0)} ${y.to(0) - 5}v10`;
  }

  // Points beyond the edge stand on it, in their own direction, which is all that counts.
  onPaper({ x, y }) {
    const scale = Math.min(1, PLANE / Math.max(Math.abs(x), Math.abs(y)));
    return [this.chart.x.to(scale * x), this.chart.y.to(scale * y)].map((place) => Number(place.toFixed(1)));
  }

  draw(sets) {
    const { examples } = sets;
    const places = examples.map((point) => this.onPaper(point));
    const shape = ({ label }, k) => {
      const [u, v] = places[k];
      if (label > 0) return drawing("circle", { class: "lab-dot plus", cx: u, cy: v, r: 6 });
      return drawing("rect", { class: "lab-dot minus", x: u - 5.4, y: v - 5.4, width: 10.8, height: 10.8 });
    };
    this.signs.replaceChildren(...examples.map(shape));
    const last = places.at(-1);
    this.ring.setAttribute("visibility", last ? "visible" : "hidden");
    if (last) this.ring.setAttribute("transform", `translate(${last[0]} ${last[1]})`);
    this.drawLines(sets);
  }

  drawLines(sets) {
    this.width = undefined;
    this.region.setAttribute("d", "");
    this.best.set([], []);
    this.note.textContent = sets.over && sets.count > 0 ? "no line separates" : "";
    if (sets.over || sets.count === 0) return;
    const { from, width, best } = sets.wedge();
    this.width = width;
    this.note.textContent = `${short((180 * width) / Math.PI, 3)}\u00b0 of lines left`;
    // A line stands at right angles to its weights.
    const along = (angle, far) => [-far * Math.sin(angle), far * Math.cos(angle)];
    const edge = Array.from({ length: FINE }, (_, k) => from + (k / (FINE - 1)) * width);
    const fan = (far) =>
      edge
        .map((angle) => along(angle, far))
        .map(([x, y]) => `${this.chart.x.to(x).toFixed(1)} ${this.chart.y.to(y).toFixed(1)}`)
        .join("L");
    const middle = `M${this.chart.x.to(0)} ${this.chart.y.to(0)}L`;
    this.region.setAttribute("d", `${middle}${fan(FAR)}Z${middle}${fan(-FAR)}Z`);
    const [x, y] = along(best, FAR);
    this.best.set([-x, x], [-y, y]);
  }
}

// The margin of the set that grows, beside that of infinitely many inputs.
class Margin {
  constructor(curve) {
    this.chart = new Chart({
      ...{ x: [0, LOADS], y: [0, WIDE], xLabel: "points per input, P / N", height: TALL, left: 40 },
      yLabel: "largest margin \u03ba of this set",
      describe: "Largest margin of the set that grows against points per input, and Gardner's curve.",
    });
    this.chart.line("theory", curve.load, curve.margin);
    this.line = this.chart.line("boundary");
    this.now = this.chart.dot("now", 5);
  }

  // A step down with each point.
  draw(sets) {
    const { count, n, path } = sets;
    const [xs, ys] = [[], []];
    for (let p = 1; p <= count; p += 1) {
      xs.push(p / n, (p + 1) / n);
      ys.push(path.data[p], path.data[p]);
    }
    this.line.set(xs.slice(0, -1), ys.slice(0, -1));
    if (count > 0 && count / n <= LOADS && sets.margin <= WIDE) this.now.move(count / n, sets.margin);
    else this.now.hide();
  }
}

// What was counted of all sets, on the exact curve, and fainter that of other sizes.
class Counted {
  constructor(view, curve) {
    this.view = view;
    const share = view === "separable";
    this.chart = new Chart({
      ...{ x: [0, LOADS], y: [0, share ? 1 : WIDE], height: TALL, left: 44 },
      xLabel: "points per input, P / N",
      yLabel: share ? "share of sets that are separable" : "mean margin of sets",
      describe: share
        ? "Share of sets that a plane separates against points per input: measured, and Cover's curve."
        : "Mean of the largest margin against points per input: measured, and Gardner's curve.",
    });
    if (share) this.chart.line("guide", [0, LOADS], [0.5, 0.5]);
    this.chart.line("guide", [2, 2], [0, WIDE]);
    this.past = drawing("g", { class: "lab-past" });
    this.chart.inside.append(this.past);
    this.line = this.chart.line("theory", share ? [] : curve.load, share ? [] : curve.margin);
    this.errors = this.chart.errors();
    this.dots = this.points("lab-points small");
    this.chart.dots.append(this.dots.node); // not cut at the ends of the axes
    this.note = drawing("text", { class: "lab-note", x: 348, y: 14, "text-anchor": "end" });
    const place = { x: this.chart.x.to(2) + 6, y: this.chart.y.to(this.chart.y.high) + 14 };
    this.chart.svg.append(this.note, drawing("text", { class: "lab-note", ...place }, "P = 2N"));
  }

  points(classes) {
    return this.chart.shape(classes, (xs, ys) =>
      Array.from(ys, (y, k) => `M${this.chart.x.to(xs[k]).toFixed(1)} ${this.chart.y.to(y).toFixed(1)}h0`),
    );
  }

  curve({ n, law }) {
    return [law.map((_, p) => p / n), law];
  }

  obey(record, others) {
    if (this.view === "separable") this.line.set(...this.curve(record));
    this.past.replaceChildren();
    for (const other of others) {
      const dots = this.points("lab-points small");
      const [xs, ys] = other.measured(this.view);
      dots.set(xs, ys);
      if (this.view === "separable") {
        const line = this.chart.line("theory", ...this.curve(other));
        this.past.append(line.node);
      }
      this.past.append(dots.node);
    }
    this.note.textContent = `N = ${record.n}`;
  }

  draw(record) {
    const [xs, ys, errors] = record.measured(this.view);
    this.dots.set(xs, ys);
    this.errors.set(xs.slice(0, ys.length), ys, errors);
  }
}

class CapacityLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(BUDGET), rate: new Rate(), past: new Map() });
    const curve = model.get("_gardner");
    this.one = curve.one;
    this.sets = new Sets(module, panel.limits.inputs[1]);
    this.plane = new Plane();
    this.margin = new Margin(curve);
    this.counted = { separable: new Counted("separable", curve), margin: new Counted("margin", curve) };
    const svgs = [this.plane, this.margin, this.counted.separable, this.counted.margin];
    const [plane, margin, ...counts] = svgs.map(({ chart }) => chart.svg);
    this.shown = { plane, margin, counts };
    this.signs = this.legends();
    const first = element("div", {}, plane, margin);
    const second = element("div", { class: "lab-second" }, ...counts);
    el.append(element("div", { class: "lab-figures" }, first, second), ...Object.values(this.signs));
    this.furnish();
    panel.follow(["inputs", "seed"], () => this.reset());
    panel.follow("view", () => this.look());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  legends() {
    const region = drawing("rect", { x: 1, y: 1, width: 24, height: 12, class: "lab-region" });
    const form = { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" };
    const plane = legend(PLANE_SIGNS.slice(0, -1));
    plane.append(element("li", {}, drawing("svg", form, region), PLANE_SIGNS.at(-1)[1]));
    const counts = legend([
      ["dot measured", "measured, with its error"],
      ["line theory", "exact"],
    ]);
    this.faint = drawing("path", { d: "M1 7H25", class: "lab-line theory" });
    const dot = drawing("path", { d: "M13 7h0", class: "lab-points small" });
    const past = drawing("svg", form, drawing("g", { class: "lab-past" }, this.faint, dot));
    counts.append(element("li", {}, past, "sizes seen before"));
    return { plane, margin: legend([SET, GARDNER]), counts };
  }

  furnish() {
    const { panel } = this;
    const { main: where } = panel;
    const sizes = element("div", { class: "lab-presets lab-sizes", role: "group", "aria-label": "Inputs N" });
    this.buttons = SIZES.map((n) => {
      const button = panel.button(`N = ${n}`, () => this.choose(n), sizes);
      return { n, button };
    });
    where.append(sizes);
    panel.slider("inputs", { label: "Inputs N", integer: true, step: 1, where });
    panel.preset("Point by point in the plane", () => this.go({ inputs: 2, speed: 2, view: "separable" }));
    panel.preset("All sizes, one after another", () => this.travel());
    panel.preset("The margin at N = 50", () => this.go({ inputs: 50, speed: FAST, view: "margin" }));
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => {
      this.tour = undefined;
      this.past.clear();
      this.reset();
    });
    panel.share();
    panel.menu("view", { label: "Second chart", names: VIEWS });
    panel.slider("speed", { label: "Points a second", step: 0.5, digits: 1, logarithmic: true });
    panel.field("seed", { label: "Seed", where: panel.rest });
    this.write = Object.fromEntries(
      Object.entries(TOLD).map(([name, label]) => [
        name,
        panel.readout(label.replace("$", short(this.one, 3))),
      ]),
    );
    panel.mount();
  }

  // Begin anew with these settings, and with none of what was counted of them before.
  go(settings) {
    this.tour = undefined;
    for (const [name, value] of Object.entries(settings)) this.panel.set(name, value);
    this.reset();
    this.panel.set("running", true);
  }

  choose(n) {
    this.tour = undefined;
    this.panel.set("inputs", n);
  }

  // Give each size its turn, the last one for ever.
  travel() {
    this.go({ inputs: SIZES[0], speed: FAST, view: "separable" });
    this.past.clear();
    this.look();
    this.tour = { left: SIZES.slice(1), seen: 0, now: SIZES[0] };
  }

  // A hand on N ends that: what it chose is kept.
  get cap() {
    return this.tour?.left.length ? ENOUGH : MANY;
  }

  reset() {
    const { sets, panel, past } = this;
    const { inputs, seed } = panel.settings;
    if (sets.n !== inputs) this.keep();
    if (this.tour && this.tour.now !== inputs) this.tour = undefined;
    if (this.seed !== seed) past.clear();
    this.seed = seed;
    past.delete(inputs);
    sets.begin(inputs, seed);
    this.pace.owed = 0;
    this.pace.cost = this.pace.firstCost;
    for (const { n, button } of this.buttons) button.setAttribute("aria-pressed", String(n === inputs));
    const flat = inputs === 2;
    const hide = (node, yes) => node.toggleAttribute("hidden", yes);
    for (const which of ["plane", "margin"]) {
      hide(this.shown[which], flat !== (which === "plane"));
      hide(this.signs[which], flat !== (which === "plane"));
    }
    this.look();
  }

  // Keep what was counted of the size that goes, if it is worth it, and no more sizes than can be told apart.
  keep() {
    const { sets, past } = this;
    if (!sets.n || sets.sets < FEW) return;
    past.set(sets.n, sets.record);
    for (const n of [...past.keys()].slice(0, -KEPT)) past.delete(n);
  }

  // Show what the view is of.
  look() {
    const view = this.model.get("view");
    if (!this.sets.n) return;
    for (const [k, svg] of this.shown.counts.entries())
      svg.toggleAttribute("hidden", (view === "margin") !== (k === 1));
    const [, exact, faint] = this.signs.counts.children;
    exact.toggleAttribute("hidden", view === "margin" && this.sets.n > 2); // it stands on the left as well
    exact.lastChild.data = view === "margin" ? "Gardner, N \u2192 \u221e" : "Cover, exact";
    const seen = [...this.past.keys()].sort((a, b) => a - b);
    faint.toggleAttribute("hidden", seen.length === 0);
    this.faint.setAttribute("visibility", view === "margin" ? "hidden" : "visible"); // one curve for all sizes
    faint.lastChild.data = `before: N = ${seen.join(", ")}`;
    this.counted[view].obey(this.sets.record, [...this.past.values()]);
    this.report();
  }

  step() {
    this.tour = undefined;
    this.panel.set("running", false);
    this.sets.grow(1);
    this.report();
  }

  frame(milliseconds) {
    const points = this.pace.due(this.model.get("speed"), milliseconds);
    if (points > 0) {
      this.pace.spend(points, (count) => this.sets.grow(count, this.cap));
      if (points > 2 * this.sets.n) this.finish();
      this.draw();
    }
    if (this.tour) this.goOn(milliseconds);
    if (this.rate.add(1)) this.readOut();
  }

  // Where a frame sees more than one set, it shows one that is over.
  finish() {
    const { sets, cap } = this;
    sets.grow(sets.most, Math.min(sets.sets + 1, cap));
  }

  goOn(milliseconds) {
    const { tour, sets } = this;
    tour.seen += milliseconds;
    if (tour.left.length === 0 || sets.sets < ENOUGH || tour.seen < LEAST) return;
    Object.assign(tour, { seen: 0, now: tour.left.shift() });
    this.panel.set("inputs", tour.now);
  }

  draw() {
    const { sets } = this;
    (sets.n === 2 ? this.plane : this.margin).draw(sets);
    this.record = sets.record;
    this.counted[this.model.get("view")].draw(this.record);
  }

  report() {
    if (!this.sets.n) return;
    this.draw();
    this.readOut();
  }

  readOut() {
    const { write, sets, model, record } = this;
    const some = record.sets > 0;
    const none = { value: NaN, error: NaN };
    const share = some ? record.share(2 * sets.n) : none;
    const last = some ? record.separated : none;
    const mean = some ? record.margin(sets.n) : none;
    const { count, margin } = sets;
    write.points(String(count));
    write.margin(count === 0 ? "\u2013" : margin > 0 ? fixed(margin, 4) : "not separable");
    write.sets(String(record.sets));
    write.share(withError(share));
    write.last(withError(last));
    write.mean(withError(mean));
    const told = { points: count, margin, sets: record.sets, share: share.value, share_error: share.error };
    Object.assign(told, { separated: last.value, separated_error: last.error });
    Object.assign(told, { mean_margin: mean.value, mean_margin_error: mean.error });
    for (const [name, value] of Object.entries(told)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe(share, last);
  }

  describe(share, last) {
    const { sets, panel } = this;
    const { count, n, margin, over } = sets;
    const now = `${counted(count, "point")} in ${n} dimensions`;
    const set =
      count === 0
        ? `No point yet: those to come have ${n} inputs, and a label by a fair coin.`
        : over
          ? `With point number ${count} this set is no longer separable.`
          : `${now} can be separated, with a margin of ${short(margin, 3)}.`;
    panel.description.set(this.inWords(share), this.inFull(set, share, last));
    this.plane.chart.svg.setAttribute("aria-label", `Points of two classes in the plane. ${set}`);
    this.margin.chart.svg.setAttribute("aria-label", `Margin of the set that grows. ${set}`);
  }

  inFull(set, share, last) {
    const { n } = this.sets;
    const { record, past } = this;
    const before = past.size > 0 ? ` Seen before: N = ${[...past.keys()].join(", ")}.` : "";
    if (record.sets === 0) return `${set} No set is over yet.${before}`;
    const margin = record.margin(n);
    return (
      `${set} ${counted(record.sets, "set")} of N = ${n} so far: ${short(100 * share.value, 3)} % were separable with ` +
      `P = ${2 * n} points, where Cover's count says 50 %. On the mean ${short(last.value, 4)} points were separable, ` +
      `exactly it is ${2 * n}. The mean margin of ${n} points is ${short(margin.value, 3)}; for very large N it is ` +
      `${short(this.one, 3)}.${before}`
    );
  }

  inWords(share) {
    const { sets, record } = this;
    const { n, count, over } = sets;
    if (record.sets < FEW) {
      if (count === 0) return `No points yet: they come one by one, in ${n} dimensions.`;
      const what = n === 2 ? "line" : "plane";
      if (over) return `Over: with point ${count} no ${what} through 0 separates the classes any more.`;
      return n === 2
        ? `${counted(count, "point")}: lines of ${short((180 * this.plane.width) / Math.PI, 3)}\u00b0 still separate them.`
        : `${counted(count, "point")} in ${n} dimensions: still separable.`;
    }
    if (this.model.get("view") === "margin") {
      const { value, error } = record.margin(n);
      const apart = value - this.one;
      if (Math.abs(apart) < 2 * error)
        return `N = ${n}: the mean margin at P = N is Gardner's within two of its errors.`;
      const by = withError({ value: Math.abs(apart), error });
      return `N = ${n}: at P = N the mean margin is ${by} ${apart > 0 ? "above" : "below"} Gardner's for N \u2192 \u221e.`;
    }
    const measured = `(${withError({ value: 100 * share.value, error: 100 * share.error })}) %`;
    return `N = ${n}: of ${record.sets} sets ${measured} were separable with P = 2N = ${2 * n} points.`;
  }
}

// The error of a measured value, if it tells anything.
function told({ error, telling = true }) {
  return telling ? error : NaN;
}

// A measured value with its error, to two digits of that.
function withError(measured) {
  const [{ value }, error] = [measured, told(measured)];
  if (!Number.isFinite(value)) return "\u2013";
  if (!(error > 0)) return value.toFixed(2);
  const digits = Math.min(Math.max(0, 1 - Math.floor(Math.log10(error))), 6);
  return `${value.toFixed(digits)} \u00b1 ${error.toFixed(digits)}`;
}

export default lab((parts) => new CapacityLab(parts));
