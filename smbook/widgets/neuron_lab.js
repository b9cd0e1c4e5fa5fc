// Live threshold units: neurons that fire or do not, wired by hand into a net, and its record in time.

import { capital, counted, element, unique } from "./runtime/dom.js";
import { bytes } from "./runtime/kernels.js";
import { lab } from "./runtime/lab.js";
import { Loop, Pace, Rate } from "./runtime/loop.js";
import { Neurons, rows } from "./runtime/neurons.js";
import { Spikes } from "./runtime/spikes.js";
import { meanings, Wiring } from "./runtime/wiring.js";

const STEPS = 40; // that the record shows
const KEPT = 4096; // steps of which Python is told what the inputs did
const STATES = 16; // in the table of what follows what
const SLOW = 5; // steps a second, up to which each is read out
const SWITCHES = ["first", "second", "third"];
const CYCLE = [0, 1, 2, -1];
const ENTRIES = { 0: "", 1: "+", 2: "++", "-1": "\u2212" };
const IN_WORDS = { 0: "none", 1: "excites", 2: "excites twice", "-1": "inhibits" };
const KEYS = { "+": 1, "=": 1, 1: 1, 2: 2, "-": -1, "\u2212": -1, 0: 0, Delete: 0, Backspace: 0 };
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const DRIVES = {
  switches: { called: "switches", words: ["switched off", "switched on"] },
  pulses: { called: "fire once when pressed", words: ["silent, fires once when pressed", "fires once"] },
  random: { called: "fire at random", words: ["silent, fires at random", "fires, at random"] },
};
// What each net is called, the inputs that suit it, and what there is to see.
const NETS = {
  precession: ["precession", "switches", "2 does one step later what 1 does."],
  disjunction: ["disjunction, or", "switches", "3 fires one step after 1 or 2."],
  conjunction: [
    "conjunction, and",
    "switches",
    "3 needs both at once. Let 1 fire, and 2 one step later: nothing comes of it.",
  ],
  "conjoined-negation": [
    "conjoined negation, and not",
    "switches",
    "2 vetoes: while it fires, 1 counts for nothing.",
  ],
  "exclusive-or": [
    "exclusive or, three units",
    "switches",
    "3 and 4 are excited by one input each and vetoed by the other, and 5 joins them. The answer takes two steps.",
  ],
  "heat-illusion": [
    "illusion of heat",
    "pulses",
    "Let cold fire once, or several times in a row, and follow it through a and b. When does b fire?",
  ],
  memory: [
    "memory of one bit",
    "pulses",
    "After one pulse of set the neuron keeps itself awake, until reset fires.",
  ],
  oscillator: ["oscillator", "pulses", "One pulse of start runs round for ever. Another one joins it."],
  counter: [
    "counter by two",
    "pulses",
    "Each pulse turns the bit over, and each second one fires carry. Leave a step between two pulses.",
  ],
  own: [
    "your own",
    "switches",
    "Press an entry of the table to make a synapse, to double it, to let it inhibit, to cut it.",
  ],
};

// Synapses and thresholds as a table: the rows are units, the columns sources.
class Editor {
  // `onEdit(i, j, entry)` and `onThreshold(i, value)` hear of a change, `say` of what is not taken.
  constructor({ most, onEdit, onThreshold, say }) {
    Object.assign(this, { most, onEdit, onThreshold, say, here: [0, 0] });
    const told = "Synapses from the columns to the rows: + excites, ++ excites twice, \u2212 inhibits.";
    const words = element("p", { class: "lab-told", id: unique("synapses") }, told);
    this.table = element("table", { class: "lab-synapses", role: "grid", "aria-labelledby": words.id });
    this.node = element("div", {}, words, element("div", { class: "lab-scroll" }, this.table));
  }

  show({ inputs, wiring, thresholds, names }) {
    const units = names.slice(inputs);
    const shape = names.join("\n") + inputs;
    if (shape !== this.shape) this.build(units, names);
    Object.assign(this, { shape, names, inputs, wiring });
    wiring.forEach((row, i) => {
      row.forEach((entry, j) => {
        const cell = this.cells[i][j];
        cell.firstChild.textContent = ENTRIES[entry];
        cell.setAttribute("aria-label", `${names[j]} to ${units[i]}: ${IN_WORDS[entry]}`);
        cell.className = `lab-entry ${entry < 0 ? "inhibitory" : "excitatory"}${j === inputs ? " first" : ""}`;
      });
      this.fields[i].value = thresholds[i];
    });
  }

