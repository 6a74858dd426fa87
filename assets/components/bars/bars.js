// The bars of a next-token distribution: a table in which one column is drawn.
// It shows the figures it is given and computes none; every text goes in as textContent, never as HTML.

import { promptBoxes } from "../prompt_box/prompt_box.js";
import { markDrawn, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { along, cell, digits, fixed, grouped, percent, signed, ticks } from "../shared/numbers.js";

function heading(table, data) {
  const row = table.tHead.rows[0];
  row.replaceChildren();
  cell(row, "th", "rank", data.second ? "# A" : "#");
  cell(row, "th", "token", "token");
  const axis = cell(cell(row, "th", "bar"), "span", "axis");
  for (const tick of ticks(data.axis)) cell(axis, "span", "", tick);
  const names = data.second ? ["A", "B", "B \u2212 A"] : ["probability", "ln p (nats)", "logit"];
  cell(row, "th", "percent", names[0]);
  cell(row, "th", data.second ? "percent" : "wide", names[1]);
  cell(row, "th", "wide", names[2]);
  for (const head of row.cells) head.scope = "col";
}

function fillRow(row, item, data, figures) {
  row.replaceChildren();
  cell(row, "td", "rank", item.rank === undefined ? "" : grouped(item.rank));
  const name = cell(row, "th", "token", item.label);
  name.scope = "row";
  name.title = item.label;
  if (item.does) cell(name, "small", "", item.does);
  if (item.spoken) name.setAttribute("aria-label", item.does ? `${item.spoken}, ${item.does}` : item.spoken);
  const track = cell(cell(row, "td", "bar"), "span", "track");
  const pairs = data.second ? [[item.p, "fill first"], [item.p_second, "fill second"]] : [[item.p, "fill"]];
  for (const [p, className] of pairs) cell(track, "span", className).style.width = `${along(p, data.axis)}%`;
  cell(row, "td", "percent", percent(item.p)).title = item.p;
  figures.forEach(([className, text, title]) => { cell(row, "td", className, text).title = title ?? ""; });
}

function figuresOf(item, data) {
  if (data.second) {
    return [["percent", percent(item.p_second), item.p_second], ["wide", signed(100 * (item.p_second - item.p)), "percentage points"]];
  }
  return item.logit === undefined ? [["wide", ""], ["wide", ""]] : [["wide", fixed(item.log_p, 3)], ["wide", fixed(item.logit, 3)]];
}

function facts(item, data) {
  const id = `${item.label} (id ${item.id})`;
  if (data.second) {
    return `${id}: after A rank ${grouped(item.rank)}, probability ${digits(item.p)}; ` +
      `after B rank ${grouped(item.rank_second)}, probability ${digits(item.p_second)}`;
  }
  return `${id}: rank ${grouped(item.rank)}, probability ${digits(item.p)}, logit ${fixed(item.logit, 4)}, ` +
    `log-probability ${fixed(item.log_p, 5)} nats`;
}

function build(host) {
  const table = document.createElement("table");
  table.createCaption();
  table.createTHead().insertRow();
  table.createTBody();
  const line = document.createElement("p");
  line.className = "facts";
  const take = document.createElement("button");
  take.type = "button";
  const live = document.createElement("p");
  live.className = "unseen";
  live.setAttribute("aria-live", "polite");
  const below = document.createElement("div");
  below.className = "below";
  below.append(line, take);
  host.replaceChildren(table, below, live);
  return { table, line, take, live, rows: new Map(), selected: null, announced: null };
}

function select(view, data, id) {
  view.selected = id;
  const item = data.rows.find((row) => row.id === id);
  for (const [key, row] of view.rows) {
    if (key === id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.tabIndex = key === id || (!item && key === data.rows[0]?.id) ? 0 : -1;
  }
  const keys = data.digits ? " While the bars have the focus, keys 1 to 9 select a row." : "";
  view.line.textContent = item ? facts(item, data) : `Point at a row, or tap it, for its exact figures.${keys}`;
  view.take.hidden = !data.take || !item;
  view.take.disabled = !item?.whole;
  view.take.textContent = item?.whole ? `Add ${item.label} to the prompt` : "Only part of a character: cannot be added";
}

function drawTokens(view, data) {
  const body = view.table.tBodies[0];
  const kept = new Map();
  for (const item of data.rows) {
    const row = view.rows.get(item.id) ?? body.insertRow();
    const widths = [...row.querySelectorAll(".fill")].map((fill) => fill.style.width);
    fillRow(row, item, data, figuresOf(item, data));
    slide(row, widths);
    row.dataset.id = item.id;
    row.onpointerenter = () => { view.line.textContent = facts(item, data); };
    row.onpointerleave = () => select(view, data, view.selected);
    row.onclick = () => { select(view, data, item.id); row.focus(); };
    row.onfocus = () => { if (view.selected !== item.id) select(view, data, item.id); };
    body.append(row);
    kept.set(item.id, row);
  }
  for (const [id, row] of view.rows) if (!kept.has(id)) row.remove();
  view.rows = kept;
  for (const old of body.querySelectorAll(".rest")) old.remove();
  for (const band of data.bands) {
    const row = body.insertRow();
    row.className = "rest";
    fillRow(row, band, data, figuresOf(band, data));
  }
}

// A row that was there before starts from its old width, so that the bar slides instead of jumping.
function slide(row, widths) {
  row.querySelectorAll(".fill").forEach((fill, i) => {
    if (widths[i] === undefined) return;
    const target = fill.style.width;
    fill.style.width = widths[i];
    fill.getBoundingClientRect();
    fill.style.width = target;
  });
}

function onKey(event, view, data) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "BUTTON") return;
  const ids = data.rows.map((row) => row.id);
  const at = ids.indexOf(view.selected);
  const steps = { ArrowDown: Math.min(at + 1, ids.length - 1), ArrowUp: Math.max(at - 1, 0), Home: 0, End: ids.length - 1 };
  let to = steps[event.key];
  if (data.digits && /^[1-9]$/.test(event.key)) to = Number(event.key) - 1;
  if (event.key === "Enter" && at >= 0 && data.take) view.take.click();
  if (to === undefined || to >= ids.length) return;
  event.preventDefault();
  select(view, data, ids[to]);
  view.rows.get(ids[to]).focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".bars");
  showTheme(host);
  host.dataset.second = data.second ? "1" : "0";
  host.dataset.stage = data.compact ? "1" : "0";
  const view = (host.view ??= build(host));
  const root = host.getRootNode();
  const inside = host.contains(root.activeElement);
  view.table.caption.textContent = data.caption;
  heading(view.table, data);
  drawTokens(view, data);
  select(view, data, view.rows.has(view.selected) ? view.selected : null);
  host.onkeydown = (event) => onKey(event, view, data);
  const send = holdMessages(host, (what) => setTriggerValue("take", what));
  view.take.onclick = () => send({ id: view.selected, onto: promptBoxes[data.take]?.value ?? null });
  // Rows that moved or went have lost the focus; whoever goes on by keyboard goes on in the bars.
  if (inside && (!host.contains(root.activeElement) || root.activeElement.hidden)) {
    view.rows.get(view.selected ?? data.rows[0].id).focus();
  }
  if (view.announced !== null && data.announcement && view.announced !== data.announcement) {
    view.live.textContent = data.announcement;
  }
  view.announced = data.announcement ?? "";
}
