// Draws one moment of generation: the six stations of the loop, the text as tokens, the turn that comes next, and the
// branches tried so far. It shows the figures it is given; every text goes in as textContent, never as HTML.

import { labelled, make, setText } from "../shared/dom.js";
import { along, cell, digits, fixed, grouped, percent, ticks } from "../shared/numbers.js";

const STATIONS = ["context", "logits", "probabilities", "choose", "append", "check stop"];
const SEEN_BITS = Math.log(2);

export function build(host) {
  host.replaceChildren();
  const view = { host, playing: null, waiting: null, queue: [], shown: [] };
  view.stations = make(host, "ol", "stations", { "aria-label": "The loop" });
  for (const name of STATIONS) {
    const station = make(view.stations, "li", "");
    make(station, "span", "name", { text: name });
    make(station, "span", "figure");
  }
  view.text = make(host, "p", "text", { role: "group", "aria-label": "The text so far, token by token" });
  const transport = make(host, "div", "transport");
  const button = (name, title, text = title) => { view[name] = make(transport, "button", name, { type: "button", text, "aria-label": title }); };
  button("back", "Back", "\u25c0 Back");
  button("step", "Step", "Step \u25b6");
  button("play", "Play");
  const speed = make(transport, "label", "field");
  make(speed, "span", "unseen", { text: "Speed" });
  view.speed = make(speed, "select", "");
  for (const [value, text] of [["1000", "1 a second"], ["330", "3 a second"], ["0", "as fast as it goes"]]) view.speed.append(new Option(text, value));
  view.speed.value = "330";
  button("end", "To the end");
  button("forward", "Forward", "Forward \u25b7");
  view.problem = make(host, "p", "problem", { role: "alert", hidden: "" });
  view.state = make(host, "p", "state");
  view.turn = make(host, "p", "turn");
  view.table = make(host, "table", "");
  view.table.createCaption();
  view.table.createTHead().insertRow();
  view.table.createTBody();
  view.facts = make(host, "p", "facts");
  const seeds = make(host, "div", "transport seeds");
  view.seed = labelled(seeds, "Seed", { inputmode: "numeric", class: "number" });
  view.again = make(seeds, "button", "", { type: "button", text: "Again, same seed" });
  view.reseed = make(seeds, "button", "", { type: "button", text: "New seed" });
  view.fold = make(host, "details", "branches");
  view.title = make(view.fold, "summary", "");
  view.tree = make(view.fold, "table", "");
  view.live = make(host, "p", "unseen", { "aria-live": "polite" });
  return view;
}

const tokens = (n) => `${grouped(n)} token${n === 1 ? "" : "s"}`;
const bits = (nats) => `${(nats / SEEN_BITS).toFixed(2)} bits`;

// ---- the six stations --------------------------------------------------------------------------------------------

function stationFigures(data) {
  const { turn, at } = data;
  const before = data.tokens[at - 1];
  const whole = data.prompt_length + at - (data.finish ? 1 : 0); // of an ended text, what its last token was predicted from
  const taken = data.tokens[at];
  const last = data.finish && before;
  return [
    data.gone ? `${grouped(whole - data.gone)} of ${tokens(whole)}` : tokens(whole),
    grouped(data.vocabulary),
    turn ? bits(turn.entropy) : "",
    last ? "" : taken && turn && taken.id !== turn.pick.id ? `by hand: ${taken.label}` : turn?.pick.label ?? "",
    before ? before.label : "nothing yet",
    data.finish.split(" interruption")[0] || (before ? "go on" : ""),
  ];
}

export function drawStations(view, data) {
  stationFigures(data).forEach((figure, i) => {
    const [, shown] = view.stations.children[i].children;
    setText(shown, figure);
    shown.title = i === 0 && data.gone ? `${figure}, ${grouped(data.gone)} forgotten` : figure;
  });
}

// Lights the stations one after the other; where nothing may move, the one that comes next simply stays lit.
export function light(view, data, from, milliseconds) {
  clearTimeout(view.lighting);
  const rest = data.finish ? 5 : data.turn ? 3 : 0;
  const order = from === null ? [rest] : [3, 4, 5, ...(data.finish ? [] : [0, 1, 2, 3])];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || milliseconds < 40;
  const show = (i) => {
    [...view.stations.children].forEach((station, at) => station.classList.toggle("on", at === order[i]));
    if (i + 1 < order.length) view.lighting = setTimeout(() => show(i + 1), milliseconds);
  };
  show(still ? order.length - 1 : 0);
}

// ---- the text ----------------------------------------------------------------------------------------------------

// How surprised the model was, in four steps, by shade and by underline: below a half, a tenth, a hundredth.
const surprise = (p) => (p >= 0.5 ? 0 : p >= 0.1 ? 1 : p >= 0.01 ? 2 : 3);

