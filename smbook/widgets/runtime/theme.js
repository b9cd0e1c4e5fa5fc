// Colours: whatever the page's theme says.

export function watchTheme(panel, action) {
  const observer = new MutationObserver(action);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, {
      attributes: true,
      attributeFilter: ["data-theme", "data-jp-theme-light", "class"],
    });
  }
  panel.cleanups.push(() => observer.disconnect());
}

// A colour "#rrggbb" of the style sheet as the 32-bit word of a pixel.
export function pixel(el, variable) {
  const [red, green, blue] = getComputedStyle(el)
    .getPropertyValue(variable)
    .trim()
    .match(/[0-9a-f]{2}/gi);
  return (0xff << 24) | (Number(`0x${blue}`) << 16) | (Number(`0x${green}`) << 8) | Number(`0x${red}`);
}
