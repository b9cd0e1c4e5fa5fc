// A matrix of numbers as a surface in space, seen from any side: cells are painted from the farthest to the nearest.

import { element } from "./dom.js";
import { palette } from "./palette.js";
import { watchTheme } from "./theme.js";

const SIZE = { width: 360, height: 302 }; // of the drawing, in its own units, as a heat map has it
const SCALE = 100; // of half a side of the plane there
const HEIGHT = 1.15; // of the surface, in units of that half
const MIDDLE = 152; // where the middle of the plane is, from the top
const MESH = 10; // lines along each side, about
const LIGHT = [-0.48, 0.36, 0.8]; // from where it comes
const KEYS = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
const TURN = 0.6; // degrees for a pixel of a pointer's way
const SHADES = 256;
const WIDEST = 900; // pixels, so that a turn is smooth on a sharp screen too
const INKS = { ring: ["#fff", "#000"], diamond: ["#000", "#fff"], point: ["#d55e00", "#fff"] }; // and their rims

export class Relief {
  // `onTurn(degrees, degrees)` hears how far a pointer or the keys turn and tilt it; `names` are those of both directions.
  constructor(panel, { describe, names, onTurn }) {
    Object.assign(this, { panel, names, onTurn, turn: 0, tilt: 35, place: [0, 0], marks: [], path: [] });
    this.canvas = element("canvas", {
      ...{ class: "lab-relief", tabindex: 0, role: "application", "aria-label": describe },
    });
    this.node = element("div", {}, this.canvas);
    this.context = this.canvas.getContext("2d");
    this.listen();
    watchTheme(panel, () => this.recolour());
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.canvas);
    panel.cleanups.push(() => observer.disconnect());
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = event;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      const [right, down] = [event.clientX - this.last.clientX, event.clientY - this.last.clientY];
      this.last = event;
      this.onTurn(-TURN * right, TURN * down);
    });
    for (const kind of ["pointerup", "pointercancel"])
      canvas.addEventListener(kind, () => {
        this.last = undefined;
      });
    canvas.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      this.onTurn(...KEYS[event.key]);
    });
  }

  // As many pixels as the screen has there.
  fit() {
    const { canvas } = this;
    const width = Math.min(Math.round(canvas.clientWidth * devicePixelRatio), WIDEST);
    if (width === 0 || width === canvas.width) return;
    Object.assign(canvas, { width, height: Math.round((width * SIZE.height) / SIZE.width) });
    this.draw();
  }

  // Show values, first row first, as heights and colours from `low` to `high`; `diverging` ones about their middle.
  set(values, { rows, columns, low, high, diverging = false }) {
    Object.assign(this, { values, rows, columns, diverging });
    this.heights = Float64Array.from(values, (value) => (value - low) / (high - low));
    this.recolour();
  }

  // The colour of each cell: that of its mean height, darker where it is turned away from the light.
  recolour() {
    if (!this.heights) return;
    const { heights, rows, columns } = this;
    const tones = palette(this.panel.el, this.diverging ? "--lab-diverging" : "--lab-sequential", SHADES);
    const [side, depth] = [2 / (columns - 1), 2 / (rows - 1)];
    this.fills = Array.from({ length: (rows - 1) * (columns - 1) }, (_, k) => {
      const i = Math.floor(k / (columns - 1)) * columns + (k % (columns - 1));
      const [a, b, c, d] = [heights[i], heights[i + 1], heights[i + columns], heights[i + columns + 1]];
      const mean = (a + b + c + d) / 4;
      if (!Number.isFinite(mean)) return undefined;
      const [x, y] = [(b + d - a - c) / 2 / side, (c + d - a - b) / 2 / depth].map((s) => -HEIGHT * s);
      const lit = Math.max(0, (LIGHT[0] * x + LIGHT[1] * y + LIGHT[2]) / Math.hypot(x, y, 1));
      const tone = tones[Math.min(Math.max(Math.floor(mean * SHADES), 0), SHADES - 1)];
      const parts = [0, 8, 16].map((shift) => Math.round(((tone >> shift) & 255) * (0.62 + 0.45 * lit)));
      return `rgb(${parts.map((part) => Math.min(part, 255)).join(" ")})`;
    });
    this.draw();
  }

  look(turn, tilt) {
    Object.assign(this, { turn, tilt });
    this.draw();
  }

  // Show the point in a row and a column, and the cuts through it.
  point(row, column) {
    this.place = [row, column];
    this.draw();
  }

  // Where on the drawing a place of the plane is, each coordinate from -1 to 1, at a height from 0 to 1.
  to(u, v, height) {
    const { sine, cosine, up, flat } = this.view;
    const x = u * cosine - v * sine;
    const away = u * sine + v * cosine;
    return [SIZE.width / 2 + SCALE * x, MIDDLE - SCALE * (away * flat + HEIGHT * (height - 0.5) * up)];
  }

  draw() {
    if (!this.fills || !this.canvas.isConnected) return;
    const { context, canvas } = this;
    const [turn, tilt] = [this.turn, this.tilt].map((angle) => (angle * Math.PI) / 180);
    this.view = { sine: Math.sin(turn), cosine: Math.cos(turn), flat: Math.sin(tilt), up: Math.cos(tilt) };
    const ratio = canvas.width / SIZE.width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, SIZE.width, SIZE.height);
    this.ink = getComputedStyle(canvas).color;
    this.ground();
    this.paint();
    this.trace();
    this.dots();
    this.mark();
  }

  // The square below the surface, and the names of its sides.
  ground() {
    const { context, view, names } = this;
    context.strokeStyle = this.ink;
    context.fillStyle = this.ink;
    context.lineWidth = 1;
    context.globalAlpha = 0.6;
    context.beginPath();
    for (const [u, v] of [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ])
      context.lineTo(...this.to(u, v, 0));
    context.closePath();
    context.stroke();
    context.globalAlpha = 1;
    const pixels = this.canvas.clientWidth || SIZE.width;
    context.font = `${(12 * SIZE.width) / pixels}px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textBaseline = "top";
    const near = [view.cosine > 0 ? -1 : 1, view.sine > 0 ? -1 : 1];
    for (const [k, place] of [
      [0, near[0]],
      [near[1], 0],
    ].entries()) {
      const [x, y] = this.to(1.06 * place[0], 1.06 * place[1], 0);
      const [first] = this.to(0, 0, 0);
      context.textAlign = Math.abs(x - first) < 12 ? "center" : x < first ? "right" : "left";
      const width = context.measureText(names[k]).width;
      const room = { center: width / 2, right: width, left: 0 }[context.textAlign];
      const ends = [room + 2, SIZE.width - 2 - (width - room)];
      context.fillText(names[k], Math.min(Math.max(x, ends[0]), ends[1]), Math.min(y + 4, SIZE.height - 15));
    }
  }

  // Cell by cell from far to near, each with those of its sides that are lines of the mesh, or of a cut.
  paint() {
    const { context, rows, columns, fills, view } = this;
    const places = this.places();
    const [right, upper] = [view.sine > 0, view.cosine > 0]; // which sides are farther
    const [across, along] = [order(columns - 1, right), order(rows - 1, upper)];
    const [pickedRow, pickedColumn] = this.place;
    context.lineJoin = "round";
    for (const row of along)
      for (const column of across) {
        const fill = fills[row * (columns - 1) + column];
        if (!fill) continue;
        const i = row * columns + column;
        this.quad(places, [i, i + 1, i + columns + 1, i + columns], fill);
        for (const side of [0, 1])
          if (isLine(column + side, right === (side === 1), columns, pickedColumn))
            this.side(places, i + side, i + columns + side, column + side === pickedColumn);
        for (const side of [0, 1])
          if (isLine(row + side, upper === (side === 1), rows, pickedRow))
            this.side(places, i + side * columns, i + side * columns + 1, row + side === pickedRow);
      }
  }

  quad(places, corners, fill) {
    const { context } = this;
    Object.assign(context, { fillStyle: fill, strokeStyle: fill, lineWidth: 0.7 }); // no ground between cells
    context.beginPath();
    for (const i of corners) context.lineTo(places[2 * i], places[2 * i + 1]);
    context.closePath();
    context.fill();
    context.stroke();
  }

  side(places, from, to, picked) {
    const { context } = this;
    context.strokeStyle = picked ? "#000" : "rgb(0 0 0 / 0.32)";
    context.lineWidth = picked ? 1.8 : 0.6;
    context.beginPath();
    context.moveTo(places[2 * from], places[2 * from + 1]);
    context.lineTo(places[2 * to], places[2 * to + 1]);
    context.stroke();
  }

  places() {
    const { rows, columns, heights } = this;
    const places = new Float64Array(2 * rows * columns);
    for (let i = 0; i < rows * columns; i += 1) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const [x, y] = this.to((2 * column) / (columns - 1) - 1, (2 * row) / (rows - 1) - 1, heights[i]);
      places[2 * i] = x;
      places[2 * i + 1] = y;
    }
    return places;
  }

  // The height between grid points, to draw on the surface.
  height(u, v) {
    const { rows, columns, heights } = this;
    const [x, y] = [((u + 1) / 2) * (columns - 1), ((v + 1) / 2) * (rows - 1)];
    if (!(x >= 0 && x <= columns - 1 && y >= 0 && y <= rows - 1)) return NaN;
    const [column, row] = [Math.min(Math.floor(x), columns - 2), Math.min(Math.floor(y), rows - 2)];
    const [p, q, i] = [x - column, y - row, row * columns + column];
    return (
      (1 - q) * ((1 - p) * heights[i] + p * heights[i + 1]) +
      q * ((1 - p) * heights[i + columns] + p * heights[i + columns + 1])
    );
  }

  // A path on the surface, of places of the plane.
  trace() {
    const { context } = this;
    for (const [style, width] of [
      ["#000", 4],
      ["#fff", 1.8],
    ]) {
      Object.assign(context, { strokeStyle: style, lineWidth: width });
      context.beginPath();
      let pen = "moveTo";
      for (const [u, v] of this.path) {
        const height = this.height(u, v);
        if (Number.isNaN(height)) pen = "moveTo";
        else {
          context[pen](...this.to(u, v, height));
          pen = "lineTo";
        }
      }
      context.stroke();
    }
  }

  // The points of the path, a dot each.
  dots() {
    const { context } = this;
    Object.assign(context, { fillStyle: "#fff", strokeStyle: "#000", lineWidth: 1 });
    for (const [u, v] of this.path) {
      const height = this.height(u, v);
      if (Number.isNaN(height)) continue;
      const [x, y] = this.to(u, v, height);
      context.beginPath();
      context.arc(x, y, 2.2, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }

  // The marks, pairs of a shape and a place of the plane, and the point, each on the surface.
  mark() {
    const { context, rows, columns } = this;
    const [row, column] = this.place;
    const point = [(2 * column) / (columns - 1) - 1, (2 * row) / (rows - 1) - 1];
    for (const [shape, [u, v]] of [...this.marks, ["point", point]]) {
      const height = this.height(u, v);
      if (Number.isNaN(height)) continue;
      const [x, y] = this.to(u, v, height);
      context.beginPath();
      if (shape === "diamond") {
        for (const [right, down] of [
          [0, -6],
          [6, 0],
          [0, 6],
          [-6, 0],
        ])
          context.lineTo(x + right, y + down);
        context.closePath();
      } else context.arc(x, y, shape === "point" ? 3.5 : 5.5, 0, 2 * Math.PI);
      const [fill, rim] = INKS[shape];
      Object.assign(context, { fillStyle: fill, strokeStyle: rim });
      context.lineWidth = 1.6;
      context.fill();
      context.stroke();
    }
  }
}

// The numbers below a size, from the last on or from the first.
function order(size, last) {
  return Array.from({ length: size }, (_, k) => (last ? size - 1 - k : k));
}

// Whether the side of a cell that is number k of so many is drawn: at the rim, or, on the far side of its cell, so that
// the next cell does not cover it, as a line of the mesh or as the picked one.
function isLine(k, far, size, picked) {
  if (k === 0 || k === size - 1) return true;
  return far && (k === picked || k % Math.max(1, Math.round((size - 1) / MESH)) === 0);
}
