// Keeps what a page still says from calling back a reader who has left it: Streamlit takes every message for one about
// the page it showed last. So whatever was drawn before a link was clicked holds its messages for a while.

function staying(host, send) {
  host.drawnAt ??= Date.now();
  if (!globalThis.linksWatched) {
    globalThis.linksWatched = true;
    document.addEventListener("click", (event) => {
      const link = event.composedPath().find((element) => element.matches?.("a[href]"));
      if (link && !link.getAttribute("href").startsWith("#")) globalThis.linkClickedAt = Date.now();
    }, true);
  }
  return (...message) => {
    const clicked = globalThis.linkClickedAt ?? 0;
    const left = clicked >= host.drawnAt ? clicked + timers.left - Date.now() : 0;
    if (left <= 0) send(...message);
    else setTimeout(() => { if (host.isConnected) send(...message); }, left);
  };
}
