// Clicks on links to other pages of the app. Streamlit drops a click while the browser has no connection to the server:
// it is made again as soon as there is one, unless the reader has clicked elsewhere meanwhile.

let clickedAt = 0;
let unanswered = null; // the link of the last click, until its page is there

document.addEventListener("click", (event) => {
  const link = event.composedPath().find((element) => element.matches?.("a[href]"));
  const leaves = link && !link.getAttribute("href").startsWith("#") && !link.target;
  if (leaves) clickedAt = Date.now();
  unanswered = leaves ? link : null;
}, true);

function clickAgain() {
  if (document.querySelector("[data-test-connection-state]")?.dataset.testConnectionState !== "CONNECTED") return;
  if (unanswered?.isConnected && new URL(unanswered.href).pathname !== window.location.pathname) unanswered.click();
}

new MutationObserver(clickAgain).observe(document, {
  attributeFilter: ["data-test-connection-state"], subtree: true,
});

// Whoever leads to another page without a link says so.
export function leavePage() {
  clickedAt = Date.now();
}

// When the reader last set out for another page, in milliseconds; 0: never.
export function leftAt() {
  return clickedAt;
}
