// The live associative memory: a picture that neurons recall one by one, the stored patterns, and the energy that falls.

import { Chart, legend, roundedRange, short, ticks } from "./runtime/chart.js";
import { capital, drawing, element, fixed } from "./runtime/dom.js";
import { Gallery } from "./runtime/gallery.js";
import { bytes } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Memory } from "./runtime/memory.js";
import { Painting } from "./runtime/painting.js";
import { BRUSHES, Cues, LETTER, stored } from "./runtime/stored.js";

const DRAWINGS = 20; // of the reader, at most
const POINTS = 300; // of the record of energies
const NOTED = 16; // energies of a frame
const SINGLE = 1500; // neurons a second up to which the one that is asked is marked
const HOME = 0.9; // overlap from which a state is a pattern, and from which it is a mixture
const NEAR = { from: 0.7, to: 0.5 }; // overlap from which a warm state is near a pattern, and down to which it still is
const WIDEST = 7; // patterns of which all triples are compared with a state
const REST = { cue: 900, home: 800 }; // milliseconds that a figure that shows itself waits
const RULES = {
  hebb: "Hebb's rule",
  "pseudo-inverse": "pseudo-inverse",
  polynomial: "dense: overlaps to the power n",
  exponential: "dense: exponential",
};
const SIGNS = [
  ["square up", "neuron +1"],
  ["square down", "neuron \u22121"],
  ["line measured", "energy"],
  ["line guide", "energy of the pattern cued"],
];

// The state of the network: a painting in which the neuron that is asked is marked.
class Picture extends Painting {
  constructor(panel, onPaint) {
    super(panel, { onPaint, what: "neurons" });
    this.mark = element("span", { class: "lab-asked" });
    this.node = element("div", { class: "lab-state" }, this.canvas, this.mark);
  }

  start({ shown, rows, columns, n }) {
    this.n = n;
    this.canvas.style.aspectRatio = `${columns} / ${rows}`;
    this.show(shown.data, rows, columns);
  }

  // The last row may not be full.
  draw() {
    super.draw();
    if (!this.values || this.n === this.values.length) return;
    const end = this.n % this.columns;
    this.context.fillStyle = "#888";
    this.context.fillRect(end, this.rows - 1, this.columns - end, 1);
  }

  // Mark a neuron, and whether it has turned; none where there is none.
  point(neuron, turned) {
    this.mark.hidden = neuron === undefined;
    if (neuron === undefined) return;
    const { style, classList } = this.mark;
    style.left = `${(100 * (neuron % this.columns)) / this.columns}%`;
    style.top = `${(100 * Math.floor(neuron / this.columns)) / this.rows}%`;
    style.width = `${100 / this.columns}%`;
    style.height = `${100 / this.rows}%`;
    classList.toggle("turned", turned);
  }
}

// The energy per neuron since the picture was last touched.
class Descent {
  constructor() {
    this.chart = new Chart({
      ...{ x: [0, 1], y: [-1, 0], height: 180 },
      xLabel: "neurons asked since the last touch",
      yLabel: "energy E / N",
      describe: "Energy per neuron against the number of neurons asked, and the energy of the pattern cued.",
    });
    this.guide = this.chart.line("guide");
    this.line = this.chart.line("measured");
    this.dot = this.chart.dot("now", 5);
    this.name = drawing("text", { class: "lab-note", "text-anchor": "end" });
    this.chart.svg.append(this.name);
  }

  start(n, energy) {
    Object.assign(this, {
      end: 3 * n,
      stride: 1,
      low: undefined,
      record: [[0, energy]],
      latest: [0, energy],
    });
  }

  add(updates, energy) {
    this.latest = [updates, energy];
    if (updates - this.record.at(-1)[0] < this.stride) return;
    this.record.push(this.latest);
    while (updates > this.end) this.end *= 2;
    if (this.record.length < POINTS) return;
    this.stride = Math.max(2 * this.stride, 1);
    this.record = this.record.filter((_, k) => k % 2 === 0);
  }

