// A histogram that grows, as a density, so that a curve of theory can be drawn over it.

import { Chart } from "./chart.js";

export class Histogram {
  // `count` boxes of equal width from x[0] to x[1]. The curve is a line of the chart:
  // `histogram.chart.line("theory", xs, densities)`. With `errors` each box has the error of its count, its root.
  constructor({ x, count, errors = false, kind = "measured", ...form }) {
    this.chart = new Chart({ x, yLabel: "density", ...form });
    this.svg = this.chart.svg;
    this.low = x[0];
    this.width = (x[1] - x[0]) / count;
    this.edges = Array.from({ length: count + 1 }, (_, i) => x[0] + i * this.width);
    this.centres = Array.from({ length: count }, (_, i) => x[0] + (i + 0.5) * this.width);
    this.boxes = this.chart.boxes(kind);
    this.errors = errors && this.chart.errors();
    this.clear();
  }

  clear() {
    this.counts = new Float64Array(this.centres.length);
    this.total = 0;
    this.draw();
  }

  // Count a value. One beyond the ends stands in no box but counts in the total, so that the boxes keep their height.
  add(value) {
    const box = Math.floor((value - this.low) / this.width);
    const atEnd = value === this.edges.at(-1);
    if (atEnd) this.counts[box - 1] += 1;
    else if (box >= 0 && box < this.counts.length) this.counts[box] += 1;
    this.total += 1;
  }

  // What `counts` of the values come to as a density.
  density(counts) {
    return counts.map((count) => count / Math.max(this.total, 1) / this.width);
  }

  draw() {
    const heights = this.density(this.counts);
    this.boxes.set(this.edges.slice(0, -1), this.edges.slice(1), heights);
    if (this.errors) this.errors.set(this.centres, heights, this.density(this.counts.map(Math.sqrt)));
  }
}
