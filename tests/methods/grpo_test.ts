import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import type { Group } from "../../lib/grading/group.ts";
import {
  checkGrpo,
  grpo,
  type GrpoConfig,
  policyRows,
  policyStep,
  policyUpdate,
} from "../../lib/methods/grpo.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { ADAMW_DEFAULTS, adamwState, disposeAdamw } from "../../lib/optim/adamw.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, TINY } from "../_devices.ts";

const tokenizer = charTokenizer("abcd=");
const shape = modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize });

const config: GrpoConfig = {
  seed: 1,
  steps: 1,
  groupSize: 2,
  questionsPerStep: 2,
  maxNewTokens: 4,
  optimizerSteps: 1,
  clip: { low: 0.2, high: 0.28, dual: 3 },
  reduction: "token-mean",
  normalizeStd: false,
  entropyCoefficient: 0,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  // With β1 = 0 and no clip the first moment is the gradient itself.
  adamw: { ...ADAMW_DEFAULTS, beta1: 0, maxGradNorm: Infinity },
  maxTokens: 1024,
};

/** Runs a test with a policy that knows nothing yet. */
async function withPolicy(test: (policy: Policy) => Promise<void>): Promise<void> {
  const policy = createPolicy(shape, tokenizer, 1);
  try {
    await test(policy);
  } finally {
    disposePolicy(policy);
  }
}

/** The policy's log-probabilities of the tokens of one completion, and the entropies there. */
async function scoresOf(
  { weights }: Policy,
  row: TrainingRow,
): Promise<{ logProbs: number[]; entropies: number[] }> {
  const [logProbs, entropy] = tf.tidy(() => {
    const scores = scoreTokens(weights, shape, tokenBatch([row], tokenizer.padTokenId));
    return [scores.logProbs, scores.entropy];
  });
  const read = async (tensor: tf.Tensor): Promise<number[]> =>
    [...await tensor.data<"float32">()].slice(0, row.completion.length);
  const result = { logProbs: await read(logProbs), entropies: await read(entropy) };
  tf.dispose([logProbs, entropy]);
  return result;
}

/** A group as if the policy had sampled these texts, with these rewards. */
async function groupOf(policy: Policy, rewards: Record<string, number>): Promise<Group> {
  const prompt = tokenizer.encode("ab=");
  const completions = await Promise.all(
    Object.keys(rewards).map(async (text) => {
      const tokens = tokenizer.encode(text);
      const { logProbs } = await scoresOf(policy, { prompt, completion: tokens, advantage: 0 });
      return {
        tokens,
        text,
        logProbs,
        samplingLogProbs: logProbs,
        entropy: 1,
        finishReason: "length" as const,
      };
    }),
  );
  const graded = Object.values(rewards).map((total) => ({
    total,
    correct: total === 1,
    parts: {},
  }));
  return {
    question: { id: "q", prompt: "ab=", answer: "" },
    prompt,
    completions,
    rewards: graded,
    accuracy: graded.filter(({ correct }) => correct).length / graded.length,
  };
}

/** Values of tensors by name. */
async function valuesOf(
  tensors: Readonly<Record<string, tf.Tensor>>,
): Promise<Record<string, number[]>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) =>
    [name, [...await tensor.data<"float32">()]] satisfies [string, number[]]
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** One step on a copy of the policy; its report, the gradient and the weights after it. */
async function stepOn(
  rows: readonly TrainingRow[],
  changes: Partial<GrpoConfig> = {},
): Promise<
  & { gradient: Record<string, number[]>; weights: Record<string, number[]>; taken: number }
  & Awaited<ReturnType<typeof policyStep>>
> {
  const copy = createPolicy(shape, tokenizer, 1);
  const optimizer = adamwState(copy.weights);
  const report = await policyStep(copy, rows, optimizer, 0.01, { ...config, ...changes });
  const [gradient, weights] = [await valuesOf(optimizer.m), await valuesOf(copy.weights)];
  disposeAdamw(optimizer);
  disposePolicy(copy);
  return { ...report, gradient, weights, taken: optimizer.step };
}

