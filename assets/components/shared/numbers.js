// How figures are written in every component; each text goes in as textContent, never as HTML.

export const MINUS = "\u2212";
const LOG_DECADES = 6; // the log axis runs from 10^-6 to 1

export function percent(p) {
  if (p === 0 || p === 1) return `${100 * p} %`;
  const hundred = 100 * p;
  if (hundred < 0.01) return "< 0.01 %";
  if (hundred > 99.99 && p < 1) return "> 99.99 %";
  return `${hundred.toFixed(hundred < 10 || hundred > 99.9 ? 2 : 1)} %`; // two places where one would round to 100
}

export const fixed = (value, digits) => value.toFixed(digits).replace("-", MINUS);
export const signed = (points) => (points > 0 ? "+" : "") + fixed(points, 2);
export const digits = (p) => Number(p.toPrecision(6)).toString(); // float32 logits carry no more
export const grouped = (n) => n.toLocaleString("en");

// Where a probability ends on an axis, in percent of its length.
export function along(p, axis) {
  if (axis !== "log") return 100 * p;
  return p > 0 ? Math.max(0, 100 * (1 + Math.log10(p) / LOG_DECADES)) : 0;
}

export const ticks = (axis) => (axis === "log" ? ["0.0001 %", "0.1 %", "100 %"] : ["0 %", "50 %", "100 %"]);

export function cell(row, tag, className, text) {
  const element = row.appendChild(document.createElement(tag));
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function isDark(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour.trim() || "#ffffff";
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(probe.fillStyle.slice(i, i + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}
