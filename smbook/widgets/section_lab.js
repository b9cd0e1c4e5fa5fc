// The live section: the loss on planes through a network's parameters, as a map and as a surface in space.

import { Chart, legend, scientific, short, ticks } from "./runtime/chart.js";
import { contour } from "./runtime/contours.js";
import { capital, counted, drawing, element } from "./runtime/dom.js";
import { HeatMap } from "./runtime/heatmap.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace } from "./runtime/loop.js";
import { Relief } from "./runtime/relief.js";

const LEVELS = 12; // lines of equal loss, about
const [ALPHA, BETA] = ["\u03b1", "\u03b2"];
const ALONG = [`${ALPHA}, along direction 1`, `${BETA}, along direction 2`];
const CHOICES = {
  network: "Network",
  directions: "Directions",
  data: "Data",
  zoom: "Zoom",
};
const HOW = {
  map: "Drag the point, or move it with the arrow keys.",
  relief: "Drag the surface to turn and tilt it, or use the arrow keys.",
};
const WALK = "Start and Step take the point through the grid along direction 1, there and back.";
const FEW = 6; // pixels of a map, within which one sees nothing move
const MAP = 350; // and how wide it is, about
const VIEWS = { map: "map with lines of equal loss", relief: "surface in space" };
const COLOURS = {
  linear: "the loss",
  logarithmic: "its logarithm",
  centred: "above and below the centre",
  common: "the same scale for all networks",
};
const SIGNS = [
  ["dot centre", "the network, at the centre"],
  ["diamond lowest", "lowest point of the grid"],
  ["line course", "training, its nearest points in the plane"],
];
const OF_CUTS = [
  ["dot now", "the point, with the loss along each direction through it"],
  ["line guide", "loss at the centre"],
];

// A plane of the model's state: the loss above the lowest point as floats of 24 bits, one of which is a grid point.
class Plane {
  constructor({ key, axes, shape, low, centre, below, values }) {
    Object.assign(this, { key, axes, low, centre, below });
    [this.columns, this.rows] = shape; // of a picture, in which the first direction goes to the right
    const packed = atob(values);
    const bits = new Uint32Array(packed.length / 3);
    for (let k = 0; k < bits.length; k += 1)
      bits[k] =
        (packed.charCodeAt(3 * k) << 8) |
        (packed.charCodeAt(3 * k + 1) << 16) |
        (packed.charCodeAt(3 * k + 2) << 24);
    const above = new Float32Array(bits.buffer);
    this.losses = Float64Array.from(
      above,
      (_, i) => low + above[(i % this.columns) * this.rows + Math.floor(i / this.columns)],
    );
    this.steps = axes.map(([first, last], k) => (last - first) / (shape[k] - 1));
    const middle = this.nearest(0, 0);
    if (this.at(middle).every((value) => value === 0)) this.losses[this.index(middle)] = centre; // to all its digits
    const lowest = this.losses.reduce((best, loss, i) => (loss < this.losses[best] ? i : best), this.first);
    this.lowest = { row: Math.floor(lowest / this.columns), column: lowest % this.columns };
  }

  get first() {
    return this.losses.findIndex(Number.isFinite);
  }

  // The coefficients of a grid point, without the dust of rounding.
  at({ row, column }) {
    return [column, row].map((k, axis) => {
      const value = this.axes[axis][0] + k * this.steps[axis];
      return Math.abs(value) < 1e-9 * this.steps[axis] ? 0 : Number(value.toPrecision(9));
    });
  }

  index({ row, column }) {
    return row * this.columns + column;
  }

  loss(place) {
    return this.losses[this.index(place)];
  }

  // The grid point nearest to coefficients.
  nearest(alpha, beta) {
    const [column, row] = [alpha, beta].map((value, axis) => {
      const k = Math.round((value - this.axes[axis][0]) / this.steps[axis]);
      return Math.min(Math.max(k, 0), [this.columns, this.rows][axis] - 1);
    });
    return { row, column };
  }

  // Where coefficients are, from -1 to 1 across the plane.
  share(coefficients) {
    return coefficients.map((value, axis) => {
      const [first, last] = this.axes[axis];
      return (2 * (value - first)) / (last - first) - 1;
    });
  }

  get positive() {
    return this.low > 0;
  }

  // How many points are below the centre, and how many there are.
  get counts() {
    const known = this.losses.filter(Number.isFinite).length;
    return [Math.round(this.below * known), known];
  }

