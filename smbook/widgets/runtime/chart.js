// Charts: axes in data units; lines, dots and regions on them, coloured by class names in lab.css.

import { drawing, element, unique } from "./dom.js";

const WIDTH = 360;
const HEIGHT = 220;
const LETTER = 8; // how wide a letter of a name is, at most
const MARGIN = { left: 52, right: 12, top: 34, bottom: 44 };
const DOT = 8; // room for a dot at the end of an axis
const DIAMOND = "M0-6L6 0L0 6L-6 0Z";
const TEXT = 12; // pixels on the screen, however small the chart

export class Chart {
  // `names` stand at 0, 1, 2, … on the x axis in place of numbers, as many of them as there is room for; or `places`,
  // pairs of a place on that axis and what stands there; `heights` are such pairs of the y axis. Letters grow with a chart that is wider than its drawing unless
  // `least` says how much smaller they may get in it.
  constructor({ x, y, xLabel, yLabel, describe, names, places, height = HEIGHT, least = 1, ...margins }) {
    Object.assign(this, { height, names, places, left: MARGIN.left, right: MARGIN.right }, margins);
    this.svg = drawing("svg", {
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: "img",
      "aria-label": describe,
      class: "lab-chart",
    });
    this.frame = drawing("g", { class: "lab-axes" });
    this.svg.append(this.frame);
    this.inside = this.clipped(0);
    this.dots = this.clipped(DOT); // above all lines
    this.labels = { xLabel, yLabel };
    this.range(x, y);
    legible(this.svg, least);
  }

  // A group of which nothing is seen farther beyond the axes than by `room`.
  clipped(room) {
    const id = unique("clip");
    const box = {
      x: this.left - room,
      y: MARGIN.top - room,
      width: WIDTH - this.left - this.right + 2 * room,
      height: this.height - MARGIN.top - MARGIN.bottom + 2 * room,
    };
    const group = drawing("g", { "clip-path": `url(#${id})` });
    this.svg.append(drawing("clipPath", { id }, drawing("rect", box)), group);
    return group;
  }

  // Give the axes other ends; what is drawn afterwards uses them.
  range(x, y) {
    const [left, right] = [this.left, WIDTH - this.right];
    const [bottom, top] = [this.height - MARGIN.bottom, MARGIN.top];
    this.x = { low: x[0], high: x[1], to: (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left) };
    this.y = { low: y[0], high: y[1], to: (v) => bottom + ((v - y[0]) / (y[1] - y[0])) * (top - bottom) };
    const xTicks = this.xTicks(x, right - left).map(([v, text]) => {
      const u = this.x.to(v);
      const corner = text.length > 1 && u < left + 8; // where a wide number would meet the lowest one of y
      return mark(u, bottom, corner ? left - 4 : u, bottom + 18, text, corner ? "start" : "middle", 0, 4);
    });
    const heights = this.heights ?? ticks(y[0], y[1], 5).map((v) => [v, short(v)]);
    const yTicks = heights.map(([v, text]) =>
      mark(left, this.y.to(v), left - 7, this.y.to(v) + 4, text, "end", -4, 0),
    );
    const names = [
      drawing(
        "text",
        { x: (left + right) / 2, y: this.height - 6, "text-anchor": "middle" },
        this.labels.xLabel,
      ),
      drawing("text", { x: 4, y: 14 }, this.labels.yLabel),
    ];
    const axes = drawing("path", { d: `M${left} ${top}V${bottom}H${right}` });
    this.frame.replaceChildren(axes, ...xTicks.flat(), ...yTicks.flat(), ...names);
  }

  // Places on the x axis and what stands there.
  xTicks([low, high], width) {
    if (this.places) return this.places;
    if (!this.names) return ticks(low, high, 6).map((v) => [v, short(v)]);
    const longest = Math.max(...this.names.map((name) => name.length));
    const every = Math.ceil((((longest + 1) * LETTER) / width) * (high - low));
    return [...this.names.entries()].filter(([i]) => i % every === 0);
  }

