// A memory whose hidden units, one for each pattern, are drawn or summed out. Python's `bridge_lab.py` does the same.

import { Memory } from "./memory.js";

export class Bridge extends Memory {
  start(n) {
    super.start(n);
    this.hidden = this.kernels.array("uint64", 4);
    this.roots = [this.kernels.array("float64", 3), this.kernels.array("int64", 3)];
    this.above = this.kernels.top;
  }

  learn(patterns) {
    super.learn(patterns, { rule: "hebb" });
    this.levels = this.kernels.array("float64", 2 * this.n + 1);
    [this.all, this.means] = [0, 1].map(() => this.kernels.array("float64", this.count));
  }

  // Take a temperature, the softness of hidden units, and how many are drawn: none is until the next sweep.
  set({ temperature, softness, drawn }) {
    const { kernels, n, count, roots } = this;
    const beta = 1 / temperature;
    const rate = Math.sqrt(beta / n);
    Object.assign(this, { beta, rate, softness, units: kernels.part(this.all, Math.min(drawn, count)) });
    this.scale = Math.sqrt(beta * n); // of a hidden unit, where an overlap is 1
    kernels.run.fill_log_cosh(rate, softness, this.levels);
    this.all.data.fill(NaN);
    const found = kernels.run.fixed_points(beta, softness, 0, ...roots);
    this.level = found > 1n ? roots[0].data[2] : 0; // of m = tanh(beta Omega m)
  }

  restart(seed) {
    super.restart(seed);
    this.seed(this.hidden, seed, 3);
    this.all.data.fill(NaN);
  }

  sweep() {
    const { sites, spins, sums, units, levels, state, hidden, room, clock, beta, softness, n } = this;
    const given = [sites, spins, sums, units, levels, state, hidden];
    const [words, noise, sequence] = room;
    this.kernels.run.retrieve(...given, words, noise, sequence, clock, beta, softness, n);
  }

  get energy() {
    return this.kernels.run.marginal_energy(this.beta, this.softness, this.sums, this.levels) / this.n;
  }

  // The means of the hidden units and their drawn values, on the scale of the overlaps; NaN where none is drawn.
  get told() {
    this.kernels.run.find_means(this.rate, this.softness, this.sums, this.means);
    return [this.means, this.all].map(({ data }) => Array.from(data, (value) => value / this.scale));
  }
}
