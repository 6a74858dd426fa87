// Small tools with which components build themselves; every text goes in as textContent, never as HTML.

import { isDark } from "./numbers.js";

export function make(parent, tag, className, attributes = {}) {
  const element = parent.appendChild(document.createElement(tag));
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  return element;
}

export function labelled(parent, text, attributes) {
  const label = make(parent, "label", "field");
  make(label, "span", "", { text });
  return make(label, "input", "", { autocomplete: "off", ...attributes });
}

// Writes only what has changed: an element that is left alone costs nothing to lay out and paint.
export function setText(element, text) {
  if (element.said === text) return;
  element.textContent = element.said = text;
}

// Lets a style tell light from dark: data-dark is "1" or "0".
export function showTheme(host) {
  host.dataset.dark = isDark(getComputedStyle(host).getPropertyValue("--st-background-color")) ? "1" : "0";
}

// Says on a component's own element how often it has drawn: whoever drives the page waits for that, and not for a while.
export function markDrawn(parentElement) {
  const host = parentElement.getRootNode().host ?? parentElement;
  host.dataset.drawn = String(Number(host.dataset.drawn ?? 0) + 1);
}
