// Small pictures in rows on one canvas, a pixel for each value, which may have frames and be chosen.

import { element } from "./dom.js";
import { palette, shade } from "./palette.js";
import { watchTheme } from "./theme.js";

const SHADES = 256;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Tiles {
  // `count` pictures of `rows * columns` values, `across` in a row; `colours` is a variable of the style sheet. With
  // `framed` each has a frame, whose greys are values too. With `onChoose` a picture is chosen by pointer or arrow keys, and
  // `onPress` is told when the space bar is pressed on it.
  constructor(panel, { count, rows, columns, across, colours, describe, framed = false, onChoose, onPress }) {
    Object.assign(this, { panel, count, rows, columns, across, colours, frame: framed ? 1 : 0 });
    Object.assign(this, { onChoose, onPress, chosen: 0, down: Math.ceil(count / across) });
    this.pitch = [rows, columns].map((size) => size + 2 * this.frame + 1);
    const size = { width: across * this.pitch[1] - 1, height: this.down * this.pitch[0] - 1 };
    this.canvas = element("canvas", { class: "lab-tiles", "aria-label": describe, ...size });
    this.canvas.style.aspectRatio = `${size.width} / ${size.height}`;
    this.mark = element("span", { class: "lab-asked" });
    this.mark.hidden = !onChoose;
    this.node = element("div", { class: "lab-state" }, this.canvas, this.mark);
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(size.width, size.height);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.buffer = new Int32Array(rows * columns);
    if (onChoose) this.listen();
    else this.canvas.setAttribute("role", "img");
    watchTheme(panel, () => this.recolour());
  }

  listen() {
    const { canvas } = this;
    for (const [name, value] of Object.entries({ tabindex: 0, role: "application" }))
      canvas.setAttribute(name, value);
    canvas.style.touchAction = "manipulation";
    canvas.style.cursor = "pointer";
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * this.across);
      const row = Math.floor(((event.clientY - box.top) / box.height) * this.down);
      this.choose(row * this.across + column);
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.key !== " " && !(event.key in KEYS)) return;
      event.preventDefault();
      if (event.key === " ") {
        this.onPress(this.chosen);
        return;
      }
      const [dx, dy] = KEYS[event.key];
      const column = (this.chosen % this.across) + dx;
      if (column >= 0 && column < this.across) this.choose(this.chosen + dx + dy * this.across);
    });
  }

  choose(place) {
    if (place < 0 || place >= this.count) return;
    this.chosen = place;
    this.point();
    this.onChoose(place);
  }

  // Mark the picture chosen.
  point() {
    const { style } = this.mark;
    const [high, wide] = this.pitch;
    const { width, height } = this.canvas;
    style.left = `${(100 * (this.chosen % this.across) * wide) / width}%`;
    style.top = `${(100 * Math.floor(this.chosen / this.across) * high) / height}%`;
    style.width = `${(100 * (wide - 1)) / width}%`;
    style.height = `${(100 * (high - 1)) / height}%`;
  }

  recolour() {
    this.tones = palette(this.panel.el, this.colours, SHADES);
    this.greys = palette(this.panel.el, "--lab-grey", SHADES);
    if (this.drawn) this.draw(...this.drawn);
  }

  // Draw what `valuesOf` says of each picture, between two ends; and frames, between ends of their own.
  draw(valuesOf, [low, high], frames, [least, most] = [0, 1]) {
    this.drawn = [valuesOf, [low, high], frames, [least, most]];
    if (!this.tones) return this.recolour();
    const greys = new Int32Array(this.frame ? this.count : 0);
    if (this.frame) shade(greys, frames, this.greys, least, most);
    for (let k = 0; k < this.count; k += 1) {
      shade(this.buffer, valuesOf(k), this.tones, low, high);
      this.put(k, greys[k]);
    }
    return this.context.putImageData(this.image, 0, 0);
  }

  put(k, grey) {
    const { pixels, buffer, rows, columns, frame } = this;
    const { width } = this.image;
    const [top, left] = [Math.floor(k / this.across) * this.pitch[0], (k % this.across) * this.pitch[1]];
    const [high, wide] = [rows + 2 * frame, columns + 2 * frame];
    for (let row = 0; row < high * frame; row += 1)
      pixels.fill(grey, (top + row) * width + left, (top + row) * width + left + wide);
    for (let row = 0; row < rows; row += 1)
      pixels.set(
        buffer.subarray(row * columns, (row + 1) * columns),
        (top + frame + row) * width + left + frame,
      );
  }
}
