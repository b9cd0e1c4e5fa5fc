// Controls: each is bound to one setting of the model, has a label, and shows its value.

import { short } from "./chart.js";
import { Description } from "./description.js";
import { element, unique } from "./dom.js";

const ROOMY = 768; // width of a window, in pixels, from which all controls are shown
const OURS = { autocomplete: "off" }; // a control shows its setting, not what a browser remembers of an earlier visit
const LONG = 2000; // letters of what was copied that are shown
const EVEN = { to: (x) => x, from: (x) => x };

export class Panel {
  // What a copy of the settings carries beside them, `along`: `link(model)` returns more pairs of a name and a text, of
  // which `take[name](text, model)` sets the model and returns words where it refuses; `python(pairs, model)` returns
  // what the pairs of settings become in Python; `without(model, page)` names what is not carried.
  constructor(el, model, along = {}) {
    this.el = el;
    this.model = model;
    this.along = { link: () => [], take: {}, python: (pairs) => pairs, without: () => "", ...along };
    this.limits = model.get("_limits");
    this.authored = this.settings; // before a link or the reader changes any
    this.main = element("div", { class: "lab-main" });
    this.controls = element("div", { class: "lab-controls" });
    this.rest = element("div", { class: "lab-controls" });
    this.presets = element("div", { class: "lab-presets" });
    this.buttons = element("div", { class: "lab-buttons" });
    this.told = element("dl", { class: "lab-readouts" });
    this.status = element("p", { class: "lab-status", role: "status" });
    this.cleanups = [];
    this.description = new Description(this);
  }

  // Put everything in its place: the controls that matter most behind the first figures, others below, and the rest
  // behind "more", which is open where there is room.
  mount() {
    const { el, main, presets, buttons, controls, rest, told, status, description } = this;
    const figures = el.querySelector(".lab-figures");
    const second = figures.querySelector(".lab-second");
    if (presets.hasChildNodes()) main.append(presets);
    figures.insertBefore(main, second);
    el.append(buttons, controls);
    if (rest.hasChildNodes()) el.append(this.more());
    const words = element("div", { class: "lab-words" }, status, description.short);
    el.append(told, words, description.aloud, description.long);
    description.belongs(figures.querySelectorAll("canvas, .lab-chart"));
  }

  more() {
    const more = element(
      "details",
      { class: "lab-more" },
      element("summary", {}, "More settings"),
      this.rest,
    );
    more.open = innerWidth >= ROOMY;
    return more;
  }

