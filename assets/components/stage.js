// A stage is bright: presenter view is light, whatever the presenter's own system prefers, unless the link names a theme.
// In a talk, keys change the scene wherever the focus is. The old picture stands until the new one is drawn.

const FORTH = new Set(["PageDown", "ArrowRight", "ArrowDown"]);
const BACK = new Set(["PageUp", "ArrowLeft", "ArrowUp"]);
const ASK_AGAIN = 1000; // milliseconds; what was asked while the line was cut is asked again
const GIVE_UP_WAITING = 3500; // milliseconds; a browser ends a transition after four seconds by itself

function brighten(parentElement) {
  const style = getComputedStyle(parentElement.host ?? parentElement);
  const address = new URL(window.location.href);
  if (address.searchParams.has("embed_options") || !isDark(style.getPropertyValue("--st-background-color"))) return;
  address.searchParams.append("embed_options", "light_theme");
  window.location.replace(address);
}

const drawn = () =>
  document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning" &&
  globalThis.talk.scene === globalThis.talk.wanted;

function inText(event) {
  const target = event.composedPath()[0];
  const kind = target.tagName === "INPUT" ? target.type : target.tagName;
  return target.isContentEditable || ["TEXTAREA", "text", "search", "number", "password"].includes(kind);
}

function onKey(event) {
  const talk = globalThis.talk;
  if (!talk.count || !talk.host.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && inText(event)) event.composedPath()[0].blur();
  const step = FORTH.has(event.key) ? 1 : BACK.has(event.key) ? -1 : 0;
  if (!step || (event.key.startsWith("Arrow") && inText(event))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  go(talk.wanted + step);
}

function go(scene) {
  const talk = globalThis.talk;
  const to = Math.min(talk.count, Math.max(1, scene));
  if (to === talk.wanted) return;
  talk.wanted = to;
  globalThis.linkClickedAt = Date.now(); // what the old scene still has to say would call the speaker back
  ask();
  if (!document.startViewTransition || talk.moving) return;
  talk.moving = true;
  const moving = document.startViewTransition(() => new Promise((done) => {
    const since = Date.now();
    const look = () => (drawn() || Date.now() - since > GIVE_UP_WAITING ? done() : setTimeout(look, 20));
    setTimeout(look, 20);
  }));
  moving.finished.catch(() => {}).then(() => { talk.moving = false; });
  moving.ready.catch(() => {});
  moving.updateCallbackDone.catch(() => {});
}

function ask() {
  const talk = globalThis.talk;
  clearTimeout(talk.asking);
  if (talk.scene === talk.wanted) return;
  talk.send("wanted", { scene: talk.wanted, at: Date.now() });
  talk.asking = setTimeout(ask, ASK_AGAIN);
}

function drawPlace(parentElement, data) {
  const place = parentElement.querySelector(".talk");
  place.hidden = !data.count;
  place.querySelector("span").textContent = `${data.scene} / ${data.count}`;
  const [back, forth] = place.querySelectorAll("button");
  back.disabled = data.scene <= 1;
  forth.disabled = data.scene >= data.count;
  back.onclick = () => go(globalThis.talk.wanted - 1);
  forth.onclick = () => go(globalThis.talk.wanted + 1);
}

export default function ({ data, parentElement, setStateValue }) {
  brighten(parentElement);
  if (!globalThis.talk) {
    globalThis.talk = { wanted: data.scene };
    window.addEventListener("keydown", onKey, true);
  }
  const talk = globalThis.talk;
  const host = parentElement.querySelector(".talk");
  // The page answers with where it stands; only an answer to the last wish, or a link, says where one wants to be.
  if (talk.scene === talk.wanted || talk.wanted === 0 || data.count !== talk.count) talk.wanted = data.scene;
  Object.assign(talk, { host, scene: data.scene, count: data.count, send: setStateValue });
  drawPlace(parentElement, data);
}
