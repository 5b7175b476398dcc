/** 16-bit weights and caches on `webgpu`: close to float32, renewed, freed, and gone when off. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { openDevice } from "../../lib/compute/device.ts";
import { openedGpu } from "../../lib/compute/gpu.ts";
import { runKernels } from "../../lib/compute/kernels.ts";
import type { HeadShape } from "../../lib/compute/ops/attention.ts";
import {
  cachePrompts,
  decodeAttention,
  layerCache,
} from "../../lib/compute/ops/decode_attention.ts";
import { linear } from "../../lib/compute/ops/linear.ts";
import { PLAIN_SAMPLING } from "../../lib/compute/ops/sample.ts";
import type { Question } from "../../lib/data/question.ts";
import { rl } from "../../lib/methods/rl.ts";
import { disposeState, trainingState } from "../../lib/methods/training.ts";
import { optimizerStep } from "../../lib/methods/update.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { clippedSurrogate } from "../../lib/objectives/objective.ts";
import { tokenMean } from "../../lib/objectives/weigh.ts";
import { randomKey } from "../../lib/random.ts";
import { rollout } from "../../lib/rollout/rollout.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY, wave } from "../_devices.ts";

const WEBGPU = { devices: ["webgpu"] };
const TOKENIZER = charTokenizer("0123456789+=");
const SHAPE = modelConfig({ ...TINY, vocab_size: TOKENIZER.vocabSize });

/** What a computation gives with 16-bit floats, and what without, before and after. */
async function withAndWithout<T>(compute: () => Promise<T>): Promise<[half: T, full: T]> {
  const before = await compute();
  const { description } = await openDevice({ prefer: "webgpu", half: true });
  assert(description.endsWith(", 16-bit weights and cache"), description);
  const half = await compute();
  await openDevice({ prefer: "webgpu" });
  assertEquals(await compute(), before); // to the bit
  return [half, before];
}

eachDevice("linear() reads weights rounded to 16 bits, and only weights", async () => {
  const near = 1 + 2 ** -13; // an eighth of a step from 1 to the next 16-bit float
  const x = tf.tensor2d([[near, 0, 0], [0, 1, 0], [0, 0, 1]]);
  const weight = tf.tensor2d([[near, -1e6, 2 ** -20]]);
  const [half, full] = await withAndWithout(() => take(tf.tidy(() => linear(x, [weight]))));
  assertEquals([...full], [Math.fround(near * near), -1e6, 2 ** -20]);
  assertEquals([...half], [near, -65504, 2 ** -20]); // the largest and a small number that it has
  tf.dispose([x, weight]);
}, WEBGPU);

eachDevice("linear() and its gradient are close with 16-bit weights", async () => {
  for (
    const [rows, width, outs] of [
      [1, 5, [3, 1, 2]],
      [4, 64, [32]],
      [3, 1028, [18, 6]],
      [40, 36, [40, 12, 20]],
      [130, 33, [130, 7]],
      [5, 6, [2, 1, 3, 2]], // joined for one launch
      [5, 6, [0]],
      [0, 6, [2]],
    ] as const
  ) {
    const before = openedGpu().backend.numDataIds();
    const x = wave([rows, width]) as tf.Tensor2D;
    const weights = outs.map((out, i) =>
      wave([out, width], i, 1 / Math.sqrt(width))
    ) as tf.Tensor2D[];
    const dy = wave([rows, outs.reduce((sum: number, out) => sum + out, 0)], 3);
    const [half, full] = await withAndWithout(async () => {
      const named = Object.fromEntries(weights.map((weight, i) => [`weight${i}`, weight]));
      const y = tf.tidy(() => linear(x, weights));
      return await Promise.all([y, ...runKernels("LinearGrad", { dy, x, ...named })].map(take));
    });
    const [y, dx, ...dWeights] = half;
    assertClose(y!, full[0]!, 2e-3);
    assertClose(dx!, full[1]!, 2e-3);
    if (y!.length > 0) assertNotEquals([y, dx], full.slice(0, 2));
    assertEquals(dWeights, full.slice(2));
    tf.dispose([x, weights, dy]);
    assertEquals(openedGpu().backend.numDataIds(), before);
  }
}, WEBGPU);

eachDevice("decodeAttention() is close with a 16-bit cache of half the size", async () => {
  const shapes: HeadShape[] = [
    { heads: 4, keyValueHeads: 2, headDim: 32 },
    { heads: 3, keyValueHeads: 1, headDim: 14 },
    { heads: 2, keyValueHeads: 2, headDim: 2 },
  ];
  for (const shape of shapes) {
    const columns = (shape.heads + 2 * shape.keyValueHeads) * shape.headDim;
    const prompts = wave([143, columns]) as tf.Tensor2D;
    const rows = tf.tensor2d([[2, 0, 1], [1, 0, 1], [140, 3, 140], [0, 0, 0]], [4, 3], "int32");
    const tokens = [0, 1, 2, 3].map((phase) => wave([3, columns], phase) as tf.Tensor2D);
    const sizes: number[] = [];
    const [half, full] = await withAndWithout(async () => {
      const cache = layerCache(shape, {
        promptSlots: 2,
        promptCapacity: 150,
        completionSlots: 3,
        completionCapacity: 3,
      });
      sizes.push(cache.prompts.size + cache.completions.size);
      cachePrompts(cache, prompts, { lengths: [3, 140] }, [0, 1]);
      const ys = await Promise.all(
        tokens.map((token, step) => take(decodeAttention(token, cache, rows, step, shape))),
      );
      tf.dispose([cache.prompts, cache.completions]);
      return ys;
    });
    half.forEach((y, step) => assertClose(y, full[step]!, 2e-3));
    assertNotEquals(half, full);
    assertEquals(sizes, [2 * sizes[1]!, sizes[1], 2 * sizes[1]!]);
    tf.dispose([prompts, rows, tokens]);
  }
}, WEBGPU);