  // Said twice, the same words change by a sign that is not seen, so that they are heard again.
  say(words) {
    const again = words !== "" && words === this.said;
    this.status.textContent = again ? `${words}\u00a0` : words;
    if (words !== "") this.said = again ? undefined : words;
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
      this.say(`${label} must be a number; it stays at ${short(this.model.get(name), 16)}.`);
      return this.model.get(name);
    }
    const kept = Math.min(Math.max(value, low), high);
    if (kept !== value) this.say(`${label} is kept between ${short(low, 16)} and ${short(high, 16)}.`);
    return kept;
  }

  // Give a setting another upper limit on this page, and the inputs in its row; what lies beyond is moved to it.
  bound(name, high, row) {
    this.limits = { ...this.limits, [name]: [this.limits[name][0], high] };
    for (const input of row.querySelectorAll("input")) input.max = high;
    if (this.model.get(name) > high) this.set(name, high);
  }

  // A slider with a number beside it. `logarithmic` sliders move by factors; `integer` ones have no fractions. A `scale`
  // of the lab's own, { to, from, round }, says where on the slider a number stands, and back; its `grain` is the step.
  slider(
    name,
    { label, step = 0.01, digits = 2, logarithmic = false, scale, integer = false, where, onHand },
  ) {
    const [low, high] = this.limits[name];
    const { to, from } = scale ?? (logarithmic ? { to: Math.log, from: Math.exp } : EVEN);
    const grain = scale?.grain ?? (scale || logarithmic ? (to(high) - to(low)) / 200 : step);
    const range = element("input", {
      ...OURS,
      type: "range",
      min: to(low),
      max: to(high),
      step: grain,
      "aria-label": `${label}, slider`,
    });
    const number = this.number(name, { label, step, integer });
    const round = scale?.round ?? ((x) => Number(integer ? Math.round(x) : x.toFixed(digits)));
    range.addEventListener("input", () => {
      this.say("");
      this.set(name, Math.min(Math.max(round(from(Number(range.value))), low), high));
    });
    this.follow(name, () => {
      range.value = to(this.model.get(name));
      range.setAttribute("aria-valuetext", short(this.model.get(name), 5));
    });
    const row = this.place(label, [range, number], number, where);
    for (const touch of onHand ? ["focusin", "pointerdown"] : []) row.addEventListener(touch, onHand);
    return row;
  }

  // A field to type a number into, without its label.
  number(name, { label, step = 1, integer = true }) {
    const [low, high] = this.limits[name];
    const field = element("input", {
      ...OURS,
      type: "number",
      min: low,
      max: high,
      step: integer ? 1 : step,
      id: unique(name),
    });
    const take = () => {
      this.say("");
      const typed = field.value.trim() === "" ? NaN : Number(field.value);
      const kept = this.clamp(name, integer ? Math.round(typed) : typed, label);
      this.set(name, kept);
      field.value = kept;
    };
    field.addEventListener("change", take);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // Enter is a change by itself, but not in a notebook of JupyterLab
      take();
    });
    this.follow(name, () => {
      field.value = this.model.get(name);
    });
    return field;
  }

  field(name, { label, where }) {
    const field = this.number(name, { label });
    return this.place(label, [field], field, where);
  }

  // A menu of the setting's choices; `names` says how they are called, `options` replaces them.
  menu(name, { label, names = {}, options = this.limits[name], parse = (x) => x, where }) {
    const menu = element("select", { ...OURS, id: unique(name) });
    for (const option of options)
      menu.append(element("option", { value: option }, names[option] ?? String(option)));
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
    return this.place(label, [menu], menu, where);
  }

  // Give inputs a row with their label: among the controls, or `where`: in `this.main`, `this.rest`.
  place(label, inputs, labelled, where = this.controls) {
    const row = element(
      "div",
      { class: "lab-control" },
      element("label", { for: labelled.id }, label),
      ...inputs,
    );
    where.append(row);
    return row;
  }

  button(label, action, where = this.buttons) {
    const button = element("button", { type: "button" }, ...[label].flat());
    button.addEventListener("click", () => {
      this.say("");
      action();
    });
    where.append(button);
    return button;
  }

  // A button that puts the figure into a state worth seeing.
  preset(label, action) {
    return this.button(label, action, this.presets);
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
    this.told.append(row);
    const write = (text) => {
      if (value.textContent !== text) value.textContent = text;
    };
    return Object.assign(write, { row });
  }

  // Several named values; returns their writers by name. An owner is told their rows, to hide and show them.
  readouts(names, owner = []) {
    const writers = names.map((name) => [name, this.readout(name)]);
    owner.push(...writers.map(([, write]) => write.row));
    return Object.fromEntries(writers);
  }

  // The button that copies the settings: as a link on a page of the book, as an expression in a notebook.
  share() {
    const page = this.el.dataset.lab;
    this.button(page ? "Copy link" : "Copy as Python", async () => {
      const { model, along } = this;
      const text = page
        ? link(page, [...this.shown(), ...along.link(model)])
        : expression(model.get("_anywidget_id"), along.python(this.shown(), model));
      const copied = await navigator.clipboard?.writeText(text).then(
        () => true,
        () => false,
      );
      const without = along.without(model, page);
      const said = [copied && "Copied", without && `${copied ? "without" : "Without"} ${without}`];
      const seen = copied && text.length > LONG ? `${text.slice(0, LONG)}\u2026` : text;
      this.say([said.filter(Boolean).join(", "), seen].filter(Boolean).join(": "));
    });
  }

  get settings() {
    return Object.fromEntries(Object.keys(this.limits).map((name) => [name, this.model.get(name)]));
  }

  // The settings with no more digits than a reader wants to see.
  shown() {
    const rounded = (value) =>
      Number.isInteger(value) || typeof value !== "number" ? value : Number(value.toPrecision(6));
    return Object.entries(this.settings).map(([name, value]) => [name, rounded(value)]);
  }

  // Take the settings that the page's address holds for this lab, each within its limits.
  restore() {
    const [page, query] = location.hash.slice(1).split("?");
    if (!query || page !== this.el.dataset.lab) return;
    this.restored = true;
    const words = [];
    const say = this.say;
    this.say = (text) => words.push(text);
    for (const [name, text] of new URLSearchParams(query)) {
      if (Object.hasOwn(this.limits, name)) this.model.set(name, this.parsed(name, text));
      else if (Object.hasOwn(this.along.take, name))
        words.push(...[this.along.take[name](text, this.model)].filter(Boolean));
      else words.push(`There is no setting ${name}.`);
    }
    this.model.save_changes();
    this.say = say;
    this.say(words.join(" "));
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

function link(page, settings) {
  return `${location.href.split("#")[0]}#${page}?${new URLSearchParams(settings)}`;
}

function expression(id, settings) {
  const python = (value) =>
    typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value).replaceAll(",", ", ");
  return `${id.split(".").pop()}(${settings.map(([name, value]) => `${name}=${python(value)}`).join(", ")})`;
}
