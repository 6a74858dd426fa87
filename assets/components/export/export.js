// Takes what stands on the screen with you: the link, and the bars as a drawing (SVG) or a picture (PNG).

import { markDrawn } from "../shared/dom.js";
import { timers } from "../shared/timers.js";

const ROW = 26, LABEL = 190, BAR = 420, WIDTH = 760, TOP = 64;
const NS = "http://www.w3.org/2000/svg";

function add(parent, name, attributes, text) {
  const element = parent.appendChild(document.createElementNS(NS, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// The same two axes as the bars on the screen: linear, or logarithmic over six decades.
function along(p, axis) {
  const share = axis === "log" ? (p > 0 ? Math.max(0, 1 + Math.log10(p) / 6) : 0) : p;
  return Math.max(1, share * BAR);
}

function drawing(data) {
  const items = [...data.rows, ...data.bands];
  const height = TOP + ROW * items.length + 16;
  const svg = document.createElementNS(NS, "svg");
  for (const [key, value] of Object.entries({ xmlns: NS, viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height })) svg.setAttribute(key, value);
  svg.setAttribute("font-family", "sans-serif");
  add(svg, "title", {}, data.title);
  add(svg, "rect", { width: WIDTH, height, fill: "#ffffff" });
  add(svg, "text", { x: 16, y: 26, "font-size": 16, "xml:space": "preserve" }, data.title);
  add(svg, "text", { x: 16, y: 48, "font-size": 12, fill: "#555555" }, data.caption);
  items.forEach((item, i) => {
    const y = TOP + ROW * i;
    add(svg, "text", { x: LABEL - 8, y: y + 17, "font-size": 14, "text-anchor": "end", "font-family": "monospace" }, item.label);
    add(svg, "rect", { x: LABEL, y: y + 4, width: BAR, height: 17, fill: "#f0f1f3" });
    const colour = item.logit === undefined ? "#8a8f98" : "#1f5fbf";
    const second = item.p_second !== undefined;
    add(svg, "rect", { x: LABEL, y: y + 4, width: along(item.p, data.axis), height: second ? 8 : 17, fill: colour });
    if (second) add(svg, "rect", { x: LABEL, y: y + 13, width: along(item.p_second, data.axis), height: 8, fill: "#a04a00" });
    add(svg, "text", { x: LABEL + BAR + 10, y: y + 17, "font-size": 14 }, item.percent);
  });
  return svg;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), timers.download);
}

const svgBlob = (svg) => new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });

async function png(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * image.width;
  canvas.height = 2 * image.height;
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.drawImage(image, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

export default function ({ data, parentElement }) {
  markDrawn(parentElement);
  const [link, svg, picture] = parentElement.querySelectorAll("button");
  const said = parentElement.querySelector("span");
  link.onclick = async () => {
    const query = data.link ? `?${data.link}` : "";
    const address = `${window.location.origin}${window.location.pathname}${query}`;
    try {
      await navigator.clipboard.writeText(address);
      said.textContent = "Link copied.";
    } catch {
      said.textContent = `Copy it from here: ${address}`;
    }
  };
  svg.onclick = () => save(svgBlob(drawing(data)), "next-token.svg");
  picture.onclick = async () => save(await png(drawing(data)), "next-token.png");
  for (const button of [link, svg, picture]) button.disabled = false;
}
