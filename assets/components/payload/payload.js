// Keeps what is too large to send twice: logits and the labels of a vocabulary, by name, for the other components.
// Data: [length of the name, 4 bytes][name][content]. A name that ends in .json.gz is unpacked.

import { markDrawn } from "../shared/dom.js";

export const payloads = new Map();

export default function ({ data, parentElement }) {
  const length = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const name = new TextDecoder().decode(data.subarray(4, 4 + length));
  const [kind] = name.split(":", 1);
  for (const other of payloads.keys()) if (other !== name && other.startsWith(`${kind}:`)) payloads.delete(other);
  if (payloads.has(name)) {
    markDrawn(parentElement);
    return;
  }
  const content = data.slice(4 + length);
  const keep = (value) => {
    payloads.set(name, value);
    globalThis.dispatchEvent(new Event("nte-payload"));
    markDrawn(parentElement);
  };
  if (!name.endsWith(".json.gz")) {
    keep(name.endsWith(".f4") ? new Float32Array(content.buffer) : new Float64Array(content.buffer));
    return;
  }
  const unpacked = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  new Response(unpacked).json().then(keep);
}