  build(units, names) {
    const head = names.map((name) => element("th", { scope: "col" }, name));
    this.cells = units.map((_, i) => names.map((__, j) => this.cell(i, j)));
    this.fields = units.map((name, i) => this.field(name, i));
    const body = units.map((name, i) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, name),
        element("td", { role: "gridcell" }, this.fields[i]),
        ...this.cells[i],
      ),
    );
    const corner = element("th", { scope: "col" }, "to / from");
    const level = element("th", { scope: "col" }, "threshold");
    const top = element("thead", {}, element("tr", {}, corner, level, ...head));
    this.table.replaceChildren(top, element("tbody", {}, ...body));
    this.here = [Math.min(this.here[0], units.length - 1), Math.min(this.here[1], names.length - 1)];
    this.at(...this.here).setAttribute("tabindex", 0);
  }

  at(i, j) {
    return this.cells[i][j];
  }

  cell(i, j) {
    const cell = element("td", { role: "gridcell", tabindex: -1 }, element("span"));
    const turn = () => this.onEdit(i, j, CYCLE[(CYCLE.indexOf(this.wiring[i][j]) + 1) % CYCLE.length]);
    cell.addEventListener("click", () => {
      this.enter(i, j);
      turn();
    });
    cell.addEventListener("keydown", (event) => {
      const { key, ctrlKey, metaKey, altKey } = event;
      if (ctrlKey || metaKey || altKey) return;
      if (key === " " || key === "Enter") turn();
      else if (Object.hasOwn(KEYS, key)) this.onEdit(i, j, KEYS[key]);
      else if (Object.hasOwn(ARROWS, key)) this.enter(i + ARROWS[key][0], j + ARROWS[key][1]);
      else return;
      event.preventDefault();
    });
    return cell;
  }

  // One cell at a time can be reached by the tab key: the one that had the focus last.
  enter(i, j) {
    const to = this.cells[i]?.[j];
    if (!to) return;
    this.at(...this.here).setAttribute("tabindex", -1);
    this.here = [i, j];
    to.setAttribute("tabindex", 0);
    to.focus();
  }

  field(name, i) {
    const { threshold } = this.most;
    const field = element("input", {
      autocomplete: "off",
      type: "number",
      min: 0,
      max: threshold,
      step: 1,
      "aria-label": `threshold of ${name}`,
    });
    field.addEventListener("change", () => {
      this.say("");
      const typed = field.value.trim() === "" ? Number.NaN : Number(field.value);
      const kept = Math.min(Math.max(Math.round(typed), 0), threshold);
      if (Number.isNaN(typed)) this.say(`The threshold of ${name} must be a number; it stays as it is.`);
      else if (kept !== typed)
        this.say(`The threshold of ${name} is a whole number between 0 and ${threshold}.`);
      this.onThreshold(i, Number.isNaN(typed) ? undefined : kept);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      field.dispatchEvent(new Event("change"));
    });
    return field;
  }
}

// What each unit answers, or with circles what follows each state; what holds now is marked. It is folded up,
// so that a reader can say first what will stand there.
class Table {
  constructor() {
    this.words = element("p", { class: "lab-told", id: unique("answers") });
    this.table = element("table", { class: "lab-answers", "aria-labelledby": this.words.id });
    this.title = element("summary");
    const scroll = element("div", { class: "lab-scroll" }, this.table);
    this.node = element("details", { class: "lab-more" }, this.title, this.words, scroll);
  }

  show(machine, { inputs, names }) {
    const units = names.slice(inputs);
    this.inputs = inputs;
    if (machine.depth === undefined) this.follow(machine, names.slice(0, inputs), units);
    else this.answer(machine, names, inputs);
    this.now = undefined;
  }

  head(title, words, ...titles) {
    this.title.textContent = title;
    this.words.textContent = words;
    const cells = titles.map(([text, kind]) => element("th", { scope: "col", ...kind }, text));
    return element("thead", {}, element("tr", {}, ...cells));
  }

