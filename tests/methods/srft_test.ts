import * as tf from "@tensorflow/tfjs";
import { assertEquals, assertThrows } from "@std/assert";
import {
  certainLikelihood,
  probabilityGain,
  rightOrWrong,
  srft,
  srftMixture,
} from "../../lib/methods/srft.ts";
import type { Objective } from "../../lib/objectives/objective.ts";
import { assertClose, eachDevice, take } from "../_devices.ts";
import {
  batchOf,
  disposeBatch,
  evaluateObjective,
  onDevice,
  type ScoredRow,
} from "../objectives/_objective.ts";
import { finish, groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";

const config = { ...srft.config, ...SMALL };

/** Rows of mean entropy ln 2 and 0. */
const ROWS: readonly ScoredRow[] = [
  { logProbs: [0.5, 0.25].map(Math.log), entropy: [2 * Math.LN2, 0], advantage: 1 },
  { logProbs: [0.5].map(Math.log), entropy: [0], advantage: -1 },
];

/** Fails if a gradient flows through the entropy that a loss is weighted by. */
async function assertEntropyIsConstant(
  objective: Objective,
  rows: readonly ScoredRow[],
): Promise<void> {
  const batch = batchOf(rows);
  const logProbs = onDevice(rows.flatMap((row) => row.logProbs), batch);
  const entropy = onDevice(rows.flatMap((row) => row.entropy!), batch);
  const lossOf = (x: tf.Tensor) => objective({ logProbs, entropy: x as tf.Tensor1D }, batch).loss;
  const gradient = tf.tidy(() => tf.grad((x) => tf.sum(lossOf(x)))(entropy));
  assertEquals(new Set(await take(gradient)), new Set([0]));
  tf.dispose([logProbs, entropy]);
  disposeBatch(batch);
}

eachDevice("certainLikelihood() teaches a row less the higher its mean entropy", async () => {
  const demonstrations = ROWS.map((row) => ({ ...row, advantage: 1 }));
  const token = await evaluateObjective(certainLikelihood(0.5), demonstrations);
  // w = 0.5 exp(-ln 2) = 0.25 in the first row, 0.5 in the second; -w log p
  assertClose(token.loss, [0.25 * Math.LN2, 0.5 * Math.LN2, 0.5 * Math.LN2], 1e-5);
  assertClose(token.gradient, [-0.25, -0.25, -0.5], 1e-5);
  await assertEntropyIsConstant(certainLikelihood(0.5), demonstrations);
});

eachDevice(
  "rightOrWrong() pulls right completions by their entropy, pushes wrong ones",
  async () => {
    const token = await evaluateObjective(rightOrWrong(0.1), ROWS);
    // w = 0.1 exp(ln 2) = 0.2; -w log p where right, log p where wrong
    assertClose(token.loss, [0.2 * Math.LN2, 0.4 * Math.LN2, -Math.LN2], 1e-5);
    assertClose(token.gradient, [-0.2, -0.2, 1], 1e-5);
    await assertEntropyIsConstant(rightOrWrong(0.1), ROWS);
  },
);

eachDevice("probabilityGain() is the ratio of a behaviour probability of 1", async () => {
  const { loss, gradient } = await evaluateObjective(probabilityGain, [
    { logProbs: [0.5, 0.2].map(Math.log), advantage: 0.5 },
    { logProbs: [0.5].map(Math.log), advantage: -1 },
  ]);
  assertClose(loss, [-0.25, -0.1, 0.5], 1e-6); // -A p
  assertClose(gradient, [-0.25, -0.1, 0.5], 1e-6); // d p / d log p = p
});

Deno.test("srftMixture() teaches demonstrations twice, and own completions without a group", async () => {
  const dataset = letters({ demonstrated: [0, 1] });
  const { terms, demonstrations } = await srftMixture(trainingOf(config, dataset), [
    groupOf(dataset, 0, { "a": 1, "bc": 0, "b": 0 }),
    groupOf(dataset, 1, { "a": 1, "b": 1, "c": 1 }),
    groupOf(dataset, 2, { "a": 0, "b": 0, "c": 0 }), // dead, and yet pushed away
  ]);
  const columns = terms.map(({ name, rows }) => [
    name,
    rows.map(({ advantage }) => advantage),
    [...new Set(rows.map(({ weight }) => weight))],
  ]);
  assertEquals(columns, [
    ["sft", [1, 1], [1 / 10]], // five tokens each
    ["off", [0.5, 0], [1 / 10]], // rewards 1 0 0 1, and 1 1 1 1
    ["rl", [1, -1, -1, 1, 1, 1, -1, -1, -1], [1 / 10]], // nine completions of ten tokens
  ]);
  assertEquals(demonstrations.map(({ index }) => index), [0, 1]);
});

eachDevice(
  "srft() tells the three losses, and learns where there are no demonstrations",
  async () => {
    const { yielded: [metrics], state } = await finish(srft, letters(), config);
    const of = (name: string) => metrics![name]!;
    assertClose(
      [of("rl/loss")],
      [of("rl/surrogate") + of("sft/surrogate") + of("off/surrogate")],
      1e-5,
    );
    assertClose([of("sft/weight")], [0.5 * Math.exp(-of("sft/entropy"))], 0.05);
    assertEquals(Object.values(state.taught).reduce((sum, count) => sum + count), 8);

    const { yielded, state: alone } = await finish(srft, letters({ demonstrated: [] }), config);
    assertEquals(alone.taught, {});
    assertEquals(yielded.map((metrics) => metrics["rl/optimizer_steps"]), [2, 2]);
  },
  { devices: ["cpu", "wasm"] },
);

Deno.test("srft() rejects weights without effect", () => {
  srft.check(config);
  assertThrows(
    () => srft.check({ ...config, rightWeight: -1 }),
    RangeError,
    "Cannot train as rightWeight must be > 0: current value is -1",
  );
});
