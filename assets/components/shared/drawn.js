// Says on a component's own element how often it has drawn: whoever drives the page waits for that, and not for a while.

export function markDrawn(parentElement) {
  const host = parentElement.getRootNode().host ?? parentElement;
  host.dataset.drawn = String(Number(host.dataset.drawn ?? 0) + 1);
}