  answer(machine, names, inputs) {
    const cases = rows(inputs);
    this.lines = new Map();
    const body = cases.map((given) => {
      const cell = (bit, k) => element("td", k === inputs ? { class: "first" } : {}, String(bit));
      const line = element("tr", {}, ...[...given, ...machine.settled(given)].map(cell));
      this.lines.set(given.join(""), line);
      return line;
    });
    const words = `What the units do when the inputs have been held for ${counted(machine.depth, "step")}.`;
    const titles = names.map((name, k) => [name, k === inputs ? { class: "first" } : {}]);
    this.table.replaceChildren(this.head("Truth table", words, ...titles), element("tbody", {}, ...body));
    this.circles = false;
  }

  follow(machine, inputs, units) {
    const { cases, found, left } = machine.transitions(STATES);
    this.lines = new Map();
    const body = [...found].map(([state, after]) => {
      const cells = after.map((next) => element("td", {}, next.join("")));
      const line = element("tr", {}, element("th", { scope: "row" }, state), ...cells);
      this.lines.set(state, line);
      return line;
    });
    const all = left ? `the first ${STATES} states` : "all states";
    const words =
      `Which state follows, of ${units.join(", ")}: a row for each of ${all} that silence leads to, ` +
      `a column for what ${inputs.join(", ")} ${inputs.length > 1 ? "do" : "does"}.`;
    const titles = [
      ["state", {}],
      ...cases.map((given) => [given.map((bit, i) => `${inputs[i]} ${bit}`).join(", "), {}]),
    ];
    const head = this.head("Table of states", words, ...titles);
    this.table.replaceChildren(head, element("tbody", {}, ...body));
    this.circles = true;
  }

  // Mark the row that holds for what is active now, and with circles the cell.
  mark(active) {
    const bits = [...active].join("");
    if (bits === this.now) return;
    this.now = bits;
    const [given, state] = [bits.slice(0, this.inputs), bits.slice(this.inputs)];
    for (const seen of this.table.querySelectorAll("[aria-current]")) seen.removeAttribute("aria-current");
    const line = this.lines.get(this.circles ? state : given);
    line?.setAttribute("aria-current", "true");
    if (this.circles) line?.children[1 + Number.parseInt(given, 2)].setAttribute("aria-current", "true");
  }
}

class NeuronLab {
  constructor({ model, el, panel, module }) {
    Object.assign(this, { model, panel, pace: new Pace(), rate: new Rate(), most: model.get("_most") });
    this.machine = new Neurons(module, this.most);
    this.wiring = new Wiring((i) => this.press(i));
    this.spikes = new Spikes(STEPS);
    this.table = new Table();
    this.editor = new Editor({
      most: this.most,
      onEdit: (i, j, entry) => this.connect(i, j, entry),
      onThreshold: (i, value) =>
        this.edit(({ thresholds }) => thresholds.splice(i, 1, value ?? thresholds[i])),
      say: (words) => panel.say(words),
    });
    this.note = element("p", { class: "lab-told" });
    const first = element("div", {}, this.wiring.svg, meanings());
    const second = element("div", { class: "lab-second" }, this.spikes.svg, this.note);
    this.changes = element("div", { class: "lab-presets" });
    const below = element("div", { class: "lab-below" }, this.table.node, this.editor.node, this.changes);
    el.append(element("div", { class: "lab-figures" }, first, second, below));
    this.furnish();
    panel.main.append(el.querySelector(".lab-words"));
    panel.follow(["net", "_wiring", "_called"], () => this.build());
    panel.follow(["drive", "seed"], () => this.reset());
    panel.follow(SWITCHES, () => this.switched());
    this.loop = new Loop(panel, (milliseconds) => this.frame(milliseconds));
    panel.follow("running", () => model.get("running") || this.report());
  }

  furnish() {
    const { panel, changes } = this;
    const { main: where } = panel;
    const actions = element("div", { class: "lab-presets" });
    where.append(actions);
    actions.append(panel.switch());
    panel.button("Step", () => this.step(), actions);
    panel.button("Reset", () => this.reset(), actions);
    panel.share();
    actions.append(panel.buttons.lastChild);
    const names = Object.fromEntries(Object.entries(NETS).map(([name, [words]]) => [name, words]));
    const nets = panel.menu("net", { label: "Net", names, where });
    nets.querySelector("select").addEventListener("change", () => this.suit());
    const drives = Object.fromEntries(
      Object.entries(DRIVES).map(([name, { called: words }]) => [name, words]),
    );
    panel.menu("drive", { label: "Inputs", names: drives, where });
    const chance = panel.slider("probability", { label: "Probability" });
    panel.slider("speed", { label: "Steps / s", step: 0.5, digits: 1, logarithmic: true });
    const seed = panel.field("seed", { label: "Seed" });
    panel.follow("drive", () => {
      for (const row of [chance, seed]) row.hidden = this.model.get("drive") !== "random";
    });
    panel.button("Add input", () => this.grow("inputs"), changes);
    panel.button("Remove input", () => this.shrink("inputs"), changes);
    panel.button("Add unit", () => this.grow("units"), changes);
    panel.button("Remove unit", () => this.shrink("units"), changes);
    panel.button("Cut all", () => this.edit((net) => this.cut(net)), changes);
    this.write = panel.readouts(["steps", "units firing", "firings so far", "steps to answer"]);
    panel.mount();
  }

