// Patterns as small pictures to press, each with a bar of its overlap with a state.

import { drawing, element, fixed } from "./dom.js";

const SHOWN = 12; // at most
const FEW = 4; // so many are larger

export class Gallery {
  // At most `shown` patterns are seen; bars are as long as their box at an overlap of `reach`.
  constructor(onChoose, { shown = SHOWN, reach = 1 } = {}) {
    Object.assign(this, { onChoose, shown, half: 50 / reach });
    this.more = element("p", { class: "lab-told" });
    const label = "Stored patterns. Press one to cue it.";
    this.list = element("div", { class: "lab-gallery", role: "group", "aria-label": label });
    this.title = element("p", { class: "lab-told" });
    this.node = element("div", {}, this.title, this.list, this.more);
  }

  // Show the first patterns, and the last ones of the reader in any case.
  start(patterns, names, n, own) {
    const count = names.length;
    this.title.textContent = `Stored patterns: ${count}`;
    const { shown } = this;
    const last = Math.min(own, shown / 2);
    const places = Array.from({ length: Math.min(count, shown) }, (_, k) =>
      count > shown && k >= shown - last ? count - shown + k : k,
    );
    this.entries = places.map((mu) =>
      this.entry(mu, names[mu].short, patterns.subarray(mu * n, (mu + 1) * n)),
    );
    this.list.replaceChildren(...this.entries.map(({ node }) => node));
    this.list.classList.toggle("few", count <= FEW);
    this.more.textContent = count > shown ? `and ${count - shown} more` : "";
    this.more.hidden = count <= shown;
  }

  entry(mu, name, pattern) {
    const picture = thumbnail(pattern);
    const button = element("button", { type: "button", "aria-pressed": "false" }, picture, name);
    button.addEventListener("click", () => this.onChoose(mu));
    const [bar, value] = [element("span"), element("span", { class: "lab-value" })];
    const overlap = element("span", { class: "lab-overlap" }, bar);
    return { mu, button, bar, value, node: element("div", {}, button, overlap, value) };
  }

  choose(cue) {
    for (const { mu, button } of this.entries) button.setAttribute("aria-pressed", String(mu === cue));
  }

  // Where in a bar's box a value stands.
  place(value) {
    return `${Math.min(Math.max(50 + this.half * value, 0), 100)}%`;
  }

  draw(overlaps) {
    for (const { mu, bar, value } of this.entries) {
      const m = overlaps[mu];
      bar.style.left = this.place(Math.min(m, 0));
      bar.style.width = `${this.half * Math.abs(m)}%`;
      bar.classList.toggle("negative", m < 0);
      const text = fixed(m, 2);
      if (value.textContent !== text) value.textContent = text;
    }
  }
}

// A pattern as a small drawing.
function thumbnail(pattern) {
  const columns = Math.ceil(Math.sqrt(pattern.length));
  const rows = Math.ceil(pattern.length / columns);
  let ink = "";
  for (let i = 0; i < pattern.length; i += 1)
    if (pattern[i] > 0) ink += `M${i % columns} ${Math.floor(i / columns)}h1v1h-1z`;
  return drawing(
    "svg",
    { viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" },
    drawing("rect", { width: columns, height: rows, class: "lab-dot down" }),
    drawing("path", { d: ink, class: "lab-ink" }),
  );
}
