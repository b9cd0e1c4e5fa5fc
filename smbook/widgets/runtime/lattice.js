import { element, unique } from "./dom.js";
import { pixel, watchTheme } from "./theme.js";

// The canvas: one pixel a spin; painted by pointer, or by arrow keys and the space bar.
export class Lattice {
  constructor(panel, onPaint) {
    this.panel = panel;
    this.onPaint = onPaint;
    this.canvas = element("canvas", { tabindex: 0, role: "application", "aria-label": "" });
    this.cursor = { x: 0.5, y: 0.5 };
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

  show(magnet) {
    const { canvas } = this;
    this.magnet = magnet;
    canvas.width = magnet.size;
    canvas.height = magnet.size;
    const words = `${magnet.size} by ${magnet.size} spins. Arrow keys move the brush, space paints.`;
    canvas.setAttribute("aria-label", words);
    this.context = canvas.getContext("2d", { alpha: false });
    this.image = this.context.createImageData(magnet.size, magnet.size);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.recolour();
  }

  recolour() {
    if (!this.magnet) return;
    this.up = pixel(this.panel.el, "--spin-up");
    this.down = pixel(this.panel.el, "--spin-down");
    this.draw();
  }

  draw() {
    const { pixels, up, down } = this;
    const spins = this.magnet.spins.data;
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = spins[i] > 0 ? up : down;
    this.context.putImageData(this.image, 0, 0);
    if (this.steered) this.drawCursor();
  }

  // Whether the brush is led by keys, and its cursor seen: from Tab or a key on, until the pointer is pressed.
  // (Browsers differ in whether a canvas that was clicked shows its focus when keys are pressed.)
  steer(yes) {
    this.steered = yes;
    this.canvas.classList.toggle("steered", yes);
    if (this.magnet) this.draw();
  }

  drawCursor() {
    const { size } = this.magnet;
    this.context.strokeStyle = "#fff";
    this.context.lineWidth = Math.max(1, size / 128);
    const radius = Math.max(this.radius, 1);
    this.context.strokeRect(
      this.cursor.x * size - radius,
      this.cursor.y * size - radius,
      2 * radius,
      2 * radius,
    );
  }

  // The menu of what the brush paints, as arguments of Panel.place after the label.
  brushes() {
    const up = element("option", { value: 1 }, "spins up");
    const down = element("option", { value: -1 }, "spins down");
    const menu = element("select", { id: unique("brush") }, up, down);
    menu.addEventListener("change", () => {
      this.brush = Number(menu.value);
    });
    this.brush = 1;
    return [[menu], menu];
  }

  get radius() {
    return this.magnet.size / 24;
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
      this.cursor = { x: (this.cursor.x + dx / 24 + 1) % 1, y: (this.cursor.y + dy / 24 + 1) % 1 };
      this.steer(true);
    } else return;
    event.preventDefault();
  }

  // Paint a line of discs from one place to another, across the edges of the torus.
  stroke(from, to) {
    const { size } = this.magnet;
    const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 48) + 1;
    for (let k = 1; k <= steps; k += 1) {
      this.disc(
        (from.x + ((to.x - from.x) * k) / steps) * size,
        (from.y + ((to.y - from.y) * k) / steps) * size,
      );
    }
    this.onPaint();
  }

  disc(x, y) {
    const { size, spins } = this.magnet;
    const { radius } = this;
    const wrap = (i) => ((i % size) + size) % size;
    for (let row = Math.floor(y - radius); row <= y + radius; row += 1) {
      for (let column = Math.floor(x - radius); column <= x + radius; column += 1) {
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= Math.max(radius, 0.75)) {
          spins.data[wrap(row) * size + wrap(column)] = this.brush;
        }
      }
    }
  }
}
