// Pictures of values on squares that are only looked at, two colours of them, and bonds of a lattice on top.

import { element } from "./dom.js";
import { palette, shade } from "./palette.js";

const CELL = 12; // pixels of a square
const STROKES = [
  ["#fff", CELL / 3],
  ["#000", CELL / 6],
]; // on a bond: casing and core, seen on both spins

// Values of -1 and 1 in the two colours of a variable of the style sheet, row by row; of the edges those that are marked.
export class Sheet {
  constructor(panel, title, colours) {
    Object.assign(this, { panel, colours });
    this.canvas = element("canvas", { role: "img", class: "lab-replica" });
    this.title = element("p", { class: "lab-told" }, title);
    this.node = element("div", {}, this.title, this.canvas);
    this.small = element("canvas"); // a pixel a site
  }

  start(n, describe) {
    const side = Math.ceil(Math.sqrt(n)); // the last row may not be full
    Object.assign(this.small, { width: side, height: side });
    Object.assign(this.canvas, { width: side * CELL, height: side * CELL });
    this.canvas.setAttribute("aria-label", describe);
    this.image = new ImageData(side, side);
    this.pixels = new Int32Array(this.image.data.buffer).subarray(0, n);
    this.recolour();
  }

  entitle(words) {
    if (this.title.textContent !== words) this.title.textContent = words;
  }

  recolour() {
    this.tones = palette(this.panel.el, this.colours, 2);
  }

  draw(values, edges = [], marks = []) {
    const { canvas, small } = this;
    shade(this.pixels, values, this.tones, -1, 1);
    small.getContext("2d").putImageData(this.image, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const path = new Path2D();
    for (const [entry, x, y, u, v] of edges) {
      if (!marks[entry]) continue;
      path.moveTo(x, y);
      path.lineTo(u, v);
    }
    for (const [colour, width] of STROKES) {
      Object.assign(context, { strokeStyle: colour, lineWidth: width, lineCap: "round" });
      context.stroke(path);
    }
  }
}

// Edges for `draw`: for each entry of a lattice's rows that leads one site right or down, the stroke across that bond.
export function edgesOf(side, columns) {
  const edges = [];
  columns.forEach((column, entry) => {
    const site = Math.floor(entry / 4);
    const [row, place] = [Math.floor(site / side), site % side];
    const [x, y] = [(place + 1) * CELL, (row + 1) * CELL];
    const right = row * side + ((place + 1) % side);
    const below = ((row + 1) % side) * side + place;
    if (Number(column) === right) edges.push([entry, x, y - CELL, x, y]);
    if (Number(column) === below) edges.push([entry, x - CELL, y, x, y]);
  });
  return edges;
}
