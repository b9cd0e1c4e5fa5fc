// A matrix of numbers as colours, on axes, with a bar that says which colour is which number.

import { Chart, mark, short, ticks } from "./chart.js";
import { drawing, element, furnish } from "./dom.js";
import { palette, shade } from "./palette.js";
import { watchTheme } from "./theme.js";

const SHADES = 256;
const HEIGHT = 302; // with which the cells of a square matrix are square
const RIGHT = 84; // room for the colour bar and its numbers
const BAR = { gap: 10, width: 12 };

export class HeatMap {
  // `rows * columns` cells on axes from x[0] to x[1] and y[0] to y[1]. The first row has the lowest y: y: [rows, 0]
  // puts it on top, as a matrix is written, and y: [rows - 0.5, -0.5] numbers the rows. `diverging` colours are for
  // signed values: 0 is neutral. With `onPick({ row, column, value })` cells are picked by pointer or arrow keys;
  // `name` says in words which cell it is; without `hover` a pointer picks only while it is down.
  constructor(
    panel,
    { rows, columns, diverging = false, onPick, name = cellName, hover = true, height = HEIGHT, ...form },
  ) {
    Object.assign(this, { panel, diverging, onPick, name, hover });
    this.chart = new Chart({ right: RIGHT, height, ...form });
    this.numbers = drawing("g", { class: "lab-axes" });
    this.cell = drawing("g", { class: "lab-cell", visibility: "hidden" }, drawing("rect"), drawing("rect"));
    this.chart.inside.append(this.cell);
    this.chart.svg.append(this.numbers);
    this.canvas = element("canvas");
    this.bar = element("canvas", { width: 1, height: SHADES, class: "lab-colours", "aria-hidden": "true" });
    this.told = element("p", { class: "lab-told" });
    const sheet = element("div", { class: "lab-sheet" }, this.canvas, this.bar, this.chart.svg);
    this.node = element("div", { class: "lab-heat-map" }, sheet);
    this.upward = this.chart.y.high > this.chart.y.low;
    this.layOut();
    if (onPick) this.listen(rows, columns);
    else this.canvas.setAttribute("aria-hidden", "true");
    this.context = this.canvas.getContext("2d");
    this.part(rows, columns);
    watchTheme(panel, () => this.recolour());
    this.set(new Float64Array(rows * columns), { low: -1, high: 1 });
  }

