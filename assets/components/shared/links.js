// Clicks on links to other pages of the app. Streamlit drops a click while the browser has no connection to the server:
// it is made again as soon as there is one, unless the reader has clicked elsewhere meanwhile.

import { onReconnect } from "./connection.js";

let clickedAt = 0;
let unanswered = null; // the link of the last click, until its page is there

document.addEventListener("click", (event) => {
  const link = event.composedPath().find((element) => element.matches?.("a[href]"));
  const leaves = link && !link.getAttribute("href").startsWith("#") && !link.target;
  if (leaves) clickedAt = Date.now();
  unanswered = leaves ? link : null;
}, true);

// After what the page that is left had still to say.
onReconnect(() => queueMicrotask(() => {
  if (unanswered?.isConnected && new URL(unanswered.href).pathname !== window.location.pathname) unanswered.click();
}));

// Whoever leads to another page without a link says so.
export function leavePage() {
  clickedAt = Date.now();
}

// When the reader last set out for another page, in milliseconds; 0: never.
export function leftAt() {
  return clickedAt;
}
