// A record of states: a row of pixels for each, time runs down, and the oldest leave at the top.

import { element } from "./dom.js";
import { palette, shade } from "./palette.js";
import { watchTheme } from "./theme.js";

export class Raster {
  // As many rows as `rows`; values from `low` to `high` take the colours of a variable of the style sheet, in `count`
  // steps. It is only looked at.
  constructor(panel, options = {}) {
    Object.assign(this, { rows: 150, low: -1, high: 1, colours: "--lab-spins", count: 2 }, options, {
      panel,
    });
    this.canvas = element("canvas", { role: "img", class: "lab-raster" });
    watchTheme(panel, () => this.recolour());
  }

  // Begin a new record, of states of `columns` values; `describe` says what they are.
  start(columns, describe) {
    const { canvas, rows } = this;
    Object.assign(canvas, { width: columns, height: rows });
    canvas.setAttribute("aria-label", describe);
    this.context = canvas.getContext("2d");
    this.image = this.context.createImageData(columns, rows);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.values = new Float32Array(columns * rows);
    this.filled = 0;
    this.recolour();
  }

  add(state) {
    if (this.filled === this.values.length) this.values.copyWithin(0, state.length);
    else this.filled += state.length;
    this.values.set(state, this.filled - state.length);
  }

  recolour() {
    this.tones = palette(this.panel.el, this.colours, this.count);
    if (this.image) this.draw();
  }

  draw() {
    const { pixels, values, filled } = this;
    shade(pixels.subarray(0, filled), values.subarray(0, filled), this.tones, this.low, this.high);
    this.context.putImageData(this.image, 0, 0);
  }
}