/** Completions of a few questions, as rows to learn from; every other one is good. */
async function sampled(policy: Policy, round: number): Promise<TrainingRow[]> {
  const questions = ["7", "12345678=", "1+2="].map((prompt, i): Question => ({
    id: String(i),
    prompt,
    answer: "",
  }));
  const rollouts = await rollout(policy, questions, {
    ...PLAIN_SAMPLING,
    groupSize: 4,
    maxNewTokens: 12,
    random: (question, sample) => randomKey(1, "rollout", round, question, sample),
  });
  return rollouts.flatMap(({ prompt, completions }) =>
    completions.map(({ tokens, logProbs }, i) => ({
      prompt,
      completion: tokens,
      advantage: i % 2 === 0 ? 1 : -1,
      oldLogProbs: logProbs,
    }))
  );
}

/** The largest difference, in nats, between what sampler and trainer say of a token. */
async function gapOf(policy: Policy): Promise<number> {
  const rows = await sampled(policy, 0);
  const gaps = tf.tidy(() => {
    const batch = tokenBatch(rows, TOKENIZER.padTokenId);
    const { logProbs } = scoreTokens(policy, batch);
    return tf.mul(tf.abs(tf.sub(logProbs, batch.oldLogProbs)), batch.mask);
  });
  return Math.max(...await take(gaps));
}

eachDevice("sampler and trainer agree where both read 16-bit weights", async () => {
  const policy = createPolicy(SHAPE, TOKENIZER, 1);
  const [half, full] = await withAndWithout(() => gapOf(policy));
  assert(full < 1e-4, `${full} nats`);
  assert(half < 5e-3, `${half} nats`);
  disposePolicy(policy);
}, WEBGPU);

eachDevice("training renews the 16-bit weights, and keeps no more of them", async () => {
  await openDevice({ prefer: "webgpu", half: true });
  const { backend } = openedGpu();
  const before = backend.numDataIds();
  const policy = createPolicy(SHAPE, TOKENIZER, 1);
  const state = trainingState();
  const learner = { policy, state, config: rl.config };
  const { adamw, clip } = rl.config;
  const weight = policy.weights["model.layers.0.mlp.up_proj.weight"] as tf.Tensor2D;
  const rows = tokenMean(await sampled(policy, 0)), x = wave([2, SHAPE.hidden_size]) as tf.Tensor2D;
  const terms = [{ name: "rl", rows, objective: clippedSurrogate(clip) }] as const;
  let last: Float32Array | undefined;
  const states: unknown[] = [];
  for (let step = 0; step < 20; step++) {
    if (step % 10 === 0) await sampled(policy, step);
    await optimizerStep(learner, terms, { optimizer: "rl", learningRate: 0.01, adamw });
    const y = await take(tf.tidy(() => linear(x, [weight])));
    const plain = await take(tf.tidy(() => tf.matMul(x, weight, false, true)));
    assertClose(y, plain, 2e-3); // by the weights of this step
    assertNotEquals(y, last);
    last = y;
    const { numTensors, numDataBuffers } = tf.memory();
    const { numBytesInGPU } = backend.memory();
    states.push([numTensors, numDataBuffers, numBytesInGPU, backend.numDataIds()]);
  }
  assertEquals(states.slice(1), states.slice(1).map(() => states[1]));
  disposePolicy(policy);
  disposeState(state);
  x.dispose();
  assertEquals(backend.numDataIds(), before);
}, WEBGPU);

eachDevice("linear() reads what a variable was assigned, in 16 bits too", async () => {
  await openDevice({ prefer: "webgpu", half: true });
  const x = wave([2, 6]) as tf.Tensor2D;
  const weight = tf.tidy(() => tf.variable(wave([3, 6]) as tf.Tensor2D));
  const before = await take(tf.tidy(() => linear(x, [weight])));
  tf.tidy(() => weight.assign(tf.mul(weight, 2)));
  assertEquals(await take(tf.tidy(() => linear(x, [weight]))), before.map((y) => 2 * y));
  tf.dispose([x, weight]);
}, WEBGPU);

Deno.test("openDevice() ignores half on other devices", async () => {
  await openDevice({ prefer: "cpu", half: true });
  const size = { promptSlots: 1, promptCapacity: 1, completionSlots: 1, completionCapacity: 1 };
  const cache = layerCache({ heads: 1, keyValueHeads: 1, headDim: 2 }, size);
  assertEquals([cache.prompts.dtype, cache.prompts.shape], ["float32", [1, 1, 4]]);
  tf.dispose([cache.prompts, cache.completions]);
});
