// Step, play, go back, take another token: what the visitor does goes to the server one act at a time, and the next one
// of a running play only after the answer to the last. view.js draws the answers.

import { acknowledge, holdMessages, sendAct } from "../shared/messages.js";
import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";
import { build, drawBranches, drawRows, drawState, drawStations, drawText, light, turnLine } from "./view.js";

const MOST_WAITING = 32;

// What the visitor wants while an answer is on its way waits for it: `make` says what it means by then.
function go(view, make) {
  pause(view);
  if (view.waiting) {
    if (view.queue.length < MOST_WAITING) view.queue.push(make);
  } else attempt(view, make);
}

function attempt(view, make) {
  const what = make(view.data);
  if (what) sendAct(view, what);
  else next(view);
}

// ---- playing -----------------------------------------------------------------------------------------------------

function play(view, pace, until = Infinity) {
  view.playing = { pace, until };
  drawTransport(view);
  next(view);
}

function pause(view) {
  const was = view.playing;
  view.playing = null;
  clearTimeout(view.coming);
  if (was) drawTransport(view);
  return Boolean(was);
}

// Pausing tells the server, so that the link follows to where the play has stopped.
function halt(view) {
  if (pause(view)) go(view, () => ({ kind: "rest" }));
}

function next(view) {
  const { playing, data } = view;
  if (!playing || view.waiting) return;
  const left = playing.until - data.at;
  if (data.finish || data.problem || left <= 0) { halt(view); return; }
  const fast = playing.pace === 0;
  // The last step of a play that ends by number is an ordinary one: the link follows it.
  sendAct(view, { kind: "step", playing: left > 1, most: fast ? Math.min(64, left === Infinity ? 64 : left) : 1 });
}

function answered(view, before) {
  const { data } = view;
  const { playing } = view;
  const grew = before && data.at > before.at;
  acknowledge(view, data.handled);
  light(view, data, grew ? 3 : null, playing ? Math.min(130, playing.pace / 8) : 130);
  while (!view.waiting && view.queue.length) attempt(view, view.queue.shift());
  if (!playing || view.waiting) return;
  clearTimeout(view.coming);
  if (data.finish || data.problem || data.at >= playing.until) { halt(view); return; }
  view.coming = setTimeout(() => next(view), playing.pace);
}

// ---- controls ----------------------------------------------------------------------------------------------------

function drawTransport(view) {
  const { data } = view;
  const ended = Boolean(data.finish);
  view.back.disabled = data.at === 0;
  view.step.disabled = view.end.disabled = ended || data.readonly;
  view.play.disabled = ended && !view.playing;
  view.play.hidden = data.readonly;
  setText(view.play, view.playing ? "Pause" : "Play");
  view.play.setAttribute("aria-label", view.playing ? "Pause" : "Play");
  view.play.setAttribute("aria-pressed", String(Boolean(view.playing)));
  view.forward.hidden = data.at >= data.tokens.length;
  for (const each of [view.step, view.end, view.speed.parentElement, view.seed.parentElement.parentElement]) each.hidden = data.readonly;
  if (view.seed !== view.host.getRootNode().activeElement) view.seed.value = data.seed ?? "";
  view.reseed.disabled = view.seed.disabled = Boolean(data.greedy);
  view.again.textContent = data.greedy ? "Again" : "Again, same seed";
}

function complain(view, sentence) {
  view.problem.textContent = sentence;
  view.problem.hidden = !sentence;
}

function seedTyped(view) {
  const seed = Number(view.seed.value);
  if (view.seed.value.trim() && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) go(view, () => ({ kind: "seed", seed }));
  else complain(view, `The seed must be a whole number from 0 to 4,294,967,295, not ${view.seed.value.slice(0, 20) || "empty"}.`);
}

