// What all labs share: kernels on the memory of a WebAssembly module, controls, charts, and a loop that keeps
// to the frame's time. There is no physics here: what is computed is computed by the package's own kernels.

const TYPES = {
  int8: Int8Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float64: Float64Array,
};

// The kernels of one lab, on a memory of its own, with room for `bytes` bytes of arrays. Each kernel is a
// method of `run`, called with numbers and with arrays made by `array`; sizes and types come from the module.
class Kernels {
  constructor(module, bytes) {
    const [section] = WebAssembly.Module.customSections(module, "signatures");
    const signatures = JSON.parse(new TextDecoder().decode(section));
    const pages = Math.ceil((bytes + 2 ** 17) / 2 ** 16);
    this.memory = new WebAssembly.Memory({ initial: pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.top = exports.__heap_base.value;
    this.result = this.array("float64", 1);
    this.error = this.array("int64", 1);
    this.run = {};
    for (const [name, signature] of Object.entries(signatures)) {
      this.run[name] = this.callable(exports[name], signature);
    }
  }

  array(type, ...shape) {
    const size = shape.reduce((a, b) => a * b, 1);
    const width = TYPES[type].BYTES_PER_ELEMENT;
    const address = (this.top + 15) & ~15;
    this.top = address + size * width;
    if (this.top > this.memory.buffer.byteLength) throw new RangeError(`no room for ${size} of ${type}`);
    const data = new TYPES[type](this.memory.buffer, address, size);
    const strides = shape.map((_, axis) => width * shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return { data, type, address, shape, native: nativeArray(size, width, address, shape, strides) };
  }

  // The first `length` entries of a one-dimensional array, on the same memory.
  part(array, length) {
    const width = array.data.BYTES_PER_ELEMENT;
    const data = array.data.subarray(0, length);
    return { ...array, data, shape: [length], native: nativeArray(length, width, array.address, [length], [width]) };
  }

  callable(native, { arguments: kinds, returns }) {
    const view = new DataView(this.memory.buffer, this.result.address, 8);
    const answers = {
      int64: () => view.getBigInt64(0, true),
      float64: () => view.getFloat64(0, true),
    };
    return (...given) => {
      if (given.length !== kinds.length) throw new TypeError(`${kinds.length} arguments, not ${given.length}`);
      native(this.result.address, this.error.address, ...given.flatMap((value, i) => flatten(value, kinds[i])));
      return returns ? answers[returns]() : undefined;
    };
  }
}

function nativeArray(size, width, address, shape, strides) {
  return [0, 0, BigInt(size), BigInt(width), address, ...shape.map(BigInt), ...strides.map(BigInt)];
}

function flatten(value, kind) {
  if (kind.endsWith("]")) {
    if (`${value.type}[${value.shape.length}]` !== kind) throw new TypeError(`not ${kind}`);
    return value.native;
  }
  return [kind === "int64" || kind === "uint64" ? BigInt(value) : value];
}

// The state of a generator, seeded as `smbook` seeds it.
function seeded(kernels, seed) {
  const state = kernels.array("uint64", 4);
  kernels.run.split_mix(state, seed);
  return state;
}

// The bytes of a binary trait, which arrives as a DataView.
function bytes(view, Type = Uint8Array) {
  return new Type(view.buffer, view.byteOffset, view.byteLength);
}

function element(kind, attributes = {}, ...children) {
  return furnish(document.createElement(kind), attributes, children);
}

function drawing(kind, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", kind), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// ---- Controls: each is bound to one setting of the model, has a label, and shows its value.

class Panel {
  constructor(el, model) {
    this.el = el;
    this.model = model;
    this.limits = model.get("_limits");
    this.controls = element("div", { class: "lab-controls" });
    this.buttons = element("div", { class: "lab-buttons" });
    this.readouts = element("dl", { class: "lab-readouts" });
    this.status = element("p", { class: "lab-status", role: "status" });
    this.cleanups = [];
  }

  mount() {
    this.el.append(this.buttons, this.controls, this.readouts, this.status);
  }

  say(words) {
    this.status.textContent = words;
  }

  set(name, value) {
    if (this.model.get(name) === value) return;
    this.model.set(name, value);
    this.model.save_changes();
  }

  // Call `action` now and whenever one of the traits changes, until the lab goes.
  follow(names, action) {
    for (const name of [names].flat()) {
      this.model.on(`change:${name}`, action);
      this.cleanups.push(() => this.model.off(`change:${name}`, action));
    }
    action();
  }

  // A number within the setting's limits; what lies outside is moved to the nearest limit, and said so.
  clamp(name, value, label = name) {
    const [low, high] = this.limits[name];
    if (!Number.isFinite(value)) {
      this.say(`${label} must be a number; it stays at ${this.model.get(name)}.`);
      return this.model.get(name);
    }
    const kept = Math.min(Math.max(value, low), high);
    if (kept !== value) this.say(`${label} is kept between ${low} and ${high}.`);
    return kept;
  }

  // A slider with a number beside it. `logarithmic` sliders move by factors; `integer` ones have no fractions.
  slider(name, { label, step = 0.01, digits = 2, logarithmic = false, integer = false }) {
    const [low, high] = this.limits[name];
    const to = logarithmic ? Math.log : (x) => x;
    const from = logarithmic ? Math.exp : (x) => x;
    const grain = logarithmic ? (Math.log(high) - Math.log(low)) / 200 : step;
    const range = element("input", { type: "range", min: to(low), max: to(high), step: grain, "aria-label": `${label}, slider` });
    const number = this.number(name, { label, step, integer });
    const round = (x) => Number(integer ? Math.round(x) : x.toFixed(digits));
    range.addEventListener("input", () => {
      this.say("");
      this.set(name, Math.min(Math.max(round(from(Number(range.value))), low), high));
    });
    this.follow(name, () => {
      range.value = to(this.model.get(name));
      range.setAttribute("aria-valuetext", String(this.model.get(name)));
    });
    return this.place(label, [range, number], number);
  }

  // A field to type a number into, without its label.
  number(name, { label, step = 1, integer = true }) {
    const [low, high] = this.limits[name];
    const field = element("input", { type: "number", min: low, max: high, step: integer ? 1 : step, id: unique(name) });
    field.addEventListener("change", () => {
      this.say("");
      const typed = field.value.trim() === "" ? NaN : Number(field.value);
      const kept = this.clamp(name, integer ? Math.round(typed) : typed, label);
      this.set(name, kept);
      field.value = kept;
    });
    this.follow(name, () => {
      field.value = this.model.get(name);
    });
    return field;
  }

  field(name, { label }) {
    const field = this.number(name, { label });
    return this.place(label, [field], field);
  }

  // A menu of the setting's choices; `names` says how they are called, `options` replaces them.
  menu(name, { label, names = {}, options = this.limits[name], parse = (x) => x }) {
    const menu = element("select", { id: unique(name) });
    for (const option of options) menu.append(element("option", { value: option }, names[option] ?? String(option)));
    menu.addEventListener("change", () => {
      this.say("");
      this.set(name, parse(menu.value));
    });
    this.follow(name, () => {
      const value = String(this.model.get(name));
      const known = [...menu.options].some((option) => option.value === value);
      if (!known) menu.append(element("option", { value }, value));
      menu.value = value;
    });
    return this.place(label, [menu], menu);
  }

  place(label, inputs, labelled) {
    const row = element("div", { class: "lab-control" }, element("label", { for: labelled.id }, label), ...inputs);
    this.controls.append(row);
    return row;
  }

  button(label, action, attributes = {}) {
    const button = element("button", { type: "button", ...attributes }, label);
    button.addEventListener("click", () => {
      this.say("");
      action();
    });
    this.buttons.append(button);
    return button;
  }

  // The button that starts and pauses.
  switch() {
    const button = this.button("Start", () => this.set("running", !this.model.get("running")));
    this.follow("running", () => {
      button.textContent = this.model.get("running") ? "Pause" : "Start";
    });
    return button;
  }

  // A named value below the figures; returns the function that writes it.
  readout(label) {
    const value = element("dd", {}, "–");
    const row = element("div", {}, element("dt", {}, label), value);
    this.readouts.append(row);
    const write = (text) => {
      if (value.textContent !== text) value.textContent = text;
    };
    return Object.assign(write, { row });
  }

  // The button that copies the settings: as a link on a page of the book, as an expression in a notebook.
  share() {
    const page = this.el.dataset.lab;
    this.button(page ? "Copy link" : "Copy as Python", async () => {
      const text = page ? link(page, this.shown()) : expression(this.model.get("_anywidget_id"), this.shown());
      const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
      this.say(copied ? `Copied: ${text}` : text);
    });
  }

  settings() {
    return Object.keys(this.limits).map((name) => [name, this.model.get(name)]);
  }

  // The settings with no more digits than a reader wants to see.
  shown() {
    const short = (value) => (Number.isInteger(value) || typeof value !== "number" ? value : Number(value.toPrecision(6)));
    return this.settings().map(([name, value]) => [name, short(value)]);
  }

  // Take the settings that the page's address holds for this lab, each within its limits.
  restore() {
    const [page, query] = location.hash.slice(1).split("?");
    if (!query || page !== this.el.dataset.lab) return;
    const words = [];
    const say = this.say;
    this.say = (text) => words.push(text);
    for (const [name, text] of new URLSearchParams(query)) {
      if (Object.hasOwn(this.limits, name)) this.model.set(name, this.parsed(name, text));
      else words.push(`There is no setting ${name}.`);
    }
    this.model.save_changes();
    this.say = say;
    this.say(words.join(" "));
    this.el.scrollIntoView({ block: "center" });
  }

  parsed(name, text) {
    const value = this.model.get(name);
    if (typeof value === "number") {
      const kept = this.clamp(name, text.trim() === "" ? NaN : Number(text));
      return this.model.get("_whole").includes(name) ? Math.round(kept) : kept;
    }
    const known = this.limits[name].find((option) => String(option) === text);
    if (known === undefined) this.say(`There is no ${name} ${text}; it stays at ${value}.`);
    return known ?? value;
  }

  dispose() {
    for (const cleanup of this.cleanups) cleanup();
  }
}

// Each lab of a page is a module of its own, so that a count alone would give the same name twice.
const MODULE = Math.random().toString(36).slice(2, 10);
let counted = 0;

function unique(name) {
  counted += 1;
  return `lab-${name}-${MODULE}-${counted}`;
}

function link(page, settings) {
  return `${location.href.split("#")[0]}#${page}?${new URLSearchParams(settings)}`;
}

function expression(id, settings) {
  const python = (value) => (typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value));
  return `${id.split(".").pop()}(${settings.map(([name, value]) => `${name}=${python(value)}`).join(", ")})`;
}

// ---- Charts: axes in data units; lines, dots and regions on them, coloured by class names in lab.css.

const WIDTH = 360;
const HEIGHT = 220;
const MARGIN = { left: 52, right: 12, top: 10, bottom: 40 };

class Chart {
  constructor({ x, y, xLabel, yLabel, describe, height = HEIGHT, left = MARGIN.left }) {
    Object.assign(this, { height, left });
    this.svg = drawing("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": describe, class: "lab-chart" });
    this.frame = drawing("g", { class: "lab-axes" });
    const id = unique("clip");
    const inside = { x: left, y: MARGIN.top, width: WIDTH - left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    this.inside = drawing("g", { "clip-path": `url(#${id})` });
    this.svg.append(drawing("clipPath", { id }, drawing("rect", inside)), this.frame, this.inside);
    this.labels = { xLabel, yLabel };
    this.range(x, y);
  }

  // Give the axes other ends; what is drawn afterwards uses them.
  range(x, y) {
    const [left, right] = [this.left, WIDTH - MARGIN.right];
    const [bottom, top] = [this.height - MARGIN.bottom, MARGIN.top];
    this.x = { low: x[0], high: x[1], to: (v) => left + ((v - x[0]) / (x[1] - x[0])) * (right - left) };
    this.y = { low: y[0], high: y[1], to: (v) => bottom + ((v - y[0]) / (y[1] - y[0])) * (top - bottom) };
    const xTicks = ticks(x[0], x[1], 6).map((v) => mark(this.x.to(v), bottom, this.x.to(v), bottom + 16, v, "middle", 0, 4));
    const yTicks = ticks(y[0], y[1], 5).map((v) => mark(left, this.y.to(v), left - 7, this.y.to(v) + 4, v, "end", -4, 0));
    const names = [
      drawing("text", { x: (left + right) / 2, y: this.height - 5, "text-anchor": "middle" }, this.labels.xLabel),
      drawing("text", { transform: `translate(13 ${(bottom + top) / 2}) rotate(-90)`, "text-anchor": "middle" }, this.labels.yLabel),
    ];
    const axes = drawing("path", { d: `M${left} ${top}V${bottom}H${right}` });
    this.frame.replaceChildren(axes, ...xTicks.flat(), ...yTicks.flat(), ...names);
  }

  // A curve of class `kind`; `set(xs, ys)` draws it, leaving gaps where a value is not finite.
  line(kind, xs = [], ys = []) {
    const path = drawing("path", { class: `lab-line ${kind}` });
    this.inside.append(path);
    const set = (us, vs) => path.setAttribute("d", this.path(us, vs));
    set(xs, ys);
    return { node: path, set };
  }

  path(xs, ys) {
    let pen = "M";
    let d = "";
    for (let i = 0; i < xs.length; i += 1) {
      if (!Number.isFinite(xs[i] + ys[i])) pen = "M";
      else {
        d += `${pen}${this.x.to(xs[i]).toFixed(1)} ${this.y.to(ys[i]).toFixed(1)}`;
        pen = "L";
      }
    }
    return d;
  }

  // A dot of class `kind`; it is hidden until it is moved.
  dot(kind, radius = 4) {
    const circle = drawing("circle", { class: `lab-dot ${kind}`, r: radius, visibility: "hidden" });
    this.inside.append(circle);
    const move = (x, y) => {
      const seen = Number.isFinite(x + y);
      circle.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) return;
      circle.setAttribute("cx", this.x.to(x).toFixed(1));
      circle.setAttribute("cy", this.y.to(y).toFixed(1));
    };
    return { node: circle, move, hide: () => move(NaN, NaN) };
  }

  // Where on the axes a pointer is.
  at(event) {
    const box = this.svg.getBoundingClientRect();
    const u = ((event.clientX - box.left) / box.width) * WIDTH;
    const v = ((event.clientY - box.top) / box.height) * this.height;
    const { x, y } = this;
    return {
      x: x.low + ((u - x.to(x.low)) / (x.to(x.high) - x.to(x.low))) * (x.high - x.low),
      y: y.low + ((v - y.to(y.low)) / (y.to(y.high) - y.to(y.low))) * (y.high - y.low),
    };
  }
}

function mark(x, y, u, v, value, anchor, dx, dy) {
  const text = String(Number(value.toPrecision(6))).replace("-", "\u2212");
  return [
    drawing("path", { d: `M${x} ${y}l${dx} ${dy}` }),
    drawing("text", { x: u, y: v, "text-anchor": anchor }, text),
  ];
}

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

// ---- Time: a loop that runs while the lab does, is seen, and its tab is open.

class Loop {
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
class Pace {
  constructor() {
    this.owed = 0;
    this.firstCost = 0.05; // milliseconds a unit, until measured
    this.cost = this.firstCost;
  }

  due(rate, milliseconds) {
    this.owed = Math.min(this.owed + (rate * milliseconds) / 1000, Math.max(rate, 1));
    const units = Math.min(Math.floor(this.owed), Math.max(1, Math.floor(BUDGET / this.cost)));
    this.owed -= units;
    return units;
  }

  // Do `units` by `work`, in pieces that are timed, and give up at the end of the frame's time.
  spend(units, work) {
    const start = performance.now();
    let done = 0;
    while (done < units) {
      const piece = Math.min(units - done, Math.max(1, Math.floor(BUDGET / 4 / this.cost)));
      const before = performance.now();
      work(piece);
      done += piece;
      const now = performance.now();
      this.cost = 0.8 * this.cost + 0.2 * Math.max((now - before) / piece, 1e-4);
      if (now - start > BUDGET) break;
    }
    return done;
  }
}

// Counts events a second, told about twice a second.
class Rate {
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

// ---- Colours: whatever the page's theme says.

function watchTheme(panel, action) {
  const observer = new MutationObserver(action);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light", "class"] });
  }
  panel.cleanups.push(() => observer.disconnect());
}

// A colour "#rrggbb" of the style sheet as the 32-bit word of a pixel.
function pixel(el, variable) {
  const [red, green, blue] = getComputedStyle(el).getPropertyValue(variable).trim().match(/[0-9a-f]{2}/gi);
  return (0xff << 24) | (Number(`0x${blue}`) << 16) | (Number(`0x${green}`) << 8) | Number(`0x${red}`);
}

// A number with a true minus sign, as wide whatever its sign.
function fixed(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "\u2212" : "\u2007") + text;
}

// The entry of every lab: compile the kernels, build the lab, and return what takes it down again.
function lab(build) {
  return {
    async render({ model, el }) {
      el.classList.add("smbook-lab");
      if (!globalThis.WebAssembly) {
        el.textContent = "This live figure needs WebAssembly, which this browser does not offer. The figure beside it tells the same story.";
        return undefined;
      }
      const module = await WebAssembly.compile(bytes(model.get("_kernels")));
      const panel = new Panel(el, model);
      panel.restore();
      build({ model, el, panel, module });
      return () => panel.dispose();
    },
  };
}

// ---- For labs with a state that moves along a curve: its trail, a tour of its input, and the hand that moves it.

// A line of class `kind` through the places where the state has been; the oldest are forgotten.
class Trail {
  constructor(chart, kind, room = 6000) {
    Object.assign(this, { chart, room, line: chart.line(kind) });
    this.clear();
  }

  clear() {
    this.pieces = [];
    this.lift();
    this.draw();
  }

  // The next place is not joined to the last one.
  lift() {
    this.last = undefined;
  }

  add(x, y) {
    const [u, v] = [this.chart.x.to(x), this.chart.y.to(y)];
    if (this.last && Math.hypot(u - this.last.u, v - this.last.v) < 0.7) return;
    this.pieces.push(`${this.last ? "L" : "M"}${u.toFixed(1)} ${v.toFixed(1)}`);
    this.last = { u, v };
    if (this.pieces.length > this.room) this.pieces.splice(0, this.room / 10);
  }

  draw() {
    const path = this.pieces.join("").replace(/^L/, "M");
    if (path !== this.drawn) this.line.node.setAttribute("d", path);
    this.drawn = path;
  }
}

// A number that visits `turns` one after the other in steps of `grain`.
class Tour {
  constructor(from, turns, grain) {
    Object.assign(this, { grain, place: Math.round(from / grain) });
    this.turns = turns.map((turn) => Math.round(turn / grain));
  }

  get over() {
    return this.turns.length === 0;
  }

  next() {
    this.place += Math.sign(this.turns[0] - this.place);
    if (this.place === this.turns[0]) this.turns.shift();
    return Number((this.place * this.grain).toFixed(6));
  }
}

// Tell where on the axes a pointer is while it is down on a chart; a finger can still scroll the page with it.
function dragged(chart, { start = () => {}, move, end = () => {} }) {
  let down = false;
  chart.svg.style.touchAction = "pan-y";
  chart.svg.style.cursor = "ew-resize";
  chart.svg.addEventListener("pointerdown", (event) => {
    chart.svg.setPointerCapture(event.pointerId);
    down = true;
    start();
    move(chart.at(event));
  });
  chart.svg.addEventListener("pointermove", (event) => down && move(chart.at(event)));
  for (const kind of ["pointerup", "pointercancel"]) {
    chart.svg.addEventListener(kind, () => {
      if (down) end();
      down = false;
    });
  }
}

// What the signs in the charts mean: triples of a sign, a colour of the style sheet, and words.
function legend(signs) {
  const entries = signs.map(([sign, colour, words]) => {
    const mark = element("span", { style: `color: var(--lab-${colour})`, "aria-hidden": "true" }, sign);
    return element("span", { style: "white-space: nowrap" }, mark, ` ${words}`);
  });
  const style = "display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0 0 0.6rem; font-size: 0.8125rem";
  return element("div", {}, element("p", { style }, ...entries));
}
