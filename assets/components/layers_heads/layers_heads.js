// Below the picture of the layers: who wrote the prediction, the heads of one layer as maps, and all heads by what they
// were measured to look at. It shows figures and computes none.

import { markDrawn, showTheme } from "../shared/dom.js";
import { holdMessages } from "../shared/messages.js";
import { drawMaps, drawWall } from "./heads.js";
import { drawWriters } from "./writers.js";

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const host = parentElement.querySelector(".layers-heads");
  showTheme(host);
  const send = holdMessages(host, (what) => setTriggerValue("pick", what));
  const held = host.getRootNode().activeElement?.getAttribute("aria-label");
  // What is chosen here is looked at in the picture above.
  const pick = (what) => {
    document.querySelector(".st-key-_inside_left")?.scrollIntoView({ block: "nearest" });
    send(what);
  };
  host.replaceChildren();
  drawWriters(host, data, pick);
  drawMaps(host, data, pick);
  drawWall(host, data, pick);
  if (held) [...host.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === held)?.focus();
}
