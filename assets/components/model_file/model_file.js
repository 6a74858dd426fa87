// Opens a model's config.json or GGUF file: the first MiB is cut off here and sent, the rest stays where it is.

import { markDrawn } from "../shared/dom.js";

const FIRST = 1 << 20;

export default function ({ data, parentElement, setTriggerValue }) {
  markDrawn(parentElement);
  const input = parentElement.querySelector("input");
  input.disabled = false; // nothing listens before this script has come
  const said = parentElement.querySelector("span");
  if (!data.open) said.textContent = ""; // something was pasted since
  input.onchange = async () => {
    const file = input.files[0];
    if (!file) return;
    said.textContent = `Reading ${file.name} …`;
    try {
      const bytes = new Uint8Array(await file.slice(0, FIRST).arrayBuffer());
      const text = Array.from({ length: Math.ceil(bytes.length / 8192) }, (_, part) =>
        String.fromCharCode(...bytes.subarray(8192 * part, 8192 * (part + 1)))).join("");
      const cut = file.size > FIRST ? ", its first MiB" : "";
      said.textContent = `Opened: ${file.name}${cut}.`;
      setTriggerValue("opened", { name: file.name, data: btoa(text) });
    } catch {
      said.textContent = `${file.name} could not be read. Choose it again.`;
    }
    input.value = ""; // so that the same file, mended, can be opened again
  };
}