function assertGradient(
  actual: Record<string, number[]>,
  expected: Record<string, number[]>,
  scale = 1,
): void {
  assert(Object.values(expected).some((values) => values.some((x) => Math.abs(scale * x) > 1e-3)));
  for (const [name, values] of Object.entries(expected)) {
    assertClose(actual[name]!, values.map((x) => scale * x), 1e-5);
  }
}

eachDevice(
  "policyStep() divides by the tokens of dead groups but spends nothing on them",
  () =>
    withPolicy(async (policy) => {
      const live = policyRows(await groupOf(policy, { "aba": 1, "cd": 0 }), false);
      const dead = policyRows(await groupOf(policy, { "abcd": 1, "d": 1 }), false);
      const all = await stepOn([...dead, ...live]);
      assertEquals(all.rows, 2); // of four
      // On-policy ratios are 1, so the loss is -Σ A len / tokens = (-0.5 * 3 + 0.5 * 2) / (3+2+4+1)
      assertClose([all.loss, all.surrogate], [-0.05, -0.05], 1e-5);
      // Only the divisor differs from the live rows alone: 10 tokens, not 5.
      const alone = await stepOn(live);
      assertClose([alone.loss], [-0.1], 1e-5);
      assertGradient(all.gradient, alone.gradient, 5 / 10);
    }),
);

eachDevice(
  "policyStep() follows the sum of −A ρ over live tokens, divided by all tokens",
  () =>
    withPolicy(async (policy) => {
      // Old log-probabilities a little off the policy's, inside the clip, so that ratios count.
      const off = (rows: TrainingRow[]) =>
        rows.map((row) => ({ ...row, oldLogProbs: Array.from(row.oldLogProbs!, (x) => x - 0.1) }));
      const live = off(policyRows(await groupOf(policy, { "aba": 1, "cd": 0, "b": 0 }), false));
      const dead = off(policyRows(await groupOf(policy, { "abcd": 0, "dd": 0 }), false));
      const tokens = 3 + 2 + 1 + 4 + 2;
      // One row at a time, unpadded batches of one, no clip, no micro-batches, no reduction code.
      let loss = 0;
      for (const row of live) {
        const { logProbs } = await scoresOf(policy, row);
        logProbs.forEach((logProb, t) => {
          loss -= row.advantage * Math.exp(logProb - row.oldLogProbs[t]!) / tokens;
        });
      }
      const { value, grads } = tf.variableGrads(() =>
        tf.tidy(() =>
          tf.addN(live.map((row) => {
            const batch = tokenBatch([row], tokenizer.padTokenId);
            const { logProbs } = scoreTokens(policy.weights, shape, batch);
            const ratio = tf.exp(tf.sub(logProbs, batch.oldLogProbs));
            return tf.sum(tf.mul(tf.mul(ratio, batch.mask), -row.advantage / tokens));
          })) as tf.Scalar
        ), Object.values(policy.weights));
      const byName = Object.fromEntries(
        Object.entries(policy.weights).map(([name, weight]) => [name, grads[weight.name]!]),
      );
      const gradient = await valuesOf(byName);
      tf.dispose([value, grads]);

      const step = await stepOn([...live, ...dead]);
      assertClose([step.loss], [loss], 1e-5);
      assertClose([step.ratio], [Math.exp(0.1)], 1e-5);
      assertClose([step.approximateKl], [Math.exp(0.1) - 1 - 0.1], 1e-5);
      assertClose([step.gap], [0.1], 1e-4);
      assertEquals(step.clipFraction, 0);
      assertGradient(step.gradient, gradient);
      const norm = Math.hypot(...Object.values(gradient).flat());
      assertClose([step.gradNorm], [norm], 1e-5);
    }),
);

eachDevice(
  "policyStep() gives the same mean whatever the micro-batches and the order of rows",
  () =>
    withPolicy(async (policy) => {
      const rows = [
        ...policyRows(await groupOf(policy, { "aba": 1, "cd": 0, "ddba": 0, "b": 1 }), false),
        ...policyRows(await groupOf(policy, { "abcd": 1, "d": 0 }), false),
      ];
      const whole = await stepOn(rows);
      const parts = await stepOn(rows.toReversed(), { maxTokens: 8 }); // a row at a time
      assertClose([parts.loss, parts.entropy, parts.ratio], [
        whole.loss,
        whole.entropy,
        whole.ratio,
      ], 1e-5);
      assertGradient(parts.gradient, whole.gradient);
    }),
);