  // With a net that is chosen by hand come the inputs that suit it.
  suit() {
    for (const name of SWITCHES) this.panel.set(name, false);
    this.panel.set("drive", NETS[this.model.get("net")][1]);
  }

  // Wire the net, if it is another one, and begin anew.
  build() {
    const net = netOf(this.model);
    const key = JSON.stringify([this.model.get("net"), net]);
    if (key === this.key) return;
    Object.assign(this, { key, net });
    const { machine, wiring, spikes, editor, table } = this;
    machine.wire(net);
    wiring.show(net, machine.depth !== undefined, this.wired());
    spikes.start(net.inputs, net.names);
    editor.show(net);
    table.show(machine, net);
    this.note.textContent = NETS[this.model.get("net")][2];
    this.reset();
  }

  reset() {
    this.machine.restart(this.model.get("seed"));
    Object.assign(this, { steps: 0, firings: 0, done: new Uint8Array(KEPT) });
    this.pace.owed = 0;
    this.spikes.start(this.net.inputs, this.net.names);
    this.drive(this.switches);
    this.report();
  }

  // The switches of the inputs, as bits.
  get switches() {
    return SWITCHES.slice(0, this.net.inputs).map((name) => Number(this.model.get(name)));
  }

  // Let the inputs fire, of their own or as `given`.
  drive(given) {
    const { machine, model } = this;
    if (model.get("drive") === "random") machine.fireAtRandom(model.get("probability"));
    else machine.fire(given);
    this.spikes.note(this.steps, machine.active);
  }

  // A switch has been turned; what fires once does so from Reset on.
  switched() {
    const drive = this.model.get("drive");
    if (drive === "pulses") this.reset();
    if (drive !== "switches") return;
    this.drive(this.switches);
    this.report();
  }

  press(i) {
    this.panel.say("");
    if (this.model.get("drive") === "switches") {
      this.panel.set(SWITCHES[i], !this.model.get(SWITCHES[i]));
      return;
    }
    this.machine.active[i] = 1 - this.machine.active[i];
    this.spikes.note(this.steps, this.machine.active);
    this.report();
  }

  step() {
    this.panel.set("running", false);
    this.advance(1);
    this.report();
  }

  advance(count) {
    const { machine, net } = this;
    for (let k = 0; k < count; k += 1) {
      if (this.steps < KEPT)
        this.done[this.steps] = machine.active
          .subarray(0, net.inputs)
          .reduce((sum, bit, i) => sum | (bit << i), 0);
      machine.step();
      this.steps += 1;
      this.firings += this.firing.length;
      this.drive(this.model.get("drive") === "switches" ? this.switches : Array(net.inputs).fill(0));
    }
  }

  frame(milliseconds) {
    const due = this.pace.due(this.model.get("speed"), milliseconds);
    if (due > 0) {
      this.pace.spend(due, (count) => this.advance(count));
      this.draw();
    }
    const now = due > 0 && (this.model.get("speed") <= SLOW || this.steps === due);
    if (this.rate.add(1) || now) this.readOut();
  }

  // The numbers of the units that fire now.
  get firing() {
    const { machine, net } = this;
    return net.thresholds.map((_, i) => i).filter((i) => machine.active[net.inputs + i]);
  }

  draw() {
    const { machine, model } = this;
    const name = model.get("drive");
    this.wiring.light(machine.active, { name, ...DRIVES[name] });
    this.spikes.draw();
    this.table.mark(machine.active);
  }