  // Have so many cells; the next values that are set are theirs.
  part(rows, columns) {
    Object.assign(this, { rows, columns });
    Object.assign(this.canvas, { width: columns, height: rows });
    this.image = this.context.createImageData(columns, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // Put both canvases where the axes leave room for them.
  layOut() {
    const { x, y } = this.chart;
    const [left, right] = [x.to(x.low), x.to(x.high)];
    const [bottom, top] = [y.to(y.low), y.to(y.high)];
    const start = right + BAR.gap;
    this.chart.lay(this.canvas);
    this.chart.lay(this.bar, start, start + BAR.width);
    Object.assign(this, { edge: start + BAR.width, left, right, bottom, top });
  }

  // Show the values, first row first. Without ends the colours reach from the least to the greatest.
  set(values, { low, high } = {}) {
    this.values = values;
    const [start, end] = this.ends(low, high);
    if (start !== this.low || end !== this.high) this.scale(start, end);
    this.recolour();
    this.tell("off");
  }

  // The numbers at the ends of the colours: as far from 0 on both sides where they diverge, and never the same.
  ends(low, high) {
    const finite = Array.from(this.values).filter(Number.isFinite);
    const least = low ?? finite.reduce((a, b) => Math.min(a, b), finite[0] ?? 0);
    const greatest = high ?? finite.reduce((a, b) => Math.max(a, b), finite[0] ?? 0);
    const far = Math.max(Math.abs(least), Math.abs(greatest)) || 1;
    if (this.diverging) return [-far, far];
    return greatest > least ? [least, greatest] : [least - 1, least + 1];
  }

  // Number the colour bar.
  scale(low, high) {
    Object.assign(this, { low, high });
    const height = (v) => this.bottom + ((v - low) / (high - low)) * (this.top - this.bottom);
    const marks = ticks(low, high, 5).map((v) =>
      mark(this.edge, height(v), this.edge + 7, height(v) + 4, short(v, 4), "start", 4, 0),
    );
    this.numbers.replaceChildren(...marks.flat());
  }

  recolour() {
    const name = this.diverging ? "--lab-diverging" : "--lab-sequential";
    const colours = palette(this.panel.el, name, SHADES);
    shade(this.pixels, this.lines(), colours, this.low, this.high);
    this.context.putImageData(this.image, 0, 0);
    const bar = this.bar.getContext("2d");
    bar.putImageData(new ImageData(new Uint8ClampedArray(colours.reverse().buffer), 1, SHADES), 0, 0);
  }

  // Which line of the canvas, whose first is on top, a row is; and the other way round.
  line(row) {
    return this.upward ? this.rows - 1 - row : row;
  }

  // The values in the order of the canvas.
  lines() {
    const { columns, values } = this;
    const source = (i) => this.line(Math.floor(i / columns)) * columns + (i % columns);
    return Float64Array.from(values, (_, i) => values[source(i)]);
  }

  listen(rows, columns) {
    const { canvas } = this;
    const words = `${rows} by ${columns} cells. Arrow keys move from cell to cell.`;
    for (const [name, value] of Object.entries({ tabindex: 0, role: "application", "aria-label": words }))
      canvas.setAttribute(name, value);
    canvas.style.touchAction = "pan-y";
    this.node.append(this.told);
    canvas.addEventListener("pointerdown", (event) => this.pick(this.at(event)));
    canvas.addEventListener(
      "pointermove",
      (event) => (this.hover || event.buttons) && this.pick(this.at(event)),
    );
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener(
      "focus",
      () => canvas.matches(":focus-visible") && this.pick(this.picked ?? { row: 0, column: 0 }),
    );
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const index = (share, size) => Math.min(Math.max(Math.floor(share * size), 0), size - 1);
    const row = index((event.clientY - box.top) / box.height, this.rows);
    const column = index((event.clientX - box.left) / box.width, this.columns);
    return { row: this.line(row), column };
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [down, right] = moves[event.key];
    const { row, column } = this.picked ?? { row: 0, column: 0 };
    const within = (i, size) => Math.min(Math.max(i, 0), size - 1);
    this.pick({
      row: within(row + (this.upward ? -down : down), this.rows),
      column: within(column + right, this.columns),
    });
  }

  pick({ row, column }) {
    if (this.picked?.row === row && this.picked.column === column) return;
    this.picked = { row, column };
    const width = (this.right - this.left) / this.columns;
    const height = (this.bottom - this.top) / this.rows;
    for (const box of this.cell.children)
      furnish(
        box,
        { x: this.left + column * width, y: this.top + this.line(row) * height, width, height },
        [],
      );
    this.cell.setAttribute("visibility", "visible");
    this.tell("polite");
    this.onPick({ row, column, value: this.value });
  }

  // Mark no cell, as at first.
  forget() {
    this.picked = undefined;
    this.cell.setAttribute("visibility", "hidden");
    this.told.textContent = "";
  }

  get value() {
    return this.values[this.picked.row * this.columns + this.picked.column];
  }

  // Write the picked cell's value, aloud only when the reader has picked it.
  tell(live) {
    if (!this.picked) return;
    this.told.setAttribute("aria-live", live);
    this.told.textContent = `${this.name(this.picked)}: ${Number.isFinite(this.value) ? short(this.value, 4) : "–"}`;
  }
}

function cellName({ row, column }) {
  return `Row ${row}, column ${column}`;
}
