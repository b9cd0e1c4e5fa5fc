// A net of neurons as it is wired: inputs to press, units with their thresholds, arrows that excite, rings that inhibit.

import { legible } from "./chart.js";
import { drawing, element } from "./dom.js";
import { columns } from "./neurons.js";

const WIDTH = 360;
const RADIUS = 16;
const EDGE = 38; // from the sides to the middle of a neuron
const GLOW = RADIUS + 6;
const CLEAR = RADIUS + 8; // as far as a line keeps from a neuron that it passes
const BENDS = [0, 24, -24, 44, -44, 66, -66, 90, -90];
const ASIDE = 76; // every other one of many in a column
const ALONG = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const NAME = 11; // as far as it keeps from a name
const APART = 7; // of two synapses from the same source
const GLYPHS = {
  switches: "M-6 4H-2L4-5M4 4H7",
  pulses: "M-8 5H-3V-5H3V5H8",
  random: "M-5-4h0M4-5h0M0 1h0M-5 5h0M5 5h0",
};

export class Wiring {
  // `onPress(i)` hears of a click, Enter or the space bar on input i.
  constructor(onPress) {
    this.onPress = onPress;
    this.axons = drawing("g");
    this.neurons = drawing("g");
    this.svg = drawing("svg", { role: "group", class: "lab-chart lab-net" }, this.axons, this.neurons);
    legible(this.svg);
  }

  // Draw a net, of which `words` say how it is wired.
  show({ inputs, wiring, thresholds, names }, straight, words) {
    const places = this.lay(inputs, wiring, straight);
    this.svg.setAttribute("aria-label", words);
    this.places = places;
    this.inputs = inputs;
    this.names = names;
    const focused = this.nodes?.indexOf(document.activeElement) ?? -1;
    this.nodes = places.map((place, i) =>
      i < inputs ? this.input(place, i) : unit(place, names[i], thresholds[i - inputs]),
    );
    this.neurons.replaceChildren(...this.nodes);
    if (focused >= 0 && focused < inputs) this.nodes[focused].focus({ preventScroll: true });
    this.lines = wiring.flatMap((row, i) =>
      row.flatMap((entry, j) => (entry ? this.synapses(j, inputs + i, entry, wiring) : [])),
    );
    this.axons.replaceChildren(...this.lines.map(({ node }) => node));
  }

  // Where inputs and units stand: in columns from left to right.
  lay(inputs, wiring, straight) {
    const stands = [...Array(inputs).fill(0), ...columns(inputs, wiring, straight)];
    const last = Math.max(...stands);
    const counts = Array.from({ length: last + 1 }, (_, c) => stands.filter((stand) => stand === c).length);
    const most = Math.max(...counts);
    const height = Math.max(190, 40 + most * (most > 3 ? 58 : 84));
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    const seen = counts.map(() => 0);
    return stands.map((column) => {
      seen[column] += 1;
      const aside = counts[column] > 3 && seen[column] % 2 ? ASIDE : 0;
      return {
        x: EDGE + (column / last) * (WIDTH - 2 * EDGE) - aside,
        y: 12 + ((seen[column] - 0.5) / counts[column]) * (height - 30),
      };
    });
  }

  input({ x, y }, i) {
    const node = drawing(
      "g",
      { class: "lab-neuron input", role: "button", tabindex: 0, transform: at(x, y) },
      drawing("rect", { class: "lab-reach", x: -22, y: -22, width: 44, height: 44 }),
      drawing("rect", { class: "lab-glow", x: -20, y: -20, width: 40, height: 40, rx: 7 }),
      drawing("rect", { class: "lab-soma", x: -14, y: -14, width: 28, height: 28, rx: 4 }),
      drawing("path", { class: "lab-glyph" }),
      named(this.names[i], RADIUS),
    );
    node.addEventListener("click", () => this.onPress(i));
    node.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      this.onPress(i);
    });
    return node;
  }

  // The lines from one source to one unit, a line a synapse.
  synapses(j, i, entry, wiring) {
    const kind = entry < 0 ? "inhibitory" : "excitatory";
    const back = j >= this.inputs && wiring[j - this.inputs][i] !== 0;
    const shifts = entry === 2 ? [-APART, APART] : [0];
    const route = i === j ? (shift) => loop(this.places[i], shift) : this.route(i, j, back);
    return shifts.map((shift) => {
      const { line, end, angle } = route(shift);
      const sign = entry < 0 ? "M-9 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0" : "M0 0L-10-4.6V4.6Z";
      const turn = ((angle * 180) / Math.PI).toFixed(1);
      const ending = drawing("path", {
        class: "lab-synapse",
        d: sign,
        transform: `${at(end.x, end.y)} rotate(${turn})`,
      });
      return {
        from: j,
        node: drawing("g", { class: `lab-axon ${kind}` }, drawing("path", { d: line }), ending),
      };
    });
  }

  // Of the curves from j to i the one that is bent least and passes no other neuron.
  route(i, j, back) {
    const [from, to] = [this.places[j], this.places[i]];
    const others = this.places.filter((_, k) => k !== i && k !== j);
    const near = (bend) => {
      const over = middle(from, to, bend);
      const points = ALONG.map((t) => mix(mix(from, over, t), mix(over, to, t), t));
      const gap = (x, y) => Math.min(...points.map((point) => Math.hypot(point.x - x, point.y - y)));
      const lacks = others.flatMap(({ x, y }) => [CLEAR - gap(x, y), NAME - gap(x, y + RADIUS + NAME)]);
      return Math.max(0, ...lacks);
    };
    const bends = back ? BENDS.filter((bend) => bend > 0) : BENDS;
    const best = bends.reduce((least, bend) => (near(bend) < near(least) ? bend : least));
    return (shift) => curve(from, to, best + 2 * shift);
  }

  // Light up what fires, and thicken the lines that carry it; `drive` says what pressing an input does.
  light(active, drive) {
    const { nodes, lines, names, inputs } = this;
    nodes.forEach((node, i) => {
      node.classList.toggle("active", active[i] > 0);
      if (i >= inputs) return;
      node.setAttribute("aria-pressed", String(active[i] > 0));
      node.setAttribute("aria-label", `${names[i]}, ${drive.words[Number(active[i] > 0)]}`);
      node.querySelector(".lab-glyph").setAttribute("d", GLYPHS[drive.name]);
    });
    for (const { from, node } of lines) node.classList.toggle("active", active[from] > 0);
  }
}

