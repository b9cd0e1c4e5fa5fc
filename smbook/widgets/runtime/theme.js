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
