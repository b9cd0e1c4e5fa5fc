// A graph that a reader draws: spins as circles, edges between them, and what goes along each edge in both directions.

import { legible, short } from "./chart.js";
import { drawing, element, furnish } from "./dom.js";

const WIDTH = 360;
const HEIGHT = 330;
const PAD = { x: 30, y: 30 }; // around the unit square
const RADIUS = 13;
const REACH = 20; // of a finger around a spin
const BESIDE = 12; // from an edge, as near as a press means it
const BY = RADIUS + 9; // from a spin to its name and its field
const SIDES = [-0.25, 0.25, -0.5, 0, 0.5, 0.75, -0.75, 1].map((share) => share * Math.PI); // for names, the best first
const ROOMY = 0.75; // as far as a name needs to be from an edge, in radians
const STILL = 9; // a pointer that moves less presses, and does not draw
const ASIDE = 6.5; // of a message from its edge
const REST = 0.6; // of the way, where a message stands that has come
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PUSHES = { "+": 1, "=": 1, "-": -1, "\u2212": -1, 0: 0 };
const DART = "M-5-4.5L6 0L-5 4.5Z";

export class Sketch {
  // `on` hears what a hand does: `choose(i)` of a spin that is chosen, or of none (undefined); `join(i, j)` of two that are
  // pressed one after the other, or between which a line is drawn; `edge(k)` of one that is pressed; `add(place, from)` of
  // a press on empty room, or a line drawn there from a spin; `remove(i)`, `cut(k)` and `push(i, sign)` of keys.
  constructor({ describe, on }) {
    this.on = on;
    this.line = drawing("line", { class: "lab-draft", visibility: "hidden" });
    this.layers = ["lab-ties", "lab-darts", "lab-spins-drawn"].map((kind) => drawing("g", { class: kind }));
    this.svg = drawing(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "group",
        class: "lab-chart lab-sketch",
        "aria-label": describe,
      },
      drawing("rect", { class: "lab-room", x: 1, y: 1, width: WIDTH - 2, height: HEIGHT - 2, rx: 8 }),
      this.line,
      ...this.layers,
    );
    Object.assign(this, { here: 0, there: 0, spins: [], ties: [], places: [] });
    legible(this.svg);
    this.listen();
  }

  // Draw a graph; `arrows` are the messages to come, pairs [from, to].
  show({ places, edges, couplings, fields }, arrows) {
    const [ties, darts, spins] = this.layers;
    const focused = this.spins.some(({ node }) => node === document.activeElement);
    const onTie = this.ties.includes(document.activeElement);
    this.places = places.map(([u, v]) => ({
      x: PAD.x + u * (WIDTH - 2 * PAD.x),
      y: PAD.y + v * (HEIGHT - 2 * PAD.y),
    }));
    Object.assign(this, { edges, arrows });
    this.ties = edges.map(([i, j], k) => this.tie(k, i, j, couplings[k]));
    ties.replaceChildren(...this.ties);
    this.spins = this.places.map((place, i) => this.spin(place, i, fields[i], this.gaps(i)));
    spins.replaceChildren(...this.spins.map(({ node }) => node));
    this.darts = arrows.map(() => drawing("path", { class: "lab-dart", d: DART }));
    darts.replaceChildren(...this.darts);
    this.here = Math.min(this.here, places.length - 1);
    this.spins[this.here].node.setAttribute("tabindex", 0);
    this.there = Math.max(Math.min(this.there, edges.length - 1), 0);
    this.ties[this.there]?.setAttribute("tabindex", 0);
    if (onTie && this.ties.length) this.hold(this.there);
    else if (focused || onTie) this.spins[this.here].node.focus({ preventScroll: true });
    this.mark(undefined);
  }

  tie(k, i, j, coupling) {
    const [from, to] = [this.places[i], this.places[j]];
    const ends = { x1: from.x.toFixed(1), y1: from.y.toFixed(1), x2: to.x.toFixed(1), y2: to.y.toFixed(1) };
    const width = 1 + 2 * Math.min(Math.abs(coupling), 1.5);
    const node = drawing(
      "g",
      {
        class: "lab-tie",
        role: "button",
        tabindex: -1,
        "aria-label": `bond of ${i} and ${j}, J = ${short(coupling, 4)}`,
      },
      drawing("line", { class: "lab-held", ...ends, "stroke-width": (width + 9).toFixed(2) }),
      drawing("line", {
        class: coupling > 0 ? "lab-edge positive" : "lab-edge negative",
        ...{ ...ends, "stroke-width": width.toFixed(2) },
      }),
    );
    node.addEventListener("keydown", (event) => this.keyOnTie(event, k));
    node.addEventListener("click", (event) => event.detail === 0 && this.turn(k));
    return node;
  }

  // Two directions from a spin in which there is room, for its name and its field: away from its edges.
  gaps(i) {
    const { x, y } = this.places[i];
    const taken = this.edges.flatMap(([a, b]) => {
      if (a !== i && b !== i) return [];
      const other = this.places[a === i ? b : a];
      return [Math.atan2(other.y - y, other.x - x)];
    });
    const pick = (sides, busy) => {
      const free = (side) => Math.min(...busy.map((angle) => apart(side, angle)), ROOMY);
      return sides.reduce((best, side) => (free(side) > free(best) ? side : best));
    };
    const name = pick(SIDES, taken);
    const mirrored = SIDES.map((side) => Math.PI - side);
    return [name, pick(mirrored, [...taken, name])];
  }

  spin({ x, y }, i, field, [name, push]) {
    const disc = drawing("circle", { class: "lab-disc", r: 0 });
    const sign = drawing("path", { class: "lab-sign" });
    const node = drawing(
      "g",
      { class: "lab-spin", role: "button", tabindex: -1, transform: at(x, y) },
      drawing("circle", { class: "lab-reach", r: REACH }),
      drawing("circle", { class: "lab-ring", r: RADIUS + 4 }),
      drawing("circle", { class: "lab-soma", r: RADIUS }),
      disc,
      sign,
      drawing("path", { class: "lab-push", d: arrow(field), transform: at(...round(push)) }),
      drawing("text", { class: "lab-note", transform: at(...round(name)), y: "0.35em" }, String(i)),
    );
    node.addEventListener("keydown", (event) => this.key(event, i));
    // Those who press by other means than a pointer: a click of theirs counts none.
    node.addEventListener("click", (event) => event.detail === 0 && this.press(i));
    // So that a finger that draws from a spin does not scroll: touch-action is not heeded on parts of a drawing.
    node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    return { node, disc, sign };
  }

  // Show the mean of each spin, as the area of a disc; `words` tell each of them.
  set(means, words) {
    for (const [i, { node, disc, sign }] of this.spins.entries()) {
      const size = Math.sqrt(Math.min(Math.abs(means[i]), 1)) * (RADIUS - 1);
      const up = means[i] > 0;
      const arm = (0.55 * size).toFixed(1);
      disc.setAttribute("r", size.toFixed(1));
      sign.setAttribute("d", size > 4 ? `M-${arm} 0H${arm}${up ? `M0-${arm}V${arm}` : ""}` : "");
      node.classList.toggle("up", up);
      node.setAttribute("aria-label", words[i]);
    }
  }

  // Show what goes along the edges: values from -1 to 1, 0 for nothing, at a share of the way.
  pass(values, share = REST) {
    for (const [k, [i, j]] of this.arrows.entries()) {
      const strength = Math.min(Math.abs(values[k]), 1);
      const dart = this.darts[k];
      dart.setAttribute("visibility", strength > 0.004 ? "visible" : "hidden");
      dart.setAttribute("class", values[k] < 0 ? "lab-dart down" : "lab-dart up");
      dart.setAttribute(
        "transform",
        between(this.places[i], this.places[j], share, 0.5 + 0.9 * Math.sqrt(strength)),
      );
    }
  }

  // Mark the spin that is chosen, if any.
  mark(chosen) {
    this.chosen = chosen;
    for (const [i, { node }] of this.spins.entries()) {
      node.classList.toggle("chosen", i === chosen);
      node.setAttribute("aria-pressed", String(i === chosen));
    }
  }

  press(i) {
    const { chosen } = this;
    this.enter(i);
    this.mark(chosen === undefined ? i : undefined);
    if (chosen === undefined || chosen === i) this.on.choose(this.chosen);
    else this.on.join(chosen, i);
  }

  turn(k) {
    this.hold(k);
    this.on.edge(k);
  }

  listen() {
    const { svg } = this;
    svg.addEventListener("pointerdown", (event) => this.grasp(event));
    svg.addEventListener("pointermove", (event) => this.held && this.draft(event));
    svg.addEventListener("pointerup", (event) => this.held && this.drop(event));
    svg.addEventListener("pointercancel", () => this.release());
    svg.addEventListener("click", (event) => {
      if (this.done || event.detail === 0) return; // it was on a spin
      const place = this.place(event);
      const k = this.edgeAt(place);
      if (k === undefined) this.add(place, this.chosen);
      else this.turn(k);
    });
  }

  grasp(event) {
    const i = this.spinAt(this.place(event));
    this.done = i !== undefined;
    if (i === undefined || event.button > 0) return;
    this.svg.setPointerCapture(event.pointerId);
    this.held = { i, from: this.place(event), drawn: false };
  }

  draft(event) {
    const place = this.place(event);
    const { held, line } = this;
    held.drawn ||= Math.hypot(place.x - held.from.x, place.y - held.from.y) > STILL;
    if (!held.drawn) return;
    const { x, y } = this.places[held.i];
    furnish(line, { x1: x, y1: y, x2: place.x, y2: place.y, visibility: "visible" }, []);
  }

  drop(event) {
    const { i, drawn } = this.held;
    const place = this.place(event);
    this.release();
    if (!drawn) {
      this.press(i);
      return;
    }
    const j = this.spinAt(place);
    if (j === i) return;
    this.mark(undefined);
    if (j !== undefined) this.on.join(i, j);
    else this.add(place, i);
  }

  release() {
    this.held = undefined;
    this.line.setAttribute("visibility", "hidden");
  }

  add({ x, y }, from) {
    const [u, v] = [(x - PAD.x) / (WIDTH - 2 * PAD.x), (y - PAD.y) / (HEIGHT - 2 * PAD.y)];
    const within = (share) => Math.round(1000 * Math.min(Math.max(share, 0), 1)) / 1000;
    this.on.add([within(u), within(v)], from);
  }

  // Where on the drawing a pointer is.
  place({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    return {
      x: ((clientX - box.left) / box.width) * WIDTH,
      y: ((clientY - box.top) / box.height) * HEIGHT,
    };
  }

  spinAt({ x, y }) {
    const gaps = this.places.map((place) => Math.hypot(place.x - x, place.y - y));
    const nearest = gaps.indexOf(Math.min(...gaps));
    return gaps[nearest] <= REACH ? nearest : undefined;
  }

  edgeAt(point) {
    const gaps = this.edges.map(([i, j]) => distance(point, this.places[i], this.places[j]));
    const nearest = gaps.indexOf(Math.min(...gaps));
    return gaps[nearest] <= BESIDE ? nearest : undefined;
  }

  key(event, i) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    if (key === " " || key === "Enter") this.press(i);
    else if (key in DIRECTIONS) this.enter(this.neighbour(i, DIRECTIONS[key]) ?? i);
    else if (key === "Delete" || key === "Backspace") this.on.remove(i);
    else if (Object.hasOwn(PUSHES, key)) this.on.push(i, PUSHES[key]);
    else if (key === "Escape" && this.chosen !== undefined) this.press(this.chosen);
    else return;
    event.preventDefault();
  }

  keyOnTie(event, k) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const count = this.ties.length;
    this.hold(k); // which may have the focus by other means than this
    if (key === " " || key === "Enter") this.turn(k);
    else if (key in DIRECTIONS)
      this.hold((k + count + Math.sign(DIRECTIONS[key][0] + DIRECTIONS[key][1])) % count);
    else if (key === "Delete" || key === "Backspace") this.on.cut(k);
    else return;
    event.preventDefault();
  }

  // Of the spins on one side, the one that is nearest, where a step aside counts twice.
  neighbour(i, [right, down]) {
    const from = this.places[i];
    const far = this.places.map(({ x, y }) => {
      const ahead = (x - from.x) * right + (y - from.y) * down;
      const aside = Math.abs((x - from.x) * down) + Math.abs((y - from.y) * right);
      return ahead > 0.5 ? ahead + 2 * aside : Number.POSITIVE_INFINITY;
    });
    const least = Math.min(...far);
    return Number.isFinite(least) ? far.indexOf(least) : undefined;
  }

  // One spin at a time can be reached by the tab key: the one that had the focus last.
  enter(i) {
    this.spins[this.here].node.setAttribute("tabindex", -1);
    this.here = i;
    this.spins[i].node.setAttribute("tabindex", 0);
    this.spins[i].node.focus({ preventScroll: true });
  }

  // So can one edge at a time be, to which the focus goes here.
  hold(k) {
    this.ties[this.there]?.setAttribute("tabindex", -1);
    this.there = k;
    this.ties[k].setAttribute("tabindex", 0);
    this.ties[k].focus({ preventScroll: true });
  }
}

