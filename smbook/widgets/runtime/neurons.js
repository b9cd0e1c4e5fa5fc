// A net of threshold units that steps in time. Python's `neuron_lab.py` does the same.

import { Kernels, seeded } from "./kernels.js";

const ROOM = 2 ** 13; // bytes

// `inputs`, and of each unit a row of synapses from inputs and units, its threshold, and the names of all.
export class Neurons {
  constructor(module, { inputs, units }) {
    const kernels = new Kernels(module, ROOM);
    const sources = inputs + units;
    Object.assign(this, { kernels });
    this.room = {
      starts: kernels.array("int64", units + 1),
      sources: kernels.array("int64", 2 * units * sources),
      kinds: kernels.array("int8", 2 * units * sources),
      thresholds: kernels.array("int64", units),
      active: kernels.array("int8", sources),
      tried: kernels.array("int8", sources),
      after: kernels.array("int8", units),
      drawn: kernels.array("int8", inputs),
    };
    this.state = seeded(kernels, 0);
  }

  wire({ inputs, wiring, thresholds }) {
    const { kernels, room } = this;
    const units = wiring.length;
    const synapses = wiring.map((row) =>
      row.flatMap((entry, j) =>
        entry === 2
          ? [
              [j, 1],
              [j, 1],
            ]
          : entry
            ? [[j, entry]]
            : [],
      ),
    );
    const all = synapses.flat();
    const sizes = {
      starts: units + 1,
      sources: all.length,
      kinds: all.length,
      thresholds: units,
      after: units,
    };
    Object.assign(this, { inputs, units, wiring, part: {} });
    for (const name of Object.keys(room))
      this.part[name] = kernels.part(room[name], sizes[name] ?? (name === "drawn" ? inputs : inputs + units));
    const { starts, sources, kinds, thresholds: highs } = this.part;
    starts.data[0] = 0n;
    synapses.forEach((mine, i) => {
      starts.data[i + 1] = starts.data[i] + BigInt(mine.length);
    });
    sources.data.set(all.map(([j]) => BigInt(j)));
    kinds.data.set(all.map(([, kind]) => kind));
    highs.data.set(thresholds.map(BigInt));
    this.depth = depthOf(inputs, wiring);
  }

  // All units silent, and the generator at its start.
  restart(seed) {
    this.kernels.run.split_mix(this.state, seed);
    this.part.active.data.fill(0);
  }

  // What fires now, inputs first.
  get active() {
    return this.part.active.data;
  }

  fire(fired) {
    this.active.set(fired);
  }

  fireAtRandom(probability) {
    this.kernels.run.fill_patterns(this.state, 1, probability, this.part.drawn);
    this.fire(this.part.drawn.data);
  }

  step() {
    this.follow(this.part.active);
    this.active.set(this.part.after.data, this.inputs);
  }

  follow(active) {
    const { starts, sources, kinds, thresholds, after } = this.part;
    this.kernels.run.step_net(starts, sources, kinds, thresholds, active, after);
  }

  // The units after one step from a state, an array of bits, with inputs held.
  next(inputs, units) {
    this.part.tried.data.set([...inputs, ...units]);
    this.follow(this.part.tried);
    return [...this.part.after.data];
  }

  // What each unit of a net without circles does once the inputs have been held for as long as they need.
  settled(inputs) {
    let units = Array(this.units).fill(0);
    for (let k = 0; k < this.depth; k += 1) units = this.next(inputs, units);
    return units;
  }

  // All states that silence leads to, `most` of them at most, each with what follows it for each of the inputs.
  transitions(most) {
    const cases = rows(this.inputs);
    const found = new Map();
    const waiting = [Array(this.units).fill(0)];
    let left = false;
    while (waiting.length) {
      const units = waiting.shift();
      if (found.has(units.join(""))) continue;
      if (found.size === most) {
        left = true;
        break;
      }
      const after = cases.map((inputs) => this.next(inputs, units));
      found.set(units.join(""), after);
      waiting.push(...after);
    }
    return { cases, found, left };
  }
}

// All rows of n bits in the order of their numbers, the first bit the most significant.
export function rows(n) {
  return Array.from({ length: 2 ** n }, (_, k) =>
    Array.from({ length: n }, (_, i) => (k >> (n - 1 - i)) & 1),
  );
}

// How many steps a signal needs from the inputs to the last unit it reaches; nothing where there are circles.
function depthOf(inputs, wiring) {
  let depths = wiring.map(() => 1);
  for (let k = 0; k <= wiring.length; k += 1) {
    const longer = wiring.map((row) =>
      Math.max(1, ...row.slice(inputs).map((entry, j) => (entry ? depths[j] + 1 : 1))),
    );
    if (longer.every((depth, i) => depth === depths[i])) return Math.max(...depths);
    depths = longer;
  }
  return undefined;
}

// In which column each unit stands: one behind the last of its sources, or with circles as far as it is from the inputs.
export function columns(inputs, wiring, straight) {
  let places = wiring.map(() => (straight ? 1 : Infinity));
  for (let k = 0; k < wiring.length; k += 1)
    places = wiring.map((row) => {
      const from = row.flatMap((entry, j) => (entry ? [j < inputs ? 0 : places[j - inputs]] : []));
      if (straight) return 1 + Math.max(0, ...from);
      return 1 + Math.min(Infinity, ...from);
    });
  const last = Math.max(0, ...places.filter(Number.isFinite));
  return places.map((place) => (Number.isFinite(place) ? place : last + 1));
}