  // A curve of class `kind`; `set(xs, ys)` draws it, leaving gaps where a value is not finite.
  line(kind, xs = [], ys = []) {
    const path = drawing("path", { class: `lab-line ${kind}` });
    this.inside.append(path);
    const set = (us, vs) => path.setAttribute("d", this.path(us, vs));
    set(xs, ys);
    return { node: path, set };
  }

  // Boxes of class `kind` between zero and values; `set(lefts, rights, ys)` draws them.
  boxes(kind) {
    return this.shape(`lab-boxes ${kind}`, (lefts, rights, ys) =>
      Array.from(ys, (y, i) => {
        const [a, b] = [this.x.to(lefts[i]), this.x.to(rights[i])].map((u) => u.toFixed(1));
        return `M${a} ${this.y.to(0).toFixed(1)}V${this.y.to(y).toFixed(2)}H${b}V${this.y.to(0).toFixed(1)}Z`;
      }),
    );
  }

  // Error bars; `set(xs, ys, errors)` draws them from one error below the values to one above.
  errors() {
    return this.shape("lab-errors", (xs, ys, errors) =>
      Array.from(xs, (x, i) => {
        const [low, high] = [ys[i] - errors[i], ys[i] + errors[i]].map((y) => this.y.to(y).toFixed(2));
        return `M${this.x.to(x).toFixed(1)} ${low}V${high}m-2.5 0h5M${this.x.to(x).toFixed(1)} ${low}m-2.5 0h5`;
      }),
    );
  }

  // A path of the pieces that `draw` makes of what is set; those with a number that is none are left out.
  shape(classes, draw) {
    const path = drawing("path", { class: classes });
    this.inside.append(path);
    const seen = (piece) => !/NaN|Infinity/.test(piece);
    const set = (...data) =>
      path.setAttribute(
        "d",
        draw(...data)
          .filter(seen)
          .join(""),
      );
    return { node: path, set };
  }

  path(xs, ys) {
    let pen = "M";
    let d = "";
    for (let i = 0; i < xs.length; i += 1) {
      if (!Number.isFinite(xs[i] + ys[i])) pen = "M";
      else {
        d += `${pen}${this.x.to(xs[i]).toFixed(1)} ${this.y.to(ys[i]).toFixed(1)}`;
        pen = "L";
      }
    }
    return d;
  }

  // A dot of class `kind`; it is hidden until it is moved.
  dot(kind, radius = 4) {
    const circle = drawing("circle", { class: `lab-dot ${kind}`, r: radius, visibility: "hidden" });
    this.dots.append(circle);
    const move = (x, y) => {
      const seen = Number.isFinite(x + y);
      circle.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) return;
      circle.setAttribute("cx", this.x.to(x).toFixed(1));
      circle.setAttribute("cy", this.y.to(y).toFixed(1));
    };
    return { node: circle, move, hide: () => move(NaN, NaN) };
  }

  // A dot in the shape of a diamond.
  diamond(kind) {
    const shape = drawing("path", { d: DIAMOND, class: `lab-dot ${kind}`, visibility: "hidden" });
    this.dots.append(shape);
    const move = (x, y) => {
      const seen = Number.isFinite(x + y);
      shape.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) return;
      const [u, v] = [this.x.to(x), this.y.to(y)].map((place) => place.toFixed(1));
      shape.setAttribute("transform", `translate(${u} ${v})`);
    };
    return { node: shape, move, hide: () => move(NaN, NaN) };
  }

  // A line across the chart at a place on its axis, with its name beside it.
  mark(place, ...name) {
    const x = this.x.to(place);
    this.inside.append(
      drawing("path", { class: "lab-line guide", d: `M${x} ${MARGIN.top}V${this.height - MARGIN.bottom}` }),
      drawing("text", { class: "lab-note", x: x + 5, y: this.height - MARGIN.bottom - 7 }, ...name),
    );
  }

  // Where on the axes a pointer is.
  at(event) {
    const box = this.svg.getBoundingClientRect();
    const u = ((event.clientX - box.left) / box.width) * WIDTH;
    const v = ((event.clientY - box.top) / box.height) * this.height;
    const { x, y } = this;
    return {
      x: x.low + ((u - x.to(x.low)) / (x.to(x.high) - x.to(x.low))) * (x.high - x.low),
      y: y.low + ((v - y.to(y.low)) / (y.to(y.high) - y.to(y.low))) * (y.high - y.low),
    };
  }
}