  draw(goal, name) {
    const all = [...this.record, this.latest];
    const values = all.map(([, energy]) => energy);
    this.fit([...values, goal]);
    this.line.set(
      all.map(([updates]) => updates),
      values,
    );
    this.dot.move(...this.latest);
    this.guide.set([0, this.end], [goal, goal]);
    this.name.setAttribute("x", this.chart.x.to(this.end));
    this.name.setAttribute("y", this.chart.y.to(goal) - 5);
    if (this.name.textContent !== name) this.name.textContent = name;
  }

  fit(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (this.fitted === this.end && low >= this.low && high <= this.high) return;
    const [bottom, top] = roundedRange([low, high + 0.02, low - 0.02], { count: 4 });
    Object.assign(this, { low: bottom, high: top, fitted: this.end });
    this.chart.places = ticks(0, this.end, 4).map((updates) => [updates, short(updates)]);
    this.chart.range([0, this.end], [bottom, top]);
  }
}

class HopfieldLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), built: [], waiting: 0 });
    this.compact = model.get("view") === "compact";
    this.lettered = panel.authored.kind === "letters";
    const { side, cue } = panel.limits;
    this.memory = new Memory(module, { neurons: side[1] ** 2, patterns: cue[1] });
    this.picture = new Picture(panel, () => this.painted());
    this.gallery = new Gallery((mu) => this.choose(mu));
    this.descent = new Descent();
    el.classList.toggle("lab-compact", this.compact);
    this.first = element("div", {}, this.picture.node);
    const charts = [this.gallery.node, this.descent.chart.svg, legend(SIGNS)];
    const second = element("div", { class: "lab-second" }, ...charts);
    el.append(element("div", { class: "lab-figures" }, this.first, second));
    this.furnish();
    this.first.append(el.querySelector(".lab-words"));
    panel.follow(["kind", "side", "seed", "_patterns", "count", "rule", "degree", "_drawn"], () =>
      this.build(),
    );
    panel.follow(["cue", "noise"], () => this.reset());
    panel.follow("temperature", () => this.wake());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => this.model.get("running") || this.report());
    if (this.compact && model.get("running")) this.showItself(el);
  }

  furnish() {
    const { panel } = this;
    this.actions = element("div", { class: "lab-presets" });
    panel.main.append(this.actions);
    panel.button("Corrupt", () => this.corrupt(), this.actions);
    this.actions.append(panel.switch());
    panel.button("Step", () => this.step(), this.actions);
    panel.button("Reset", () => this.reset(), this.actions);
    if (!this.compact) this.furnishPatterns();
    panel.share();
    this.actions.append(panel.buttons.lastChild);
    panel.slider("noise", { label: "Corrupted share", where: panel.main });
    const label = this.compact ? "Letters stored" : "Patterns stored";
    this.counting = panel.slider("count", { label, logarithmic: true, integer: true, where: panel.main });
    this.note = element("p", { class: "lab-told" });
    if (!this.compact) this.furnishAll();
    const names = ["its overlap m", "E / N", "neurons asked"];
    const all = ["nearest pattern", ...names, "sweeps"];
    this.write = panel.readouts(this.compact ? names : all);
    panel.mount();
  }

  furnishPatterns() {
    const { panel } = this;
    panel.button("Random start", () => this.scatter(), this.actions);
    panel.button("Store this picture", () => this.store(), this.actions);
    this.forgetting = panel.button("Forget mine", () => this.keep([]), this.actions);
  }

  furnishAll() {
    const { panel } = this;
    panel.main.append(this.note);
    const { rest: where } = panel;
    panel.preset("Eight letters", () => this.play("hebb", 8));
    panel.preset("One too many", () => this.play("hebb", 9));
    panel.preset("The cure", () => this.play("pseudo-inverse", 9));
    panel.menu("rule", { label: "Stored by", names: RULES });
    this.powers = panel.slider("degree", { label: "Power n", integer: true, step: 1 });
    panel.slider("temperature", { label: "Temperature T" });
    panel.slider("speed", { label: "Neurons / s", step: 1, digits: 0, logarithmic: true });
    panel.place("Brush paints", ...this.picture.brushes(BRUSHES));
    this.kinds = panel.menu("kind", {
      ...{ label: "Patterns", names: { letters: "letters first", random: "random" }, where },
    });
    this.sides = panel.slider("side", { label: "Neurons a side", integer: true, step: 1, where });
    this.cues = new Cues(panel, where);
    panel.field("seed", { label: "Seed", where });
  }

  get cue() {
    return Math.min(this.model.get("cue"), this.names.length) - 1;
  }

  get beta() {
    return 1 / this.model.get("temperature"); // Infinity at T = 0
  }

  pattern(mu) {
    const { n } = this.memory;
    return this.patterns.subarray(mu * n, (mu + 1) * n);
  }

  // Store the patterns, if any of them or the rule has changed; go back to the start if what the neurons show has.
  build() {
    const { kind, side, seed, count, rule, degree } = this.panel.settings;
    const own = this.model.get("_patterns");
    const n = this.model.get("_neurons") || side ** 2;
    const drawn = this.drawings(n);
    const now = [kind, n, seed, own, count, rule, degree, drawn];
    const changed = now.map((part, k) => part !== this.built[k]);
    if (!changed.includes(true)) return;
    this.built = now;
    const anew = changed.slice(0, 4).includes(true);
    if (anew) this.memory.start(n);
    if (anew) this.picture.start(this.memory);
    this.gather({ kind, side, seed, count }, own, drawn);
    const known = this.memory.learn(this.patterns, { rule, degree });
    const mine = drawn.length / n;
    this.gallery.start(this.patterns, this.names, n, mine);
    if (!this.compact) this.offer({ rule, mine });
    this.note.textContent = this.loaded(rule, degree);
    if (known < this.names.length)
      this.panel.say(`${this.names.length - known} of the patterns depend on others, and add nothing.`);
    if (anew) this.reset();
    else this.touched();
  }

  // What the reader has drawn and stored, of n neurons; of another size it is forgotten.
  drawings(n) {
    const view = this.model.get("_drawn");
    if (view === this.view && n === this.memory.n) return this.kept;
    const forgotten = this.memory.n !== undefined && n !== this.memory.n && view.byteLength;
    this.kept = view?.byteLength && !forgotten ? bytes(view, Int8Array) : new Int8Array();
    if (forgotten) this.keep([]);
    this.view = this.model.get("_drawn");
    return this.kept;
  }

  // Put all patterns together, and name them.
  gather({ kind, side, seed, count }, own, drawn) {
    const { memory } = this;
    const given = bytes(own ?? new DataView(new ArrayBuffer(0)), Int8Array);
    const first = stored(memory, { kind, count, side, seed }, this.model, given);
    this.patterns = new Int8Array(first.patterns.length + drawn.length);
    this.patterns.set(first.patterns);
    this.patterns.set(drawn, first.patterns.length);
    const mine = Array.from({ length: drawn.length / memory.n }, (_, k) => k + 1);
    this.names = [...first.names, ...mine.map((k) => ({ short: `mine ${k}`, long: `your picture ${k}` }))];
  }

  // Show the controls that have something to do.
  offer({ rule, mine }) {
    const own = this.model.get("_neurons") > 0;
    for (const row of [this.counting, this.kinds, this.sides]) row.toggleAttribute("hidden", own);
    this.panel.presets.toggleAttribute("hidden", own || !this.lettered); // they would lead out of what an author has set
    this.powers.toggleAttribute("hidden", rule !== "polynomial");
    this.forgetting.toggleAttribute("hidden", mine === 0);
    this.cues.offer(this.names);
  }

  // How much is stored, and how much there is room for.
  loaded(rule, degree) {
    const { n, count } = this.memory;
    const load = `Load P/N = ${count}/${n} = ${(count / n).toFixed(3)}.`;
    const limit = this.model.get("_capacity").toFixed(3);
    const letters = this.names[0].long.startsWith("letter");
    const before = letters ? "; letters resemble each other, and fail before." : ".";
    if (rule === "hebb")
      return `${load} Hebb's rule carries ${limit} of random patterns in a large network${before}`;
    if (rule === "pseudo-inverse") return `${load} Stored exactly up to 1; little is recalled from 0.5 on.`;
    if (rule === "polynomial")
      return `${load} Room for random patterns grows as N to the power ${degree - 1}.`;
    return `${load} Room for random patterns grows exponentially with N.`;
  }

  // Back to the cue: the pattern chosen, corrupted, always in the same neurons.
  reset() {
    const { memory } = this;
    this.cues?.choose(this.cue);
    memory.restart(this.model.get("seed"));
    this.updates = 0;
    this.pace.cost = this.pace.firstCost;
    Object.assign(this, { brushed: false, own: undefined });
    this.spoil();
  }

  // Show the pattern cued, or the reader's own picture in its place, with a share of the neurons turned.
  spoil() {
    const { memory, own } = this;
    const share = this.model.get("noise");
    const name = this.names[this.cue].long;
    memory.take(own ?? this.pattern(this.cue));
    memory.spoil(share);
    this.from = own ? undefined : name;
    const what = own ? "The picture you painted on" : capital(name);
    this.touched(`${what}, ${share > 0 ? "corrupted" : "as it is"}.`);
  }

  // Go on from a state that no rule has led to, which `words` may name.
  touched(words) {
    this.origin = words;
    this.goal = this.memory.energyOf(this.pattern(this.cue));
    this.since = this.updates;
    this.descent.start(this.memory.n, this.memory.energy);
    this.gallery.choose(this.cue);
    this.wake();
  }

  // Nothing tells any more that it is at rest; a sweep that is on its way will not.
  wake() {
    this.resting = false;
    this.whole = this.memory.asked === 0;
    this.turned = false;
    if (!this.model.get("running")) return this.report();
    this.draw();
    return this.tell();
  }

  painted() {
    this.memory.begin();
    this.brushed = true;
    this.from = undefined;
    this.touched("What you painted.");
  }

  choose(mu) {
    if (mu === this.cue) this.reset();
    else this.panel.set("cue", mu + 1);
  }

  // Try again, with other neurons turned: from the pattern cued, or from what the reader has painted since.
  corrupt() {
    if (this.model.get("noise") === 0) this.panel.say("The corrupted share is 0: no neuron is turned.");
    if (this.brushed) this.own = this.memory.spins.data.slice();
    this.brushed = false;
    this.spoil();
  }

  scatter() {
    this.memory.scatter();
    Object.assign(this, { brushed: false, own: undefined, from: undefined });
    this.touched("Random neurons.");
  }

  store() {
    const { memory, panel } = this;
    const known = memory.overlaps.findIndex((m) => Math.abs(m) === 1);
    const mine = this.kept.length / memory.n;
    if (known >= 0) panel.say(`This is ${this.names[known].long} already: paint something new.`);
    else if (mine === DRAWINGS) panel.say(`There is room for ${DRAWINGS} pictures: forget them first.`);
    else {
      this.keep([...this.kept, ...memory.spins.data]);
      panel.say(`Stored as your picture ${mine + 1}.`);
    }
  }

  // Keep these values as the reader's pictures.
  keep(values) {
    this.model.set("_drawn", new DataView(Int8Array.from(values).buffer));
    this.model.save_changes();
  }

  // A letter that comes home, or does not.
  play(rule, count) {
    const { panel } = this;
    const given = { kind: "letters", side: LETTER, count, rule, temperature: 0, noise: 0.2, cue: 6 };
    for (const [name, value] of Object.entries(given)) panel.set(name, value);
    this.reset();
    panel.set("running", true);
  }

  step() {
    this.panel.set("running", false);
    if (this.resting) this.panel.say("At rest: no neuron wants to turn.");
    this.advance(1);
    this.report();
  }

  // Ask so many neurons, and note the energy as often as can be seen.
  advance(count) {
    const { memory, beta } = this;
    const grain = Math.max(1, Math.ceil(this.model.get("speed") / (60 * NOTED)));
    for (let left = count; left > 0 && !this.resting; ) {
      const piece = Math.min(left, grain, memory.n - memory.asked);
      const before = memory.flips;
      memory.ask(piece, beta);
      this.turned = memory.flips > before;
      this.updates += piece;
      left -= piece;
      this.descent.add(this.updates - this.since, memory.energy);
      if (memory.asked === 0) this.judge(beta);
    }
  }

  // At the end of a sweep: at T = 0 one in which all were asked and none turned is the last.
  judge(beta) {
    this.resting = this.whole && beta === Infinity && this.memory.turned === 0;
    this.whole = true;
    if (this.resting) this.verdict = this.found();
  }

  frame(milliseconds) {
    if (this.waiting > 0) return this.wait(milliseconds);
    if (this.resting) return undefined;
    const asked = this.pace.due(this.model.get("speed"), milliseconds);
    const first = asked > 0 && this.updates === this.since;
    this.pace.spend(asked, (count) => this.advance(count));
    if (this.resting) {
      this.report();
      if (this.shows) this.waiting = REST.home;
    } else this.draw();
    if (this.rate.add(1) || first) this.readOut();
    return undefined;
  }

  // Show by itself what can be done, until it is touched.
  showItself(el) {
    Object.assign(this, { shows: true, waiting: REST.cue });
    const stop = () => Object.assign(this, { shows: false, waiting: 0 });
    for (const kind of ["pointerdown", "keydown", "input", "click"])
      el.addEventListener(kind, stop, { capture: true, once: true });
    this.readOut();
  }

  wait(milliseconds) {
    this.waiting -= milliseconds;
    if (this.waiting > 0 || !this.resting) return;
    this.choose((this.cue + 1) % this.names.length);
    this.waiting = REST.cue;
  }

  draw() {
    const { memory, picture } = this;
    picture.draw();
    const seen = this.model.get("speed") <= SINGLE && this.updates > this.since && !this.resting;
    picture.point(seen ? memory.latest : undefined, this.turned);
    this.overlaps = memory.overlaps;
    this.gallery.draw(this.overlaps);
    this.descent.draw(this.goal, this.names[this.cue].long);
  }

  // The pattern with the largest overlap, whatever its sign.
  get nearest() {
    return this.overlaps.reduce((best, m, mu, all) => (Math.abs(m) > Math.abs(all[best]) ? mu : best), 0);
  }

  // Hand the numbers to Python too.
  readOut() {
    const { model } = this;
    for (const [name, value] of Object.entries(this.tell())) model.set(name, value);
    model.save_changes();
  }

  // Say on the page how it stands.
  tell() {
    const { write, memory, nearest } = this;
    const [m, energy] = [this.overlaps[nearest], memory.energy];
    const sweeps = Math.floor(this.updates / memory.n);
    const told = {
      "nearest pattern": this.names[nearest].short,
      "its overlap m": fixed(m, 3),
      "E / N": fixed(energy, 4),
      "neurons asked": String(this.updates),
      sweeps: String(sweeps),
    };
    for (const [name, tell] of Object.entries(write)) tell(told[name]);
    this.describe(m, energy, sweeps);
    return { updates: this.updates, sweeps, overlap: m, nearest: nearest + 1, energy };
  }

  describe(m, energy, sweeps) {
    const { memory } = this;
    const temperature = this.model.get("temperature");
    const number = (value, digits = 2) => fixed(value, digits).trim();
    const long =
      `${memory.n} neurons and ${memory.count} stored patterns, by ${RULES[memory.rule]}, at temperature ` +
      `${short(temperature, 5)}, after ${this.updates} updates (${sweeps} sweeps): the nearest pattern is ` +
      `${this.names[this.nearest].long}, with an overlap of ${number(m)}. The energy is ${number(energy, 3)} a ` +
      `neuron, that of ${this.names[this.cue].long}, which was cued, ${number(this.goal, 3)}. ${this.note.textContent}`;
    this.panel.description.set(this.inWords(m, temperature), long);
  }

  // The kind of state: a sentence is heard only when another kind begins.
  inWords(m, temperature) {
    const name = `${m < 0 ? "the mirror image of " : ""}${this.names[this.nearest].long}`;
    if (this.shows) return "Corrupted letters come back, neuron by neuron. Paint over one.";
    if (this.updates === this.since && this.origin) return this.origin;
    if (temperature > 0) {
      this.near = Math.abs(m) > (this.near ? NEAR.to : NEAR.from);
      if (!this.near) return "Fluctuating, near none of the stored patterns.";
      return `Fluctuating near ${name}.`;
    }
    if (this.resting) return this.verdict;
    return this.updates > this.since ? `On the way down: nearest is ${name}.` : `Nearest is ${name}.`;
  }

  // Where the neurons have come to rest.
  found() {
    this.overlaps = this.memory.overlaps;
    const { nearest, names, memory } = this;
    const m = this.overlaps[nearest];
    const size = fixed(m, 2).trim();
    const wrong = Math.round((memory.n * (1 - Math.abs(m))) / 2);
    const beside = wrong ? `, ${wrong} neuron${wrong > 1 ? "s" : ""} wrong` : "";
    const name = names[nearest].long;
    const astray = this.from && this.from !== name ? ` in the place of ${this.from}` : "";
    if (m >= HOME) return `${capital(name)} recalled${astray}: overlap ${size}${beside}.`;
    if (m <= -HOME) return `Mirror image of ${name}: overlap ${size}${beside}.`;
    const mixture = this.mixture();
    if (mixture) return mixture;
    return `None of the stored ones (spurious): largest overlap ${size}, with ${name}.`;
  }

  // The name of the mixture of three patterns that the neurons show, if they do.
  mixture() {
    const { overlaps, memory, names } = this;
    const order = overlaps.map((_, mu) => mu).sort((a, b) => Math.abs(overlaps[b]) - Math.abs(overlaps[a]));
    let best = { overlap: HOME };
    for (const members of triples(order.slice(0, WIDEST))) {
      const signs = members.map((mu) => Math.sign(overlaps[mu]) || 1);
      const overlap = memory.mixed(members, signs);
      if (overlap >= best.overlap) best = { overlap, members, signs };
    }
    if (!best.members) return undefined;
    const [one, two, three] = best.members.map(
      (mu, k) => `${best.signs[k] < 0 ? "\u2212" : ""}${names[mu].short}`,
    );
    const share = Math.round(50 * (1 + best.overlap));
    return `Mixture of ${one}, ${two} and ${three}: ${share}\u00a0% of the neurons agree.`;
  }

  // Hand the neurons to Python, and say where the run stands.
  report() {
    this.draw();
    this.model.set("_spins", new DataView(this.memory.spins.data.slice().buffer));
    this.readOut();
  }
}

function triples(list) {
  return list.flatMap((a, i) =>
    list.slice(i + 1).flatMap((b, j) => list.slice(i + j + 2).map((c) => [a, b, c])),
  );
}

export default lab((parts) => new HopfieldLab(parts));
