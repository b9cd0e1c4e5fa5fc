// An associative memory on the kernels: patterns, the rule that stores them, and neurons that recall.

import { Kernels } from "./kernels.js";

const STAYS = 1e-6; // of the largest local field of couplings: up to here a field is none, as in the package

export class Memory {
  constructor(module, { neurons, patterns }) {
    const bytes = 4 * neurons ** 2 + 10 * neurons * patterns + 100 * neurons + 20 * patterns + 2 ** 17;
    this.kernels = new Kernels(module, bytes);
    this.ground = this.kernels.top;
  }

  // Make room for N neurons in rows of `columns`; what the last ones had makes room.
  start(n) {
    const { kernels } = this;
    kernels.top = this.ground;
    this.n = n;
    this.columns = Math.ceil(Math.sqrt(n));
    this.rows = Math.ceil(n / this.columns); // the last one may not be full
    this.shown = kernels.zeros("int8", this.rows * this.columns);
    this.spins = kernels.part(this.shown, n);
    this.room = ["uint64", "float64", "int64"].map((type) => kernels.array(type, n));
    this.sequence = this.room[2].data;
    this.orders = kernels.array("int64", n); // of the neurons that noise turns
    this.words = kernels.array("uint64", n);
    [this.state, this.chance] = [0, 1].map(() => kernels.array("uint64", 4));
    this.clock = kernels.zeros("int64", 4);
    this.triple = [kernels.array("int64", 3), kernels.array("int8", 3)];
    this.above = kernels.top;
  }

  // Random patterns of a seed, one row each, as `smbook.hopfield.random_patterns` draws them.
  draw(count, seed) {
    const { kernels } = this;
    const top = kernels.top;
    const drawn = kernels.array("int8", count * this.n);
    this.seed(this.chance, seed, 1);
    kernels.run.fill_patterns(this.chance, 0.5, 1, drawn);
    kernels.top = top;
    return drawn.data.slice();
  }

  // Seed a state as the package does, so many `steps` apart from that of a run.
  seed(state, seed, steps) {
    const { run } = this.kernels;
    run.split_mix(state, BigInt(seed));
    for (let k = 0; k < steps; k += 1) run.split_mix(state, state.data[0]);
  }

  // Store patterns (P rows of N) by a rule; tell how many of them it could tell apart from the others.
  learn(patterns, { rule, degree }) {
    const { kernels, n } = this;
    const { run } = kernels;
    kernels.top = this.above;
    const count = patterns.length / n;
    Object.assign(this, { count, rule, degree });
    this.sites = kernels.array("int8", n, count);
    this.sums = kernels.array("int32", count);
    for (let mu = 0; mu < count; mu += 1)
      for (let i = 0; i < n; i += 1) this.sites.data[i * count + mu] = patterns[mu * n + i];
    let known = count;
    this.local = undefined;
    if (rule === "hebb") {
      this.own = kernels.array("int64", n);
      this.own.data.fill(BigInt(count));
    } else if (rule === "pseudo-inverse") known = this.project();
    else if (rule === "polynomial") {
      this.table = kernels.array("float64", 2 * n + 1);
      run.fill_levels(degree, this.table);
      this.scale = 1 / n ** (degree - 1) / degree;
    } else {
      this.table = kernels.array("float64", 2 * n + 1);
      run.fill_decays(this.table);
    }
    this.begin();
    return known;
  }

  project() {
    const { kernels, n, count } = this;
    const vectors = kernels.array("float64", count, n);
    this.matrix = kernels.zeros("float32", n, n);
    this.fields = kernels.zeros("float64", n);
    this.local = kernels.array("float64", n);
    let known = 0;
    for (let mu = 0; mu < count; mu += 1)
      known += Number(kernels.run.learn_projection(this.sites, mu, vectors, this.matrix));
    const { data } = this.matrix;
    let strongest = 0;
    for (let i = 0; i < n; i += 1) {
      let sum = 0;
      for (let j = i * n; j < (i + 1) * n; j += 1) sum += Math.abs(data[j]);
      strongest = Math.max(strongest, sum);
    }
    this.tolerance = STAYS * strongest;
    return known;
  }

