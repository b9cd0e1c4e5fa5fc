// A network: units as nodes, couplings as edges between them.

import { legible } from "./chart.js";
import { drawing, furnish } from "./dom.js";

const WIDTH = 360;
const PAD = 34; // around the nodes, for their names and for the ring of the focus
const THINNEST = 0.7;
const THICKEST = 4.5;
const FAINT = 0.02; // of the strongest coupling: what is weaker is not drawn
const NONE = 1e-6; // of the strength that is drawn thickest: no coupling but what rounding leaves
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class NetworkDrawing {
  // `places` are points of the unit square, of `circle`, `layers`, `grid` or your own. Edges are drawn by `couple`,
  // states by `set`. With `onToggle(i)` a click, Enter or the space bar on node i calls it; arrow keys move the focus.
  constructor({ places, describe, names, words = ["down", "up"], onToggle, height = WIDTH, radius = 11 }) {
    const across = (u) => PAD + u * (WIDTH - 2 * PAD);
    const along = (v) => PAD + v * (height - 2 * PAD);
    this.places = places.map(([u, v]) => ({ x: across(u), y: along(v) }));
    Object.assign(this, { names: names ?? places.map((_, i) => String(i)), words, onToggle, radius });
    this.edges = drawing("g", { class: "lab-edges" });
    const form = {
      viewBox: `0 0 ${WIDTH} ${height}`,
      "aria-label": describe,
      class: "lab-chart",
    };
    this.svg = drawing("svg", { ...form, role: onToggle ? "group" : "img" }, this.edges);
    this.nodes = this.places.map((place, i) => this.unit(place, i, names?.[i]));
    this.svg.append(...this.nodes);
    legible(this.svg);
    if (onToggle) this.listen();
    this.set(places.map(() => 0));
  }

  unit({ x, y }, i, name) {
    const { radius } = this;
    const reach = Math.min(16, this.nearest(i) / 2);
    const node = drawing(
      "g",
      { class: "lab-node", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
      drawing("circle", { r: Math.max(reach, radius), class: "lab-reach" }),
      drawing("circle", { r: radius, class: "lab-unit" }),
      drawing("path", { class: "lab-sign" }),
    );
    const below = this.places.some((other) => other.y < y) && !this.places.some((other) => other.y > y);
    if (name !== undefined) {
      const height = below ? radius + 16 : -radius - 5; // away from the other nodes
      node.append(drawing("text", { y: height, "text-anchor": "middle", class: "lab-note" }, name));
    }
    return node;
  }

  nearest(i) {
    const { x, y } = this.places[i];
    return Math.min(
      ...this.places.map((other, j) => (j === i ? Infinity : Math.hypot(other.x - x, other.y - y))),
    );
  }

  // Draw couplings, triples [i, j, J]: the stronger the thicker, up to `largest`; positive ones solid, negative dashed.
  // What is faint beside the strongest is left out.
  couple(couplings, largest = strongest(couplings)) {
    const least = Math.max(FAINT * strongest(couplings), NONE * largest);
    const seen = couplings.filter(([, , J]) => J !== 0 && Number.isFinite(J) && Math.abs(J) >= least);
    while (this.edges.childElementCount > seen.length) this.edges.lastChild.remove();
    while (this.edges.childElementCount < seen.length) this.edges.append(drawing("line"));
    for (const [k, [i, j, J]] of seen.entries()) {
      const [from, to] = [this.places[i], this.places[j]];
      const strength = Math.min(Math.abs(J) / largest, 1);
      furnish(
        this.edges.children[k],
        {
          x1: from.x.toFixed(1),
          y1: from.y.toFixed(1),
          x2: to.x.toFixed(1),
          y2: to.y.toFixed(1),
          class: J > 0 ? "lab-edge positive" : "lab-edge negative",
          "stroke-width": (THINNEST + strength * (THICKEST - THINNEST)).toFixed(2),
        },
        [],
      );
    }
  }

  // Show states: above 0 the colour of spin up and a plus, else that of spin down and a minus.
  set(states) {
    const arm = (0.5 * this.radius).toFixed(1);
    for (const [i, node] of this.nodes.entries()) {
      const up = states[i] > 0;
      if (node.classList.contains("up") === up && node.hasAttribute("aria-label")) continue;
      node.classList.toggle("up", up);
      node.querySelector(".lab-sign").setAttribute("d", `M-${arm} 0H${arm}${up ? `M0-${arm}V${arm}` : ""}`);
      node.setAttribute("aria-label", `unit ${this.names[i]}, ${this.words[Number(up)]}`);
      if (this.onToggle) node.setAttribute("aria-pressed", String(up));
    }
  }

  // Show biases in place of states, as discs: the stronger the larger, up to `largest`; negative ones are open.
  incline(biases, largest) {
    for (const [i, node] of this.nodes.entries()) {
      const strength = Math.sqrt(Math.min(Math.abs(biases[i]) / largest, 1));
      const circle = node.querySelector(".lab-bias") ?? node.appendChild(drawing("circle"));
      const kind = biases[i] < 0 ? "lab-bias negative" : "lab-bias positive";
      furnish(circle, { r: (strength * 0.8 * this.radius).toFixed(1), class: kind }, []);
      node.classList.add("plain");
    }
  }

  listen() {
    this.nodes.forEach((node, i) => {
      furnish(node, { role: "button", tabindex: i ? -1 : 0 }, []);
      node.addEventListener("click", () => {
        this.enter(i);
        this.onToggle(i);
      });
      node.addEventListener("keydown", (event) => this.key(event, i));
    });
    this.here = 0;
  }

  key(event, i) {
    if (event.key === " " || event.key === "Enter") this.onToggle(i);
    else if (event.key in DIRECTIONS) this.enter(this.neighbour(i, DIRECTIONS[event.key]) ?? i);
    else return;
    event.preventDefault();
  }

  // Of the nodes on one side, the one that is nearest, where a step aside counts twice.
  neighbour(i, [right, down]) {
    const from = this.places[i];
    const distance = ({ x, y }) => {
      const ahead = (x - from.x) * right + (y - from.y) * down;
      const aside = Math.abs((x - from.x) * down) + Math.abs((y - from.y) * right);
      return ahead > 0.5 ? ahead + 2 * aside : Infinity;
    };
    const best = this.places.reduce(
      (best, place, j) => {
        const found = distance(place);
        return found < best.found ? { found, j } : best;
      },
      { found: Infinity },
    );
    return best.j;
  }

  // One node at a time can be reached by the tab key: the one that had the focus last.
  enter(i) {
    this.nodes[this.here].setAttribute("tabindex", -1);
    this.nodes[i].setAttribute("tabindex", 0);
    this.nodes[i].focus();
    this.here = i;
  }
}

// The strength of the strongest coupling.
function strongest(couplings) {
  const strengths = couplings.map(([, , J]) => Math.abs(J));
  return strengths.filter(Number.isFinite).reduce((most, strength) => Math.max(most, strength), 0);
}

// Places of n nodes on a circle, from its top on.
export function circle(n) {
  return Array.from({ length: n }, (_, i) => {
    const angle = (2 * Math.PI * i) / n;
    return [0.5 + 0.5 * Math.sin(angle), 0.5 - 0.5 * Math.cos(angle)];
  });
}

// Places of nodes in rows of these sizes, the first at the bottom.
export function layers(...sizes) {
  const height = (layer) => (sizes.length > 1 ? 1 - layer / (sizes.length - 1) : 0.5);
  return sizes.flatMap((size, layer) =>
    Array.from({ length: size }, (_, i) => [(i + 0.5) / size, height(layer)]),
  );
}

// Places of nodes on a square lattice, row by row.
export function grid(rows, columns = rows) {
  const place = (i, size) => (size > 1 ? i / (size - 1) : 0.5);
  return Array.from({ length: rows * columns }, (_, i) => [
    place(i % columns, columns),
    place(Math.floor(i / columns), rows),
  ]);
}
