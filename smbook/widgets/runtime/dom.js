// Elements, and names that no other element of the page has.

export function element(kind, attributes = {}, ...children) {
  return furnish(document.createElement(kind), attributes, children);
}

export function drawing(kind, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", kind), attributes, children);
}

export function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Keys that are pressed in an element are no commands to JupyterLab, which asks the one that has the focus.
export function keepKeys(el) {
  el.addEventListener("focusin", ({ target }) => {
    target.dataset.lmSuppressShortcuts = "true";
  });
}

// Each lab of a page is a module of its own, so that a count alone would give the same name twice.
const MODULE = Math.random().toString(36).slice(2, 10);
let made = 0;

export function unique(name) {
  made += 1;
  return `lab-${name}-${MODULE}-${made}`;
}

// A symbol with a subscript, in a chart: T and c give what print sets as T_c.
export function subscripted(symbol, index) {
  return [symbol, drawing("tspan", { dy: 3, "font-size": "75%" }, index)];
}

// A number with a true minus sign, as wide whatever its sign.
export function fixed(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "\u2212" : "\u2007") + text;
}

export function capital(words) {
  return words[0].toUpperCase() + words.slice(1);
}

// So many of something, in the plural where it is not one.
export function counted(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
