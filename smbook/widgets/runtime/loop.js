// Time: a loop that runs while the lab does, is seen, and its tab is open; and how much a frame has time for.

export class Loop {
  // `frame(milliseconds)` is called once a frame with the time since the last one.
  constructor(panel, frame) {
    this.panel = panel;
    this.frame = frame;
    this.seen = true;
    this.request = 0;
    this.observer = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1).isIntersecting;
      this.wake();
    });
    this.observer.observe(panel.el);
    panel.cleanups.push(() => this.dispose());
    if (matchMedia("(prefers-reduced-motion: reduce)").matches && panel.model.get("running")) {
      panel.set("running", false);
      const words = "Paused, because your system asks for less motion. Start it when you like.";
      panel.say(`${panel.status.textContent} ${words}`.trim());
    }
    panel.follow("running", () => this.wake());
  }

  wake() {
    const wanted = this.seen && this.panel.model.get("running");
    if (wanted && !this.request) {
      this.last = undefined;
      this.request = requestAnimationFrame((now) => this.tick(now));
    }
    if (!wanted && this.request) {
      cancelAnimationFrame(this.request);
      this.request = 0;
    }
  }

  tick(now) {
    this.request = requestAnimationFrame((next) => this.tick(next));
    this.frame(Math.min(now - (this.last ?? now - 16), 100));
    this.last = now;
  }

  dispose() {
    this.observer.disconnect();
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.seen = false;
  }
}

const BUDGET = 13; // milliseconds of a frame for work; the rest is for drawing and for the page

// How many units of work (sweeps, say) are due, and how many of them the frame has time for.
export class Pace {
  constructor(budget = BUDGET) {
    this.budget = budget;
    this.owed = 0;
    this.firstCost = 0.05; // milliseconds a unit, until measured
    this.cost = this.firstCost;
  }

  due(rate, milliseconds) {
    this.owed = Math.min(this.owed + (rate * milliseconds) / 1000, Math.max(rate, 1));
    const units = Math.min(Math.floor(this.owed), Math.max(1, Math.floor(this.budget / this.cost)));
    this.owed -= units;
    return units;
  }

  // Do `units` by `work`, in pieces that are timed, and give up at the end of the frame's time.
  spend(units, work) {
    const start = performance.now();
    let done = 0;
    while (done < units) {
      const piece = Math.min(units - done, Math.max(1, Math.floor(this.budget / 4 / this.cost)));
      const before = performance.now();
      work(piece);
      done += piece;
      const now = performance.now();
      this.cost = 0.8 * this.cost + 0.2 * Math.max((now - before) / piece, 1e-4);
      if (now - start > this.budget) break;
    }
    return done;
  }
}

// Counts events a second, told about twice a second.
export class Rate {
  constructor() {
    this.since = performance.now();
    this.count = 0;
    this.value = NaN;
  }

  add(events) {
    this.count += events;
    const now = performance.now();
    if (now - this.since < 500) return false;
    this.value = (1000 * this.count) / (now - this.since);
    this.since = now;
    this.count = 0;
    return true;
  }
}