export function drawText(view, data, grew, go) {
  const pieces = [];
  const piece = (tag, token, className) => {
    const element = document.createElement(tag);
    element.className = `chip ${className}${token.gone ? " gone" : ""}${token.special ? " special" : ""}`;
    element.textContent = token.label;
    if (token.part) make(element, "small", "part", { text: token.part });
    pieces.push(element);
    return element;
  };
  if (data.hidden) piece("span", { label: `${tokens(data.hidden)} before`, gone: false }, "more");
  for (const token of data.prompt) piece("span", token, "given").title = `prompt, id ${token.id}${token.part ? `, ${token.part}` : ""}${token.gone ? ", no longer seen" : ""}`;
  data.tokens.forEach((token, at) => {
    if (at === data.at) pieces.push(cursor());
    const ahead = at >= data.at;
    const name = piece("button", token, `made s${surprise(token.p)}${ahead ? " ahead" : ""}${token.withheld ? " withheld" : ""}${token.by === "taken by hand" ? " hand" : ""}${grew && at === data.at - 1 ? " fresh" : ""}`);
    const facts = `${token.part ? `${token.part}, ` : ""}${percent(token.p)}, ${token.by}${token.gone ? ", no longer seen" : ""}${token.withheld ? ", withheld" : ""}`;
    name.type = "button";
    name.tabIndex = -1;
    name.title = `${token.label} (id ${token.id}): ${facts}. Click to go back to the choice.`;
    name.setAttribute("aria-label", `${token.spoken}, ${facts}: go back to this choice`);
    name.onclick = () => go({ kind: "move", at });
  });
  if (data.at === data.tokens.length) pieces.push(cursor());
  view.text.replaceChildren(...pieces);
  const mark = view.text.querySelector(".cursor");
  const below = mark.offsetTop + mark.offsetHeight - view.text.clientHeight;
  if (below > 0) view.text.scrollTop = below;
}

