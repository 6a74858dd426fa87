// Acts: what a visitor does in a component goes to the server one at a time. The server answers with the id of the last
// act it has done, `handled`; an act whose answer is lost is sent again under the same id, and done once.

import { timers } from "./timers.js";

export function sendAct(view, what) {
  view.count = (view.count ?? 0) + 1;
  view.name ??= Math.random().toString(36).slice(2);
  view.waiting = { ...what, id: `${view.name}:${view.count}`, subject: view.data.subject };
  view.send(view.waiting);
  clearTimeout(view.asking);
  view.asking = setTimeout(() => { if (view.waiting && view.host.isConnected) view.send(view.waiting); }, timers.resend);
}

// Whether nothing is on its way any more.
export function acknowledge(view, handled) {
  if (view.waiting && handled === view.waiting.id) {
    view.waiting = null;
    clearTimeout(view.asking);
  }
  return !view.waiting;
}
