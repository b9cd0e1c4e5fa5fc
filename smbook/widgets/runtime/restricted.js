// A restricted machine on the kernels: chains in which layers are drawn in turn, and learning. Python's `_restricted.py`
// does the same.

import { Kernels } from "./kernels.js";

export const CHAINS = 8;
const KINDS = { binary: 0, spin: 1, gaussian: 2 };
const SCALE = 0.01; // of random weights
const [MEANS, UNITS] = [1, 2]; // of a layer; its fields come first

export class Restricted {
  // A machine of n visible and m hidden units of these kinds, and its data: rows of visible units.
  constructor(module, { kinds, rows, n, m, batch }) {
    const count = rows.length / n;
    const singles = 2 * n * m + 3 * (n + m) * (2 * batch + CHAINS + 1) + n * count + 4 * (n + m);
    this.kernels = new Kernels(module, 4 * singles + 24 * (n + m) + 16 * count + 2 ** 16);
    const { kernels } = this;
    const array = (...given) => kernels.array(...given);
    Object.assign(this, { n, m, count, kinds: array("int64", 2), rows: array("float32", count, n) });
    this.kinds.data.set(kinds.map((kind) => BigInt(KINDS[kind])));
    this.rows.data.set(rows);
    const width = Math.max(n, m);
    const words = array("uint64", Math.ceil(width / 2));
    this.room = kernels.zeros("float64", 2, width);
    this.work = [words, kernels.halves(words), this.room];
    [this.held, this.free] = [0, 1].map(() => array("float32", n));
    this.off = array("float32", m);
    for (const { data } of [this.held, this.free, this.off]) data.fill(NaN);
    [this.weights, this.turned] = [array("float32", n, m), array("float32", m, n)];
    this.biases = [array("float32", n), array("float32", m)];
    this.parameters = [this.weights, this.turned, ...this.biases];
    [this.visible, this.hidden] = this.layers(CHAINS);
    this.single = this.layers(1);
    [this.state, this.learning, this.chance] = [0, 1, 2].map(() => array("uint64", 4));
    [this.order, this.clock] = [array("int64", count), array("int64", 3)];
    this.factors = array("float64", 2, 512);
    this.energies = array("float64", Math.max(count, CHAINS));
    this.ground = kernels.top;
  }

  layers(rows) {
    return [this.n, this.m].map((units) => this.kernels.zeros("float32", 3, rows, units));
  }

  seed(state, seed, steps) {
    const { run } = this.kernels;
    run.split_mix(state, BigInt(seed));
    for (let k = 0; k < steps; k += 1) run.split_mix(state, state.data[0]);
  }

  kind(layer) {
    return this.kinds.data[layer];
  }

  // Take given parameters, in one array, or random ones of the seed.
  begin(given, seed) {
    const { n, m, kernels, weights, biases, parameters } = this;
    this.seed(this.chance, seed, 2);
    if (given) {
      weights.data.set(given.subarray(0, n * m));
      biases[0].data.set(given.subarray(n * m, n * m + n));
      biases[1].data.set(given.subarray(n * m + n));
      for (let i = 0; i < n; i += 1)
        for (let j = 0; j < m; j += 1) this.turned.data[j * n + i] = weights.data[i * m + j];
    } else kernels.run.forget(this.kind(0), this.rows, SCALE, this.chance, this.room, ...parameters);
    this.order.data.forEach((_, k, all) => {
      all[k] = BigInt(k);
    });
    this.clock.data.set([BigInt(this.count), 0n, 0n]);
    this.seed(this.learning, seed, 1);
    this.size = undefined;
  }

  // Start all chains from noise, or from a row of the data.
  start(seed, image) {
    this.seed(this.state, seed, 0);
    this.drawVisible(0);
    this.hidden.data.fill(0);
    if (image === undefined) return;
    const data = this.rows.data.subarray(image * this.n, (image + 1) * this.n);
    for (const part of [MEANS, UNITS])
      for (let k = 0; k < CHAINS; k += 1)
        this.chain(this.visible, part, k).forEach((_, i, all) => {
          all[i] = Number.isNaN(this.held.data[i]) ? data[i] : this.held.data[i];
        });
  }

  sweep(beta) {
    this.draw(1, beta, this.weights, this.visible, this.off, this.hidden);
    this.drawVisible(beta);
  }

  drawVisible(beta) {
    this.draw(0, beta, this.turned, this.hidden, this.held, this.visible);
  }

  draw(place, beta, weights, given, held, layer) {
    const { kernels, state, work, biases } = this;
    const units = kernels.row(given, UNITS);
    kernels.run.draw_layer(
      ...[this.kind(place), beta, weights, biases[place], units, held, state, ...work, layer],
    );
  }

  // Make an update by "pcd" or "cd"; with another number of rows than before, chains begin again.
  learn(method, rate, batch, steps) {
    const { kernels } = this;
    const size = Math.min(batch, this.count);
    if (size !== this.size) {
      kernels.top = this.ground;
      this.batches = [...this.layers(size), ...this.layers(size)];
      this.size = size;
      this.clock.data[2] = 0n;
    }
    const how = [this.kinds, rate, steps, Number(method === "pcd")];
    const data = [this.rows, this.order, this.clock, ...this.parameters];
    kernels.run.learn_batch(
      ...how,
      ...data,
      this.free,
      this.off,
      this.learning,
      ...this.work,
      ...this.batches,
    );
  }

  get updates() {
    return Number(this.clock.data[1]);
  }

  // The free energies of the chains, or of the data.
  freeEnergies(beta, rows = this.kernels.row(this.visible, UNITS)) {
    const { kernels, weights, biases, off, room, factors, single } = this;
    const fields = kernels.row(single[1], 0);
    const energies = kernels.part(this.energies, rows.shape[0]);
    const machine = [this.kind(1), beta, weights, ...biases, off];
    kernels.run.find_free_energies(...machine, rows, room, factors, fields, energies);
    return energies.data;
  }

  get reconstructionError() {
    const { kinds, parameters, off, rows, room, single } = this;
    return this.kernels.run.reconstruction_error(kinds, ...parameters, off, rows, room, ...single);
  }

  // Means or units of a chain in a layer, on the same memory.
  chain(layer, part, k) {
    const [, rows, units] = layer.shape;
    const from = (part * rows + k) * units;
    return layer.data.subarray(from, from + units);
  }

  means(layer, k = 0) {
    return this.chain(layer, MEANS, k);
  }

  units(layer, k = 0) {
    return this.chain(layer, UNITS, k);
  }

  // All parameters in one array, as Python has them.
  get learned() {
    const parts = [this.weights, ...this.biases].flatMap(({ data }) => [...data]);
    return Float32Array.from(parts);
  }
}
