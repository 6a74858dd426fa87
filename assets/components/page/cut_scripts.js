// A browser never asks again for a module whose fetch was cut off, so a part of the page whose script was lost would be
// missing for good. The page is loaded again instead, at its link, which holds all that was set; each time in a row after
// twice the wait. Stands in the page itself: a file of its own could be cut off too.
(() => {
  const FIRST = 1_000, CALM = 60_000, KEY = "nte-cut-scripts"; // ms
  let waiting = false;
  const again = () => {
    if (waiting) return;
    waiting = true;
    const [count, last] = (sessionStorage.getItem(KEY) ?? "0 0").split(" ").map(Number);
    const inARow = Date.now() - last < CALM ? count : 0;
    const wait = FIRST * 2 ** Math.min(inARow, 5);
    setTimeout(() => {
      sessionStorage.setItem(KEY, `${inARow + 1} ${Date.now()}`);
      location.reload();
    }, wait);
  };
  addEventListener("vite:preloadError", again); // what Streamlit loads when it first needs it
  addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement) again(); // what it begins with
  }, true);
})();
