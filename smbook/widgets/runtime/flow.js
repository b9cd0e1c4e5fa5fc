// Particles that flow between noise and data, step by step on the kernels, and all that they have passed through.

import { bytes, Kernels, seeded } from "./kernels.js";

const NODES = 257; // of the law of one side
const WORK = 3e6; // differences of coordinates between two looks at the clock
const OWN_CURVE = 72; // places of the theory curves

// A run is a path of positions, times first; it is computed ahead, as far as there is time for.
export class Flow {
  constructor(module, { limits, model }, places) {
    const nodes = Math.max(NODES, limits.count[1]);
    const [n, m, d] = ["count", "particles", "dimensions"].map((name) => limits[name][1]);
    this.allTimes = model.get("_times");
    const path = this.allTimes.length * m * d;
    this.kernels = new Kernels(
      module,
      8 * (path + 3 * m * d + n * d + 2 * (n + m) + 3 * nodes + 2 * places + 4096),
    );
    this.ground = this.kernels.top;
    this.model = model;
    this.places = places;
  }

  begin(settings) {
    const { kernels } = this;
    const { particles: m, dimensions: d, count, mean_norm, deviation, seed } = settings;
    kernels.top = this.ground;
    const real = (...shape) => kernels.zeros("float64", ...shape);
    Object.assign(this, { m, d, settings, runs: 0, begun: (this.begun ?? 0) + 1 });
    this.exact = settings.learner === "exact";
    this.back = settings.direction === "back";
    this.chooseTimes(settings);
    this.law = [real(d), deviation];
    this.law[0].data[0] = mean_norm;
    this.n = this.exact ? 0 : count;
    this.state = seeded(kernels, BigInt(seed));
    this.path = kernels.array("float64", this.times.length, m, d);
    this.memory(real, settings);
    Object.assign(this, { scores: real(m, d), noise: real(d), data: real(m, d) });
    this.potentials = [real(this.places), real(this.places)];
    this.memorized = new Float64Array(this.times.length);
    this.ownWeight = new Float64Array(this.times.length);
    this.launch();
  }

  // The times of a run, in its own order; clones begin at theirs.
  chooseTimes({ cloned_at: cloned }) {
    const times = this.allTimes;
    this.clones = this.back && cloned > 0;
    const apart = times.map((t) => Math.abs(Math.log(t / Math.max(cloned, times.at(-1)))));
    const first = this.clones ? Math.min(apart.indexOf(Math.min(...apart)), times.length - 2) : 0;
    this.times = this.back ? times.slice(first) : [...times].reverse();
    this.last = this.times.length - 1;
  }

  // The training points, of the reader's own or drawn, and how far fresh data are from them.
  memory(real, { seed }) {
    const { kernels, n, m, d } = this;
    const own = bytes(this.model.get("_own")).slice();
    const given = new Float64Array(own.buffer);
    const apart = seeded(kernels, BigInt(seed));
    kernels.run.split_mix(apart, apart.data[0]);
    this.points = real(n, d);
    this.owned = !this.exact && given.length === n * d;
    if (this.owned) this.points.data.set(given);
    else kernels.run.draw_clusters(...this.law, apart, this.points);
    this.sides = [real(this.owned ? n : NODES), real(this.owned ? n : NODES)];
    this.firstOf = real(n);
    this.firstOf.data.set(Array.from({ length: n }, (_, mu) => this.points.data[mu * d]));
    if (this.owned) {
      this.sides[0].data.set(this.firstOf.data);
      this.sides[1].data.fill(1 / n);
    } else kernels.run.fill_sides(this.law[0].data[0], this.law[1], ...this.sides);
    this.found = [real(n), real(m), kernels.zeros("int64", m)];
    this.fresh = NaN;
    if (this.exact || this.owned) return;
    const fresh = real(m, d);
    kernels.run.draw_clusters(...this.law, apart, fresh);
    this.fresh = kernels.run.mean_nearest(0, this.points, fresh);
  }

  // Begin a run: with noise, with clones of one point, or forward with data.
  launch() {
    const { kernels, state, m, d } = this;
    const { run } = kernels;
    Object.assign(this, { front: 0, judged: 0, complete: false, kept: undefined });
    const first = this.row(0);
    if (this.back && !this.clones) {
      run.fill_noise(state, first);
      return;
    }
    const count = this.clones ? 1 : m;
    const [data, begun] = [kernels.part(this.data, count, d), kernels.part(first, count, d)];
    if (this.exact) run.draw_clusters(...this.law, state, data);
    else run.draw_points(this.points, state, data);
    run.add_noise(data, this.times[0], state, begun);
    if (!this.clones) return;
    const one = begun.data.slice();
    for (let i = 1; i < m; i += 1) first.data.set(one, i * d);
    this.expected = this.expectedRight(begun);
  }

  next() {
    this.runs += 1;
    this.launch();
  }

  row(k) {
    return this.kernels.row(this.path, k);
  }

  // Go on until the run is complete or the time is up.
  advance(end) {
    while (!this.complete && performance.now() < end) this.piece();
  }

  // Find the scores of some particles; when all have theirs, make the step.
  piece() {
    const { kernels, m, d, n, front } = this;
    const t = this.times[front];
    if (this.exact) {
      kernels.run.clusters_score(...this.law, t, this.row(front), this.scores);
      this.judged = m;
    } else {
      const count = Math.min(m - this.judged, Math.max(1, Math.floor(WORK / (n * d))));
      const some = (array) => this.some(array, this.judged, count);
      const [weights, participation, nearest] = this.found;
      const given = [this.points, t, some(this.row(front)), weights, some(this.scores)];
      kernels.run.empirical_score(...given, some(participation), some(nearest));
      this.judged += count;
    }
    if (this.judged === m) this.step(t);
  }

