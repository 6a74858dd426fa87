// Messages from a component to the server: acts, which are answered, and messages that a link holds back.

import { onReconnect } from "./connection.js";
import { leftAt } from "./links.js";
import { timers } from "./timers.js";

// Acts: what a visitor does in a component goes to the server one at a time. The server answers with the id of the last
// act it has done, `handled`; an act whose answer is lost is sent again under the same id, and done once.
export function sendAct(view, what) {
  view.count = (view.count ?? 0) + 1;
  view.name ??= Math.random().toString(36).slice(2);
  view.waiting = { ...what, id: `${view.name}:${view.count}`, subject: view.data.subject };
  view.send(view.waiting);
  askAgain(view, timers.resend);
}

// Twice as late each time: each of them interrupts the server, which may only be slow.
function askAgain(view, wait) {
  clearTimeout(view.asking);
  view.asking = setTimeout(() => {
    if (!view.waiting || !view.host.isConnected) return;
    view.send(view.waiting);
    askAgain(view, 2 * wait);
  }, wait);
}

// Whether nothing is on its way any more.
export function acknowledge(view, handled) {
  if (view.waiting && handled === view.waiting.id) {
    view.waiting = null;
    clearTimeout(view.asking);
  }
  return !view.waiting;
}

// What was on its way when the connection broke may be lost: what a component has sent since it was drawn last is sent
// once more. To do any of these messages twice is to do it once.
const unanswered = new Map(); // from a component's element to how its last message is sent again, and when it was sent

onReconnect(() => {
  for (const [host, { again, at }] of unanswered) {
    if (Date.now() - at < timers.unsure) again();
    else unanswered.delete(host);
  }
});

// Keeps what a page still says from calling back a reader who has left it: Streamlit takes every message for one about
// the page it showed last. So whatever was drawn before a link was clicked holds its messages for a while.
export function holdMessages(host, send) {
  host.drawnAt ??= Date.now();
  unanswered.delete(host);
  return (...message) => {
    const left = leftAt() >= host.drawnAt ? leftAt() + timers.left - Date.now() : 0;
    const again = () => { if (host.isConnected) send(...message); };
    unanswered.set(host, { again, at: Date.now() });
    if (left <= 0) send(...message);
    else setTimeout(again, left);
  };
}
