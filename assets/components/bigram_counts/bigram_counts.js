// A table of counts: rows are contexts, columns the tokens that came next; shade is the logarithm of the count. A row
// opens as counts, fractions and bars, a cell as the lines it came from. It shows figures and computes none.

import { make, markDrawn, setText, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { along, cell, grouped, percent, ticks } from "../shared/numbers.js";

function build(host) {
  host.replaceChildren();
  const view = { host };
  view.caption = make(host, "p", "caption");
  const wide = make(host, "div", "wide", { tabindex: "-1" });
  view.grid = make(wide, "table", "grid");
  view.note = make(host, "p", "facts");
  view.after = make(host, "table", "after");
  view.live = make(host, "p", "unseen", { "aria-live": "polite" });
  return view;
}

const shade = (count, most) => (count ? Math.round(12 + (58 * Math.log(count + 1)) / Math.log(most + 1)) : 0);

function drawGrid(view, data, pick) {
  const { grid } = view;
  grid.replaceChildren();
  setText(view.caption, data.caption);
  grid.setAttribute("aria-label", data.caption);
  const head = grid.createTHead().insertRow();
  cell(head, "th", "corner", "after \u2193  next \u2192").scope = "col";
  for (const token of data.tokens) {
    const name = cell(head, "th", "next", token.label);
    name.scope = "col";
    name.title = token.label;
    name.setAttribute("aria-label", token.spoken);
  }
  if (data.rest) cell(head, "th", "", "others").scope = "col";
  cell(head, "th", "", "total").scope = "col";
  const most = Math.max(1, ...data.rows.flatMap((row) => row.counts));
  const body = grid.createTBody();
  for (const row of data.rows) {
    const line = body.insertRow();
    const chosen = row.key === data.row;
    line.classList.toggle("chosen", chosen);
    const head = cell(line, "th", "context");
    head.scope = "row";
    const open = make(head, "button", "open", { type: "button", text: row.label, title: row.label });
    open.dataset.place = row.key;
    open.setAttribute("aria-label", `Row ${row.spoken}, ${grouped(row.total)} in all`);
    if (chosen) open.setAttribute("aria-current", "true");
    open.onclick = () => pick({ row: row.key, next: null });
    row.counts.forEach((count, i) => {
      const token = data.tokens[i];
      const place = cell(line, "td", "count");
      place.style.setProperty("--shade", `${shade(count, most)}%`);
      const button = make(place, "button", count ? "seen" : "zero", { type: "button", text: grouped(count) });
      button.dataset.place = `${row.key} ${token.id}`;
      button.setAttribute("aria-label", `${grouped(count)} times ${token.spoken} after ${row.spoken}`);
      const here = chosen && token.id === data.next;
      place.classList.toggle("here", here);
      if (here) button.setAttribute("aria-current", "true");
      button.onclick = () => pick({ row: row.key, next: token.id });
    });
    if (data.rest) cell(line, "td", "", grouped(row.rest));
    cell(line, "td", "sum", grouped(row.total));
  }
  for (const button of grid.querySelectorAll("button")) button.tabIndex = -1;
  (grid.querySelector("td [aria-current], .chosen .open") ?? grid.querySelector("button"))?.setAttribute("tabindex", "0");
}

function drawAfter(view, data, pick) {
  const { after } = view;
  after.replaceChildren();
  after.hidden = !data.after;
  if (!data.after) return;
  const { rows, divisor, k } = data.after;
  after.createCaption().textContent = data.after.caption;
  const head = after.createTHead().insertRow();
  for (const [className, text] of [["token", "next token"], ["percent", "count"], ["wide", "share"], ["bar", ""], ["percent", "probability"]]) {
    const name = cell(head, "th", className, text);
    name.scope = "col";
    if (className === "bar") {
      const axis = cell(name, "span", "axis");
      for (const tick of ticks("linear")) cell(axis, "span", "", tick);
    }
  }
  const body = after.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    line.classList.toggle("rest", row.id === undefined);
    line.classList.toggle("here", row.id !== undefined && row.id === data.next);
    const name = cell(line, "th", "token");
    name.scope = "row";
    if (row.id === undefined) name.textContent = row.label;
    else {
      const open = make(name, "button", "open", { type: "button", text: row.label, title: row.label });
      open.setAttribute("aria-label", `Where ${row.spoken} came from`);
      open.onclick = () => pick({ row: data.row, next: row.id });
      line.dataset.id = row.id;
    }
    cell(line, "td", "percent", grouped(row.count));
    const above = k ? `(${grouped(row.count)} + ${row.types > 1 ? `${grouped(row.types)} \u00d7 ` : ""}${k})` : grouped(row.count);
    const share = cell(line, "td", "wide", `${above} / ${divisor}`);
    share.title = share.textContent;
    cell(cell(line, "td", "bar"), "span", "track").appendChild(document.createElement("span")).className = "fill";
    line.querySelector(".fill").style.width = `${along(row.p, "linear")}%`;
    cell(line, "td", "percent", percent(row.p)).title = row.p;
  }
}

// Arrow keys move from cell to cell.
function moveByKey(view, event) {
  const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const place = event.target.closest?.(".grid td, .grid th");
  if (!by || !place || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = place.parentElement;
  const other = view.grid.tBodies[0].rows[row.sectionRowIndex + by[0]];
  const button = other?.cells[place.cellIndex + by[1]]?.querySelector("button");
  if (!button) return;
  event.preventDefault();
  for (const each of view.grid.querySelectorAll("button")) each.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".counts");
  showTheme(host);
  host.dataset.compact = data.compact ? "1" : "0";
  const view = (host.view ??= build(host));
  const held = host.getRootNode().activeElement;
  const inGrid = held && view.grid.contains(held) ? held.dataset.place : undefined;
  const inAfter = held && view.after.contains(held);
  const pick = holdMessages(host, (what) => setTriggerValue("pick", what));
  drawGrid(view, data, pick);
  drawAfter(view, data, pick);
  setText(view.note, data.note);
  host.onkeydown = (event) => moveByKey(view, event);
  // Whoever works by keys goes on where they were.
  if (inGrid !== undefined) (view.grid.querySelector(`[data-place="${inGrid}"]`) ?? view.grid.querySelector("button"))?.focus();
  else if (inAfter) (view.after.querySelector(".here button") ?? view.after.querySelector("button"))?.focus();
  if (view.told !== undefined && view.told !== data.told) view.live.textContent = data.told;
  view.told = data.told;
}
