// A prompt box that sends its text as one types and shows how the model cuts it into tokens.
// One question at a time: while an answer is on its way, only the latest text waits, older ones are dropped.

import { isConnected } from "../shared/connection.js";
import { markDrawn } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { timers } from "../shared/timers.js";

export const promptBoxes = {}; // by name, for a component that puts a token behind one's text

export default function ({ data, parentElement, setStateValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".prompt");
  const area = host.querySelector("textarea");
  area.disabled = false; // what is typed before this script has come would be lost
  const state = (host.state ??= { version: null, sent: null, committed: null, waiting: 0 });
  const tell = holdMessages(host, setStateValue);
  host.querySelector("label span").textContent = data.label;
  promptBoxes[data.name] = area; // so that a token can say which text it is put behind
  host.classList.toggle("compact", data.compact);

  if (state.visit !== undefined && state.visit !== data.visit) {
    // Another server process goes on with the scene of the link: what stands in the box is told to it once more.
    state.version = data.version;
    state.sent = state.committed = data.text;
    state.waiting = 0;
  }
  state.visit = data.visit;
  if (state.version !== data.version) {
    // The page itself put a text here: an example, a link, a token added. What was typed meanwhile behind the
    // text that a token was added to stays behind the token.
    const added = data.onto !== null && area.value.startsWith(data.onto);
    const text = added ? data.text + area.value.slice(data.onto.length) : data.text;
    state.waiting = 0;
    state.version = data.version;
    state.sent = state.committed = data.text;
    if (area.value !== text) area.value = text;
  }
  if (data.text === state.sent) state.waiting = 0;

  const again = () => {
    clearTimeout(state.again);
    state.again = setTimeout(() => { if (host.isConnected) send(); }, timers.listen);
  };
  const send = () => {
    if (!isConnected()) { // what was asked last may be lost: once the server is back, it is asked again
      state.sent = null;
      state.waiting = 0;
      again();
      return;
    }
    const waits = Date.now() - state.waiting < timers.lost;
    if (waits) again();
    if (waits || area.value === state.sent) return;
    state.sent = area.value;
    state.waiting = Date.now();
    again();
    tell("draft", { text: area.value, version: state.version });
  };
  const commit = () => {
    if (area.value === state.committed) return;
    if (!isConnected()) {
      clearTimeout(state.idle);
      state.idle = setTimeout(() => { if (host.isConnected) commit(); }, timers.idle);
      return;
    }
    state.committed = area.value;
    tell("committed", { text: area.value, version: state.version });
  };
  area.oninput = () => {
    fit(area, data.compact);
    send();
    clearTimeout(state.idle);
    state.idle = setTimeout(() => { if (host.isConnected) commit(); }, timers.idle);
  };
  area.onblur = (event) => {
    // On the way to another page the draft goes along by itself, and a message from here would call the reader back.
    if (event.relatedTarget?.closest("a")) return;
    setTimeout(() => { if (host.isConnected) commit(); }, timers.blur);
  };
  area.onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) commit(); };
  send();
  fit(area, data.compact);
  // On a stage type grows after the box is first drawn, and what was its end then is no longer.
  state.watching ??= new ResizeObserver(() => { if (host.classList.contains("compact")) fit(area, true); });
  state.watching.observe(area);
  drawChips(host, data);
}

// As high as its text; on a stage one line, of which the end is seen, because that is what the model goes on from.
function fit(area, compact) {
  area.style.height = "auto";
  if (compact) area.scrollTo(area.scrollWidth, area.scrollHeight);
  else area.style.height = `${Math.min(area.scrollHeight + 2, 240)}px`;
}

function drawChips(host, data) {
  const list = host.querySelector(".tokens");
  list.hidden = data.tokens === null;
  if (data.tokens === null) return;
  host.querySelector(".count").textContent = data.count;
  const chips = data.tokens.map((token) => {
    const chip = document.createElement("li");
    chip.textContent = token.label;
    chip.title = token.part ? `id ${token.id}, ${token.part}` : `id ${token.id}`;
    if (token.part) chip.append(Object.assign(document.createElement("small"), { textContent: token.part }));
    chip.dataset.token = token.id;
    chip.onclick = () => chip.classList.toggle("open");
    return chip;
  });
  host.querySelector("ol").replaceChildren(...chips);
  const ids = host.querySelector("button");
  ids.onclick = () => {
    const shown = host.classList.toggle("ids");
    ids.setAttribute("aria-pressed", String(shown));
  };
}
