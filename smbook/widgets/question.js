// A question in the text: reads what is typed, judges it, says the verdict aloud, and remembers what was solved.

import { element, furnish, keepKeys, unique } from "./runtime/dom.js";

const ERRORS_ALLOWED = 3; // how many of the reader's own errors a measured value may be off
const ERRORS_ASTRAY = 5; // how many of them even an honest error bar may miss by
const ADVICE_AFTER = 2; // answers that were wrong or too rough
const ANSWER_AFTER = 4; // wrong answers

// The form of a number or a fraction, by its decimal points and what groups digits in threes.
function grammar(mark, groups) {
  const whole = `(?:[1-9][0-9]{0,2}(?:[${groups}][0-9]{3})+|[0-9]+)`;
  const number = `([+-]?(?:${whole}(?:[${mark}][0-9]*)?|[${mark}][0-9]+)(?:[eE][+-]?[0-9]+)?)`;
  return new RegExp(`^\\s*${number}(?:\\s*/\\s*${number})?\\s*$`);
}

// A comma is a decimal point, or it groups digits.
const TYPED = [
  [".", grammar(".,", " \\u00a0\\u2009\\u202f")],
  ["", grammar(".", " \\u00a0\\u2009\\u202f,")],
];

// The numbers that a text may say, the likelier one first. This rule and those below are question.py's too.
export function read(text) {
  const numbers = TYPED.map(([comma, form]) => {
    const match = form.exec(text.replaceAll("\u2212", "-"));
    if (!match) return Number.NaN;
    const [above, below] = [match[1], match[2] ?? "1"].map((part) =>
      Number(part.replace(/\s/g, "").replaceAll(",", comma)),
    );
    return above / below;
  });
  return [...new Set(numbers.filter(Number.isFinite))];
}

// How a comma was read that may have been meant to group digits.
function misread(text) {
  const pointed = text.replace(/,([0-9]*?)0*(?![0-9])/g, (_, digits) => digits && `.${digits}`);
  return `“${text}” was read as ${pointed}; type ${text.replaceAll(",", "")} if you mean that.`;
}

// Judge an entry by each way to read it, the likelier ones first.
export function judgeEntry(form, secret, entry, readings) {
  const pairs = readings[0].flatMap((value) => (readings[1] ?? [0]).map((error) => [value, error]));
  const verdicts = pairs.map((numbers) => ({ ...judge(form, secret, ...numbers), numbers }));
  const right = verdicts.find(({ outcome }) => outcome === "right");
  if (right) return right;
  if (verdicts[0].words !== secret.otherwise) return verdicts[0]; // a usual mistake, read as it was meant
  const doubtful = entry.filter((_, i) => readings[i].length > 1).map(misread);
  return { ...verdicts[0], words: [...doubtful, verdicts[0].words].filter(Boolean).join(" ") };
}

export function judge(form, secret, value, error) {
  const near = (target, reach) =>
    Math.abs(value - target) <= (reach ?? ERRORS_ALLOWED * error + secret.slack);
  if (form === "measured" && error > secret.largest) return { outcome: "rough", words: secret.rough };
  if (near(secret.answer, secret.reach)) return { outcome: "right", words: secret.because };
  for (const [target, reach, words] of secret.hints) {
    if (near(target, reach)) return { outcome: "wrong", words };
  }
  if (form !== "choice" && near(-secret.answer, secret.reach))
    return { outcome: "wrong", words: "The size is right, the sign is not." };
  if (form === "measured" && near(secret.answer, ERRORS_ASTRAY * error))
    return { outcome: "wrong", words: secret.astray };
  return { outcome: "wrong", words: secret.otherwise };
}

// Take off the stream of bytes that question.py has laid over the answer.
export function unsealed(sealed, key) {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) state = Math.imul(state ^ byte, 0x01000193);
  state ||= 1;
  const bytes = Uint8Array.from(atob(sealed), (character) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return character.charCodeAt(0) ^ (state & 0xff);
  });
  return JSON.parse(new TextDecoder().decode(bytes));
}

// What this browser remembers of a question, as far as it lets a page remember.
class Memory {
  constructor(key) {
    this.name = `smbook question ${location.pathname} ${key}`;
  }

  use(action) {
    try {
      return action(localStorage);
    } catch {
      return null; // refused, full, or not ours
    }
  }

  get entry() {
    return this.use((storage) => JSON.parse(storage.getItem(this.name)));
  }

  set entry(entry) {
    this.use((storage) => storage.setItem(this.name, JSON.stringify(entry)));
  }

  forget() {
    this.use((storage) => storage.removeItem(this.name));
  }
}

