import type { Program } from "../gpu.ts";

/** One workgroup a row. */
const SIZE = 256;

const DECLARATIONS = `
const SIZE = ${SIZE}u;
var<workgroup> parts: array<f32, SIZE>;
var<workgroup> places: array<u32, SIZE>;

fn sumOfAll(value: f32, index: u32) -> f32 {
  parts[index] = value;
  workgroupBarrier();
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    if (index < half) { parts[index] += parts[index + half]; }
    workgroupBarrier();
  }
  let total = parts[0];
  workgroupBarrier();
  return total;
}

fn countOfAll(value: u32, index: u32) -> u32 {
  places[index] = value;
  workgroupBarrier();
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    if (index < half) { places[index] += places[index + half]; }
    workgroupBarrier();
  }
  let total = places[0];
  workgroupBarrier();
  return total;
}

// The highest value and where it is: of equals, the lowest place.
struct Best { value: f32, place: u32 }
fn bestOfAll(value: f32, place: u32, index: u32) -> Best {
  parts[index] = value;
  places[index] = place;
  workgroupBarrier();
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    if (index < half) {
      let other = parts[index + half];
      let otherPlace = places[index + half];
      let wins = other > parts[index] || (other == parts[index] && otherPlace < places[index]);
      if (wins) {
        parts[index] = other;
        places[index] = otherPlace;
      }
    }
    workgroupBarrier();
  }
  let best = Best(parts[0], places[0]);
  workgroupBarrier();
  return best;
}

fn multiplyHigh(a: u32, b: u32) -> u32 {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let middle1 = aHigh * bLow + ((aLow * bLow) >> 16u);
  let middle2 = aLow * bHigh + (middle1 & 0xffffu);
  return aHigh * bHigh + (middle1 >> 16u) + (middle2 >> 16u);
}

fn philox(start: vec4u, key: vec2u) -> vec4u {
  var c = start;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiplyHigh(0xd2511f53u, c.x);
    let high1 = multiplyHigh(0xcd9e8d57u, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// The bits of a number as an unsigned integer that grows as the number falls.
fn rankKey(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(~bits ^ 0x80000000u, bits, (bits >> 31u) == 1u);
}

fn heat(x: f32, highest: f32, scale: f32) -> f32 { return max((x - highest) * scale, -1e30); }

fn weight(x: f32, highest: f32, scale: f32) -> f32 {
  let z = heat(x, highest, scale);
  return select(0.0, exp(z), z >= -87.0);
}

// Of the tokens up to a key (all, or only below it): their number, and their mass.
fn countTo(start: u32, key: u32, index: u32) -> u32 {
  var count = 0u;
  for (var id = index; id < params.vocab; id += SIZE) {
    if (rankKey(scores[start + id]) <= key) { count++; }
  }
  return countOfAll(count, index);
}
fn massTo(start: u32, key: u32, below: bool, highest: f32, scale: f32, index: u32) -> f32 {
  var mass = 0.0;
  for (var id = index; id < params.vocab; id += SIZE) {
    let x = scores[start + id];
    let own = rankKey(x);
    if (own < key || (own == key && !below)) { mass += weight(x, highest, scale); }
  }
  return sumOfAll(mass, index);
}

// Tokens that are kept: those below a key, and those of that key up to a place.
struct Cut { key: u32, last: u32 }
fn keeps(cut: Cut, key: u32, id: u32) -> bool {
  return key < cut.key || (key == cut.key && id <= cut.last);
}

// The cut that keeps the first \`count\` tokens of this key, in the order of their ids.
fn cutAt(start: u32, key: u32, count: u32, index: u32) -> Cut {
  var low = 0u;
  var high = params.vocab - 1u;
  while (low < high) {
    let middle = (low + high) / 2u;
    var found = 0u;
    for (var id = index; id <= middle; id += SIZE) {
      if (rankKey(scores[start + id]) == key) { found++; }
    }
    if (countOfAll(found, index) >= count) { high = middle; } else { low = middle + 1u; }
  }
  return Cut(key, low);
}

fn cutTopK(start: u32, index: u32) -> Cut {
  var low = 0u;
  var high = 0xffffffffu;
  while (low < high) {
    let middle = low + (high - low) / 2u;
    if (countTo(start, middle, index) >= params.topK) { high = middle; } else { low = middle + 1u; }
  }
  var before = 0u;
  if (low > 0u) { before = countTo(start, low - 1u, index); }
  return cutAt(start, low, params.topK - before, index);
}

fn cutTopP(start: u32, kept: Cut, highest: f32, scale: f32, index: u32) -> Cut {
  var mass = 0.0;
  for (var id = index; id < params.vocab; id += SIZE) {
    let x = scores[start + id];
    if (keeps(kept, rankKey(x), id)) { mass += weight(x, highest, scale); }
  }
  let need = params.topP * sumOfAll(mass, index);
  var low = 0u;
  var high = kept.key;
  while (low < high) {
    let middle = low + (high - low) / 2u;
    if (massTo(start, middle, false, highest, scale, index) >= need) { high = middle; } else { low = middle + 1u; }
  }
  var one = 0.0; // the weight of each token of this key
  var own = 0u;
  for (var id = index; id < params.vocab; id += SIZE) {
    let x = scores[start + id];
    if (rankKey(x) == low) { one = weight(x, highest, scale); own++; }
  }
  let each = bestOfAll(one, 0u, index).value;
  let ties = countOfAll(own, index);
  let rest = need - massTo(start, low, true, highest, scale, index);
  var most = 1.0;
  if (each > 0.0) { most = clamp(ceil(rest / each), 1.0, f32(ties)); }
  let cut = cutAt(start, low, u32(most), index);
  return Cut(low, select(cut.last, min(cut.last, kept.last), low == kept.key));
}`;