function cursor() {
  const mark = document.createElement("span");
  mark.className = "cursor";
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

// ---- the turn that comes next ------------------------------------------------------------------------------------

export function drawState(view, data) {
  const { facts, at } = data;
  if (data.compact) {
    setText(view.state, at ? `ln P = ${fixed(facts.log_p, 3)} nats, perplexity ${facts.perplexity.toPrecision(3)}` : "");
    return;
  }
  let text = at ? `${tokens(at)} generated` : "Nothing generated yet";
  if (at) text += `: ln P = ${fixed(facts.log_p, 4)} nats together, perplexity ${facts.perplexity.toPrecision(4)} per token`;
  if (facts.rate) text += `; ${facts.rate.toFixed(1)} tokens/s`;
  else if (at) text += "; none of them timed, so no tokens/s"; // kept from before, or read in one pass
  if (data.gone) text += `; ${data.policy}: ${tokens(data.gone)} no longer seen`;
  setText(view.state, `${text}.${loop(data)}`);
}

function loop(data) {
  if (!data.circle) return "";
  return ` In circles: ${data.circle.labels.join("").slice(0, 60)} has come ${data.circle.times} times in a row.`;
}

export function turnLine(data) {
  const { turn } = data;
  if (data.sentence) return data.sentence;
  if (!turn) return "";
  const through = turn.stages.map((stage, i) => (i ? `${stage.name} (${grouped(stage.possible)} left)` : "logits")).join(" \u2192 ");
  const how = turn.u === null
    ? `Greedy takes the likeliest, ${turn.pick.label} (${percent(turn.pick.p)})`
    : `u = ${turn.u.toFixed(4)} lands on ${turn.pick.label} (${percent(turn.pick.p)})`;
  const taken = data.tokens[data.at];
  const hand = taken && taken.id !== turn.pick.id ? `; ${taken.label} was taken by hand` : "";
  if (data.compact) return loop(data).trim() || `${how}${hand}.`;
  return `${through} \u2192 ${turn.u === null ? "" : "renormalised \u2192 "}choose. ${how}${hand}.`;
}

function drawHead(view, data) {
  const row = view.table.tHead.rows[0];
  row.replaceChildren();
  cell(row, "th", "rank", "key");
  cell(row, "th", "token", "token");
  const axis = cell(cell(row, "th", "bar"), "span", "axis");
  for (const tick of ticks(data.axis)) cell(axis, "span", "", tick);
  cell(row, "th", "percent", data.turn.filtered ? "after filters" : "probability");
  cell(row, "th", "percent second", data.turn.filtered ? "as the model said" : "ln p (nats)");
  for (const head of row.cells) head.scope = "col";
}

export function drawRows(view, data, go) {
  const { turn } = data;
  const body = view.table.tBodies[0];
  const old = new Map([...body.rows].map((row) => [row.dataset.id, row.querySelector(".fill").style.width]));
  body.replaceChildren();
  view.table.hidden = !turn;
  view.shown = [];
  if (!turn) return;
  drawHead(view, data);
  const takeable = !data.readonly && !data.finish;
  turn.rows.forEach((item, i) => {
    const row = body.insertRow();
    row.dataset.id = item.id;
    cell(row, "td", "rank", takeable && i < 9 ? String(i + 1) : "");
    const head = cell(row, "th", "token");
    head.scope = "row";
    const name = make(head, takeable ? "button" : "span", "take", { text: item.label, title: item.label });
    if (item.does) make(head, "small", "does", { text: item.does });
    bar(row, item, data, old.get(String(item.id)));
    row.classList.toggle("cut", item.cut);
    row.classList.toggle("drawn", item.id === turn.pick.id);
    row.classList.toggle("taken", item.id === turn.taken);
    const marks = `${item.id === turn.pick.id ? ", the strategy\u2019s choice" : ""}${item.id === turn.taken ? ", taken" : ""}${item.cut ? ", cut by a filter" : ""}`;
    name.setAttribute("aria-label", `${takeable ? "Take " : ""}${item.spoken}, ${item.does ? `${item.does}, ` : ""}${percent(item.cut ? item.before : item.p)}${marks}`);
    row.onpointerenter = name.onfocus = () => { view.facts.textContent = exact(item); };
    if (!takeable) return;
    name.type = "button";
    name.tabIndex = i ? -1 : 0;
    row.onclick = () => go({ kind: "take", token: item.id });
    view.shown.push({ id: item.id, name });
  });
  if (turn.rest.count) {
    const row = body.insertRow();
    row.className = "rest";
    cell(row, "td", "rank", "");
    cell(row, "th", "token", `all other ${grouped(turn.rest.count)}`).scope = "row";
    bar(row, turn.rest, data);
    row.classList.toggle("drawn", !turn.rows.some((item) => item.id === turn.pick.id));
  }
}

function bar(row, item, data, from) {
  const track = cell(cell(row, "td", "bar"), "span", "track");
  const fill = cell(track, "span", "fill");
  const width = `${along(item.cut ? item.before : item.p, data.axis)}%`;
  fill.style.width = from ?? width;
  if (from !== undefined && from !== width) { fill.getBoundingClientRect(); fill.style.width = width; }
  if (data.turn.filtered) cell(track, "span", "ghost").style.width = `${along(item.before, data.axis)}%`;
  cell(row, "td", "percent", item.cut || item.p === 0 ? "cut" : percent(item.p)).title = item.p;
  const second = data.turn.filtered ? percent(item.before) : item.log_p === undefined ? "" : fixed(item.log_p, 3);
  cell(row, "td", "percent second", second).title = item.before;
}

const exact = (item) => `${item.label} (id ${item.id}): as the model said ${digits(item.before)}, logit ${fixed(item.logit, 4)}, ` +
  `ln p ${fixed(item.log_p, 5)} nats; after filters ${item.cut ? "cut" : digits(item.p)}`;

// ---- branches ----------------------------------------------------------------------------------------------------

export function drawBranches(view, data, go) {
  view.fold.hidden = data.readonly || !data.branches.length;
  setText(view.title, `Branches tried: ${data.branches.length}`);
  view.tree.replaceChildren();
  const head = view.tree.createTHead().insertRow();
  for (const [className, text] of [["said", "text"], ["", "tokens"], ["", "ln P (nats)"], ["", "perplexity"], ["how", "chosen by"]]) {
    cell(head, "th", className, text).scope = "col";
  }
  const body = view.tree.createTBody();
  data.branches.forEach((branch, i) => {
    const row = body.insertRow();
    row.classList.toggle("current", branch.current);
    const said = cell(row, "th", "said");
    said.scope = "row";
    if (branch.shared) make(said, "span", "shared", { text: `after token ${branch.shared} ` });
    const text = branch.labels.join("");
    const open = make(said, "button", "open", { type: "button", text: text.length > 70 ? `${text.slice(0, 70)}\u2026` : text, title: text });
    if (branch.current) open.setAttribute("aria-current", "true");
    open.onclick = () => go({ kind: "branch", branch: i });
    cell(row, "td", "", grouped(branch.tokens));
    cell(row, "td", "", fixed(branch.log_p, 4)).title = branch.log_p;
    cell(row, "td", "", branch.perplexity.toPrecision(4));
    const hand = branch.by_hand ? `, ${branch.by_hand} by hand` : "";
    cell(row, "td", "how", `${branch.how}${hand}`);
  });
}