  // By how much a loss differs from that at the centre, in per cent of it where it is positive, in words.
  change(loss) {
    const { centre } = this;
    if (loss === centre) return "0";
    if (!(centre > 0)) return signed(loss - centre, scientific);
    const ratio = loss / centre;
    if (ratio >= 10) return `\u00d7 ${short(ratio, 3)}`;
    return `${signed(100 * (ratio - 1), (value) => short(value, Math.abs(value) < 0.1 ? 1 : 3))} %`;
  }
}

function signed(value, write) {
  return `${value > 0 ? "+" : ""}${write(value)}`;
}

// What colours and heights stand for: a number for a loss, and the ends of these, of a plane, or of those `alike` of all
// networks where their colours are to be compared.
function scaled(plane, alike, colours) {
  const wanted = { common: alike, logarithmic: [plane] }[colours];
  const asked = colours === "common" ? "logarithmic" : colours;
  const kind = wanted?.every(({ positive }) => positive) === false ? "linear" : asked;
  const of = {
    linear: (loss) => loss,
    logarithmic: (loss) => Math.log10(loss),
    centred: (loss) => loss - plane.centre,
  }[kind];
  const ends = (wanted ?? [plane]).flatMap(({ losses }) => span(losses));
  let [low, high] = span(ends).map(of);
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const far = Math.max(Math.abs(low), Math.abs(high));
  const label = {
    linear: "loss",
    logarithmic: "log10 of the loss",
    centred: "loss \u2212 loss at the centre",
  };
  const values = Float64Array.from(plane.losses, of);
  const reach = kind === "centred" ? [-far, far] : [low, high];
  return { of, values, kind, low: reach[0], high: reach[1], range: [low, high], label: label[kind] };
}

// The least and the greatest of numbers, but for those that are none.
function span(values) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values)
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

// The plane as a map: colours, lines of equal loss, marks, the path of training, and the point with both cuts.
class PlaneMap extends HeatMap {
  constructor(panel, onPick) {
    super(panel, {
      ...{ rows: 3, columns: 3, x: [-1, 1], y: [-1, 1], xLabel: ALONG[0], yLabel: ALONG[1], least: 0.5 },
      describe: "The loss on the plane as a map, with lines of equal loss, its lowest point and the network.",
      hover: false,
      onPick,
    });
    this.canvas.setAttribute(
      "aria-label",
      "The grid of the plane. Arrow keys move the point from one of its points to the next.",
    );
    for (const kind of ["levels", "cross", "course", "stops"]) this[kind] = this.cased(kind);
    this.centre = this.chart.dot("centre", 4.5);
    this.lowest = this.chart.diamond("lowest");
    this.told.remove(); // the read-outs and the description tell it
    this.cell.remove(); // the cross is there, wherever the point has come from
  }

  tell() {}

  // A line that is seen on all colours, white in black.
  cased(kind) {
    const group = drawing("g", { class: `lab-cased ${kind}` }, drawing("path"), drawing("path"));
    this.chart.inside.append(group);
    return (d) => {
      for (const path of group.children) path.setAttribute("d", d);
    };
  }

  show(plane, scale, path) {
    this.diverging = scale.kind === "centred";
    this.chart.range(
      ...plane.axes.map(([first, last], k) => [first - plane.steps[k] / 2, last + plane.steps[k] / 2]),
    );
    this.part(plane.rows, plane.columns);
    this.low = undefined;
    this.set(scale.values, { low: scale.low, high: scale.high });
    this.plane = plane;
    this.levels(this.contours(scale));
    const course = this.chart.path(...(path?.coefficients ?? [[], []]));
    this.course(course);
    this.stops(
      course
        .replaceAll("L", "M")
        .replaceAll(/(?=M)|$/g, "h0")
        .slice(2),
    );
    this.centre.move(0, 0);
    this.lowest.move(...plane.at(plane.lowest));
  }

  contours({ values, range: [low, high] }) {
    const { rows, columns } = this.plane;
    const { x, y } = this.chart;
    const place = (u, v) => {
      const [alpha, beta] = this.plane.axes.map(([first], k) => first + [u, v][k] * this.plane.steps[k]);
      return `${x.to(alpha).toFixed(1)} ${y.to(beta).toFixed(1)}`;
    };
    return ticks(low, high, LEVELS)
      .flatMap((level) => contour(values, rows, columns, level))
      .filter((piece) => piece.every(Number.isFinite))
      .map(([a, b, c, d]) => `M${place(a, b)}L${place(c, d)}`)
      .join("");
  }

