// A Transformer at work on one text: columns are tokens, rows are layers, from the embeddings below to the prediction on
// top. A cell says what the model would predict there; pointing at one shows the tokens it reads, as arcs as thick as the
// weights. It shows figures and computes none.

import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { fixed, grouped, percent } from "../shared/numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 0.02; // weights below are no arc

function build(host) {
  host.replaceChildren();
  const view = { host, cells: new Map() };
  view.said = make(host, "p", "said", { "aria-live": "polite" });
  view.read = make(host, "div", "reads", { role: "group", "aria-label": "Tokens it reads" });
  view.caption = make(host, "p", "caption");
  const wide = make(host, "div", "wide");
  view.table = make(wide, "table", "grid");
  view.arcs = wide.appendChild(document.createElementNS(SVG, "svg"));
  view.arcs.setAttribute("aria-hidden", "true");
  view.wide = wide;
  listen(view);
  return view;
}

const name = (layer) => (layer ? `layer ${layer}` : "the embeddings");

// The weights with which a cell reads the tokens shown, the first of them first; null for the embeddings.
function reads(data, layer, at) {
  if (!layer) return null;
  if (data.head && layer === data.layer) return data.read[at];
  return data.reads[layer - 1][at];
}

function told(data, layer, at) {
  const row = data.rows.find((each) => each.layer === layer);
  const [token, p, rank, finalP, entropy, kl] = row.cells[at];
  const last = data.finals[at];
  const where = data.fills ? `In place of “${data.tokens[at]}”` : `After “${data.tokens[at]}”`;
  const parts = [`${where}, ${name(layer)} would ${data.fills ? "put" : "predict"} “${data.labels[token]}”, ${percent(p)}.`];
  if (token !== last) parts.push(`The model’s own “${data.labels[last]}” ranks ${grouped(rank)} there, ${percent(finalP)}.`);
  const weights = reads(data, layer, at);
  if (weights) {
    const order = weights.map((weight, key) => [weight, key]).sort((a, b) => b[0] - a[0]);
    const shown = order.slice(0, 5).filter(([weight], i) => !i || weight >= LEAST);
    let who = "Its heads, on average,";
    if (data.head && layer === data.layer) {
      who = `Head ${data.head} (${data.role})`;
    }
    parts.push(`${who} read ${shown.map(([weight, key]) => `“${data.tokens[key]}” ${percent(weight)}`).join(", ")}.`);
  }
  parts.push(`Entropy ${fixed(entropy, 2)}, KL to the final prediction ${fixed(kl, 2)} nats.`);
  return parts.join(" ");
}

// Arcs end in the cell and begin in the row below, in the columns it reads.
function drawArcs(view, layer, at) {
  view.arcs.replaceChildren();
  const weights = reads(view.data, layer, at);
  const below = view.data.rows.find((row) => row.layer < layer)?.layer;
  if (!weights || below === undefined) return;
  const origin = view.table.getBoundingClientRect();
  const middle = (place, edge) => {
    const box = view.cells.get(place).getBoundingClientRect();
    return [box.left + box.width / 2 - origin.left, (edge === "top" ? box.top : box.bottom) - origin.top];
  };
  const [x, y] = middle(`${layer} ${at}`, "bottom");
  view.arcs.setAttribute("width", view.table.offsetWidth);
  view.arcs.setAttribute("height", view.table.offsetHeight);
  weights.forEach((weight, key) => {
    if (weight < LEAST) return;
    const [from, bottom] = middle(`${below} ${key}`, "top");
    const path = view.arcs.appendChild(document.createElementNS(SVG, "path"));
    const sag = Math.max(bottom, y) + 8 + Math.min(24, Math.abs(x - from) / 12);
    path.setAttribute("d", `M${from},${bottom} C${from},${sag} ${x},${sag} ${x},${y}`);
    path.setAttribute("stroke-width", String(1 + 7 * weight));
    path.classList.toggle("chosen", key + 1 === view.data.key && layer === view.data.layer && at === view.data.at);
    path.onclick = () => view.pick({ layer, at: view.data.first + at + 1, head: view.data.head, key: view.data.first + key + 1 });
  });
}

function point(view, layer, at) {
  for (const cell of view.table.querySelectorAll(".here, .read")) cell.classList.remove("here", "read");
  view.cells.get(`${layer} ${at}`).classList.add("here");
  (reads(view.data, layer, at) ?? []).forEach((weight, key) => {
    if (weight >= LEAST) view.columns[key].forEach((name) => name.classList.add("read"));
  });
  drawArcs(view, layer, at);
  setText(view.said, told(view.data, layer, at));
}

