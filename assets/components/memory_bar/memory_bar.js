// One GPU's memory as a bar: weights, reserve, cache, what is left. The handle under it changes the number of users; the
// bytes of each number come from the server, which is told where the handle was let go.

import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { fixed, grouped } from "../shared/numbers.js";
import { timers } from "../shared/timers.js";

const GIB = 2 ** 30;
const PARTS = ["weights", "reserve", "cache", "free", "kept", "missing"];
const DOUBT = "may be needed for weights and reserve";

const gib = (bytes) => `${fixed(bytes / GIB, Math.abs(bytes) < 10 * GIB ? 2 : 1)} GiB`;

function build(host) {
  host.replaceChildren();
  const view = { host, parts: {}, names: {}, wanted: null };
  const bar = make(host, "div", "bar", { "aria-hidden": "true" });
  for (const part of PARTS) view.parts[part] = make(bar, "div", `part ${part}`);
  view.doubt = make(bar, "div", "doubt");
  view.end = make(bar, "div", "end", { title: "the end of the GPU’s memory" });
  const label = make(host, "label", "users");
  make(label, "span", "", { text: "Users at once" });
  view.range = make(label, "input", "", { type: "range", min: "0", step: "1" });
  view.said = make(host, "p", "said", { "aria-live": "polite" });
  const list = make(host, "ul", "legend");
  for (const part of [...PARTS, "unsure", "edge"]) view.names[part] = make(list, "li", part);
  setText(view.names.unsure, DOUBT);
  setText(view.names.edge, "the end of the GPU’s memory");
  return view;
}

const verdict = (data, bytes) =>
  bytes <= data.left[0] ? "fits" : bytes > data.left[2] ? "does not fit" : "too close to call";

function draw(view, data, at) {
  const [users, cache] = data.stops[at];
  const kept = Math.max(0, data.memory - data.allowed);
  const taken = data.weights + data.reserve;
  const room = Math.max(0, data.allowed - taken);
  const missing = Math.max(0, taken + cache - data.allowed);
  const scale = data.memory + missing;
  const inside = Math.max(0, data.allowed - taken - cache);
  const bytes = { weights: data.weights, reserve: data.reserve, cache: Math.min(cache, room), free: inside, kept, missing };
  for (const part of PARTS) view.parts[part].style.width = `${(100 * bytes[part]) / scale}%`;
  view.end.style.left = `${(100 * data.memory) / scale}%`;
  view.end.hidden = !missing;
  // In the worst case weights and reserve take so much more: the room ends at the beginning of this stretch.
  const least = Math.max(0, taken + data.left[0]);
  view.doubt.style.left = `${(100 * least) / scale}%`;
  view.doubt.style.width = `${(100 * Math.max(0, taken + data.left[1] - least)) / scale}%`;
  const word = verdict(data, cache);
  view.host.dataset.verdict = word;
  const who = users === 1 ? "1 user" : `${grouped(users)} users`;
  const margin = data.left[1] - cache;
  setText(view.said, `${who}: ${gib(cache)} of cache on each GPU, ${word}. ` +
    (margin >= 0 ? `${gib(margin)} likely to be left.` : `${gib(-margin)} likely to be missing.`));
  view.range.setAttribute("aria-valuetext", `${who}, ${word}`);
  setText(view.names.weights, `weights ${gib(data.weights)}`);
  setText(view.names.reserve, `the engine’s reserve ${gib(data.reserve)}`);
  setText(view.names.cache, `cache ${gib(cache)}`);
  setText(view.names.free, `free ${gib(inside)}`);
  setText(view.names.kept, `beyond the engine’s share ${gib(kept)}`);
  setText(view.names.missing, `missing ${gib(missing)}`);
  for (const part of ["reserve", "free", "kept", "missing"]) view.names[part].hidden = !bytes[part];
  view.names.edge.hidden = !missing;
  view.names.unsure.hidden = data.left[0] === data.left[2];
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".memory-bar");
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  host.view ??= build(host);
  const view = host.view;
  const send = holdMessages(host, (users) => setTriggerValue("users", users));
  // What the hand has chosen stands until the server has answered it, even where an answer to an older wish comes first.
  if (view.wanted === data.users) view.wanted = null;
  const users = view.wanted ?? data.users;
  const at = data.stops.findIndex(([each]) => each >= users);
  view.range.max = String(data.stops.length - 1);
  view.range.value = String(at < 0 ? data.stops.length - 1 : at);
  draw(view, data, Number(view.range.value));
  view.range.oninput = () => {
    draw(view, data, Number(view.range.value));
    [view.wanted] = data.stops[Number(view.range.value)];
    clearTimeout(view.sending);
  };
  view.range.onchange = () => {
    clearTimeout(view.sending); // a key held down is one change
    view.sending = setTimeout(() => { if (view.wanted !== null) send(view.wanted); }, timers.settle);
  };
}
