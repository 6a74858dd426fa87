// Keeps what a page still says from calling back a reader who has left it: Streamlit takes every message for one about
// the page it showed last. So whatever was drawn before a link was clicked holds its messages for a while.

import { timers } from "./timers.js";

let linkClickedAt = 0;

document.addEventListener("click", (event) => {
  const link = event.composedPath().find((element) => element.matches?.("a[href]"));
  if (link && !link.getAttribute("href").startsWith("#")) linkClickedAt = Date.now();
}, true);

// Whoever leads to another page without a link says so.
export function leavePage() {
  linkClickedAt = Date.now();
}

export function holdMessages(host, send) {
  host.drawnAt ??= Date.now();
  return (...message) => {
    const left = linkClickedAt >= host.drawnAt ? linkClickedAt + timers.left - Date.now() : 0;
    if (left <= 0) send(...message);
    else setTimeout(() => { if (host.isConnected) send(...message); }, left);
  };
}
