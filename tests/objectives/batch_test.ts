import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import {
  completionTokens,
  microBatches,
  type TokenBatch,
  tokenBatch,
  type TrainingRow,
} from "../../lib/objectives/batch.ts";
import { eachDevice } from "../_devices.ts";

/** A row whose prompt and completion have these lengths. */
function row(prompt: number, completion: number): TrainingRow {
  const ids = (length: number) => Array.from({ length }, (_, i) => i % 5);
  return { prompt: ids(prompt), completion: ids(completion), advantage: 0 };
}

/** The tensors of a batch. */
const tensorsOf = ({ sequences, lengths: _, ...tensors }: TokenBatch) => [
  ...Object.values(tensors),
  sequences.starts,
  sequences.ends,
];

eachDevice("tokenBatch() lays rows end to end and tells what follows each token", async () => {
  const batch = tokenBatch([
    // Ids 5 6 7 8 9, of which the policy reads 5 6 7 8 and is judged by 7 8 9.
    { prompt: [5, 6], completion: [7, 8, 9], advantage: 0.5, oldLogProbs: [-1, -2, -3] },
    { prompt: [4], completion: [3], advantage: -1.5, oldLogProbs: [-4] },
    { prompt: [1, 2, 3], completion: [4], advantage: 0 }, // a demonstration
  ], 13);
  const { tokens, scored, targets, mask, advantages, oldLogProbs, sequences } = batch;
  assertEquals([tokens, scored, targets].map(({ dtype }) => dtype), ["int32", "int32", "int32"]);
  assertEquals([...await tokens.data()], [5, 6, 7, 8, 4, 1, 2, 3]);
  assertEquals(sequences.lengths, [4, 1, 3]);
  assertEquals([...await sequences.starts.data()], [0, 0, 0, 0, 4, 5, 5, 5]);
  assertEquals([...await sequences.ends.data()], [4, 4, 4, 4, 5, 8, 8, 8]);
  assertEquals([...await scored.data()], [1, 2, 3, 4, 7]); // 6 7 8, 4 and 3
  assertEquals([...await targets.data()], [7, 8, 9, 3, 4]);
  assertEquals([...await mask.data()], [1, 1, 1, 1, 1]);
  assertEquals([...await advantages.data()], [0.5, 0.5, 0.5, -1.5, 0]);
  assertEquals([...await oldLogProbs.data()], [-1, -2, -3, -4, 0]);
  tf.dispose(tensorsOf(batch));
});

eachDevice("tokenBatch() weighs tokens alike or one by one, by 1 unless told", async () => {
  const batch = tokenBatch([
    { prompt: [5], completion: [7, 8], advantage: 1, weight: 0.25 },
    { prompt: [4], completion: [3, 2, 1], advantage: 1, weight: [0.5, 0, 2] },
    { prompt: [1], completion: [4], advantage: 1 },
  ], 13);
  assertEquals([...await batch.weights.data()], [0.25, 0.25, 0.5, 0, 2, 1]);
  assertEquals(batch.lengths, [2, 3, 1]);
  tf.dispose(tensorsOf(batch));
});

eachDevice("tokenBatch() fills up to a size that the device pools, masked", async () => {
  const batch = tokenBatch([row(10, 20), row(5, 13)], 4); // reads 29 + 17 tokens, scores 33
  const { tokens, scored, mask, weights, lengths, sequences } = batch;
  assertEquals([tokens.size, scored.size], [48, 40]); // 32 to 64 in steps of 8
  assertEquals(lengths, [20, 13]);
  assertEquals([...await weights.data()], [...await mask.data()]);
  assertEquals(sequences.lengths, [29, 17, 2]);
  assertEquals([...await tokens.data()].slice(46), [4, 4]);
  assertEquals([...await mask.data()], Array.from({ length: 40 }, (_, i) => i < 33 ? 1 : 0));
  tf.dispose(tensorsOf(batch));
}, { devices: ["webgpu"] });

eachDevice("tokenBatch() fills nothing up elsewhere", async () => {
  const batch = tokenBatch([row(10, 20), row(5, 13)], 4);
  assertEquals([batch.tokens.size, batch.scored.size], [46, 33]);
  tf.dispose(tensorsOf(batch));
  await Promise.resolve();
}, { devices: ["cpu", "wasm"] });

Deno.test("microBatches() fills parts in order up to the limit", () => {
  const [three, eight, nine, twenty] = [row(2, 2), row(4, 5), row(4, 6), row(10, 11)];
  const rows = [twenty, nine, three, eight]; // which read 20, 9, 3 and 8 tokens
  assertEquals(microBatches(rows, 12), [[twenty], [nine, three], [eight]]);
  assertEquals(microBatches(rows, 29), [[twenty, nine], [three, eight]]);
  assertEquals(microBatches(rows, 39), [[twenty, nine, three], [eight]]);
  assertEquals(microBatches(rows, 40), [[twenty, nine, three, eight]]);
});

Deno.test("microBatches() loses no row and passes the limit only with a row alone", () => {
  const rows = Array.from({ length: 40 }, (_, i) => row(1 + i % 7, 1 + (i * i) % 23));
  for (const maxTokens of [1, 16, 40, 100, 1000]) {
    const parts = microBatches(rows, maxTokens);
    assertEquals(parts.flat(), rows);
    for (const part of parts) {
      const read = part.reduce((sum, r) => sum + r.prompt.length + r.completion.length - 1, 0);
      assert(part.length === 1 || read <= maxTokens, `${read} > ${maxTokens}`);
    }
  }
  assertEquals(microBatches([], 32), []);
});

Deno.test("completionTokens() counts what carries the loss", () => {
  assertEquals(completionTokens([row(3, 2), row(1, 5)]), 7);
  assertEquals(completionTokens([]), 0);
});
