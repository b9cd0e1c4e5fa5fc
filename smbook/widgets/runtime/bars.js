// Bars with names or numbers below them, and beside each the exact value it is held against.

import { Chart, short } from "./chart.js";

const HALF = 0.36; // of a bar's width, where the next bar is 1 away
const LISTED = 12; // bars whose values are told in words

export class Bars {
  // One bar a name; where only their number `count` is given, they are called 0, 1, 2, … What the values are `held`
  // against is called exact unless told.
  constructor({
    names,
    count = names.length,
    y,
    xLabel,
    yLabel,
    describe,
    kind = "measured",
    held = "exact",
    ...form
  }) {
    this.call(names ?? Array.from({ length: count }, (_, i) => String(i)));
    Object.assign(this, { describe, held, y });
    const x = [-0.6, count - 0.4];
    this.chart = new Chart({ x, y, xLabel, yLabel, describe, names: this.names, ...form });
    this.svg = this.chart.svg;
    this.boxes = this.chart.boxes(kind);
    if (y[0] < 0) this.chart.line("zero", x, [0, 0]);
    this.exact = this.chart.line("theory");
    this.errors = this.chart.errors();
  }

  call(names) {
    this.names = names;
    this.places = names.map((_, i) => i);
    this.ends = [-1, 1].map((side) => this.places.map((place) => place + side * HALF));
  }

  // Make room for other bars.
  rename(names) {
    this.call(names);
    this.chart.names = names;
    this.chart.range([-0.6, names.length - 0.4], this.y);
  }

  // Draw the values; `exact` ones as lines across the bars, `errors` as error bars.
  set(values, { exact = [], errors = [] } = {}) {
    this.boxes.set(...this.ends, values);
    this.exact.set(
      Array.from(exact, (_, i) => [i - 0.5, i + 0.5, NaN]).flat(),
      Array.from(exact, (value) => [value, value, NaN]).flat(),
    );
    this.errors.set(errors.length ? this.places : [], values, errors);
    this.tell(values, exact);
  }

  // Few bars are also told in words, to readers who do not see them.
  tell(values, exact) {
    if (this.names.length > LISTED) return;
    const told = this.names.map((name, i) => {
      const beside = exact.length ? ` (${this.held} ${short(exact[i], 3)})` : "";
      return `${name}: ${short(values[i], 3)}${beside}`;
    });
    const words = `${this.describe} ${told.join(", ")}.`;
    if (words !== this.svg.getAttribute("aria-label")) this.svg.setAttribute("aria-label", words);
  }
}
