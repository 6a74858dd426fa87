// One GPU's memory as a bar: weights, reserve, cache, what is left. The handle under it changes the number of users; the
// bytes of each number come from the server, which is told where the handle was let go.

import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { fixed, grouped } from "../shared/numbers.js";

const GIB = 2 ** 30;
const PARTS = ["weights", "reserve", "cache", "free", "kept"];
const DOUBT = "between the lines: where the room for the cache may end";

const gib = (bytes) => `${fixed(bytes / GIB, Math.abs(bytes) < 10 * GIB ? 2 : 1)} GiB`;

function build(host) {
  host.replaceChildren();
  const view = { host, parts: {}, names: {} };
  const bar = make(host, "div", "bar", { "aria-hidden": "true" });
  for (const part of PARTS) view.parts[part] = make(bar, "div", `part ${part}`);
  view.doubt = make(bar, "div", "doubt");
  const label = make(host, "label", "users");
  make(label, "span", "", { text: "Users at once" });
  view.range = make(label, "input", "", { type: "range", min: "0", step: "1" });
  view.said = make(host, "p", "said", { role: "status" });
  const list = make(host, "ul", "legend");
  for (const part of [...PARTS, "unsure"]) view.names[part] = make(list, "li", part);
  setText(view.names.unsure, DOUBT);
  return view;
}

const verdict = (data, bytes) =>
  bytes <= data.left[0] ? "fits" : bytes > data.left[2] ? "does not fit" : "too close to call";

function draw(view, data, at) {
  const [users, cache] = data.stops[at];
  const kept = Math.max(0, data.memory - data.allowed);
  const fixedPart = data.weights + data.reserve;
  const free = data.allowed - fixedPart - cache;
  const scale = Math.max(data.memory, fixedPart + cache + kept);
  const bytes = { weights: data.weights, reserve: data.reserve, cache, free: Math.max(0, free), kept };
  for (const part of PARTS) view.parts[part].style.width = `${(100 * bytes[part]) / scale}%`;
  // Where the room for the cache may end: between the worst and the best case.
  const [least, , most] = data.left.map((room) => (100 * (fixedPart + Math.max(0, room))) / scale);
  view.doubt.style.left = `${Math.min(100, least)}%`;
  view.doubt.style.width = `${Math.max(0, Math.min(100, most) - least)}%`;
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
  setText(view.names.free, free >= 0 ? `free ${gib(free)}` : `missing ${gib(-free)}`);
  setText(view.names.kept, kept ? `not for the engine ${gib(kept)}` : "");
  view.names.kept.hidden = !kept;
  view.names.unsure.hidden = data.left[0] === data.left[2];
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".memory-bar");
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  if (!host.view) host.view = build(host);
  const view = host.view;
  const send = holdMessages(host, (users) => setTriggerValue("users", users));
  const now = data.stops.findIndex(([users]) => users === data.users);
  view.range.max = String(data.stops.length - 1);
  if (!view.held) view.range.value = String(now);
  draw(view, data, Number(view.range.value));
  view.range.oninput = () => { view.held = true; draw(view, data, Number(view.range.value)); };
  view.range.onchange = () => {
    view.held = false;
    const [users] = data.stops[Number(view.range.value)];
    if (users !== data.users) send(users);
  };
}
