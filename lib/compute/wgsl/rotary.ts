import type { Program } from "../gpu.ts";

/**
 * Turns pairs and copies what is beside them: one invocation for each pair and each other number,
 * which are vectors of four where `lanes` is 4. Widths and `half` count those.
 */
export function rotary(lanes: 1 | 4): Program {
  const type = lanes === 4 ? "vec4f" : "f32";
  return {
    name: `Rotate ${type}`,
    inputs: { x: type, positions: "i32", table: type },
    outputs: { y: type },
    params: {
      rows: "u32",
      columns: "u32",
      heads: "u32",
      half: "u32",
      offset: "i32",
      sign: "f32",
    },
    workgroup: [64, 1, 1],
    code: `
  let pairs = params.heads * params.half;
  let each = params.columns - pairs; // invocations of a row
  let place = (group.y * groups.x + group.x) * 64u + index;
  let row = place / each;
  if (row >= params.rows) { return; }
  let pair = place % each;
  let start = row * params.columns;
  if (pair >= pairs) {
    y[start + pairs + pair] = x[start + pairs + pair];
    return;
  }
  let i = pair % params.half;
  let a = start + 2u * pair - i; // the head's start, plus i
  let b = a + params.half;
  let angle = 2u * params.half * u32(positions[row] + params.offset) + i;
  let c = table[angle];
  let s = table[angle + params.half] * params.sign;
  y[a] = x[a] * c - x[b] * s;
  y[b] = x[b] * c + x[a] * s;`,
  };
}