// The arrows of the cell that is open, for those who do not click on lines; the strongest first.
function drawReads(view, data, pick) {
  view.read.replaceChildren();
  const weights = reads(data, data.layer, data.at);
  if (!weights) return;
  const shown = weights.map((weight, key) => [weight, key]).filter(([weight]) => weight >= LEAST).sort((a, b) => b[0] - a[0]);
  make(view.read, "span", "", { text: data.head ? `Head ${data.head} reads` : "Its heads read" });
  for (const [weight, key] of shown.slice(0, 8)) {
    const chosen = key + 1 === data.key;
    const says = `token ${data.first + key + 1} ${data.tokens[key]}, ${percent(weight)}`;
    const button = make(view.read, "button", "arrow", { type: "button", text: `${data.tokens[key]} ${percent(weight)}`, title: "Work this arrow out", "aria-label": says, "aria-pressed": String(chosen) });
    button.onclick = () => pick({ layer: data.layer, at: data.first + data.at + 1, head: data.head, key: chosen ? 0 : data.first + key + 1 });
  }
}

function drawGrid(view, data, pick) {
  const { table } = view;
  table.replaceChildren();
  view.cells.clear();
  setText(view.caption, data.caption);
  table.setAttribute("aria-label", data.caption);
  const longest = Math.max(...data.tokens.map((token) => token.length));
  table.style.setProperty("--cell", longest > 2 ? "3.4rem" : "2.2rem"); // letters are narrow
  const names = (row) => data.tokens.map((token) => make(row, "th", "token", { scope: "col", text: token, title: token }));
  const head = table.createTHead().insertRow();
  make(head, "th", "layer", { scope: "col", text: data.fills ? "at" : "after" });
  const above = names(head);
  const body = table.createTBody();
  for (const row of data.rows) {
    const line = body.insertRow();
    make(line, "th", "layer", { scope: "row", text: row.layer || "0" });
    row.cells.forEach((cell, at) => {
      const place = line.insertCell();
      const button = make(place, "button", "", { type: "button", tabindex: "-1", text: data.labels[cell[0]] });
      place.style.setProperty("--shade", `${row.shades[at]}%`);
      place.classList.toggle("final", cell[0] === data.finals[at]);
      place.classList.toggle("moved", row.moved.includes(at));
      place.classList.toggle("kept", at < data.kept);
      const chosen = row.layer === data.layer && at === data.at;
      place.classList.toggle("chosen", chosen);
      if (chosen) button.setAttribute("aria-current", "true");
      button.setAttribute("aria-label", `${name(row.layer)}, token ${data.first + at + 1} ${data.tokens[at]}: ${data.labels[cell[0]]} ${percent(cell[1])}`);
      Object.assign(button.dataset, { layer: row.layer, at });
      button.onclick = () => pick({ layer: row.layer, at: data.first + at + 1 });
      view.cells.set(`${row.layer} ${at}`, place);
    });
  }
  const foot = table.createTFoot().insertRow();
  make(foot, "th", "layer", { scope: "row", text: "text" });
  view.columns = names(foot).map((name, i) => [name, above[i]]);
  view.columns.flat().forEach((name, i) => name.classList.toggle("kept", i / 2 < data.kept));
  view.cells.get(`${data.layer} ${data.at}`).firstChild.tabIndex = 0;
}

function listen(view) {
  const { table } = view;
  const show = ({ target, pointerType }) => {
    if (pointerType === "touch") return; // a tap opens the cell
    const button = target.closest?.("button");
    if (button && table.contains(button)) point(view, Number(button.dataset.layer), Number(button.dataset.at));
  };
  table.addEventListener("focusin", show);
  table.onpointermove = (event) => {
    // A page that scrolls under a hand at rest is no pointing.
    if (event.target === view.over || !(event.movementX || event.movementY)) return;
    view.over = event.target;
    show(event);
  };
  table.onpointerleave = () => {
    view.over = null;
    point(view, view.data.layer, view.data.at);
  };
  table.onkeydown = (event) => {
    const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    const place = event.target.closest("td");
    if (!by || !place || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = table.tBodies[0].rows[place.parentElement.sectionRowIndex + by[0]]?.cells[place.cellIndex + by[1]]?.querySelector("button");
    if (!button) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".layers-picture");
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  host.view ??= build(host);
  const { view } = host;
  const held = host.getRootNode().activeElement;
  const place = held && view.table.contains(held) ? `${held.dataset.layer} ${held.dataset.at}` : null;
  const before = view.data;
  view.data = data;
  const pick = holdMessages(host, (what) => setTriggerValue("pick", what));
  view.pick = pick;
  drawGrid(view, data, pick);
  drawReads(view, data, pick);
  // The text goes on from its end, so that is what one sees of a long one.
  if (!before || before.tokens.length !== data.tokens.length) view.wide.scrollLeft = view.wide.scrollWidth;
  if (place && view.cells.has(place)) view.cells.get(place).firstChild.focus();
  else point(view, data.layer, data.at);
}