  // Put the point where it is.
  point(place) {
    this.picked = place;
    const [alpha, beta] = this.plane.at(place);
    const { x, y } = this.chart;
    this.cross(this.chart.path([x.low, x.high, NaN, alpha, alpha], [beta, beta, NaN, y.low, y.high]));
  }
}

// The loss along one of the directions, through the point; as high as this cut needs, not the whole map.
class Cut {
  constructor(axis) {
    this.axis = axis;
    this.chart = new Chart({
      ...{ x: [-1, 1], y: [0, 1], xLabel: ALONG[axis], yLabel: "loss", left: 76, height: 200, least: 0.75 },
      describe: `The loss along direction ${axis + 1}, through the point, and the loss at the centre.`,
    });
    this.level = this.chart.line("guide");
    this.line = this.chart.line(["measured", "section"][axis]);
    this.dot = this.chart.dot("now", 4.5);
  }

  show(plane, scale) {
    Object.assign(this, { plane, scale });
    this.chart.labels.yLabel = scale.label;
  }

  point(place) {
    const { plane, scale, chart, axis } = this;
    const places = Array.from({ length: [plane.columns, plane.rows][axis] }, (_, k) => ({
      ...place,
      [["column", "row"][axis]]: k,
    }));
    const losses = places.map((each) => scale.values[plane.index(each)]);
    let [low, high] = span(losses);
    if (!(high > low)) [low, high] = [-1, 1].map((end) => end + (Number.isFinite(low) ? low : 0));
    const room = 0.06 * (high - low);
    chart.range(plane.axes[axis], [low - room, high + room]);
    const xs = places.map((each) => plane.at(each)[axis]);
    this.line.set(xs, losses);
    const level = scale.of(plane.centre);
    this.level.set([chart.x.low, chart.x.high], [level, level]);
    this.dot.move(plane.at(place)[axis], scale.of(plane.loss(place)));
  }
}

