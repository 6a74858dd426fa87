// The loss of a run against its steps: solid up to where the visitor stands, thin beyond, held-out dashed, baselines as
// named dashed lines. Left axis nats per token, right axis the same as perplexity. It shows figures and computes none.

import { fixed, grouped } from "../shared/numbers.js";

const SVG = "http://www.w3.org/2000/svg";

// Margins grow with the type, which on a stage is twice as large.
function margins(view) {
  const size = view.data.compact ? parseFloat(getComputedStyle(document.documentElement).fontSize) : 12;
  return { size, left: 10 + 2.4 * size, right: 10 + 3.6 * size, top: 0.7 * size, bottom: 1.8 * size };
}

function draw(parent, tag, attributes, text) {
  const element = parent.appendChild(document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function scale(view) {
  const { data, chart } = view;
  const plot = margins(view);
  const width = Math.max(260, chart.clientWidth || 600);
  const height = chart.clientHeight || 300;
  const highest = Math.max(...data.baselines.map((baseline) => baseline.nats), ...data.loss.slice(0, 3).map((point) => point[1]));
  const most = Math.min(highest * 1.08, Math.max(...data.baselines.map((baseline) => baseline.nats)) * 3);
  const inner = width - plot.left - plot.right;
  const tall = height - plot.top - plot.bottom;
  return {
    width, height, most, plot,
    x: (step) => plot.left + (inner * step) / data.steps,
    y: (nats) => plot.top + tall * (1 - Math.min(nats, most) / most),
  };
}

const path = (points, at) => points.map(([step, nats], i) => `${i ? "L" : "M"}${at.x(step).toFixed(1)},${at.y(nats).toFixed(1)}`).join("");

function axes(svg, at, data) {
  const { plot } = at;
  const step = at.most > 6 ? 2 : at.most > 2.4 ? 1 : at.most > 1 ? 0.5 : 0.2;
  for (let nats = 0; nats <= at.most; nats += step) {
    draw(svg, "line", { x1: plot.left, x2: at.width - plot.right, y1: at.y(nats), y2: at.y(nats), class: "grid" });
    draw(svg, "text", { x: plot.left - 6, y: at.y(nats) + plot.size / 3, class: "tick end" }, Number(nats.toFixed(1)));
    draw(svg, "text", { x: at.width - plot.right + 6, y: at.y(nats) + plot.size / 3, class: "tick" }, Number(Math.exp(nats).toPrecision(3)).toLocaleString("en"));
  }
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const place = Math.round(part * data.steps);
    draw(svg, "text", { x: at.x(place), y: at.height - plot.size / 2, class: "tick middle" }, part === 1 ? `step ${grouped(place)}` : grouped(place));
  }
}

function baselines(svg, at, data) {
  const { plot } = at;
  for (const { nats } of data.baselines) {
    draw(svg, "line", { x1: plot.left, x2: at.width - plot.right, y1: at.y(nats), y2: at.y(nats), class: "floor" });
  }
}

// Each name stands above its line; where lines are close, names give way, first downwards, then up from the bottom.
function names(svg, at, data) {
  const { plot } = at;
  const sorted = [...data.baselines].sort((a, b) => b.nats - a.nats);
  const lines = [];
  for (const { nats } of sorted) lines.push(Math.max(at.y(nats) - 4, (lines.at(-1) ?? -Infinity) + plot.size + 1));
  let below = at.height - plot.bottom - 2;
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    lines[i] = Math.min(lines[i], below);
    below = lines[i] - plot.size - 1;
  }
  sorted.forEach(({ name, nats }, i) => {
    draw(svg, "text", { x: at.width - plot.right - 4, y: lines[i], class: "name end" }, `${name}: ${fixed(nats, 4)}`);
  });
}

export function drawChart(view) {
  const { data, chart } = view;
  chart.replaceChildren();
  const at = scale(view);
  const { plot } = at;
  view.at = at;
  const svg = draw(chart, "svg", { viewBox: `0 0 ${at.width} ${at.height}`, role: "img", "aria-label": data.told || "Loss against steps" });
  axes(svg, at, data);
  baselines(svg, at, data);
  view.host.style.setProperty("--plot-left", `${at.plot.left}px`);
  view.host.style.setProperty("--plot-right", `${at.plot.right}px`);
  svg.style.fontSize = `${at.plot.size}px`;
  const past = (points) => points.filter(([step]) => step <= data.at);
  draw(svg, "path", { d: path(data.loss, at), class: "ahead" });
  draw(svg, "path", { d: path(past(data.loss), at), class: "loss" });
  draw(svg, "path", { d: path(past(data.heldOut), at), class: "held" });
  const last = past(data.loss).at(-1);
  if (last) draw(svg, "circle", { cx: at.x(last[0]), cy: at.y(last[1]), r: 3.5, class: "point" });
  draw(svg, "line", { x1: at.x(data.at), x2: at.x(data.at), y1: plot.top, y2: at.height - plot.bottom, class: "now" });
  names(svg, at, data);
}

// Where a drag would go, before the server has answered.
export function preview(view, step) {
  const now = view.chart.querySelector(".now");
  now?.setAttribute("x1", view.at.x(step));
  now?.setAttribute("x2", view.at.x(step));
}
