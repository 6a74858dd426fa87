// Keeps in this browser what a visitor has done, and tells the page what an earlier visit did. Draws nothing.

import { markDrawn } from "../shared/dom.js";
import "../shared/links.js"; // here because this component stands on every page

const SHELF = "next-token-explorer";

function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem(SHELF)) ?? {};
    return { ...found, done: Array.isArray(found.done) ? found.done : [] };
  } catch {
    return {}; // storage may be switched off, or hold something else
  }
}

export default function ({ data, parentElement, setStateValue }) {
  markDrawn(parentElement);
  const host = parentElement.host ?? parentElement;
  const before = host.forgot === data.forget || data.forget === 0 ? remembered() : {};
  host.forgot = data.forget;
  const done = [...new Set([...data.done, ...(before.done ?? [])])];
  const complete = data.complete || before.complete === true;
  const on = data.on;
  try {
    localStorage.setItem(SHELF, JSON.stringify({ done, complete, on: host.told ? on : on || before.on === true }));
  } catch { /* then this visit is all there is */ }
  if (host.told) return; // once a visit is enough: from then on the page knows more than the shelf
  host.told = true;
  if (done.length > data.done.length || complete !== data.complete || (before.on && !on)) {
    setStateValue("kept", { done, complete, on: on || before.on === true, forget: data.forget });
  }
}
