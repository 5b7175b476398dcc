import type { Program } from "../gpu.ts";

/** One invocation for each number of y, which are vectors of four where `lanes` is 4. */
export function embeddingProgram(lanes: 1 | 4): Program {
  const type = lanes === 4 ? "vec4f" : "f32";
  return {
    name: `Embedding ${type}`,
    inputs: { table: type, ids: "i32" },
    outputs: { y: type },
    params: { size: "u32", width: "u32" },
    workgroup: [64, 1, 1],
    code: `
  let i = (group.y * groups.x + group.x) * 64u + index;
  if (i >= params.size) { return; }
  y[i] = table[u32(ids[i / params.width]) * params.width + i % params.width];`,
  };
}

/** The most workgroups of {@linkcode embeddingGradProgram}; a power of 2. */
export const MAX_GROUPS = 1024;

/**
 * Adds rows of dy in the order of their positions, without atomics on floats. Workgroup g has the
 * table's rows g, g + {@linkcode MAX_GROUPS}, …: frequent ids, which tokenizers number closely, are
 * spread over all. It marks the positions of its ids among 1024 at a time, as bits, and then adds
 * their rows one after the other, each invocation in columns of its own.
 */
export function embeddingGradProgram(lanes: 1 | 4): Program {
  const type = lanes === 4 ? "vec4f" : "f32";
  return {
    name: `EmbeddingGrad ${type}`,
    inputs: { dy: type, ids: "i32" },
    outputs: { dTable: type },
    params: { rows: "u32", vocab: "u32", width: "u32" },
    workgroup: [64, 1, 1],
    declarations: `
var<workgroup> marks: array<atomic<u32>, 32>; // a bit for each position
var<workgroup> marked: atomic<u32>; // a bit for each of those that is not 0`,
    code: `
  for (var row = group.x; row < params.vocab; row += ${MAX_GROUPS}u) {
    for (var i = index; i < params.width; i += 64u) { dTable[row * params.width + i] = ${type}(); }
  }
  for (var first = 0u; first < params.rows; first += 1024u) {
    if (index < 32u) { atomicStore(&marks[index], 0u); }
    if (index == 0u) { atomicStore(&marked, 0u); }
    workgroupBarrier();
    let count = min(1024u, params.rows - first);
    for (var at = index; at < count; at += 64u) {
      if (u32(ids[first + at]) % ${MAX_GROUPS}u == group.x) {
        atomicOr(&marks[at / 32u], 1u << (at % 32u));
        atomicOr(&marked, 1u << (at / 32u));
      }
    }
    workgroupBarrier();
    for (var words = atomicLoad(&marked); words != 0u; words &= words - 1u) {
      let word = firstTrailingBit(words);
      for (var bits = atomicLoad(&marks[word]); bits != 0u; bits &= bits - 1u) {
        let position = first + 32u * word + firstTrailingBit(bits);
        let at = position * params.width;
        let row = u32(ids[position]) * params.width;
        for (var i = index; i < params.width; i += 64u) { dTable[row + i] += dy[at + i]; }
      }
    }
    workgroupBarrier();
  }`,
  };
}
