// What a lab shows, in words: a line that is seen and never late, the same line said aloud, which takes its time, and a
// longer text for those who ask.

import { element, unique } from "./dom.js";

const REST = 2000; // milliseconds between two sentences

export class Description {
  constructor(panel) {
    this.short = element("p", { class: "lab-description", "aria-hidden": "true" });
    this.aloud = element("p", { class: "lab-aloud", "aria-live": "polite" });
    this.long = element("p", { class: "lab-unseen", id: unique("description") });
    this.since = Number.NEGATIVE_INFINITY;
    panel.cleanups.push(() => clearTimeout(this.timer));
  }

  // The figures of a lab that these words describe.
  belongs(figures) {
    for (const figure of figures) figure.setAttribute("aria-describedby", this.long.id);
  }

  // Show it now. Say it now, or when two seconds have passed since the last sentence; only the latest is said.
  set(short, long) {
    if (short !== this.short.textContent) this.short.textContent = short;
    if (long !== this.long.textContent) this.long.textContent = long;
    this.timer ??= setTimeout(() => this.speak(), Math.max(this.since + REST - performance.now(), 0));
  }

  speak() {
    this.timer = undefined;
    if (this.short.textContent === this.aloud.textContent) return;
    this.since = performance.now();
    this.aloud.textContent = this.short.textContent;
  }
}
