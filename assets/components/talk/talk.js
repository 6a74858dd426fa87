// A stage is bright: presenter view is light, whatever the presenter's own system prefers, unless the link names a theme.
// In a talk, keys change the scene wherever the focus is. The old picture stands until the new one is drawn.

import { markDrawn } from "../shared/dom.js";
import { leavePage } from "../shared/links.js";
import { isDark } from "../shared/numbers.js";
import { timers } from "../shared/timers.js";

const FORTH = new Set(["PageDown", "ArrowRight", "ArrowDown"]);
const BACK = new Set(["PageUp", "ArrowLeft", "ArrowUp"]);
const STILL_FOR = 3; // looks in a row that find the same picture: then it is drawn

function brighten(parentElement) {
  const style = getComputedStyle(parentElement.host ?? parentElement);
  const address = new URL(window.location.href);
  if (address.searchParams.has("embed_options") || !isDark(style.getPropertyValue("--st-background-color"))) return;
  address.searchParams.append("embed_options", "light_theme");
  window.location.replace(address);
}

// What is on the stage, short enough to be compared: elements and letters, inside components too; 0 while one is empty.
function weigh(root) {
  let weight = 0;
  for (const element of root.querySelectorAll("*")) {
    weight += 1 + (element.childElementCount ? 0 : element.textContent.length);
    if (!element.shadowRoot) continue;
    const inside = weigh(element.shadowRoot);
    if (!inside) return 0;
    weight += inside;
  }
  return weight;
}

// Lets go of the old picture once the page has run for the scene that is wanted and nothing moves any more.
function whenDrawn(done) {
  const since = Date.now();
  let last = 0;
  let still = 0;
  const look = () => {
    const ran = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning";
    const weight = globalThis.talk.stamp === null && ran ? weigh(document.querySelector('[data-testid="stMain"]')) : 0;
    still = weight && weight === last ? still + 1 : 0;
    last = weight;
    if (still >= STILL_FOR || Date.now() - since > timers.transition) done();
    else setTimeout(look, timers.look);
  };
  setTimeout(look, timers.look);
}

function focused() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}

function inText(element) {
  const kind = element?.tagName === "INPUT" ? element.type : element?.tagName;
  return element?.isContentEditable || ["TEXTAREA", "text", "search", "number", "password"].includes(kind);
}

function onKey(event) {
  const talk = globalThis.talk;
  if (!talk.count || !talk.host.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = inText(event.composedPath()[0]);
  const step = FORTH.has(event.key) ? 1 : BACK.has(event.key) ? -1 : 0;
  if (!step || (event.key.startsWith("Arrow") && typing)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  go(talk.wanted + step);
}

function go(scene) {
  const talk = globalThis.talk;
  const to = Math.min(talk.count, Math.max(1, scene));
  if (to === talk.wanted) return;
  talk.wanted = to;
  talk.stamp = `${Date.now()}-${to}`;
  leavePage(); // what the old scene still has to say would call the speaker back
  if (inText(focused())) focused().blur(); // an edit that was not finished ends with its scene
  document.querySelector('[data-testid="stPopoverBody"]')
    ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  ask();
  if (!document.startViewTransition || talk.moving) return;
  talk.moving = true;
  const moving = document.startViewTransition(() => new Promise(whenDrawn));
  moving.finished.catch(() => {}).then(() => { talk.moving = false; });
  moving.ready.catch(() => {});
  moving.updateCallbackDone.catch(() => {});
}

function ask() {
  const talk = globalThis.talk;
  clearTimeout(talk.asking);
  if (talk.stamp === null) return;
  talk.send("wanted", { scene: talk.wanted, stamp: talk.stamp });
  talk.asking = setTimeout(ask, timers.scene);
}

function drawPlace(host, data) {
  host.hidden = !data.count;
  host.querySelector("span").textContent = `${data.scene} / ${data.count}`;
  const [back, forth] = host.querySelectorAll("button");
  back.disabled = data.scene <= 1;
  forth.disabled = data.scene >= data.count;
  back.onclick = () => go(globalThis.talk.wanted - 1);
  forth.onclick = () => go(globalThis.talk.wanted + 1);
}

export default function ({ data, parentElement, setStateValue }) {
  markDrawn(parentElement);
  brighten(parentElement);
  if (!globalThis.talk) {
    globalThis.talk = { stamp: null };
    window.addEventListener("keydown", onKey, true);
  }
  const talk = globalThis.talk;
  // A page may still answer an older wish: only the answer to the last one, or a link, says where one is.
  if (data.heard === talk.stamp) talk.stamp = null;
  if (talk.stamp === null || !data.count) talk.wanted = data.scene;
  Object.assign(talk, { host: parentElement.querySelector(".talk"), count: data.count, send: setStateValue });
  drawPlace(talk.host, data);
}