  // Hand the numbers to Python, and say on the page how it stands.
  readOut() {
    const { model, write, steps, firings, machine, firing } = this;
    write.steps(String(steps));
    write["units firing"](String(firing.length));
    write["firings so far"](String(firings));
    write["steps to answer"](String(machine.depth ?? "\u2013"));
    write["steps to answer"].row.hidden = machine.depth === undefined;
    const told = {
      steps,
      active: firing.length,
      output: Number(firing.includes(this.net.thresholds.length - 1)),
    };
    for (const [name, value] of Object.entries(told)) model.set(name, value);
    model.save_changes();
    this.panel.description.set(this.inWords(), `${this.wired()} ${this.atNow()}`);
  }

  // While time passes, a sentence is heard only when another kind of state begins.
  inWords() {
    if (!this.model.get("running")) return `${this.toDo()}${this.atNow()}`;
    return this.firing.length ? "Time passes, and units fire." : "Time passes, and all units are silent.";
  }

  // Before anything has happened: what an input is, and what makes time pass.
  toDo() {
    const { net, steps, machine, model } = this;
    if (steps > 0) return "";
    if (model.get("drive") === "random") return "Press Step, or Start. ";
    if (machine.active.some((bit) => bit)) return "Press Step. ";
    const [name] = net.names;
    return model.get("drive") === "pulses"
      ? `Press input ${name} in the drawing, which then fires once, and Step. `
      : `Press input ${name} in the drawing to switch it on, then Step. `;
  }

  atNow() {
    const { net, machine, steps, firing } = this;
    const on = net.names.slice(0, net.inputs).filter((_, i) => machine.active[i]);
    const units = firing.map((i) => net.names[net.inputs + i]);
    const inputs = on.length ? `${listed(on)} ${on.length > 1 ? "are" : "is"} on` : "no input is on";
    const fire = units.length
      ? `${listed(units)} ${units.length > 1 ? "fire" : "fires"}`
      : "all units are silent";
    return `After ${counted(steps, "step")}: ${inputs}, ${fire}.`;
  }

  // The net as a text.
  wired() {
    const { inputs, wiring, thresholds, names } = this.net;
    const units = wiring.map((row, i) => {
      const from = (entry) => names.filter((_, j) => row[j] === entry);
      const parts = [
        [from(1), "excited by"],
        [from(2), "excited twice by"],
        [from(-1), "inhibited by"],
      ];
      const told = parts.flatMap(([sources, words]) =>
        sources.length ? [`${words} ${listed(sources)}`] : [],
      );
      return `${names[inputs + i]}, of threshold ${thresholds[i]}, is ${told.length ? listed(told) : "reached by no synapse"}.`;
    });
    return `A net with ${counted(inputs, "input")} ${listed(names.slice(0, inputs))} and ${counted(wiring.length, "unit")}. ${units.join(" ")}`;
  }

  // Change the net by `change`, which makes it the reader's own.
  edit(change) {
    const { model, net } = this;
    const made = structuredClone(net);
    change(made);
    const own = model.get("net") === "own";
    if (own && JSON.stringify(made) === JSON.stringify(net)) {
      this.editor.show(net);
      return;
    }
    keep(model, made);
    this.panel.set("net", "own");
    model.save_changes();
  }

  // Set a synapse, and say it: a cell that has the focus is not read out again.
  connect(i, j, entry) {
    const { inputs, names } = this.net;
    this.panel.say(`${names[j]} to ${names[inputs + i]}: ${IN_WORDS[entry]}`);
    this.edit(({ wiring }) => wiring[i].splice(j, 1, entry));
  }

  cut({ wiring }) {
    for (const row of wiring) row.fill(0);
  }

  grow(what) {
    const { inputs, wiring } = this.net;
    const count = what === "inputs" ? inputs : wiring.length;
    if (count === this.most[what]) {
      this.panel.say(`${counted(count, what.slice(0, -1))} are the most.`);
      return;
    }
    this.edit((net) => {
      const at = what === "inputs" ? inputs : net.names.length;
      for (const row of net.wiring) row.splice(at, 0, 0);
      net.names.splice(at, 0, free(net.names, what === "inputs" ? "abc" : "123456789"));
      if (what === "inputs") net.inputs += 1;
      else {
        net.wiring.push(Array(net.names.length).fill(0));
        net.thresholds.push(1);
      }
    });
  }