// A text with its formulas, those between \( and \), marked for the page to set.
function withFormulas(text) {
  return text
    .split(/(\\\(.*?\\\))/)
    .map((part) => (part.startsWith("\\(") ? element("span", { class: "math" }, part) : part));
}

// Hand the formulas of a node to the page, whose script sets them when their turn has come; JupyterLab has none.
function typeset(node) {
  for (const formula of node.querySelectorAll(".math")) globalThis.smbookTypeset?.(formula);
}

// Fields to type a value, or a value and its error, into.
class Fields {
  constructor(labels, described) {
    this.inputs = labels.map(() =>
      element("input", {
        type: "text",
        id: unique("answer"),
        autocomplete: "off",
        autocapitalize: "off",
        spellcheck: "false",
        "aria-describedby": described,
      }),
    );
    this.node = element("div", { class: "question-fields" });
    for (const [i, input] of this.inputs.entries())
      this.node.append(element("span", {}, element("label", { for: input.id }, labels[i]), input));
  }

  get entry() {
    return this.inputs.map((input) => input.value.trim());
  }

  set entry(entry) {
    for (const [i, input] of this.inputs.entries()) input.value = entry[i] ?? "";
  }

  get size() {
    return this.inputs.length;
  }

  // The numbers that each part of an entry may say, or words about the field that says none.
  understood(entry) {
    const readings = entry.map(read);
    const strange = readings.findIndex((numbers) => numbers.length === 0);
    if (strange >= 0 && entry[strange] === "")
      return { words: entry.length > 1 ? "Fill in both fields." : "Type an answer first.", strange };
    if (strange >= 0)
      return {
        words: `This page cannot read “${entry[strange]}” as a number. Type one such as 0.5, \u22122, 1e-3 or 1/3.`,
        strange,
      };
    if (readings[1]?.[0] <= 0)
      return { words: "An error is greater than 0. How far may your value be off?", strange: 1 };
    return { readings };
  }

