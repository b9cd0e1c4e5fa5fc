// Sets the formulas a few at a time, those in view first. MathJax by itself would set all of them at one go, and
// keep the page, with its live figures, from answering for seconds.
(() => {
  const PIECE = 40; // milliseconds until the page gets its turn

  const pause = () => new Promise((resolve) => setTimeout(resolve));

  function distance(formula) {
    const { top, bottom } = formula.getBoundingClientRect();
    return Math.max(top - innerHeight, -bottom, 0);
  }

  async function pageReady() {
    const formulas = [...document.querySelectorAll(".math")].map((formula) => [distance(formula), formula]);
    formulas.sort(([near], [far]) => near - far);
    let start = performance.now();
    for (const [, formula] of formulas) {
      await MathJax.typesetPromise([formula]);
      if (performance.now() - start < PIECE) continue;
      await pause();
      start = performance.now();
    }
  }

  window.MathJax = { ...window.MathJax, startup: { pageReady } };
})();
