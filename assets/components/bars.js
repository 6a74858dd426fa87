// The bars of a next-token distribution: a table in which one column is drawn.
// It shows the figures it is given and computes none; every text goes in as textContent, never as HTML.

const MINUS = "\u2212";

export function percent(p) {
  if (p === 0) return "0 %";
  const hundred = 100 * p;
  if (hundred < 0.01) return "< 0.01 %";
  if (hundred > 99.99 && p < 1) return "> 99.99 %";
  return `${hundred.toFixed(hundred < 10 ? 2 : 1)} %`;
}

const fixed = (value, digits) => value.toFixed(digits).replace("-", MINUS);

function cell(row, tag, className, text) {
  const element = row.appendChild(document.createElement(tag));
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function drawBar(row, p) {
  const track = cell(cell(row, "td", "bar"), "span", "track");
  cell(track, "span", "fill").style.width = `${100 * p}%`;
}

function facts(row) {
  return `${row.label} (id ${row.id}): rank ${row.rank.toLocaleString("en")}, probability ${row.p}, ` +
    `logit ${fixed(row.logit, 4)}, log-probability ${fixed(row.log_p, 6)} nats`;
}

function heading(table, data) {
  table.createCaption().textContent = data.caption;
  const row = table.createTHead().insertRow();
  cell(row, "th", "rank", "#");
  cell(row, "th", "token", "token");
  const axis = cell(cell(row, "th", "bar"), "span", "axis");
  for (const tick of ["0 %", "50 %", "100 %"]) cell(axis, "span", "", tick);
  cell(row, "th", "percent", "probability");
  cell(row, "th", "wide", "ln p (nats)");
  cell(row, "th", "wide", "logit");
  for (const head of row.cells) head.scope = "col";
}

function tokenRow(body, token, say) {
  const row = body.insertRow();
  row.dataset.id = token.id;
  row.tabIndex = 0;
  cell(row, "td", "rank", token.rank);
  const name = cell(row, "th", "token", token.label);
  name.scope = "row";
  name.setAttribute("aria-label", token.spoken);
  drawBar(row, token.p);
  cell(row, "td", "percent", percent(token.p)).title = token.p;
  cell(row, "td", "wide", fixed(token.log_p, 3));
  cell(row, "td", "wide", fixed(token.logit, 3));
  row.onpointerenter = row.onfocus = row.onclick = () => say(facts(token));
}

export default function ({ data, parentElement }) {
  const host = parentElement.querySelector(".bars");
  const background = getComputedStyle(host).getPropertyValue("--st-background-color");
  host.dataset.dark = isDark(background) ? "1" : "0";
  const table = document.createElement("table");
  const line = document.createElement("p");
  line.className = "facts";
  line.textContent = "Point at a row, or tap it, for its exact figures.";
  heading(table, data);
  const body = table.createTBody();
  for (const token of data.rows) tokenRow(body, token, (text) => { line.textContent = text; });
  if (data.rest.count > 0) {
    const rest = body.insertRow();
    rest.className = "rest";
    cell(rest, "td", "rank", "");
    cell(rest, "th", "token", `rest: ${data.rest.count.toLocaleString("en")}`).scope = "row";
    drawBar(rest, data.rest.p);
    cell(rest, "td", "percent", percent(data.rest.p)).title = data.rest.p;
    for (let i = 0; i < 2; i++) cell(rest, "td", "wide", "");
  }
  host.replaceChildren(table, line);
}

function isDark(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour.trim() || "#ffffff";
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(probe.fillStyle.slice(i, i + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}