  mark(wrong) {
    for (const [i, input] of this.inputs.entries()) {
      if (i === wrong) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  focus() {
    this.inputs[0].focus();
  }
}

// Options to choose one of.
class Options {
  constructor(options, described) {
    const name = unique("option");
    this.options = options;
    this.inputs = options.map((_, i) => element("input", { type: "radio", name, value: i }));
    const labels = options.map((option, i) =>
      element("label", {}, this.inputs[i], element("span", {}, ...withFormulas(option))),
    );
    this.node = element(
      "div",
      { class: "question-options", role: "radiogroup", "aria-labelledby": described },
      ...labels,
    );
  }

  get entry() {
    return this.options.filter((_, i) => this.inputs[i].checked);
  }

  get size() {
    return 1;
  }

  set entry([option]) {
    for (const [i, input] of this.inputs.entries()) input.checked = this.options[i] === option;
  }

  understood([option]) {
    const place = this.options.indexOf(option);
    return place < 0 ? { words: "Choose one of the answers first." } : { readings: [[place]] };
  }

  mark() {}

  focus() {
    (this.inputs.find((input) => input.checked) ?? this.inputs[0]).focus();
  }
}

class Question {
  constructor(model, el) {
    this.model = model;
    this.form = model.get("_form");
    this.secret = unsealed(model.get("_sealed"), model.get("_key"));
    this.memory = new Memory(model.get("_key"));
    this.solved = model.get("solved"); // as this view shows it
    this.tried = new Set();
    this.wrong = 0;
    this.build(el);
    this.show();
    this.recall();
    typeset(el);
  }

  build(el) {
    const text = element(
      "p",
      { class: "question-text", id: unique("question") },
      ...withFormulas(this.model.get("text")),
    );
    const choice = this.form === "choice";
    this.fields = choice
      ? new Options(this.model.get("_options"), text.id)
      : new Fields(this.model.get("_labels"), text.id);
    this.badge = element("span", { class: "question-badge", hidden: "" }, "\u2713 solved");
    this.status = element("p", { class: "question-status", role: "status", "aria-live": "polite" });
    this.reveal = this.button("Show the answer", () => this.tell());
    this.forget = this.button("Forget that I solved it", () => this.unlearn());
    this.forget.classList.add("question-forget");
    const check = element("button", { type: "submit", class: "question-check" }, "Check");
    const buttons = element("div", { class: "question-buttons" }, check, this.reveal, this.forget);
    const form = element("form", { novalidate: "" }, this.fields.node, buttons);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.answer(this.fields.entry);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.target.localName !== "input") return;
      event.preventDefault(); // browsers would submit by themselves, but not in a notebook of JupyterLab
      form.requestSubmit();
    });
    el.classList.add("smbook-question");
    keepKeys(el);
    if (!choice) furnish(el, { role: "group", "aria-labelledby": text.id }, []);
    el.append(element("p", { class: "question-head" }, "Question ", this.badge), text, form, this.status);
    this.follow = () => this.attune();
    this.model.on("change:solved", this.follow);
    this.hear = ({ key }) => {
      if (key !== this.memory.name && key !== null) return; // null: all was cleared
      if (this.memory.entry === null) this.reopen();
      else this.recall();
    };
    addEventListener("storage", this.hear);
  }

  button(label, action) {
    const button = element("button", { type: "button", hidden: "" }, label);
    button.addEventListener("click", action);
    return button;
  }

  say(outcome, ...words) {
    const mark = { right: "\u2713 ", wrong: "\u2717 " }[outcome];
    const glyph = mark ? [element("span", { "aria-hidden": "true" }, mark)] : [];
    this.status.dataset.outcome = outcome;
    const said = words.filter(Boolean).join(" ");
    this.status.replaceChildren(...glyph, element("span", {}, ...withFormulas(said)));
    typeset(this.status);
  }

  set(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    this.model.save_changes();
    this.show();
  }

  show() {
    const solved = this.model.get("solved");
    this.badge.hidden = this.forget.hidden = !solved;
    this.reveal.hidden = solved || !this.secret.reveal || this.wrong < ANSWER_AFTER;
  }

  answer(entry) {
    const { readings, words: complaint, strange = -1 } = this.fields.understood(entry);
    this.fields.mark(strange);
    if (!readings) {
      this.say("unread", complaint);
      return;
    }
    const { outcome, words, numbers } = judgeEntry(this.form, this.secret, entry, readings);
    if (outcome === "rough") this.refuse(numbers, words);
    else if (outcome === "right") this.praise(entry, numbers, words);
    else this.correct(numbers, words);
  }

  // Count an answer unless it was tried before; tell whether it is new.
  count(numbers) {
    const known = this.tried.size;
    this.tried.add(String(numbers));
    return this.tried.size > known;
  }

  refuse(numbers, words) {
    this.count(numbers);
    this.say("rough", words);
  }

  praise(entry, numbers, because) {
    const fresh = !this.model.get("solved") && this.count(numbers);
    this.memory.entry = entry;
    this.solved = true;
    this.set({ solved: true, attempts: this.model.get("attempts") + (fresh ? 1 : 0) });
    this.say("right", "Right.", because);
  }

  correct(numbers, hint) {
    const fresh = this.count(numbers);
    this.wrong += fresh ? 1 : 0;
    this.set({ attempts: this.model.get("attempts") + (fresh ? 1 : 0) });
    const { advice } = this.secret;
    this.say(
      "wrong",
      fresh ? "Not yet." : "Not yet; you have tried that before.",
      hint,
      this.tried.size >= ADVICE_AFTER && advice ? `Hint: ${advice}` : "",
      this.reveal.hidden ? "" : "If you like, let the page show the answer.",
    );
  }

  tell() {
    const { shown, because } = this.secret;
    this.say("told", `The answer is ${shown}${/[.!?…]$/.test(shown) ? "" : "."}`, because);
  }

  unlearn() {
    this.memory.forget();
    this.reopen();
    this.fields.focus();
  }

  reopen() {
    this.tried.clear();
    this.wrong = 0;
    this.fields.entry = [];
    this.solved = false;
    this.set({ solved: false, attempts: 0 });
    this.say("forgotten", "Forgotten: the question is open again.");
  }

  // Follow another view of this question that was solved, or had it forgotten.
  attune() {
    const solved = this.model.get("solved");
    if (solved && !this.solved) this.recall();
    if (!solved && this.solved) this.reopen();
    this.show();
  }

  // Take up what was solved before, or in another window, if it still is the answer.
  recall() {
    const { entry } = this.memory;
    if (!Array.isArray(entry) || entry.length !== this.fields.size) return;
    const { readings } = this.fields.understood(entry.map(String));
    if (!readings) return;
    const { outcome, words } = judgeEntry(this.form, this.secret, entry, readings);
    if (outcome !== "right") return;
    this.fields.entry = entry;
    this.solved = true;
    this.set({ solved: true });
    this.say("right", "Solved before.", words);
  }
}

export default {
  render({ model, el }) {
    const question = new Question(model, el);
    return () => {
      model.off("change:solved", question.follow);
      removeEventListener("storage", question.hear);
    };
  },
};