function unit({ x, y }, name, threshold) {
  return drawing(
    "g",
    { class: "lab-neuron", transform: at(x, y) },
    drawing("circle", { class: "lab-glow", r: GLOW }),
    drawing("circle", { class: "lab-soma", r: RADIUS }),
    drawing("text", { class: "lab-threshold", y: "0.36em", "text-anchor": "middle" }, String(threshold)),
    named(name, RADIUS),
  );
}

function named(name, radius) {
  return drawing("text", { class: "lab-name", y: radius, dy: "1.25em", "text-anchor": "middle" }, name);
}

function at(x, y) {
  return `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
}

function mix(a, b, t) {
  return { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) };
}

// The point that draws a curve aside by `bend`.
function middle(from, to, bend) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  return {
    x: (from.x + to.x) / 2 + (2 * bend * dy) / length,
    y: (from.y + to.y) / 2 - (2 * bend * dx) / length,
  };
}

function curve(from, to, bend) {
  const over = middle(from, to, bend);
  const [start, end] = [toward(from, over, GLOW), toward(to, over, GLOW + 1)];
  const angle = Math.atan2(to.y - over.y, to.x - over.x);
  const stop = toward(end, over, 8);
  return { line: `M${pair(start)}Q${pair(over)} ${pair(stop)}`, end, angle };
}

// From a neuron over its head to itself.
function loop({ x, y }, shift) {
  const [wide, high] = [24 + shift, 34 + 1.6 * shift];
  const end = { x: x + 10, y: y - GLOW + 2 };
  const angle = Math.PI / 2 + 0.45;
  const stop = { x: end.x - 8 * Math.cos(angle), y: end.y - 8 * Math.sin(angle) };
  const over = [
    `${(x - wide).toFixed(1)} ${(y - GLOW - high).toFixed(1)}`,
    `${(x + wide + 6).toFixed(1)} ${(y - GLOW - high).toFixed(1)}`,
  ];
  return { line: `M${pair({ x: x - 10, y: y - GLOW + 3 })}C${over.join(" ")} ${pair(stop)}`, end, angle };
}

function toward(from, to, distance) {
  return mix(from, to, distance / Math.hypot(to.x - from.x, to.y - from.y));
}

function pair({ x, y }) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

// What the signs of the drawing mean.
export function meanings() {
  const circle = (kind, r) => drawing("circle", { class: `lab-mean ${kind}`, cx: 13, cy: 7, r });
  const path = (kind, d) => drawing("path", { class: `lab-mean ${kind}`, d });
  const square = drawing("rect", { class: "lab-mean silent", x: 8.5, y: 2.5, width: 9, height: 9, rx: 1.5 });
  const signs = [
    [[path("excites", "M1 7H16M25 7L15 2.4V11.6Z")], "excites"],
    [[path("inhibits", "M1 7H15.5a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0")], "inhibits"],
    [[circle("fires", 6.2), circle("within", 3.2)], "fires"],
    [[circle("silent", 4.5)], "is silent"],
    [[square], "input: press it"],
  ];
  const key = (sign) =>
    drawing("svg", { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" }, ...sign);
  const entries = signs.map(([sign, words]) => element("li", {}, key(sign), words));
  return element(
    "ul",
    { class: "lab-legend" },
    ...entries,
    element("li", {}, "number inside: threshold, below: name"),
  );
}
