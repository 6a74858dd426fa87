// What lm_core's distribution, filters and draw do, once more in the browser, so that dragging needs no server.
// A test holds every figure to lm_core at 1e-6. No document, no events: numbers in, numbers out.
//
// All filters here keep the likeliest tokens and cut the others, and temperature never changes the order. So the
// tokens are sorted once, and whatever the settings, what is kept is a beginning of that order.

const TOLERANCE = 1e-9; // as lm_core.decoding.filters: thresholds are compared with it

// Sorted by falling logit, the lower id first among equals. Logits become whole numbers that sort the same way, with
// the id in the low bits, because sorting numbers is ten times as fast as sorting by a function.
function likeliestFirst(logits) {
  const n = logits.length;
  if (!(logits instanceof Float32Array)) {
    return Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);
  }
  const bits = new Uint32Array(Float32Array.from(logits, (x) => x + 0).buffer); // + 0 turns -0 into 0
  const keys = new Float64Array(n);
  for (let id = 0; id < n; id++) {
    const rising = bits[id] >>> 31 ? ~bits[id] >>> 0 : (bits[id] | 0x80000000) >>> 0;
    keys[id] = (0xffffffff - rising) * 0x100000 + id;
  }
  keys.sort();
  return Uint32Array.from(keys, (key) => key % 0x100000);
}

export function prepare(logits) {
  const order = likeliestFirst(logits);
  const n = logits.length;
  const gaps = new Float64Array(n); // by rank: logit less the largest
  const rank = new Uint32Array(n); // by id: 0 is the likeliest
  for (let at = 0; at < n; at++) {
    gaps[at] = logits[order[at]] - logits[order[0]];
    rank[order[at]] = at;
  }
  const prepared = { n, order, rank, gaps };
  prepared.plain = heated(prepared, 1);
  return prepared;
}

// Unnormalised probabilities at one temperature, by rank, and their running sums.
function heated(prepared, t) {
  const { n, gaps } = prepared;
  const weights = new Float64Array(n);
  const sums = new Float64Array(n);
  const surprise = new Float64Array(n); // running sum of weight x gap / t, for the entropy of any beginning
  let sum = 0;
  let felt = 0;
  for (let at = 0; at < n; at++) {
    const gap = gaps[at] / t;
    const weight = Math.exp(gap);
    weights[at] = weight;
    sums[at] = sum += weight;
    if (weight > 0) felt += weight * gap;
    surprise[at] = felt;
  }
  const tails = new Float64Array(n + 1); // running sums from the other end: what is small stays above 0 there
  for (let at = n - 1; at >= 0; at--) tails[at] = tails[at + 1] + weights[at];
  return { weights, sums, tails, surprise };
}

// The first place of 0..end for which `holds`, which is false first and then true; end if there is none.
function firstPlace(end, holds) {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// How many of the first `kept` tokens hold the share p of what these hold together.
export function nucleus(now, kept, p) {
  const enough = (p - TOLERANCE) * now.sums[kept - 1];
  return Math.min(kept, Math.max(1, firstPlace(kept, (at) => now.sums[at] >= enough) + 1));
}

// Settings: t; k, p, m for top-k, top-p, min-p (null is off); order, the names of the four in order.
export function apply(prepared, settings) {
  let now = prepared.plain;
  let kept = prepared.n;
  let before = now;
  const stages = [];
  const { gaps } = prepared;
  for (const name of settings.order) {
    if (name === "temperature") {
      if (settings.t === 0) kept = 1;
      else if (settings.t !== 1) now = heated(prepared, settings.t);
      before = now;
    } else if (name === "top_k" && settings.k !== null && settings.k < kept) {
      const last = gaps[settings.k - 1];
      kept = firstPlace(kept, (at) => gaps[at] < last); // those equal to the k-th stay
    } else if (name === "top_p" && settings.p !== null && settings.p < 1) {
      kept = nucleus(now, kept, settings.p);
    } else if (name === "min_p" && settings.m !== null) {
      const least = settings.m * (1 - TOLERANCE);
      kept = Math.max(1, firstPlace(kept, (at) => now.weights[at] < least));
    } else continue;
    stages.push({ name, kept });
  }
  const greedy = settings.t === 0;
  const total = greedy ? 1 : now.sums[kept - 1];
  const entropy = kept === 1 ? 0 : Math.max(0, Math.log(total) - now.surprise[kept - 1] / total);
  const mass = greedy ? 1 : total / before.sums[prepared.n - 1]; // of what the model gave at this temperature
  return { kept, total, stages, entropy, mass, greedy, before, weights: now.weights, sums: now.sums, tails: now.tails };
}

export const probability = (prepared, result, id) =>
  prepared.rank[id] >= result.kept ? 0 : result.greedy ? 1 : result.weights[prepared.rank[id]] / result.total;

// The share of ranks first..last, counted from 0, both included, at one temperature.
export const shareOf = ({ sums, tails }, first, last) =>
  (first ? tails[first] - tails[last + 1] : sums[last]) / sums[sums.length - 1];

// The same after the filters.
export function massOf(prepared, result, first, last) {
  if (first >= result.kept) return 0;
  if (result.greedy) return first === 0 ? 1 : 0;
  const end = Math.min(last, result.kept - 1);
  return (first ? result.tails[first] - result.tails[end + 1] : result.sums[end]) / result.total;
}

// Walks the cumulative distribution in id order, as lm_core.decoding.strategies.draw does: where each dart lands, and the
// stretches of the tokens that are marked (by id: 1).
export function drawMany(prepared, result, darts, marked) {
  const { rank, n, order } = prepared;
  const { kept, total, weights } = result;
  const picks = new Uint32Array(darts.length);
  const stretches = new Map();
  if (result.greedy) {
    picks.fill(order[0]);
    stretches.set(order[0], [0, 1]);
    return { picks, stretches };
  }
  let sum = 0;
  let dart = 0; // darts are sorted
  let last = order[0];
  for (let id = 0; id < n; id++) {
    const at = rank[id];
    if (at >= kept) continue;
    const weight = weights[at];
    if (weight === 0) continue;
    const begin = sum;
    sum += weight;
    last = id;
    if (marked[id]) stretches.set(id, [begin / total, sum / total]);
    while (dart < darts.length && darts[dart] * total < sum) picks[dart++] = id;
  }
  while (dart < darts.length) picks[dart++] = last; // what rounding left beyond the last token
  return { picks, stretches };
}
