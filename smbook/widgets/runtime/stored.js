// What a memory stores by itself, letters and random patterns with their names, and the menu of what is cued.

import { element, unique } from "./dom.js";

export const LETTER = 16; // pixels of a letter's side, as it is drawn
export const BRUSHES = [
  [1, "neurons +1"],
  [-1, "neurons \u22121"],
];

// The patterns of a memory in one array, and their names: letters first, or random ones alone; or those that are given.
export function stored(memory, { kind, count, side, seed }, model, given = new Int8Array()) {
  const [letters, names] = ["_letters", "_names"].map((trait) => model.get(trait));
  const lettered = kind === "letters" && !given.length ? Math.min(count, names.length) : 0;
  let patterns = given;
  if (!given.length) {
    patterns = new Int8Array(count * memory.n);
    for (let k = 0; k < lettered; k += 1)
      patterns.set(scaled(letters.slice(k * LETTER ** 2), side), k * memory.n);
    patterns.set(memory.draw(count - lettered, seed), lettered * memory.n);
  }
  const named = (mu) =>
    mu < lettered
      ? { short: names[mu], long: `letter ${names[mu]}` }
      : { short: String(mu + 1), long: `pattern ${mu + 1}` };
  return { patterns, names: Array.from({ length: patterns.length / memory.n }, (_, mu) => named(mu)) };
}

// A letter on side x side pixels: each takes the nearest.
function scaled(letter, side) {
  const place = (k) => Math.floor(((2 * k + 1) * LETTER) / (2 * side));
  return Int8Array.from({ length: side ** 2 }, (_, i) =>
    letter[place(Math.floor(i / side)) * LETTER + place(i % side)] === "#" ? 1 : -1,
  );
}

// The menu of all patterns that can be cued, of which a gallery may show some.
export class Cues {
  constructor(panel, where) {
    this.menu = element("select", { autocomplete: "off", id: unique("cue") });
    this.menu.addEventListener("change", () => panel.set("cue", Number(this.menu.value)));
    panel.place("Pattern cued", [this.menu], this.menu, where);
  }

  offer(names) {
    this.menu.replaceChildren(...names.map(({ long }, mu) => element("option", { value: mu + 1 }, long)));
  }

  choose(mu) {
    this.menu.value = mu + 1;
  }
}
