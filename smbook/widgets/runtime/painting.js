// A canvas of one pixel a value that can be painted: by pointer, or by arrow keys and the space bar.

import { element, unique } from "./dom.js";
import { palette, shade } from "./palette.js";
import { watchTheme } from "./theme.js";

const FINENESS = 24; // brushes side by side

export class Painting {
  // Values from `low` to `high` take the colours of a variable of the style sheet, in `count` steps. On a torus
  // (`wrap`) strokes go on across the edges. `what` says what a value is.
  constructor(panel, options = {}) {
    const standard = {
      onPaint: () => {},
      wrap: false,
      what: "pixels",
      low: -1,
      high: 1,
      colours: "--lab-spins",
      count: 2,
      strides: [FINENESS, FINENESS], // steps of the arrow keys from edge to edge
      margin: 0, // of these steps, at an edge
    };
    Object.assign(this, standard, options, { panel, cursor: { x: 0.5, y: 0.5 } });
    this.brush = this.high;
    this.canvas = element("canvas", { tabindex: 0, role: "application", "aria-label": "" });
    if (!this.wrap) this.canvas.classList.add("lab-bounded");
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"])
      this.canvas.addEventListener(end, () => {
        this.last = undefined;
      });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => this.steer(this.canvas.matches(":focus-visible")));
    this.canvas.addEventListener("blur", () => this.steer(false));
    watchTheme(panel, () => this.recolour());
  }

  // Show, and from now on paint, an array of `rows * columns` values.
  show(values, rows, columns = rows) {
    const { canvas } = this;
    Object.assign(this, { values, rows, columns });
    Object.assign(canvas, { width: columns, height: rows });
    if (rows !== columns) canvas.style.aspectRatio = `${columns} / ${rows}`;
    const words = `${rows} by ${columns} ${this.what}. Arrow keys move the brush, space paints.`;
    canvas.setAttribute("aria-label", words);
    this.context = canvas.getContext("2d", { alpha: false });
    this.image = this.context.createImageData(columns, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.recolour();
  }

  recolour() {
    this.tones = palette(this.panel.el, this.colours, this.count);
    this.draw();
  }

  draw() {
    if (!this.values) return;
    shade(this.pixels, this.values, this.tones, this.low, this.high);
    this.context.putImageData(this.image, 0, 0);
    if (this.steered) this.drawCursor();
  }

  // Whether the brush is led by keys, and its cursor seen: from Tab or a key on, until the pointer is pressed.
  // (Browsers differ in whether a canvas that was clicked shows its focus when keys are pressed.)
  steer(yes) {
    this.steered = yes;
    this.canvas.classList.toggle("steered", yes);
    this.draw();
  }

  drawCursor() {
    const { context, cursor, rows, columns } = this;
    context.strokeStyle = this.count > 2 ? "#d55e00" : "#fff"; // seen on every grey, and on both spins
    context.lineWidth = Math.max(1, this.side / 128);
    const radius = Math.max(this.radius, 1);
    context.strokeRect(cursor.x * columns - radius, cursor.y * rows - radius, 2 * radius, 2 * radius);
  }

  // The menu of what the brush paints, pairs of a value and its name, as arguments of Panel.place after the label.
  brushes(choices) {
    const options = choices.map(([value, name]) => element("option", { value }, name));
    const menu = element("select", { id: unique("brush") }, ...options);
    menu.addEventListener("change", () => {
      this.brush = Number(menu.value);
    });
    this.brush = choices[0][0];
    return [[menu], menu];
  }

  get side() {
    return Math.max(this.rows, this.columns);
  }

  get radius() {
    return this.side / FINENESS;
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    this.steer(false);
    this.last = this.place(event);
    this.stroke(this.last, this.last);
  }

  drag(event) {
    if (!this.last) return;
    const place = this.place(event);
    this.stroke(this.last, place);
    this.last = place;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === " ") {
      this.steer(true);
      this.stroke(this.cursor, this.cursor);
    } else if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      const [across, along] = this.strides;
      this.cursor = { x: this.moved(this.cursor.x, dx, across), y: this.moved(this.cursor.y, dy, along) };
      this.steer(true);
    } else return;
    event.preventDefault();
  }

  // A place moved by some steps, of which there are so many from edge to edge.
  moved(from, steps, count) {
    const to = from + steps / count;
    if (this.wrap) return (to + 1) % 1;
    const edge = this.margin / count;
    return Math.min(Math.max(to, edge), 1 - edge);
  }

  // Paint a line of discs from one place to another.
  stroke(from, to) {
    const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 2 * FINENESS) + 1;
    for (let k = 1; k <= steps; k += 1) {
      this.disc(
        (from.x + ((to.x - from.x) * k) / steps) * this.columns,
        (from.y + ((to.y - from.y) * k) / steps) * this.rows,
      );
    }
    this.onPaint();
  }

  disc(x, y) {
    const { rows, columns, radius, wrap } = this;
    const on = (i, size) => (wrap ? ((i % size) + size) % size : i);
    for (let row = Math.floor(y - radius); row <= y + radius; row += 1) {
      for (let column = Math.floor(x - radius); column <= x + radius; column += 1) {
        const touched = Math.hypot(column + 0.5 - x, row + 0.5 - y) <= Math.max(radius, 0.75);
        const [i, j] = [on(row, rows), on(column, columns)];
        const inside = i >= 0 && i < rows && j >= 0 && j < columns;
        if (touched && inside) this.values[i * columns + j] = this.brush;
      }
    }
  }
}