function listen(view) {
  const { host } = view;
  const move = (by) => () => go(view, ({ at, tokens }) => (at + by < 0 || at + by > tokens.length ? null : { kind: "move", at: at + by }));
  view.back.onclick = move(-1);
  view.forward.onclick = move(1);
  view.step.onclick = () => go(view, ({ finish }) => (finish ? null : { kind: "step" }));
  view.play.onclick = () => (view.playing ? halt(view) : play(view, Number(view.speed.value)));
  view.speed.onchange = () => { if (view.playing) play(view, Number(view.speed.value)); };
  view.end.onclick = () => play(view, 0);
  view.again.onclick = () => go(view, () => ({ kind: "again" }));
  view.reseed.onclick = () => go(view, (data) => ({ kind: "seed", seed: ((data.seed ?? 0) + 1) % 2 ** 32 }));
  view.seed.onchange = () => seedTyped(view);
  host.onkeydown = (event) => key(view, event);
}

function key(view, event) {
  const { data } = view;
  const inside = event.target;
  if (!data.keys || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(inside.tagName)) return;
  const at = view.shown.findIndex((item) => item.name === inside);
  const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const doing = {
    ArrowRight: () => (data.readonly ? view.forward : view.step).click(),
    ArrowLeft: () => view.back.click(),
  }[event.key];
  if (turn && at >= 0 && view.shown[at + turn]) focusRow(view, at + turn);
  else if (doing) doing();
  else if (event.key === " " && inside.tagName !== "BUTTON") view.play.click();
  else if (/^[1-9]$/.test(event.key)) {
    const nth = Number(event.key) - 1;
    go(view, () => (view.shown[nth] ? { kind: "take", token: view.shown[nth].id } : null));
  } else return;
  event.preventDefault();
}

function focusRow(view, at) {
  for (const item of view.shown) item.name.tabIndex = -1;
  view.shown[at].name.tabIndex = 0;
  view.shown[at].name.focus();
}

// Where the focus was is gone when the rows are drawn anew: whoever works by keys goes on where they were.
function keepFocus(view, redraw) {
  const root = view.host.getRootNode();
  const held = root.activeElement;
  const row = view.shown.findIndex((item) => item.name === held);
  const inText = view.text.contains(held);
  redraw();
  if (row >= 0 && view.shown.length) focusRow(view, Math.min(row, view.shown.length - 1));
  else if (inText || row >= 0 || (held?.disabled && view.host.contains(held))) view.host.focus();
}

function announce(view, before) {
  const { data } = view;
  if (!before || view.playing) return;
  const last = data.tokens[data.at - 1];
  const text = data.finish ? data.sentence : last && data.at !== before.at ? `${data.at > before.at ? "Added" : "Back to"} ${last.spoken}, ${percent(last.p)}.` : "";
  const next = data.turn && !data.finish ? ` Next: ${data.turn.pick.spoken}, ${percent(data.turn.pick.p)}.` : "";
  if (data.at !== before.at || data.finish !== before.finish) view.live.textContent = text + next;
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".generation");
  host.tabIndex = -1;
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  host.dataset.keys = data.keys ? "1" : "0";
  const view = (host.view ??= build(host));
  const before = view.data;
  view.data = data;
  if (before && before.subject !== data.subject) {
    pause(view);
    view.queue = [];
  }
  view.send = holdMessages(host, (what) => setTriggerValue("act", what));
  listen(view);
  view.table.caption.textContent = data.caption;
  complain(view, data.problem ?? "");
  keepFocus(view, () => {
    drawStations(view, data);
    drawText(view, data, Boolean(before) && data.at > before.at, (what) => go(view, () => what));
    drawState(view, data);
    setText(view.turn, turnLine(data));
    view.turn.classList.toggle("stopped", Boolean(data.sentence));
    // A second click on the same row is meant for the turn that was seen, not for the next one.
    drawRows(view, data, (what) => { if (!view.waiting) go(view, () => what); });
    drawBranches(view, data, (what) => go(view, () => what));
    drawTransport(view);
  });
  view.facts.textContent = data.readonly || data.finish ? "" : "Click a row to take its token instead: that opens a branch.";
  announce(view, before);
  answered(view, before);
  if (data.to_take && view.took !== data.arrival) {
    view.took = data.arrival;
    play(view, 0, data.at + data.to_take);
  }
}
