// Palettes: numbers as the colours of pixels. The colours stand in lab.css, so that they follow the page's theme.

const UNSTYLED = "#ffffff #000000"; // where the style sheet has not come

// The colours "#rrggbb" that a variable of the style sheet lists, and those between them, as `count` words of pixels;
// signed, as browsers are quicker with these.
export function palette(el, variable, count = 256) {
  const listed = getComputedStyle(el).getPropertyValue(variable) || UNSTYLED;
  const stops = [...listed.matchAll(/#([0-9a-f]{6})\b/gi)].map(([, digits]) =>
    [0, 2, 4].map((i) => Number.parseInt(digits.slice(i, i + 2), 16)),
  );
  return Int32Array.from({ length: count }, (_, k) => {
    const place = (k / (count - 1)) * (stops.length - 1);
    const i = Math.min(Math.floor(place), stops.length - 2);
    const [red, green, blue] = [0, 1, 2].map((c) =>
      Math.round(stops[i][c] + (place - i) * (stops[i + 1][c] - stops[i][c])),
    );
    return (0xff << 24) | (blue << 16) | (green << 8) | red;
  });
}

// Colour pixels by values from `low` to `high`; beyond these the last colours go on, and what is no number is clear.
// Two colours are for two values, as those of spins: the first for `low`, the other for what is above.
export function shade(pixels, values, colours, low, high) {
  if (colours.length === 2) divide(pixels, values, colours[0], colours[1], low);
  else grade(pixels, values, colours, low, high);
}

// As simple as it is so that it is quick: a large lattice is drawn 60 times a second.
function divide(pixels, values, first, second, low) {
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = values[i] > low ? second : first;
}

function grade(pixels, values, colours, low, high) {
  const last = colours.length - 1;
  const scale = colours.length / (high - low);
  for (let i = 0; i < pixels.length; i += 1) {
    const place = (values[i] - low) * scale;
    if (place > 0) pixels[i] = colours[place < last ? Math.floor(place) : last];
    else pixels[i] = place <= 0 ? colours[0] : 0;
  }
}
