// Play, pause, step, reset and scrub a training run. What the visitor does goes to the server one act at a time; while
// a run plays, the component asks for the next picture as soon as it has drawn the last.

import { acknowledge, holdMessages, sendAct } from "../shared/messages.js";
import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { grouped } from "../shared/numbers.js";
import { timers } from "../shared/timers.js";
import { drawChart, preview } from "./chart.js";

function build(host) {
  host.replaceChildren();
  const view = { host, waiting: null, queued: null };
  const bar = make(host, "div", "transport");
  view.reset = make(bar, "button", "", { type: "button", text: "Reset", title: "Back to step 0, same seed" });
  view.play = make(bar, "button", "main", { type: "button", text: "Play" });
  view.resume = make(bar, "button", "main", { type: "button", text: "Resume" });
  view.step = make(bar, "button", "", { type: "button", text: "Step", title: "One update of the weights, opened below" });
  const label = make(bar, "label", "speed");
  make(label, "span", "unseen", { text: "Speed" });
  view.speed = make(label, "select", "");
  for (const [value, text] of [["full", "whole run in 10 s"], ["ten", "10 steps a second"], ["one", "1 step a second"], ["fast", "as fast as it trains"]]) {
    make(view.speed, "option", "", { value, text });
  }
  view.reseed = make(bar, "button", "reseed", { type: "button", text: "New seed" });
  view.counter = make(bar, "output", "counter");
  view.chart = make(host, "div", "chart");
  view.key = make(host, "p", "key");
  for (const [className, text] of [["loss", "training loss"], ["held", "held-out loss"], ["floor", "best with that knowledge only"]]) {
    const item = make(view.key, "span", `item ${className}`);
    make(item, "i", "");
    make(item, "span", "", { text });
  }
  make(view.key, "span", "item units", { text: "left: nats per token, right: perplexity" });
  const scrub = make(host, "label", "scrub");
  make(scrub, "span", "unseen", { text: "Training time, in steps" });
  view.scrub = make(scrub, "input", "", { type: "range", min: "0", step: "1" });
  view.said = make(host, "p", "said");
  view.facts = make(host, "dl", "figures");
  view.live = make(host, "p", "unseen", { "aria-live": "polite" });
  return view;
}

// ---- acts --------------------------------------------------------------------------------------------------------

// A click does not wait for the answer to a tick; a second click waits for the answer to the first, the last one wins.
function go(view, what) {
  clearTimeout(view.coming);
  if (view.waiting && view.waiting.kind !== "tick") view.queued = what;
  else sendAct(view, what);
}

function answered(view) {
  const { data } = view;
  clearTimeout(view.coming);
  if (!acknowledge(view, data.handled)) return;
  if (view.queued) {
    const what = view.queued;
    view.queued = null;
    sendAct(view, what);
  } else if (data.playing) {
    view.coming = setTimeout(() => { if (view.host.isConnected) sendAct(view, { kind: "tick" }); }, timers.tick);
  }
}

function listen(view) {
  view.reset.onclick = () => go(view, { kind: "reset" });
  view.play.onclick = () => {
    const pausing = Boolean(view.data.playing);
    go(view, pausing ? { kind: "pause" } : { kind: "play", speed: view.speed.value });
    setText(view.play, pausing ? "Play" : "Pause");
  };
  view.speed.onchange = () => { if (view.data.playing) go(view, { kind: "play", speed: view.speed.value }); };
  view.step.onclick = () => go(view, { kind: "step" });
  view.resume.onclick = () => go(view, { kind: "resume" });
  view.reseed.onclick = () => go(view, { kind: "seed", seed: (view.data.seed + 1) % 2 ** 32 });
  view.scrub.oninput = () => {
    view.dragging = true;
    const step = Math.min(Number(view.scrub.value), view.data.head);
    view.scrub.value = step;
    preview(view, step);
    setText(view.counter, `step ${grouped(step)} of ${grouped(view.data.steps)}`);
  };
  view.scrub.onchange = () => {
    view.dragging = false;
    go(view, { kind: "move", at: Math.min(Number(view.scrub.value), view.data.head) });
  };
}

// ---- picture -----------------------------------------------------------------------------------------------------

function drawFacts(view) {
  const { facts } = view.data;
  if (view.facts.children.length !== facts.length) {
    view.facts.replaceChildren();
    for (const [name] of facts) {
      const item = make(view.facts, "div", "");
      make(item, "dt", "", { text: name });
      make(item, "dd", "");
    }
  }
  facts.forEach(([, figure], i) => setText(view.facts.children[i].lastElementChild, figure));
}

function show(view) {
  const { data } = view;
  const { host } = view;
  host.dataset.compact = data.compact ? "1" : "";
  showTheme(host);
  setText(view.play, data.playing ? "Pause" : data.ended ? "Play again" : "Play");
  view.step.disabled = data.ended || data.lost;
  view.reset.disabled = data.at === 0 && !data.playing;
  view.resume.hidden = !data.lost;
  view.play.hidden = data.lost;
  view.reseed.title = `The seed is ${data.seed}; the next is ${(data.seed + 1) % 2 ** 32}`;
  if (data.playing && data.playing !== "ahead") view.speed.value = data.playing;
  view.scrub.max = data.steps;
  view.scrub.setAttribute("aria-valuetext", `step ${data.at} of ${data.steps}, trained up to ${data.head}`);
  if (!view.dragging) {
    view.scrub.value = data.at;
    setText(view.counter, `step ${grouped(data.at)} of ${grouped(data.steps)}, seed ${data.seed}`);
  }
  drawChart(view);
  setText(view.said, data.said);
  view.said.classList.toggle("alert", data.lost);
  drawFacts(view);
  setText(view.live, data.told);
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".training");
  const view = (host.view ??= build(host));
  view.data = data;
  view.send = holdMessages(host, (what) => setTriggerValue("act", what));
  listen(view);
  show(view);
  answered(view);
  view.sizes ??= new ResizeObserver(() => { if (host.isConnected) drawChart(view); });
  view.sizes.observe(view.chart);
}