function at(x, y) {
  return `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
}

// A place beside a spin.
function round(angle) {
  return [BY * Math.cos(angle), BY * Math.sin(angle)];
}

// The angle between two directions.
function apart(one, other) {
  const turn = Math.abs(one - other) % (2 * Math.PI);
  return Math.min(turn, 2 * Math.PI - turn);
}

// A field as an arrow beside its spin: up or down, the longer the stronger.
function arrow(field) {
  if (field === 0) return "";
  const [half, side] = [3 + 4.5 * Math.min(Math.abs(field), 1), Math.sign(field)];
  return `M0 ${(side * half).toFixed(1)}V${(-side * half).toFixed(1)}m-3.5 ${4 * side}l3.5 ${-4 * side}l3.5 ${4 * side}`;
}

// Beside the edge, on the right of those who go along, from rim to rim.
function between(from, to, share, scale) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const rim = Math.min((RADIUS + 6) / length, 0.5);
  const way = rim + share * (1 - 2 * rim);
  const x = from.x + way * dx - (ASIDE * dy) / length;
  const y = from.y + way * dy + (ASIDE * dx) / length;
  return `${at(x, y)} rotate(${((Math.atan2(dy, dx) * 180) / Math.PI).toFixed(1)}) scale(${scale.toFixed(2)})`;
}

// From a point to the line between two others.
function distance(point, from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const along = ((point.x - from.x) * dx + (point.y - from.y) * dy) / (dx * dx + dy * dy);
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}

// What the signs of the drawing mean.
export function meanings() {
  const disc = (kind, sign) => [
    drawing("circle", { class: `lab-disc ${kind}`, cx: 13, cy: 7, r: 6 }),
    drawing("path", { class: `lab-sign lab-mark ${kind}`, d: sign }),
  ];
  const edge = (kind) => [
    drawing("path", { class: `lab-edge ${kind}`, d: "M1 7H25", "stroke-width": 2.6, fill: "none" }),
  ];
  const dart = (kind) => [
    drawing("path", { class: `lab-dart ${kind}`, d: DART, transform: "translate(13 7)" }),
  ];
  const push = [drawing("path", { class: "lab-push", d: "M13 13V2M9 6L13 2L17 6" })];
  const signs = [
    [disc("up", "M10.4 7h5.2M13 4.4v5.2"), "mean up"],
    [disc("down", "M10.4 7h5.2"), "mean down"],
    [edge("positive"), "J > 0"],
    [edge("negative"), "J < 0"],
    [dart("up"), "message: up"],
    [dart("down"), "message: down"],
    [push, "field"],
  ];
  const key = (sign) =>
    drawing("svg", { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" }, ...sign);
  const entries = signs.map(([sign, words]) => element("li", {}, key(sign), words));
  return element("ul", { class: "lab-legend" }, ...entries);
}
