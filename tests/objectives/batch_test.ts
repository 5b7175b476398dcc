import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import {
  completionTokens,
  microBatches,
  tokenBatch,
  type TrainingRow,
} from "../../lib/objectives/batch.ts";
import { eachDevice, take } from "../_devices.ts";

/** A row whose prompt and completion have these lengths. */
function row(prompt: number, completion: number): TrainingRow {
  const ids = (length: number) => Array.from({ length }, (_, i) => i % 5);
  return { prompt: ids(prompt), completion: ids(completion), advantage: 0 };
}

/** The rows of a tensor. */
async function rowsOf(tensor: tf.Tensor): Promise<number[][]> {
  const [rows, columns] = tensor.shape as [number, number];
  const values = [...await take(tensor)];
  return Array.from({ length: rows }, (_, r) => values.slice(r * columns, (r + 1) * columns));
}

eachDevice("tokenBatch() lays rows out so that each position predicts the next token", async () => {
  const batch = tokenBatch([
    // Ids 5 6 7 8 9, of which the policy reads 5 6 7 8 and predicts 6 7 8 9.
    { prompt: [5, 6], completion: [7, 8, 9], advantage: 0.5, oldLogProbs: [-1, -2, -3] },
    { prompt: [4], completion: [3], advantage: -1.5, oldLogProbs: [-4] },
    { prompt: [1, 2, 3], completion: [4], advantage: 0 }, // a demonstration
  ], 13);
  assertEquals([batch.tokens.dtype, batch.targets.dtype], ["int32", "int32"]);
  assertEquals(await rowsOf(batch.tokens), [
    [5, 6, 7, 8, 13, 13, 13, 13],
    [4, 13, 13, 13, 13, 13, 13, 13],
    [1, 2, 3, 13, 13, 13, 13, 13],
  ]);
  assertEquals(await rowsOf(batch.targets), [
    [6, 7, 8, 9, 13, 13, 13, 13],
    [3, 13, 13, 13, 13, 13, 13, 13],
    [2, 3, 4, 13, 13, 13, 13, 13],
  ]);
  assertEquals(await rowsOf(batch.mask), [
    [0, 1, 1, 1, 0, 0, 0, 0], // 6 belongs to the prompt
    [1, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 1, 0, 0, 0, 0, 0],
  ]);
  assertEquals(await rowsOf(batch.advantages), [[0.5], [-1.5], [0]]);
  assertEquals(await rowsOf(batch.oldLogProbs), [
    [0, -1, -2, -3, 0, 0, 0, 0],
    [-4, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ]);
});

eachDevice("tokenBatch() rounds the length up to a multiple of 8", async () => {
  for (const [prompt, completion, seq] of [[1, 1, 8], [4, 5, 8], [5, 5, 16], [8, 9, 16]] as const) {
    const batch = tokenBatch([row(prompt, completion), row(1, 1)], 0); // reads one id less
    assertEquals(batch.tokens.shape, [2, seq]);
    tf.dispose([batch.tokens, batch.targets, batch.mask, batch.advantages, batch.oldLogProbs]);
  }
  await Promise.resolve();
}, { devices: ["cpu"] });

Deno.test("microBatches() puts rows of like length together up to the limit", () => {
  const [three, eight, nine, twenty] = [row(2, 2), row(4, 5), row(4, 6), row(10, 11)];
  // Padded to 8, 8, 16 and 24. Two rows of 8 fill 16; with the next, three rows of 16 are 48.
  assertEquals(microBatches([twenty, nine, three, eight], 16), [[three, eight], [nine], [twenty]]);
  assertEquals(microBatches([twenty, nine, three, eight], 48), [[three, eight, nine], [twenty]]);
  assertEquals(microBatches([twenty, nine, three, eight], 96), [[three, eight, nine, twenty]]);
});

Deno.test("microBatches() loses no row and passes the limit only with a row alone", () => {
  const rows = Array.from({ length: 40 }, (_, i) => row(1 + i % 7, 1 + (i * i) % 23));
  for (const maxTokens of [1, 16, 40, 100, 1000]) {
    const parts = microBatches(rows, maxTokens);
    assertEquals(new Set(parts.flat()), new Set(rows));
    assertEquals(parts.flat().length, rows.length);
    for (const part of parts) {
      const longest = Math.max(...part.map((r) => r.prompt.length + r.completion.length - 1));
      const padded = part.length * Math.ceil(longest / 8) * 8;
      assert(part.length === 1 || padded <= maxTokens, `${padded} > ${maxTokens}`);
    }
  }
});

Deno.test("microBatches() keeps the order of rows of one length and leaves its argument alone", () => {
  const rows = [row(2, 2), row(1, 3), row(3, 1), row(1, 1)];
  assertEquals(microBatches(rows, 32).flat(), [rows[3]!, rows[0]!, rows[1]!, rows[2]!]);
  assertEquals(rows[3]!.prompt.length, 1);
  assertEquals(microBatches([], 32), []);
});

Deno.test("completionTokens() counts what carries the loss", () => {
  assertEquals(completionTokens([row(3, 2), row(1, 5)]), 7);
  assertEquals(completionTokens([]), 0);
});