eachDevice(
  "policyStep() divides each completion's sum by the token limit, constant-length",
  () =>
    withPolicy(async (policy) => {
      const rows = [
        ...policyRows(await groupOf(policy, { "aba": 1, "cd": 0 }), false),
        ...policyRows(await groupOf(policy, { "abcd": 0, "d": 0 }), false),
      ];
      // Four rows of at most 4 tokens: (-0.5 * 3 + 0.5 * 2) / (4 * 4) = -1 / 32
      const step = await stepOn(rows, { reduction: "constant-length" });
      assertClose([step.loss, step.surrogate], [-1 / 32, -1 / 32], 1e-5);
      // A limit of 8 halves it.
      const longer = await stepOn(rows, { reduction: "constant-length", maxNewTokens: 8 });
      assertClose([longer.loss], [-1 / 64], 1e-5);
      assertGradient(longer.gradient, step.gradient, 0.5);
    }),
);

eachDevice(
  "policyStep() lets dead rows take part when there is an entropy bonus",
  () =>
    withPolicy(async (policy) => {
      const rows = policyRows(await groupOf(policy, { "abcd": 0, "d": 0 }), false);
      const step = await stepOn(rows, { entropyCoefficient: 0.1 });
      const entropies = await Promise.all(rows.map((row) => scoresOf(policy, row)));
      const sum = entropies.flatMap((scores) => scores.entropies).reduce((a, b) => a + b);
      assertEquals([step.rows, step.taken], [2, 1]);
      assertClose([step.entropy, step.loss], [sum / 5, -0.1 * sum / 5], 1e-5); // 4 + 1 tokens
      assertClose([step.surrogate], [0], 1e-7);
      assertGradient(step.gradient, step.gradient); // not 0
      assertNotEquals(step.weights, await valuesOf(policy.weights));
    }),
);

eachDevice(
  "policyUpdate() takes no step on a batch of dead groups, not even along its momentum",
  () =>
    withPolicy(async (policy) => {
      const state = trainingState();
      const momentum = { ...config, adamw: ADAMW_DEFAULTS };
      const live = await groupOf(policy, { "aba": 1, "cd": 0 });
      const dead = [
        await groupOf(policy, { "abcd": 1, "d": 1 }),
        await groupOf(policy, { "a": 0, "b": 0 }),
      ];
      const first = await policyUpdate(policy, [live], momentum, state);
      assertEquals([first["rl/optimizer_steps"], first["rl/empty_steps"]], [1, 0]);
      const { rl } = state.optimizers;
      const everything = () => Promise.all([policy.weights, rl!.m, rl!.v].map(valuesOf));
      const before = await everything();
      const update = await policyUpdate(policy, dead, momentum, state);
      assertEquals(await everything(), before);
      assertEquals(rl!.step, 1);
      assertEquals([update["rl/optimizer_steps"], update["rl/empty_steps"]], [0, 1]);
      assertEquals([update["rl/skipped_steps"], update["rl/loss"]], [0, NaN]);
      assertEquals(update["advantage/mean_abs"], 0);
      disposeState(state);
    }),
);

eachDevice(
  "policyUpdate() skips and counts a step whose gradient is not finite",
  () =>
    withPolicy(async (policy) => {
      const groups = [await groupOf(policy, { "aba": 1, "cd": 0 })];
      const spoiled = policy.weights["model.layers.0.mlp.up_proj.weight"]!;
      const values = (await spoiled.data()).slice();
      values[3] = NaN;
      tf.tidy(() => void spoiled.assign(tf.tensor(values, spoiled.shape)));
      const state = trainingState();
      const before = await valuesOf(policy.weights);
      const update = await policyUpdate(policy, groups, config, state);
      assertEquals(await valuesOf(policy.weights), before);
      assertEquals([update["rl/optimizer_steps"], update["rl/skipped_steps"]], [0, 1]);
      assertEquals([update["rl/empty_steps"], update["rl/grad_norm"]], [0, NaN]);
      const { step, m, v } = state.optimizers.rl!;
      const moments = [...Object.values(await valuesOf(m)), ...Object.values(await valuesOf(v))];
      assertEquals([step, Math.max(...moments.flat()), Math.min(...moments.flat())], [0, 0, 0]);
      disposeState(state);
    }),
);

