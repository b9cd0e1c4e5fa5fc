// What a lab shows, in words: a line for everybody, said aloud when it changes, and a longer text for those who ask.

import { element, unique } from "./dom.js";

const REST = 2000; // milliseconds between two sentences

export class Description {
  constructor(panel) {
    this.short = element("p", { class: "lab-description", "aria-live": "polite" });
    this.long = element("p", { class: "lab-unseen", id: unique("description") });
    this.since = Number.NEGATIVE_INFINITY;
    panel.cleanups.push(() => clearTimeout(this.timer));
  }

  // The figures of a lab that these words describe.
  belongs(figures) {
    for (const figure of figures) figure.setAttribute("aria-describedby", this.long.id);
  }

  // Say it now, or when two seconds have passed since the last sentence; only the latest is said.
  set(short, long) {
    this.next = { short, long };
    this.timer ??= setTimeout(() => this.speak(), Math.max(this.since + REST - performance.now(), 0));
  }

  speak() {
    this.timer = undefined;
    const { short, long } = this.next;
    if (short === this.short.textContent && long === this.long.textContent) return;
    this.since = performance.now();
    if (short !== this.short.textContent) this.short.textContent = short;
    this.long.textContent = long;
  }
}
