// Sets the formulas when their turn has come. MathJax, which the page names but does not run, is loaded behind the
// figures in view; then formulas in view are set first, and the others piece by piece while the page is idle, the
// nearest first. Once MathJax has come, all of them are set before the page is printed.
(() => {
  const PIECE = 35; // milliseconds of work until the page gets its turn
  const REST = 400; // milliseconds without input before formulas out of view go on
  const PATIENCE = 4000; // milliseconds that the formulas wait for figures which do not come

  const pending = new Set();
  let size = 4; // formulas set together, adapted to the time they take

  const pause = () => new Promise((resolve) => setTimeout(resolve));
  const idle = () =>
    new Promise((resolve) => {
      if (globalThis.requestIdleCallback) requestIdleCallback(resolve, { timeout: 250 });
      else setTimeout(resolve, 30);
    });

  let touched = -REST;

  function distance(formula) {
    const { top, bottom } = formula.getBoundingClientRect();
    return Math.max(top - innerHeight, -bottom, 0);
  }

  function nearest() {
    const placed = [...pending].map((formula) => [distance(formula), formula]);
    placed.sort(([near], [far]) => near - far);
    return { urgent: placed[0][0] === 0, formulas: placed.slice(0, size).map(([, formula]) => formula) };
  }

  async function set(formulas) {
    const start = performance.now();
    for (const formula of formulas) pending.delete(formula);
    await MathJax.typesetPromise(formulas).catch((error) => console.error(error)); // costs these, and no other
    const cost = (performance.now() - start) / formulas.length;
    size = Math.min(Math.max(Math.round(PIECE / cost), 1), 24);
  }

  let working = false;

  async function work() {
    if (working) return;
    working = true;
    while (pending.size > 0) {
      const { urgent, formulas } = nearest();
      if (urgent) await pause();
      else await idle();
      if (!urgent && performance.now() - touched < REST) continue;
      await set(formulas);
    }
    working = false;
    document.documentElement.dataset.formulas = "set";
  }

  // The place in the page that the address names: an element, or a live figure by its number. Figures and formulas
  // above it move it as they come: it is sought again until the reader takes over.
  const target = {
    get node() {
      if (!this.name) return null;
      const [place] = this.name.split("?");
      return (
        document.getElementById(this.name) ?? document.querySelector(`[data-lab="${CSS.escape(place)}"]`)
      );
    },
    get isOff() {
      return this.node && !(Math.abs(this.node.getBoundingClientRect().top - this.top) <= 2);
    },
    seek() {
      if (this.isOff) {
        this.node.scrollIntoView({ behavior: "instant" });
        this.top = this.node.getBoundingClientRect().top;
      }
      this.height = document.documentElement.scrollHeight;
    },
    // Where nothing has grown, it is the reader who scrolls, by whatever means.
    notice() {
      if (document.documentElement.scrollHeight === this.height && this.isOff) this.leave();
    },
    aim() {
      this.name = decoded(location.hash.slice(1));
      this.top = Number.NaN;
      requestAnimationFrame(() => this.seek());
    },
    leave() {
      this.name = "";
    },
  };

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // as it is, where a link was cut off within a character
    }
  }

  function add(node) {
    pending.add(node);
    if (globalThis.MathJax?.typesetPromise) work();
  }

  function load() {
    const { src } = document.querySelector('script[type="smbook/mathjax"]') ?? {};
    if (!src || globalThis.MathJax?.version) return; // a page that was saved after it had come holds it already
    window.MathJax = { ...window.MathJax, startup: { typeset: false, pageReady: () => void work() } };
    document.head.append(Object.assign(document.createElement("script"), { src }));
  }

  async function start() {
    for (const formula of document.querySelectorAll(".math:not(:has(mjx-container))")) pending.add(formula);
    // Who reloads a page, or comes back to it, is where they were.
    if (performance.getEntriesByType("navigation")[0]?.type === "navigate") target.aim();
    addEventListener("hashchange", () => target.aim());
    addEventListener("scroll", () => target.notice(), { passive: true });
    new ResizeObserver(() => target.seek()).observe(document.querySelector("main") ?? document.body);
    for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      addEventListener(event, () => target.leave(), { passive: true });
    }
    for (const event of ["keydown", "pointerdown", "pointermove", "input"]) {
      addEventListener(
        event,
        () => {
          touched = performance.now();
        },
        { passive: true, capture: true },
      );
    }
    await Promise.race([
      globalThis.smbook?.figuresInView,
      new Promise((resolve) => setTimeout(resolve, PATIENCE)),
    ]);
    await pause();
    load();
  }

  addEventListener("beforeprint", () => {
    if (!globalThis.MathJax?.typeset || pending.size === 0) return;
    const formulas = [...pending];
    pending.clear();
    MathJax.typeset(formulas);
  });

  globalThis.smbookTypeset = add;
  document.addEventListener("DOMContentLoaded", start);
})();