  shrink(what) {
    const { inputs, wiring } = this.net;
    if ((what === "inputs" ? inputs : wiring.length) === 1) {
      this.panel.say(
        `${capital(what.slice(0, -1))} ${this.net.names[what === "inputs" ? 0 : inputs]} is the last one, and stays.`,
      );
      return;
    }
    this.edit((net) => {
      const at = what === "inputs" ? inputs - 1 : net.names.length - 1;
      if (what === "inputs") net.inputs -= 1;
      else {
        net.wiring.pop();
        net.thresholds.pop();
      }
      for (const row of net.wiring) row.splice(at, 1);
      net.names.splice(at, 1);
    });
  }

  // Hand Python what the inputs have done, and say where the run stands.
  report() {
    this.draw();
    this.model.set("_record", new DataView(this.done.slice(0, this.steps).buffer));
    this.readOut();
  }
}

// The first of some names that is not taken.
function free(taken, names) {
  return [...names].find((name) => !taken.includes(name)) ?? `n${taken.length}`;
}

function listed(words) {
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words.join("");
}

// The net that a model shows.
function netOf(model) {
  const name = model.get("net");
  const [wiring, thresholds, names] = (name === "own" && ownOf(model)) || model.get("_nets")[name];
  return { inputs: names.length - wiring.length, wiring, thresholds, names };
}

// The reader's own net, if there is any.
function ownOf(model) {
  const view = model.get("_wiring");
  if (!view?.byteLength) return undefined;
  const [inputs, units, ...numbers] = bytes(view, Int8Array);
  const wiring = Array.from({ length: units }, (_, i) =>
    numbers.slice(units + i * (inputs + units), units + (i + 1) * (inputs + units)),
  );
  const called = model.get("_called");
  const names = called?.byteLength ? new TextDecoder().decode(bytes(called)).split("\n") : [];
  const known = names.length === inputs + units;
  return [wiring, numbers.slice(0, units), known ? names : usual(inputs, units)];
}

function usual(inputs, units) {
  return [..."abc".slice(0, inputs), ...Array.from({ length: units }, (_, i) => String(i + 1))];
}

function keep(model, { inputs, wiring, thresholds, names }) {
  model.set("_called", new DataView(new TextEncoder().encode(names.join("\n")).buffer));
  model.set(
    "_wiring",
    new DataView(Int8Array.from([inputs, wiring.length, ...thresholds, ...wiring.flat()]).buffer),
  );
}

// In a link the reader's own net is a row of signs a unit, with its threshold, and the names are a list.
const SIGNS = "-0+2";
const ALONG = {
  link(model) {
    if (model.get("net") !== "own") return [];
    const { wiring, thresholds, names } = netOf(model);
    const units = wiring.map((row, i) => thresholds[i] + row.map((entry) => SIGNS[entry + 1]).join(""));
    return [
      ["wiring", units.join("_")],
      ["names", names.map((name) => encodeURIComponent(name).replaceAll("_", "%5F")).join("_")],
    ];
  },

  take: {
    wiring(text, model) {
      const net = netFrom(text, model.get("_most"));
      if (!net) return `There is no net in wiring=${text.slice(0, 40)}.`;
      keep(model, net);
      return undefined;
    },
    names(text, model) {
      const names = text.split("_").map(plain);
      const { letters } = model.get("_most");
      const own = ownOf(model);
      const good = names.every((name) => name?.trim() && name.length <= letters && !/\p{C}/u.test(name));
      if (!own || !good || names.length !== own[2].length)
        return `There are no names in names=${text.slice(0, 40)}.`;
      keep(model, { inputs: names.length - own[0].length, wiring: own[0], thresholds: own[1], names });
      return undefined;
    },
  },

  python(settings, model) {
    if (model.get("net") !== "own") return settings;
    const { wiring, thresholds, names } = netOf(model);
    const given = Object.entries({ wiring, thresholds, names });
    return [...given, ...settings.filter(([name]) => name !== "net")];
  },
};

function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function netFrom(text, most) {
  const units = text.split("_");
  if (!units.every((unit) => /^[0-9][-0+2]+$/.test(unit))) return undefined;
  const wiring = units.map((unit) => [...unit.slice(1)].map((sign) => SIGNS.indexOf(sign) - 1));
  const inputs = wiring[0].length - units.length;
  const fits = inputs >= 1 && inputs <= most.inputs && units.length <= most.units;
  if (!fits || wiring.some((row) => row.length !== wiring[0].length)) return undefined;
  return {
    inputs,
    wiring,
    thresholds: units.map((unit) => Number(unit[0])),
    names: usual(inputs, units.length),
  };
}

export default lab((parts) => new NeuronLab(parts), ALONG);
