// Temperature, filters and the fixed dart over all logits at once, in the browser: dragging sends nothing, letting go
// sends the settings. The figures come from sampling.js, the logits and the labels from payload.js.

import { payloads } from "../payload/payload.js";
import { labelled, make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { MINUS, along, cell, digits, fixed, grouped, percent, ticks } from "../shared/numbers.js";
import { timers } from "../shared/timers.js";
import { apply, drawMany, massOf, nucleus, prepare, probability, shareOf } from "./sampling.js";

const NAMES = { temperature: "temperature", top_k: "top-k", top_p: "top-p", min_p: "min-p" };
const FIELDS = { top_k: "k", top_p: "p", min_p: "m" };
const ALLOWED = {
  k: { test: (x) => Number.isInteger(x) && x >= 1 && x <= 1e6, text: "Top-k must be a whole number from 1 to 1,000,000, such as 50; leave it empty for off." },
  p: { test: (x) => x >= 0 && x <= 1, text: "Top-p must be from 0 to 1, such as 0.9; leave it empty for off." },
  m: { test: (x) => x >= 0 && x <= 1, text: "Min-p must be from 0 to 1, such as 0.05; leave it empty for off." },
};
const SHOWN_DRAWS = 8;
const LN2 = Math.log(2);

const number = (t) => String(Number(t.toPrecision(10)));
const short = (x) => (x < 9.95 ? x.toFixed(2) : x < 99.5 ? x.toFixed(1) : grouped(Math.round(x)));

function build(host) {
  host.replaceChildren();
  const view = { host, settings: null, version: null, rows: [], width: 0 };
  const control = make(host, "div", "control");
  const label = make(control, "label", "heat");
  make(label, "span", "", { text: "Temperature" });
  view.slider = make(label, "input", "", { type: "range", min: 0, max: 2, step: 0.01 });
  view.box = make(control, "input", "number", { "aria-label": "Temperature as a number", inputmode: "decimal", autocomplete: "off" });
  view.reset = make(control, "button", "", { type: "button", text: "Reset to 1" });
  const wide = make(control, "label", "tick");
  view.wide = make(wide, "input", "", { type: "checkbox" });
  make(wide, "span", "", { text: "up to 5" });
  view.problem = make(host, "p", "problem", { role: "alert", hidden: "" });
  view.meaning = make(host, "p", "meaning");
  view.summary = make(host, "p", "summary");
  view.table = make(host, "table", "");
  view.table.createCaption();
  view.table.createTHead().insertRow();
  view.table.createTBody();
  view.facts = make(host, "p", "facts");
  const strip = make(host, "div", "strip", { "aria-hidden": "true" });
  view.stretches = make(strip, "div", "stretches");
  view.dart = make(strip, "span", "dart", { text: "\u25bc" });
  make(host, "p", "key", { text: "Each token\u2019s stretch is as wide as its probability; they stand in order of id; hatched: all others." });
  view.pick = make(host, "p", "pick");
  const throwing = make(host, "div", "control throwing");
  view.next = make(throwing, "button", "", { type: "button", text: "New dart" });
  view.seed = labelled(throwing, "Seed", { inputmode: "numeric", class: "number" });
  view.throwing = make(throwing, "button", "", { type: "button", text: "Throw 1,000", "aria-pressed": "false" });
  view.draws = make(host, "p", "draws");
  view.filters = buildFilters(host);
  view.live = make(host, "p", "unseen", { "aria-live": "polite" });
  return view;
}

function buildFilters(host) {
  const fold = make(host, "details", "filters");
  const filters = { fold, title: make(fold, "summary", ""), fields: {} };
  const inputs = make(fold, "div", "control");
  for (const [name, field] of Object.entries(FIELDS)) {
    filters.fields[field] = labelled(inputs, NAMES[name], { placeholder: "off", inputmode: "decimal", class: "number" });
  }
  const orders = make(fold, "div", "control");
  const label = make(orders, "label", "field");
  make(label, "span", "", { text: "Order as in" });
  filters.preset = make(label, "select", "");
  filters.order = make(orders, "ol", "order", { "aria-label": "Order of the filters" });
  filters.kept = make(fold, "p", "kept");
  return filters;
}

// ---- figures -> screen -------------------------------------------------------------------------------------------

const nameOf = (view, id) => view.labels?.[id] ?? `id ${id}`;

function spoken(view, id) {
  const signs = view.data.spoken;
  return [...nameOf(view, id)].map((c) => (signs[c] ? ` ${signs[c]} ` : c)).join("").split(/\s+/).filter(Boolean).join(" ");
}

function inWords(settings) {
  if (settings.t === 0) return "T = 0 is greedy: always the likeliest token; nothing is divided.";
  if (settings.t === 1) return "T = 1: as the model said.";
  return settings.t < 1 ? "Below 1 the gaps grow: the likely get likelier." : "Above 1 the gaps shrink: the unlikely get their chance.";
}

function summary(view, result) {
  const nats = result.entropy;
  const bits = `${(nats / LN2).toFixed(3)} bits`;
  const like = `like a fair choice among ${short(Math.exp(nats))} tokens`;
  if (view.data.compact && view.filtered) return `${view.filters.title.said}. Entropy ${bits}, ${like}.`; // one line
  const count = nucleus(result, result.kept, 0.9);
  const held = count === 1 ? "the top one holds" : `the top ${grouped(count)} hold`;
  const share = result.kept === 1 ? "all of it" : "90 % or more";
  return `Entropy ${bits} (${nats.toFixed(3)} nats), ${like}; ${held} ${share}.`;
}

function drawHead(view, filtered) {
  const row = view.table.tHead.rows[0];
  row.replaceChildren();
  cell(row, "th", "rank", "#");
  cell(row, "th", "token", "token");
  const axis = cell(cell(row, "th", "bar"), "span", "axis");
  for (const tick of ticks(view.data.axis)) cell(axis, "span", "", tick);
  cell(row, "th", "percent", filtered ? "after filters" : "probability");
  cell(row, "th", "percent second", filtered ? "before" : "at T = 1");
  cell(row, "th", "wide thrown", "of 1,000");
  for (const head of row.cells) head.scope = "col";
}

// Rows are made once for a prompt and then only changed: nothing may move while somebody drags.
function buildRows(view) {
  const { n, order } = view.prepared;
  const size = Math.min(view.data.size, n);
  const body = view.table.tBodies[0];
  body.replaceChildren();
  view.rows = [];
  const add = (first, last, name, id) => {
    const row = body.insertRow();
    const item = { row, first, last, id };
    cell(row, "td", "rank", id === undefined ? "" : grouped(first + 1));
    item.name = cell(row, "th", "token", name);
    item.name.scope = "row";
    const track = cell(cell(row, "td", "bar"), "span", "track");
    item.fill = cell(track, "span", "fill");
    item.ghost = cell(track, "span", "ghost");
    item.whisker = cell(track, "span", "whisker");
    item.count = cell(track, "span", "count");
    item.percent = cell(row, "td", "percent");
    item.second = cell(row, "td", "percent second");
    item.thrown = cell(row, "td", "wide thrown");
    if (id === undefined) row.className = "rest";
    else {
      row.dataset.id = id;
      row.tabIndex = first === 0 ? 0 : -1;
      row.onfocus = row.onpointerenter = () => { view.pointed = item; showFacts(view); };
      row.onclick = () => row.focus();
    }
    view.rows.push(item);
  };
  for (let at = 0; at < size; at++) add(at, at, nameOf(view, order[at]), order[at]);
  const ends = view.data.compact ? [] : [100, 1000, 10000].filter((edge) => edge > size && edge < n);
  let from = size;
  for (const end of [...ends, n]) {
    if (end > from) add(from, end - 1, `ranks ${grouped(from + 1)}\u2013${grouped(end)}`);
    from = end;
  }
  view.marked = new Uint8Array(n);
  for (let at = 0; at < Math.min(40, n); at++) view.marked[order[at]] = 1;
  view.pointed = null;
  nameRows(view);
}

function nameRows(view) {
  for (const item of view.rows) {
    if (item.id === undefined) continue;
    item.name.textContent = item.name.title = nameOf(view, item.id);
    item.name.setAttribute("aria-label", spoken(view, item.id));
  }
}

function figures(view, result, item) {
  const { prepared } = view;
  const { first, last } = item;
  const plain = shareOf(prepared.plain, first, last);
  const before = result.greedy ? Number(first === 0) : shareOf(result.before, first, last);
  return { after: massOf(prepared, result, first, last), before, plain, cut: first >= result.kept };
}

function drawRows(view, result, filtered) {
  const { axis } = view.data;
  const picked = view.prepared.rank[view.picks[0]];
  for (const item of view.rows) {
    const { after, before, plain, cut } = figures(view, result, item);
    const p = cut ? before : after;
    item.fill.style.width = `${along(p, axis)}%`;
    item.row.classList.toggle("cut", cut && !result.greedy);
    item.ghost.hidden = !view.settings.ghost;
    item.ghost.style.width = `${along(plain, axis)}%`;
    setText(item.percent, cut && !result.greedy ? "cut" : percent(after));
    setText(item.second, percent(filtered ? before : plain));
    item.exact = [after, filtered ? before : plain];
    const drawn = item.first <= picked && picked <= item.last;
    item.row.classList.toggle("drawn", drawn);
    drawThrown(view, item, after, axis);
  }
}

function drawThrown(view, item, p, axis) {
  const thrown = view.settings.darts;
  item.whisker.hidden = item.count.hidden = !thrown;
  if (!thrown) return;
  const throws = view.picks.length;
  let hits = 0;
  for (const [rank, count] of view.tally) if (item.first <= rank && rank <= item.last) hits += count;
  const error = Math.sqrt((p * (1 - p)) / throws);
  const low = along(Math.max(0, p - 2 * error), axis);
  item.whisker.style.left = `${low}%`;
  item.whisker.style.width = `${Math.max(0, along(Math.min(1, p + 2 * error), axis) - low)}%`;
  item.count.style.left = `${along(hits / throws, axis)}%`;
  setText(item.thrown, grouped(hits));
  item.expected = `expected ${(throws * p).toFixed(1)} \u00b1 ${(throws * error).toFixed(1)} (one standard deviation)`;
}

function drawStrip(view, stretches) {
  const strip = view.stretches;
  const width = view.width * (view.data.compact ? 0.6 : 1); // type is larger on a stage
  while (strip.children.length < stretches.size) make(strip, "span", "stretch");
  while (strip.children.length > stretches.size) strip.lastChild.remove();
  let i = 0;
  for (const [id, [begin, end]] of stretches) {
    const piece = strip.children[i++];
    piece.style.left = `${100 * begin}%`;
    piece.style.width = `${100 * (end - begin)}%`;
    const name = nameOf(view, id);
    setText(piece, (end - begin) * width > 9 * name.length + 6 ? name : ""); // a name that fits, or none
    piece.classList.toggle("drawn", id === view.picks[0]);
  }
  view.dart.style.left = `${100 * view.data.darts[0]}%`;
}

function pickLine(view, result, stretches) {
  const id = view.picks[0];
  const { prepared, data } = view;
  const p = probability(prepared, result, id);
  const rank = prepared.rank[id] + 1;
  const where = stretches.get(id);
  const stretch = where ? `, whose stretch runs from ${where[0].toFixed(4)} to ${where[1].toFixed(4)}` : "";
  const peak = rank === 1 ? "It is the peak." : `The peak is ${nameOf(view, prepared.order[0])}: the dart decides, not the height.`;
  if (result.greedy) return `Greedy draws nothing: ${nameOf(view, id)} is taken, the lowest id among the likeliest.`;
  if (data.compact) return `u = ${data.darts[0].toFixed(4)} lands on ${nameOf(view, id)} (rank ${grouped(rank)}, ${percent(p)}).`;
  return `The dart stands at u = ${data.darts[0].toFixed(4)} and lands on ${nameOf(view, id)} ` +
    `(rank ${grouped(rank)}, ${percent(p)})${stretch}. ${peak}`;
}

function showFacts(view) {
  const item = view.pointed;
  if (!item || !view.result) {
    view.facts.textContent = "Point at a row, or tap it, for its exact figures. Drag, and watch the outlines: they stay at T = 1.";
    return;
  }
  const { after, before, plain } = figures(view, view.result, item);
  const gap = view.prepared.gaps[item.first];
  view.facts.textContent = `${nameOf(view, item.id)} (id ${item.id}): probability ${digits(after)}; before filters ${digits(before)}; ` +
    `at T = 1 ${digits(plain)}; ${fixed(gap, 4)} below the largest logit`.replace(`${MINUS}0.0000 below`, "0 below").replace(MINUS, "");
}

function drawFilters(view, result) {
  const { settings, filters, data } = view;
  const on = settings.order.filter((name) => FIELDS[name] && settings[FIELDS[name]] !== null);
  const named = on.map((name) => `${NAMES[name]} ${settings[FIELDS[name]]}`).join(", ");
  setText(filters.title, `Filters: ${named || "none"}`);
  if (!filters.fold.open) return;
  const steps = result.stages.map(({ name, kept }) => `${NAMES[name]} (${grouped(kept)} left)`);
  let kept = `logits \u2192 ${steps.join(" \u2192 ")} \u2192 renormalised \u2192 drawn. Kept: ${grouped(result.kept)} of ` +
    `${grouped(view.prepared.n)} tokens, which held ${percent(result.mass)} before; what is left is divided by that.`;
  if (settings.p === 1) kept += " Top-p 1 cuts nothing.";
  if (settings.p === 0) kept += " Top-p 0 keeps the likeliest alone.";
  if (settings.m === 0) kept += " Min-p 0 cuts nothing.";
  if (settings.m === 1) kept += " Min-p 1 keeps only what is as likely as the likeliest.";
  setText(filters.kept, kept);
  if (filters.shown === String(settings.order)) return;
  filters.shown = String(settings.order);
  const preset = Object.entries(data.presets).find(([, order]) => String(order) === filters.shown)?.[0] ?? "own order";
  filters.preset.replaceChildren(...[...Object.keys(data.presets), "own order"].map((name) => new Option(name, name, false, name === preset)));
  filters.order.replaceChildren();
  settings.order.forEach((name, at) => {
    const item = make(filters.order, "li", "");
    make(item, "span", "", { text: NAMES[name] });
    const up = make(item, "button", "", { type: "button", text: "\u2191", "aria-label": `Move ${NAMES[name]} earlier` });
    up.disabled = at === 0;
    up.onclick = () => {
      const order = [...settings.order];
      order.splice(at - 1, 2, order[at], order[at - 1]);
      change(view, { order });
      draw(view); // now, so that the focus goes on with the filter that moved
      const moved = filters.order.children[at - 1].querySelector("button");
      (moved.disabled ? filters.order.children[at].querySelector("button") : moved).focus();
    };
  });
}

// What can wait until the hand rests: exact figures to point at, and what a screen reader is told.
function rest(view) {
  for (const item of view.rows) {
    [item.percent.title, item.second.title] = item.exact;
    item.thrown.title = item.expected ?? "";
  }
  showFacts(view);
  view.slider.setAttribute("aria-valuetext", `${number(view.settings.t)}. ${inWords(view.settings)}`);
}

function draw(view) {
  view.scheduled = false;
  if (!view.prepared) return;
  const started = performance.now();
  const { settings, data, prepared } = view;
  const result = (view.result = apply(prepared, settings));
  const filtered = settings.k !== null || settings.p !== null || settings.m !== null;
  view.host.dataset.thrown = settings.darts ? "1" : "0";
  const count = settings.darts ? data.darts.length : SHOWN_DRAWS;
  const thrown = view.sorted[settings.darts ? "all" : "few"];
  const { picks, stretches } = drawMany(prepared, result, thrown.map((i) => data.darts[i]), view.marked);
  view.picks = new Uint32Array(count);
  thrown.forEach((place, at) => { view.picks[place] = picks[at]; });
  view.tally = new Map();
  for (const id of view.picks) view.tally.set(prepared.rank[id], (view.tally.get(prepared.rank[id]) ?? 0) + 1);
  if (view.headed !== `${filtered}${data.axis}`) drawHead(view, filtered);
  view.headed = `${filtered}${data.axis}`;
  setText(view.meaning, inWords(settings));
  drawRows(view, result, filtered);
  drawStrip(view, stretches);
  setText(view.pick, pickLine(view, result, stretches));
  setText(view.draws, settings.darts
    ? "Dots: where 1,000 darts of this seed landed. Lines: two standard deviations around what theory expects."
    : result.greedy ? ""
    : `The first eight of this seed: ${[...view.picks].map((id) => nameOf(view, id)).join(" ")}`);
  drawFilters(view, result);
  view.filtered = filtered;
  setText(view.summary, summary(view, result));
  clearTimeout(view.resting);
  view.resting = setTimeout(() => rest(view), timers.rest);
  view.cost = performance.now() - started;
}

// ---- settings ----------------------------------------------------------------------------------------------------

function schedule(view) {
  if (view.scheduled) return;
  view.scheduled = true;
  requestAnimationFrame(() => draw(view));
}

function showSettings(view) {
  const { settings } = view;
  const high = settings.wide ? 5 : 2;
  view.slider.max = high;
  view.slider.value = settings.t;
  view.wide.checked = settings.wide;
  const typing = view.host.getRootNode().activeElement; // what somebody is writing is not written over
  if (view.box !== typing) view.box.value = number(settings.t);
  if (view.seed !== typing) view.seed.value = settings.seed;
  view.throwing.setAttribute("aria-pressed", String(settings.darts));
  for (const [field, input] of Object.entries(view.filters.fields)) {
    if (input !== typing) input.value = settings[field] ?? "";
  }
}

function complain(view, sentence) {
  view.problem.textContent = sentence;
  view.problem.hidden = !sentence;
}

// A change by hand: on the screen at once, to the server when `done`.
function change(view, settings, done = true) {
  view.settings = { ...view.settings, ...settings };
  complain(view, "");
  showSettings(view);
  schedule(view);
  if (done) commit(view);
}

function commit(view) {
  view.sent = view.settings;
  view.send({ ...view.settings, version: view.version });
  requestAnimationFrame(() => {
    const best = view.prepared && view.rows[0];
    if (best) view.live.textContent = `Temperature ${number(view.settings.t)}: ${spoken(view, best.id)} ${best.percent.textContent}`;
  });
}

function typedTemperature(view) {
  const t = view.box.value.trim() === "" ? NaN : Number(view.box.value.replace(",", "."));
  const high = view.settings.wide ? 5 : 2;
  if (!(t >= 0 && t <= high)) {
    const more = t > 2 && t <= 5 ? " Tick \u201cup to 5\u201d for more." : "";
    view.refused = t;
    complain(view, `Temperature must be a number from 0 to ${high}, not ${view.box.value.slice(0, 20) || "empty"}.${more}`);
    return;
  }
  change(view, { t });
}

function listen(view) {
  view.slider.oninput = () => change(view, { t: Number(view.slider.value) }, false);
  view.slider.onchange = () => commit(view);
  view.slider.ondblclick = view.reset.onclick = () => change(view, { t: 1 });
  // A finger that turns out to scroll has already moved the thumb to where it touched.
  view.slider.onpointerdown = () => { view.touched = view.settings.t; };
  view.slider.onpointercancel = () => change(view, { t: view.touched });
  view.slider.onkeydown = (event) => {
    const turn = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!turn || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const t = view.settings.t + turn * (event.shiftKey ? 0.25 : 0.05);
    change(view, { t: Math.round(Math.min(Number(view.slider.max), Math.max(0, t)) * 1000) / 1000 }, false);
    clearTimeout(view.settling);
    view.settling = setTimeout(() => commit(view), timers.settle);
  };
  view.slider.onblur = () => {
    if (view.settings.t === view.sent?.t) return;
    clearTimeout(view.settling); // whoever leaves for another page leaves the value as it stands
    commit(view);
  };
  view.box.onchange = () => typedTemperature(view);
  view.wide.onchange = () => {
    const wide = view.wide.checked;
    const t = wide && view.refused >= 0 && view.refused <= 5 ? view.refused : wide ? view.settings.t : Math.min(2, view.settings.t);
    view.refused = NaN; // a number typed in vain is taken once there is room for it
    change(view, { wide, t });
  };
  view.next.onclick = () => change(view, { seed: (view.settings.seed + 1) % 2 ** 32 });
  view.seed.onchange = () => {
    const seed = Number(view.seed.value);
    if (view.seed.value.trim() && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) change(view, { seed });
    else complain(view, `The seed must be a whole number from 0 to 4,294,967,295, not ${view.seed.value.slice(0, 20) || "empty"}.`);
  };
  view.throwing.onclick = () => change(view, { darts: !view.settings.darts });
  for (const [field, input] of Object.entries(view.filters.fields)) {
    input.onchange = () => {
      const text = input.value.trim().replace(",", ".");
      if (text === "" || ALLOWED[field].test(Number(text))) change(view, { [field]: text === "" ? null : Number(text) });
      else complain(view, ALLOWED[field].text);
    };
  }
  view.filters.fold.ontoggle = () => schedule(view);
  view.filters.preset.onchange = () => {
    const order = view.data.presets[view.filters.preset.value];
    if (order) change(view, { order });
  };
  view.table.onkeydown = (event) => {
    const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const rows = view.rows.filter((item) => item.id !== undefined);
    const at = rows.findIndex((item) => item.row === event.target);
    if (!turn || at < 0 || !rows[at + turn]) return;
    event.preventDefault();
    rows[at].row.tabIndex = -1;
    rows[at + turn].row.tabIndex = 0;
    rows[at + turn].row.focus();
  };
}

function ascending(darts, count) {
  return Array.from({ length: Math.min(count, darts.length) }, (_, i) => i).sort((a, b) => darts[a] - darts[b]);
}

// Takes in whatever has arrived: new logits, labels, settings that the page itself put here.
function refresh(view) {
  const { data } = view;
  const labels = data.labels ?? payloads.get(data.vocabulary);
  const logits = payloads.get(data.logits);
  if (!logits) return;
  if (view.logits !== data.logits) {
    view.prepared = prepare(logits);
    view.logits = data.logits;
    view.built = null;
  }
  const named = view.labels !== labels;
  view.labels = labels;
  const rows = `${data.size} ${data.compact}`;
  if (view.built !== rows) buildRows(view);
  else if (named) nameRows(view);
  view.built = rows;
  draw(view);
}

export default function ({ data, parentElement, setStateValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".temperature");
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  host.dataset.named = data.labels ? "1" : "0";
  const view = (host.view ??= build(host));
  view.data = data;
  view.send = holdMessages(host, (settings) => setStateValue("settings", settings));
  view.table.caption.textContent = data.caption;
  view.sorted = { all: ascending(data.darts, data.darts.length), few: ascending(data.darts, SHOWN_DRAWS) };
  if (view.version !== data.version) {
    clearTimeout(view.settling);
    view.version = data.version;
    view.settings = { ...data.settings };
    view.sent = view.settings;
    view.slider.disabled = true; // a drag that is under way ends with the scene it belongs to
    setTimeout(() => { view.slider.disabled = false; });
    showSettings(view);
    listen(view);
    complain(view, "");
    view.filters.fold.open ||= view.settings.k !== null || view.settings.p !== null || view.settings.m !== null;
  }
  view.settings.ghost = data.ghost;
  refresh(view);
  view.heard ??= hear(view);
}

// Logits and labels arrive on their own; a view that has left the page stops listening.
function hear(view) {
  // Asking for the width in the middle of a drag would lay the page out twice in a frame.
  new ResizeObserver(([entry]) => { view.width = entry.contentRect.width; schedule(view); }).observe(view.stretches);
  const again = () => {
    if (view.host.isConnected) refresh(view);
    else globalThis.removeEventListener("nte-payload", again);
  };
  globalThis.addEventListener("nte-payload", again);
  return true;
}
