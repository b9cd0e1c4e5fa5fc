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
    this.next = { short, long };
    this.timer ??= setTimeout(() => this.speak(), Math.max(this.since + REST - performance.now(), 0));
  }

  speak() {
    this.timer = undefined;
    const { short, long } = this.next;
    if (short === this.aloud.textContent && long === this.long.textContent) return;
    this.since = performance.now();
    if (short !== this.aloud.textContent) this.aloud.textContent = short;
    this.long.textContent = long;
  }
}
