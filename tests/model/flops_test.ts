import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { modelConfig } from "../../lib/model/config.ts";
import {
  readingFlops,
  rowFlops,
  samplingFlops,
  scoringFlops,
  trainingFlops,
} from "../../lib/model/flops.ts";
import { createAdapter, LORA_TARGETS } from "../../lib/model/lora.ts";
import { initialWeights } from "../../lib/model/transformer.ts";
import { tokenBatch } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { eachDevice, TINY } from "../_devices.ts";

/** Four heads of width 4 on two pairs of keys and values; width 16, 24 in the middle, two layers. */
const CONFIG = modelConfig({ ...TINY, vocab_size: 11 });

Deno.test("readingFlops() counts projections by token and attention by position", () => {
  // A layer's weights: q and o 16 × 16, k and v 16 × 8, three of 16 × 24
  const weights = 2 * 16 * 16 + 2 * 16 * 8 + 3 * 16 * 24; // 1,920
  // Tokens at positions 3 and 4 read 4 and 5 positions: scores and sums of 16 numbers each
  const attention = (4 + 5) * 2 * (16 + 16);
  assertEquals(readingFlops(CONFIG, 3, 5), 2 * (2 * 2 * weights + attention)); // two layers
});

Deno.test("readingFlops() of parts add up to the whole", () => {
  for (const middle of [0, 1, 4, 9]) {
    const parts = readingFlops(CONFIG, 0, middle) + readingFlops(CONFIG, middle, 9);
    assertEquals(parts, readingFlops(CONFIG, 0, 9));
  }
});

Deno.test("samplingFlops() reads the prompt once for its group", () => {
  // Completions of 3 and 1 tokens after a prompt of 5: the last token of each is never read.
  assertEquals(
    samplingFlops(CONFIG, 5, [3, 1]),
    readingFlops(CONFIG, 0, 5) + readingFlops(CONFIG, 5, 7) + (3 + 1) * 2 * 16 * 11,
  );
  assertEquals(scoringFlops(CONFIG, 4), 4 * 2 * 16 * 11); // width 16, vocabulary 11
});

/** Operations of the matrix products that a computation makes; of those inside attention apart. */
async function productsOf(
  compute: () => tf.Tensor,
): Promise<{ readonly linear: number; readonly attention: number }> {
  const { kernels } = await tf.profile(() => tf.tidy(() => void compute()));
  let [linear, attention] = [0, 0];
  for (const { name, inputShapes, outputShapes } of kernels) {
    if (name !== "BatchMatMul") continue;
    const [left, right, out] = [inputShapes[0]!, inputShapes[1]!, outputShapes[0]!];
    // Rows × columns × inner: the inner size is what both inputs have and the output has not.
    const sizes = [left, right, out].map((shape) => shape.slice(-2).reduce((a, b) => a * b));
    const flops = 2 * Math.sqrt(sizes[0]! * sizes[1]! * sizes[2]!);
    if (left.length === 2) linear += flops;
    else attention += left[0]! * flops;
  }
  return { linear, attention };
}

eachDevice("trainingFlops() is the products of a forward and backward pass", async () => {
  const weights = initialWeights(CONFIG, 1);
  const row = { prompt: [1, 2, 3, 4], completion: [5, 6, 7], advantage: 1 };
  const score = () => scoreTokens({ weights, config: CONFIG }, tokenBatch([row], 10)).logProbs;
  const forward = await productsOf(score);
  const read = 4 + 3 - 1;
  // Attention's reference multiplies with all 6 positions and masks those to come: of 6 × 6 pairs
  // a causal one needs 6 × 7 / 2.
  const causal = forward.attention * (read + 1) / (2 * read);
  assertEquals(
    forward.linear + causal,
    readingFlops(CONFIG, 0, read) + scoringFlops(CONFIG, row.completion.length),
  );
  assertEquals(3 * (forward.linear + causal), trainingFlops(CONFIG, 4, 3));

  const both = await productsOf(() => {
    const { value, grads } = tf.variableGrads(
      () => tf.sum(score()) as tf.Scalar,
      Object.values(weights),
    );
    return tf.addN([value, ...Object.values(grads).map((gradient) => tf.sum(gradient))]);
  });
  assertEquals(both, { linear: 3 * forward.linear, attention: 3 * forward.attention });
  tf.dispose(weights);
}, { devices: ["cpu"] });

eachDevice("trainingFlops() of an adapter leaves out the gradient of frozen weights", async () => {
  const lora = { r: 2, lora_alpha: 2, target_modules: LORA_TARGETS };
  const weights = initialWeights(CONFIG, 1),
    adapter = createAdapter(CONFIG, lora, { base: "base", seed: 1 });
  for (const weight of Object.values(weights)) weight.trainable = false;
  const row = { prompt: [1, 2, 3, 4], completion: [5, 6, 7], advantage: 1 };
  const model = { weights, config: CONFIG, adapter };
  const score = () => scoreTokens(model, tokenBatch([row], 10)).logProbs;
  const forward = await productsOf(score);
  const causal = forward.attention * 7 / 12;
  assertEquals(forward.linear + causal, rowFlops(CONFIG, 4, 3, lora));
  const both = await productsOf(() => {
    const learned = Object.values(adapter.weights);
    const { value, grads } = tf.variableGrads(() => tf.sum(score()) as tf.Scalar, learned);
    return tf.addN([value, ...Object.values(grads).map((gradient) => tf.sum(gradient))]);
  });
  // What the first layer's adapters read learns nothing: no gradient goes to the embeddings.
  const [q, k, v] = [16, 8, 8], tokens = 6;
  const unneeded = 2 * tokens * (16 * (q + k + v) + 3 * 2 * 16);
  assertEquals(both.linear + unneeded + 3 * causal, trainingFlops(CONFIG, 4, 3, lora));
  tf.dispose([weights, adapter.weights]);
}, { devices: ["cpu"] });