class SectionLab {
  constructor({ model, el, panel }) {
    Object.assign(this, { model, panel, pace: new Pace(), planes: new Map(), heading: 1, passed: 0 });
    for (const written of model.get("_planes")) this.planes.set(written.key.join("\n"), written);
    const names = ["direction 1", "direction 2"];
    this.map = new PlaneMap(panel, ({ row, column }) => this.move({ row, column }));
    this.relief = new Relief(panel, {
      names,
      describe: "The loss on the plane as a surface in space. Arrow keys turn and tilt it.",
      onTurn: (right, up) => this.turn(right, up),
    });
    this.cuts = [0, 1].map((axis) => new Cut(axis));
    this.stage = element("div", { class: "lab-stage" });
    this.here = element("dl", { class: "lab-readouts" });
    this.key = element("p", { class: "lab-told" });
    this.signs = legend(SIGNS);
    this.told = element("p", { class: "lab-told" });
    this.how = element("p", { class: "lab-told lab-how" });
    const first = element("div", { class: "lab-plane" });
    first.append(this.stage, this.here, this.key, this.signs, this.told, this.how);
    const charts = element("div", { class: "lab-cuts" }, ...this.cuts.map(({ chart }) => chart.svg));
    const second = element("div", { class: "lab-second lab-below" }, charts, legend(OF_CUTS));
    el.append(element("div", { class: "lab-figures" }, first, second));
    this.furnish();
    this.keepFocus();
    panel.follow([...Object.keys(CHOICES), "colours"], () => this.show());
    panel.follow("view", () => this.arrange());
    panel.follow(["turn", "tilt"], () => this.relief.look(...this.angles));
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  furnish() {
    const { panel, model } = this;
    const { main: where } = panel;
    panel.switch();
    panel.button("Step", () => this.step());
    panel.button("Reset", () => this.reset());
    panel.button("To the lowest point", () => this.move(this.plane.lowest));
    panel.share();
    for (const [name, label] of Object.entries(CHOICES)) {
      const options = panel.limits[name];
      const names =
        name === "zoom" ? Object.fromEntries(options.map((zoom) => [zoom, `\u00d7 ${zoom}`])) : {};
      const row = panel.menu(name, { label, names, where });
      row.toggleAttribute("hidden", options.length < 2);
    }
    this.rows = {
      view: panel.menu("view", { label: "View", names: VIEWS }),
      colours: panel.menu("colours", { label: "Colours", names: COLOURS, options: this.scales }),
      speed: panel.slider("speed", { label: "Points a second", step: 1, digits: 0, logarithmic: true }),
      turn: panel.slider("turn", { label: "Turn", step: 1, digits: 0 }),
      tilt: panel.slider("tilt", { label: "Tilt", step: 1, digits: 0 }),
    };
    const here = [];
    this.write = {
      ...panel.readouts([ALPHA, BETA, "loss", "from the centre"], here),
      ...panel.readouts(["loss at the centre", "lowest loss", "lowest, from the centre"]),
      ...panel.readouts(["points below the centre", "points passed"]),
    };
    this.here.append(...here);
    panel.mount();
    panel.description.belongs([this.map.canvas, this.map.bar, this.map.chart.svg, this.relief.canvas]);
    this.named = model.get("_given");
  }

  // The map keeps the focus while a mouse presses buttons, so that arrow keys go on from wherever the point is then.
  keepFocus() {
    this.panel.buttons.addEventListener("mousedown", (event) => {
      if (this.map.canvas.matches(":focus")) event.preventDefault();
    });
  }

  // What colours can stand for: a logarithm only where no loss is 0 or negative, one scale where there are networks.
  get scales() {
    const { model, panel } = this;
    const apt = {
      logarithmic: model.get("_planes").every(({ low }) => low > 0),
      common: panel.limits.network.length > 1,
    };
    return Object.keys(COLOURS).filter((name) => apt[name] ?? true);
  }

  get angles() {
    return ["turn", "tilt"].map((name) => this.model.get(name));
  }

  // Turn and tilt the relief by hand.
  turn(right, up) {
    const [low, high] = this.panel.limits.tilt;
    const [turn, tilt] = this.angles;
    this.panel.say("");
    this.panel.set("turn", Math.round(((((turn + right + 180) % 360) + 360) % 360) - 180));
    this.panel.set("tilt", Math.round(Math.min(Math.max(tilt + up, low), high)));
  }

  // The plane that is chosen; the point stays where it is, as nearly as the grid allows.
  show() {
    const { model, planes, panel } = this;
    const key = Object.keys(CHOICES).map((name) => model.get(name));
    if (!planes.has(key.join("\n"))) return;
    const before = this.plane?.at(this.place);
    this.plane = this.read(key);
    this.path = model.get("_paths").find((path) => path.key.every((name, k) => name === key[k]));
    this.place = this.plane.nearest(...(before ?? [0, 0]));
    const { plane, path, relief, map, cuts } = this;
    const colours = model.get("colours");
    const alike =
      colours === "common" ? panel.limits.network.map((name) => this.read([name, ...key.slice(1)])) : [];
    this.scale = scaled(plane, alike, colours);
    map.show(plane, this.scale, path);
    relief.marks = [
      ["ring", plane.share([0, 0])],
      ["diamond", plane.share(plane.at(plane.lowest))],
    ];
    relief.path = path ? path.coefficients[0].map((a, k) => plane.share([a, path.coefficients[1][k]])) : [];
    const { kind, low, high, range } = this.scale;
    const ends = kind === "centred" ? [low, high] : range;
    relief.set(this.scale.values, {
      ...{ rows: plane.rows, columns: plane.columns, low: ends[0], high: ends[1] },
      diverging: kind === "centred",
    });
    for (const cut of cuts) cut.show(plane, this.scale);
    this.signs.lastChild.toggleAttribute("hidden", !path);
    this.tell();
    this.report();
  }

  // The plane of a key, read once.
  read(key) {
    const { planes } = this;
    const name = key.join("\n");
    if (!(planes.get(name) instanceof Plane)) planes.set(name, new Plane(planes.get(name)));
    return planes.get(name);
  }

  // Either the map or the relief.
  arrange() {
    const relief = this.model.get("view") === "relief";
    this.stage.replaceChildren(relief ? this.relief.node : this.map.node);
    for (const name of ["turn", "tilt"]) this.rows[name].toggleAttribute("hidden", !relief);
    this.tell();
    this.relief.fit();
    this.relief.draw();
  }

  reset() {
    this.panel.set("running", false); // as it begins
    Object.assign(this, { heading: 1, passed: 0, place: this.plane.nearest(0, 0) });
    this.pace.owed = 0;
    for (const [name, value] of [
      ["turn", -35],
      ["tilt", 35],
    ])
      this.panel.set(name, value);
    this.report();
  }

  move(place) {
    this.place = place;
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.advance();
    this.report();
  }

  // The next point along the first direction, there and back.
  advance() {
    const { row, column } = this.place;
    const next = column + this.heading;
    if (next < 0 || next >= this.plane.columns) this.heading = -this.heading;
    this.place = { row, column: column + this.heading };
    this.passed += 1;
  }

  frame(milliseconds) {
    const due = this.pace.due(this.model.get("speed"), milliseconds);
    for (let k = 0; k < due; k += 1) this.advance();
    if (due) this.report();
  }

  report() {
    const { plane, place, write, model } = this;
    if (!plane) return;
    this.map.point(place);
    this.relief.point(place.row, place.column);
    for (const cut of this.cuts) cut.point(place);
    const [alpha, beta] = plane.at(place);
    const loss = plane.loss(place);
    write["points passed"](String(this.passed));
    write[ALPHA](short(alpha, 5));
    write[BETA](short(beta, 5));
    write.loss(scientific(loss));
    write["from the centre"](plane.change(loss));
    const told = { points: this.passed, a: alpha, b: beta, loss };
    for (const [name, value] of Object.entries(told)) model.set(name, Number.isFinite(value) ? value : null);
    model.save_changes();
    this.describe();
  }

  // What is written of a plane, whatever its point.
  tell() {
    const { plane, path, write, scale } = this;
    const relief = this.model.get("view") === "relief";
    const shared = this.model.get("colours") === "common" ? ", on the same scale for all networks" : "";
    this.key.textContent = `${relief ? "Colours and heights" : "Colours"}: ${scale.label}${shared}.`;
    write["loss at the centre"](scientific(plane.centre));
    write["lowest loss"](scientific(plane.loss(plane.lowest)));
    write["lowest, from the centre"](plane.change(plane.loss(plane.lowest)));
    write["points below the centre"](plane.counts.join(" of "));
    this.told.textContent = path ? this.course : "";
    this.told.toggleAttribute("hidden", !path);
    this.how.textContent = `${HOW[relief ? "relief" : "map"]} ${WALK}`;
  }

  // Where training went, as far as the plane shows it.
  get course() {
    const { path, plane } = this;
    const [away, within] = path.start.map((length) => short(length, 3));
    const first = path.coefficients.map((row) => short(row[0], 3));
    const still = path.coefficients.every((row, axis) => {
      const [low, high] = span([0, ...row]);
      return (high - low) * MAP < FEW * (plane.axes[axis][1] - plane.axes[axis][0]);
    });
    const seen = still ? " As seen in this plane training hardly moved." : "";
    return (
      `Training, ${counted(path.distances.length, "point")}: the first is ${away} from the network, ${within} of it in the ` +
      `plane, nearest to ${ALPHA} = ${first[0]}, ${BETA} = ${first[1]}.${seen}`
    );
  }

  describe() {
    const { plane, place, named } = this;
    const [network, directions, data] = plane.key;
    const { panel } = this;
    const parts = [panel.limits.network.length > 1 && network, panel.limits.data.length > 1 && data];
    const which = [`${capital(directions)} directions`, ...parts.filter(Boolean)].join(", ");
    const found =
      plane.below === 0
        ? "no point of the grid is below the centre"
        : `${plane.counts.join(" of ")} points of the grid ${plane.counts[0] === 1 ? "is" : "are"} below the centre, the lowest by ${plane.change(plane.loss(plane.lowest)).slice(1)}`;
    const [alpha, beta] = plane.at(place).map((value) => short(value, 4));
    const [a, b] = plane.at(plane.lowest).map((value) => short(value, 4));
    const long =
      `${named ? capital(network) : `A ${network}`}: ${which}, ${plane.columns} by ${plane.rows} points, from ` +
      `${plane.axes.map((axis) => axis.map((end) => short(end, 4)).join(" to ")).join(" and from ")}. ` +
      `The loss is ${scientific(plane.centre)} at the centre and ${scientific(plane.loss(plane.lowest))} at the lowest point ` +
      `of the grid, ${ALPHA} = ${a}, ${BETA} = ${b}; ${found}. At the point ${ALPHA} = ${alpha}, ${BETA} = ${beta} it is ` +
      `${scientific(plane.loss(place))}.${this.path ? ` ${this.course}` : ""}`;
    panel.description.set(`${which}: ${found}.`, long);
  }
}

// What a copy of the settings leaves out.
function without(model, page) {
  return !page && model.get("_given") ? "its surfaces" : "";
}

export default lab((parts) => new SectionLab(parts), { without });