  // So many rows of an array, from one on.
  some({ type, address, shape, data }, first, count) {
    const [, ...rest] = shape;
    const width = rest.reduce((a, b) => a * b, 1) * data.BYTES_PER_ELEMENT;
    return this.kernels.view(type, address + first * width, [count, ...rest]);
  }

  step(t) {
    const { front, found, m, kernels } = this;
    const participation = found[1].data;
    this.memorized[front] = participation.reduce((sum, p) => sum + Number(p > 0.5), 0) / m;
    this.ownWeight[front] = participation.reduce((sum, p) => sum + p, 0) / m;
    this.judged = 0;
    if (front === this.last) {
      this.finish();
      return;
    }
    const [now, then] = [this.row(front), this.row(front + 1)];
    const apart = Math.abs(this.times[front + 1] - t);
    if (this.back) {
      then.data.set(now.data);
      kernels.run.reverse_step(this.scores, apart, this.noise, this.state, then);
    } else kernels.run.add_noise(now, apart, this.state, then);
    this.front += 1;
  }

  // Say of each particle on which side it is at the end without noise, and how many are there already at each time.
  finish() {
    const { m } = this;
    this.complete = true;
    const end = this.back ? this.last : 0;
    this.ends = Uint8Array.from({ length: m }, (_, i) => Number(this.at(end, i, 0) > 0));
    this.kept = this.times.map((_, k) => this.count(k, (u, i) => u > 0 === this.ends[i] > 0) / m);
  }

  // A coordinate of particle i at step k.
  at(k, i, axis) {
    return this.path.data[(k * this.m + i) * this.d + axis];
  }

  count(k, holds) {
    let sum = 0;
    for (let i = 0; i < this.m; i += 1) sum += Number(holds(this.at(k, i, 0), i));
    return sum;
  }

  right(k) {
    return this.count(k, (u) => u > 0) / this.m;
  }

  // The mean distance from the nearest training point, of fresh data 1.
  distance(k) {
    return this.kernels.run.mean_nearest(this.times[k], this.points, this.row(k)) / this.fresh;
  }

  // Look at the potential as far as this on both sides.
  look(far) {
    const { data } = this.potentials[0];
    for (let k = 0; k < data.length; k += 1) data[k] = far * ((2 * k) / (data.length - 1) - 1);
    return data;
  }

  // -ln P_t along u at all places.
  potential(t) {
    const { run } = this.kernels;
    const [places, values] = this.potentials;
    const { mean_norm, deviation } = this.settings;
    if (this.exact) run.clusters_potential(mean_norm, deviation, t, places, values);
    else run.points_potential(t, this.firstOf, places, values);
    return values.data;
  }

  // How likely a clone of one point ends on the right.
  expectedRight(point) {
    const { run } = this.kernels;
    const [t] = this.times;
    const { mean_norm, deviation } = this.settings;
    if (this.exact) return run.clone_right(t, point.data[0], mean_norm, deviation);
    const [weights, ...found] = this.found;
    const [participation, nearest] = found.map((array) => this.some(array, 0, 1));
    const score = this.some(this.scores, 0, 1);
    run.empirical_score(this.points, t, point, weights, score, participation, nearest);
    return weights.data.reduce((sum, w, mu) => sum + (this.firstOf.data[mu] > 0 ? w : 0), 0);
  }

  // What theory says: both times, and curves against the time.
  get theory() {
    const { run } = this.kernels;
    const { mean_norm, deviation } = this.settings;
    const law = [mean_norm, deviation];
    const [first, last] = [this.allTimes[0], this.allTimes.at(-1)];
    const at = (k) => first * (last / first) ** (k / (OWN_CURVE - 1));
    const times = Array.from({ length: OWN_CURVE }, (_, k) => at(k));
    const remembers = !this.exact && !this.owned;
    return {
      times,
      speciation: this.owned ? 0 : run.speciation(...law),
      collapse: remembers ? run.collapse(this.n, this.d, ...law) : 0,
      kept: times.map((t) => run.kept_side(t, ...this.sides)),
      own: remembers ? times.map((t) => run.own_weight(t, this.n, this.d, ...law)) : [],
    };
  }

  expectedKept(k) {
    return this.kernels.run.kept_side(this.times[k], ...this.sides);
  }

  expectedOwn(k) {
    const { mean_norm, deviation } = this.settings;
    if (this.exact || this.owned) return NaN;
    return this.kernels.run.own_weight(this.times[k], this.n, this.d, mean_norm, deviation);
  }

  // How likely two clones of any point agree, in the mean over such points.
  get cloning() {
    const { run } = this.kernels;
    const { mean_norm, deviation } = this.settings;
    return run.clone_agreement(run.signal(this.times[0], mean_norm, deviation));
  }

  width(t) {
    return this.kernels.run.cluster_width(t, this.settings.deviation);
  }

  // What is left at time t of a place at time 0.
  left(t) {
    return Math.sqrt(1 - this.kernels.run.noise_variance(t));
  }

  // The step next to a time.
  nearest(t) {
    const apart = this.times.map((time) => Math.abs(Math.log(time / t)));
    return apart.indexOf(Math.min(...apart));
  }
}
