// A point of a chart that a pointer, a finger or the keys move: a slider in two directions.

import { drawing } from "./dom.js";

const REACH = 20; // of a finger

export class Handle {
  // `sign` is what is seen of it, `ends` are those of x, `moves()` tells how far each key takes it to the right
  // and upwards, and `onMove(x, y)` hears where it shall go; `put` takes it there.
  constructor(chart, { name, ends: [low, high], sign, moves, onMove }) {
    Object.assign(this, { chart, moves, onMove });
    this.node = drawing(
      "g",
      {
        ...{ tabindex: 0, role: "slider", class: "lab-handle", "aria-label": name },
        ...{ "aria-valuemin": low, "aria-valuemax": high },
      },
      drawing("circle", { class: "lab-reach", r: REACH }),
      sign,
    );
    chart.dots.append(this.node);
    this.listen(chart.svg);
  }

  listen(svg) {
    this.node.addEventListener("keydown", (event) => this.key(event));
    // So that a finger on it does not scroll: touch-action is not heeded on parts of a drawing.
    this.node.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.held && this.moveTo(event));
    for (const kind of ["pointerup", "pointercancel"])
      svg.addEventListener(kind, () => {
        this.held = false;
      });
    svg.addEventListener("click", (event) => this.moveTo(event));
  }

  // A finger drags the point, and scrolls the page where it is not on the point; a tap is a click.
  press(event) {
    if (event.pointerType === "touch" && !this.node.contains(event.target)) return;
    event.preventDefault();
    this.chart.svg.setPointerCapture(event.pointerId);
    this.node.focus({ preventScroll: true });
    this.held = true;
    this.moveTo(event);
  }

  moveTo(event) {
    const { x, y } = this.chart.at(event);
    this.onMove(x, y);
  }

  key(event) {
    const moves = this.moves();
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [right, up] = moves[event.key];
    this.onMove(this.place.x + right, this.place.y + up);
  }

  // Stand at (x, y), which a screen reader tells as `value` and in words.
  put(x, y, value, words) {
    this.place = { x, y };
    const [u, v] = [this.chart.x.to(x), this.chart.y.to(y)];
    this.node.setAttribute("transform", `translate(${u.toFixed(1)} ${v.toFixed(1)})`);
    this.node.setAttribute("aria-valuenow", value);
    this.node.setAttribute("aria-valuetext", words);
  }
}
