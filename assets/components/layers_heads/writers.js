// Who wrote a logit: the largest parts of the sum as bars to both sides of zero, the rest in one, and the sum.

import { make } from "../shared/dom.js";
import { fixed } from "../shared/numbers.js";

const signed = (value) => (value > 0 ? "+" : "") + fixed(value, 3);

function bar(host, value, most) {
  const track = make(host, "span", "track");
  const fill = make(track, "span", value < 0 ? "fill less" : "fill");
  fill.style.width = `${(50 * Math.abs(value)) / most}%`;
}

export function drawWriters(host, data, pick) {
  const block = make(host, "div", "writers", { role: "group", "aria-label": data.written.title });
  make(block, "p", "title", { text: data.written.title });
  const list = make(block, "ol", "");
  const most = Math.max(1e-9, ...data.written.parts.map((part) => Math.abs(part.logit)), Math.abs(data.written.rest));
  for (const part of data.written.parts) {
    const item = make(list, "li", "");
    const button = make(item, "button", "", { type: "button", text: part.says, "aria-label": `${part.says}: ${signed(part.logit)}` });
    button.onclick = () => pick({ layer: part.layer, at: data.first + data.at + 1, head: part.head });
    bar(item, part.logit, most);
    make(item, "span", "number", { text: signed(part.logit) });
  }
  const others = data.written.others ? [[data.written.others, data.written.rest, ""]] : [];
  for (const [says, value, className] of [...others, [data.written.whole, data.written.sum, "sum"]]) {
    const item = make(list, "li", className);
    make(item, "span", "says", { text: says });
    if (className) make(item, "span", "track");
    else bar(item, value, most);
    make(item, "span", "number", { text: className ? fixed(value, 3) : signed(value) });
  }
}