// Write as large as on a drawing of its own width, where the page has less room.
export function legible(svg, least = 1) {
  const fit = (width) => {
    if (width > 0) svg.style.setProperty("--lab-text", `${TEXT * Math.max(least, WIDTH / width)}px`);
  };
  new ResizeObserver(([{ contentRect }]) => fit(contentRect.width)).observe(svg);
}

// A number as it stands at a tick.
export function short(value, digits = 6) {
  return String(Number(value.toPrecision(digits))).replaceAll("-", "\u2212");
}

// A number of four digits, or of three with a power of ten where it is far from 1.
export function scientific(value) {
  if (!Number.isFinite(value)) return "\u2013";
  const far = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
  return (far ? value.toExponential(2) : short(value, 4)).replaceAll("-", "\u2212");
}

// A stroke and what stands at it.
export function mark(x, y, u, v, text, anchor, dx, dy) {
  return [
    drawing("path", { d: `M${x} ${y}l${dx} ${dy}` }),
    drawing("text", { x: u, y: v, "text-anchor": anchor }, text),
  ];
}

// Round numbers between two ends, about `count` of them.
export function ticks(start, end, count) {
  const [low, high] = [Math.min(start, end), Math.max(start, end)];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

// Round numbers around all values, with some room, so that the axis keeps still while they move a little.
export function roundedRange(values, { count = 4, room = 0 } = {}) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const [first, second] = ticks(low, high, count);
  const step = second === undefined ? high - low : second - first;
  return [Math.floor(low / step - room) * step, Math.ceil(high / step + room) * step];
}

// Tell where on the axes a pointer is while it is down on a chart; a finger can still scroll the page with it.
export function dragged(chart, { start = () => {}, move, end = () => {} }) {
  let down = false;
  chart.svg.style.touchAction = "pan-y";
  chart.svg.style.cursor = "ew-resize";
  chart.svg.addEventListener("pointerdown", (event) => {
    chart.svg.setPointerCapture(event.pointerId);
    down = true;
    start();
    move(chart.at(event));
  });
  chart.svg.addEventListener("pointermove", (event) => down && move(chart.at(event)));
  for (const kind of ["pointerup", "pointercancel"]) {
    chart.svg.addEventListener(kind, () => {
      if (down) end();
      down = false;
    });
  }
}

// What the signs in a lab mean: pairs of a sign and words, the sign as "line theory", of a shape and a class.
export function legend(signs) {
  const entries = signs.map(([sign, words]) => element("li", {}, key(...sign.split(" ")), words));
  return element("ul", { class: "lab-legend" }, ...entries);
}

// A sign as it is drawn in the charts, so that both look alike in every theme.
function key(shape, kind) {
  const shapes = {
    line: ["path", { d: "M1 7H25", class: `lab-line ${kind}` }],
    dot: ["circle", { cx: 13, cy: 7, r: 4.5, class: `lab-dot ${kind}` }],
    diamond: ["path", { d: "M13 1l6 6l-6 6l-6-6Z", class: `lab-dot ${kind}` }],
    square: ["rect", { x: 7, y: 1, width: 12, height: 12, class: `lab-dot ${kind}` }],
  };
  return drawing(
    "svg",
    { class: "lab-key", viewBox: "0 0 26 14", "aria-hidden": "true" },
    drawing(...shapes[shape]),
  );
}