/** Questions that are solved by any completion that starts with their answer. */
const startsWith = (...answers: readonly string[]): Dataset => ({
  name: "starts with",
  size: answers.length,
  question: (index) => ({
    id: `q${index}`,
    prompt: `${answers[index]}b=`,
    answer: answers[index]!,
  }),
  reward: ({ answer }, completion) => binaryReward(completion.startsWith(answer)),
});

/** Runs GRPO to its end. */
async function metricsOf(
  policy: Policy,
  dataset: Dataset,
  changes: Partial<GrpoConfig>,
): Promise<Metrics[]> {
  const state = trainingState();
  const yielded: Metrics[] = [];
  for await (const metrics of grpo(policy, dataset, { ...config, ...changes }, state)) {
    yielded.push(metrics);
  }
  disposeState(state);
  return yielded;
}

eachDevice(
  "grpo() finds ratios of 1 on its first update: sampler and trainer agree",
  () =>
    withPolicy(async (policy) => {
      const [metrics] = await metricsOf(policy, startsWith("=", "a"), {
        groupSize: 8,
        maxNewTokens: 12,
      });
      assert(metrics!["groups/live"]! > 0);
      assertClose([metrics!["rl/ratio"]!], [1], 1e-4);
      assert(metrics!["rl/sampler_gap"]! < 1e-4, `gap ${metrics!["rl/sampler_gap"]}`);
      assertEquals(metrics!["rl/clip_fraction"], 0);
      assertClose([metrics!["rl/approximate_kl"]!], [0], 1e-6);
    }),
);

eachDevice("grpo() learns a question by its reward alone, in seconds", async () => {
  const policy = createPolicy(shape, tokenizer, 1);
  const yielded = await metricsOf(policy, startsWith("c"), {
    steps: 25,
    questionsPerStep: 1,
    groupSize: 16,
    maxNewTokens: 2,
    adamw: ADAMW_DEFAULTS,
  });
  const accuracies = yielded.map((metrics) => metrics["accuracy"]!);
  const early = mean(accuracies.slice(0, 3)), late = mean(accuracies.slice(-3));
  assert(early < 0.5 && late > 0.9, `accuracy went from ${early} to ${late}`);
  disposePolicy(policy);
}, { devices: ["wasm"] });

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b) / values.length;
}

Deno.test("checkGrpo() rejects settings that its type cannot", () => {
  checkGrpo({ ...config, questionsPerStep: 6, optimizerSteps: 3 });
  const bad: [Partial<GrpoConfig>, string][] = [
    [
      { groupSize: 1 },
      "Cannot compare completions as groupSize must be >= 2: current value is 1",
    ],
    [{ groupSize: NaN }, "groupSize must be >= 2: current value is NaN"],
    [
      { optimizerSteps: 0 },
      "Cannot train as optimizerSteps must be a whole number > 0: current value is 0",
    ],
    [{ optimizerSteps: 1.5 }, "optimizerSteps must be a whole number > 0: current value is 1.5"],
    [{ questionsPerStep: 0 }, "questionsPerStep must be a whole number > 0: current value is 0"],
    [{ questionsPerStep: 4, optimizerSteps: 3 }, "must divide questionsPerStep 4"],
    [{ optimizerSteps: 4 }, "must divide questionsPerStep 2: current value is 4"],
  ];
  for (const [change, message] of bad) {
    assertThrows(() => checkGrpo({ ...config, ...change }), RangeError, message);
  }
});

eachDevice("grpo() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = grpo(policy, startsWith("a"), { ...config, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });
