// The heads of one layer as small maps of who reads whom, and a wall of all heads by what each was measured to do.

import { make } from "../shared/dom.js";
import { percent } from "../shared/numbers.js";

export function drawMaps(host, data, pick) {
  const list = make(host, "div", "maps", { role: "group", "aria-label": `Heads of layer ${data.layer}` });
  make(list, "p", "title", { text: data.layer ? `Heads of layer ${data.layer}: each row is a token that reads, each column one that is read; below, what the head looked at most` : "The embeddings have no heads." });
  if (!data.layer) return;
  const colour = getComputedStyle(host).color;
  data.maps.forEach((rows, index) => {
    const chosen = data.head === index + 1;
    const [role, score] = data.wall[data.layer - 1][index];
    const says = `Head ${index + 1}: ${data.roles[role]}, ${percent(score)}`;
    const button = make(list, "button", "map", { type: "button", title: says, "aria-label": says, "aria-pressed": String(chosen) });
    const map = make(button, "canvas", "", { width: rows.length, height: rows.length });
    const brush = map.getContext("2d");
    brush.fillStyle = colour;
    rows.forEach((row, reader) => row.forEach((weight, key) => {
      brush.globalAlpha = weight;
      brush.fillRect(key, reader, 1, 1);
    }));
    make(button, "span", "", { text: `${index + 1}: ${data.roles[role].replace("looks at ", "")}, ${percent(score)}` });
    button.onclick = () => pick({ layer: data.layer, at: data.first + data.at + 1, head: chosen ? 0 : index + 1 });
  });
}

export function drawWall(host, data, pick) {
  const wall = make(host, "div", "wall", { role: "group", "aria-label": "All heads" });
  make(wall, "p", "title", { text: `All heads, a row for each layer: what each looks at most, and how much of its attention goes there. Click one to see what it reads.` });
  const grid = make(wall, "div", "squares");
  grid.style.setProperty("--heads", data.wall[0].length);
  for (let layer = data.wall.length; layer > 0; layer -= 1) {
    make(grid, "span", "number", { text: layer % 5 && layer > 1 && data.wall.length > 9 ? "" : layer, "aria-hidden": "true" });
    data.wall[layer - 1].forEach(([role, score], index) => {
      const says = `Layer ${layer}, head ${index + 1}: ${data.roles[role]}, ${percent(score)}`;
      const square = make(grid, "button", `square role-${role}`, { type: "button", title: says, "aria-label": says, tabindex: "-1" });
      square.style.setProperty("--score", `${Math.round(100 * score)}%`);
      const chosen = layer === data.layer && index + 1 === data.head;
      square.classList.toggle("chosen", chosen);
      if (chosen || (!data.head && layer === data.layer && index === 0)) square.tabIndex = 0;
      square.onclick = () => pick({ layer, at: data.first + data.at + 1, head: index + 1 });
    });
  }
  make(grid, "span", "number", { text: "head", "aria-hidden": "true" });
  data.wall[0].forEach((_, index) => make(grid, "span", "number", { text: index + 1, "aria-hidden": "true" }));
  if (!grid.querySelector('[tabindex="0"]')) grid.querySelector("button").tabIndex = 0;
  grid.onkeydown = (event) => moveByKey(grid, data.wall[0].length, event);
  const legend = make(wall, "ul", "legend");
  data.roles.forEach((role, index) => make(legend, "li", `role-${index}`, { text: role }));
}

function moveByKey(grid, across, event) {
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
  const squares = [...grid.querySelectorAll("button")];
  const next = squares[squares.indexOf(event.target) + by];
  if (!by || !next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