const CODE = `
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let start = row * params.vocab;
  var top = -3.4e38;
  var at = 0xffffffffu;
  for (var id = index; id < params.vocab; id += SIZE) {
    let x = scores[start + id];
    if (x > top) { top = x; at = id; }
  }
  let greedy = bestOfAll(top, at, index);
  let highest = greedy.value;
  var mass = 0.0;
  var product = 0.0;
  for (var id = index; id < params.vocab; id += SIZE) {
    let e = weight(scores[start + id], highest, 1.0);
    mass += e;
    if (e > 0.0) { product += e * heat(scores[start + id], highest, 1.0); }
  }
  let total = sumOfAll(mass, index);
  let entropy = log(total) - sumOfAll(product, index) / total;
  var token = greedy.place;
  var samplingLogProb = 0.0;
  if (params.temperature > 0.0) {
    let scale = 1.0 / params.temperature;
    var cut = Cut(0xffffffffu, 0xffffffffu);
    if (params.topK > 0u && params.topK < params.vocab) { cut = cutTopK(start, index); }
    if (params.topP < 1.0) { cut = cutTopP(start, cut, highest, scale, index); }
    let key = vec2u(keys[2u * row], keys[2u * row + 1u]);
    let position = u32(positions[row] + params.offset);
    var kept = 0.0;
    var best = Best(-3.4e38, 0xffffffffu);
    for (var block = index; 4u * block < params.vocab; block += SIZE) {
      let words = philox(vec4u(block, position, 0u, 3u), key);
      for (var i = 0u; i < 4u; i++) {
        let id = 4u * block + i;
        if (id >= params.vocab) { break; }
        let x = scores[start + id];
        let e = weight(x, highest, scale);
        if (e == 0.0 || !keeps(cut, rankKey(x), id)) { continue; }
        kept += e;
        let u = (f32(words[i] >> 9u) + 0.5) / 8388608.0;
        let value = heat(x, highest, scale) - log(-log(u));
        if (value > best.value) { best = Best(value, id); }
      }
    }
    token = bestOfAll(best.value, best.place, index).place;
    samplingLogProb = heat(scores[start + token], highest, scale) - log(sumOfAll(kept, index));
  }
  if (index == 0u) {
    tokens[row] = i32(token);
    drawn[row] = f32(token);
    drawn[params.rows + row] = scores[start + token] - highest - log(total);
    drawn[2u * params.rows + row] = samplingLogProb;
    drawn[3u * params.rows + row] = entropy;
  }`;

/** One workgroup a row: everything about it in one launch. */
export const SAMPLE_TOKENS: Program = {
  name: "SampleTokens",
  inputs: { scores: "f32", keys: "u32", positions: "i32" },
  outputs: { tokens: "i32", drawn: "f32" },
  params: {
    rows: "u32",
    vocab: "u32",
    offset: "i32",
    temperature: "f32",
    topK: "u32",
    topP: "f32",
  },
  workgroup: [SIZE, 1, 1],
  declarations: DECLARATIONS,
  code: CODE,
};