  // Begin a run of this seed: a first sweep, and orders of its own.
  restart(seed) {
    for (const order of [this.sequence, this.orders.data])
      order.forEach((_, i) => {
        order[i] = BigInt(i);
      });
    this.seed(this.state, seed, 0);
    this.seed(this.chance, seed, 2);
    this.clock.data.fill(0n);
  }

  // Take a pattern as the state of the neurons.
  take(spins) {
    this.spins.data.set(spins);
    this.begin();
  }

  // Turn a share of the neurons, exactly as many as `smbook.hopfield.corrupt` does.
  spoil(share) {
    this.kernels.run.spoil(this.chance, this.words, this.orders, nearestEven(share * this.n), this.spins);
    this.begin();
  }

  scatter() {
    this.kernels.run.randomize(this.spins, this.chance);
    this.begin();
  }

  // Find what neurons feel, after they or the patterns have changed.
  begin() {
    const { run } = this.kernels;
    run.find_sums(this.sites, this.spins, this.sums);
    if (this.local) run.begin_couplings(this.matrix, this.fields, this.spins, this.local);
  }

  // Ask so many neurons at an inverse temperature; at most to the end of this sweep.
  ask(updates, beta) {
    const { run } = this.kernels;
    const { sites, own, sums, spins, state, clock, table, scale, matrix, fields, local, tolerance } = this;
    const given = [state, ...this.room, clock, 1, beta];
    if (this.rule === "hebb") run.retrieve_hebb(sites, own, spins, sums, ...given, updates);
    else if (this.rule === "pseudo-inverse")
      run.retrieve_couplings(matrix, fields, spins, local, ...given, tolerance, updates);
    else if (this.rule === "polynomial")
      run.retrieve_levels(sites, table, spins, sums, ...given, scale, updates);
    else run.retrieve_decays(sites, table, spins, sums, ...given, updates);
  }

  // How many neurons this sweep has asked, how many of them it has turned, and how many all sweeps have.
  get asked() {
    return Number(this.clock.data[0]);
  }

  get turned() {
    return Number(this.clock.data[1]);
  }

  get flips() {
    return Number(this.clock.data[2]);
  }

  // The neuron that was asked last.
  get latest() {
    return Number(this.sequence[(this.asked + this.n - 1) % this.n]);
  }

  // The energy per neuron.
  get energy() {
    const { run } = this.kernels;
    return this.total(run) / this.n;
  }

  total(run) {
    if (this.rule === "hebb") return run.hebb_energy(this.own, this.sums);
    if (this.rule === "pseudo-inverse") return run.couplings_energy(this.spins, this.local, this.fields);
    if (this.rule === "polynomial") return this.scale * run.level_energy(this.table, this.sums);
    return run.decay_energy(this.table, this.sums);
  }

  // The energy per neuron of a pattern; all is as it was afterwards.
  energyOf(pattern) {
    const kept = [this.spins, this.sums, this.local].filter(Boolean).map(({ data }) => [data, data.slice()]);
    this.take(pattern);
    const { energy } = this;
    for (const [data, values] of kept) data.set(values);
    return energy;
  }

  // The overlaps with all patterns.
  get overlaps() {
    if (this.local) this.kernels.run.find_sums(this.sites, this.spins, this.sums);
    return Array.from(this.sums.data, (sum) => sum / this.n);
  }

  // The overlap with the mixture of three patterns, each with a sign.
  mixed(members, signs) {
    this.triple[0].data.set(members.map(BigInt));
    this.triple[1].data.set(signs);
    return this.kernels.run.mixture_overlap(this.sites, ...this.triple, this.spins);
  }
}

// The nearest whole number, of two the even one, as Python rounds.
function nearestEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 ? low + 1 : low;
}
