/**
 * Groups and questions so small that their updates can be worked out.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import type { GrpoConfig } from "../../lib/methods/grpo.ts";
import type { GroupConfig, Method, MethodConfig } from "../../lib/methods/method.ts";
import { rl, type RlConfig } from "../../lib/methods/rl.ts";
import {
  disposeState,
  type DrawnGroup,
  mean,
  type Metrics,
  trainingState,
} from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import type { TrainingRow } from "../../lib/objectives/batch.ts";
import { type RowScores, scoreRows } from "../../lib/objectives/log_probs.ts";
import { ADAMW_DEFAULTS, type AdamwConfig } from "../../lib/optim/adamw.ts";
import { assertClose } from "../_devices.ts";
import { shape, tokenizer, valuesOf } from "./_puzzles.ts";

/** With β1 = 0 and no clip the first moment is the gradient itself. */
export const GRADIENT_ADAMW: AdamwConfig = { ...ADAMW_DEFAULTS, beta1: 0, maxGradNorm: Infinity };

/** Two questions of two completions of at most four tokens, and one optimizer step. */
export const CONFIG: GroupConfig = {
  seed: 1,
  steps: 1,
  groupSize: 2,
  questionsPerStep: 2,
  maxNewTokens: 4,
  optimizerSteps: 1,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  adamw: GRADIENT_ADAMW,
  maxTokens: 1024,
};

/** Runs a test with a policy that knows nothing yet. */
export async function withPolicy(test: (policy: Policy) => Promise<void>): Promise<void> {
  const policy = createPolicy(shape, tokenizer, 1);
  try {
    await test(policy);
  } finally {
    disposePolicy(policy);
  }
}

/** What the policy says of the tokens of one completion. */
export async function scoresOf(policy: Policy, row: TrainingRow): Promise<RowScores> {
  return (await scoreRows(policy, [row], 1024))[0]!;
}

/** A group as if the policy had sampled these texts, with these rewards; those of 1 are right. */
export async function groupOf(
  policy: Policy,
  rewards: Readonly<Record<string, number>>,
  index = 0,
): Promise<DrawnGroup> {
  const prompt = tokenizer.encode("ab=");
  const completions = await Promise.all(
    Object.keys(rewards).map(async (text) => {
      const tokens = tokenizer.encode(text);
      const scores = await scoresOf(policy, { prompt, completion: tokens, advantage: 0 });
      const logProbs = [...scores.logProbs];
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
    index,
    question: { id: `q${index}`, prompt: "ab=", answer: "" },
    prompt,
    completions,
    rewards: graded,
    accuracy: graded.filter(({ correct }) => correct).length / graded.length,
  };
}

/** Questions that are solved by any completion that starts with their answer. */
export function startsWith(...answers: readonly string[]): Dataset {
  return {
    name: "starts with",
    size: answers.length,
    question: (index) => ({
      id: `q${index}`,
      prompt: `${answers[index]}b=`,
      answer: answers[index]!,
      demonstration: answers[index]!,
    }),
    reward: ({ answer }, completion) => binaryReward(completion.startsWith(answer)),
  };
}

/** What a run gave. */
export interface Finished {
  readonly yielded: Metrics[];
  /** Of the policy, by name. */
  readonly weights: Record<string, number[]>;
  /** First moments of the RL optimizer by name: with the settings above, its last gradient. */
  readonly gradient: Record<string, number[]>;
  /** Groups of each step that were told. */
  readonly groups: (readonly DrawnGroup[])[];
}

/** Runs a method to its end, from a policy that knows nothing yet. */
export async function finish<Config extends MethodConfig>(
  method: Method<Config>,
  config: Config,
  dataset: Dataset,
): Promise<Finished> {
  const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
  const yielded: Metrics[] = [], groups: (readonly DrawnGroup[])[] = [];
  const keep = (_: number, drawn: readonly DrawnGroup[]) => void groups.push(drawn);
  for await (const metrics of method(policy, dataset, config, state, keep)) yielded.push(metrics);
  const weights = await valuesOf(policy.weights);
  const gradient = await valuesOf(state.optimizers.rl?.m ?? {});
  disposePolicy(policy);
  disposeState(state);
  return { yielded, weights, gradient, groups };
}

/** Fails unless two gradients are alike and more than nothing. */
export function assertGradient(
  actual: Record<string, number[]>,
  expected: Record<string, number[]>,
  scale = 1,
): void {
  assert(Object.values(expected).some((values) => values.some((x) => Math.abs(scale * x) > 1e-3)));
  for (const [name, values] of Object.entries(expected)) {
    assertClose(actual[name]!, values.map((x) => scale * x), 1e-5);
  }
}

/** Fails unless a method learns a question by its reward alone. */
export async function assertLearns<Config extends GroupConfig>(
  method: Method<Config>,
  config: Config,
): Promise<void> {
  const { yielded } = await finish(method, {
    ...config,
    steps: 25,
    questionsPerStep: 1,
    groupSize: 16,
    maxNewTokens: 2,
    adamw: ADAMW_DEFAULTS,
  }, startsWith("c"));
  const accuracies = yielded.map((metrics) => metrics["accuracy"]!);
  const early = mean(accuracies.slice(0, 3)), late = mean(accuracies.slice(-3));
  assert(early < 0.5 && late > 0.9, `accuracy went from ${early} to ${late}`);
}

/** Settings in which an ε has a say, and questions to go with them. */
export const CLIPPED: GrpoConfig = {
  ...CONFIG,
  questionsPerStep: 4,
  groupSize: 12,
  optimizerSteps: 2, // so that the second sees ratios
  clip: 0.05,
};
export const CLIPPED_DATASET = startsWith("a", "b", "c", "d");

/** Fails unless a method trains as `rl()` with some settings, to the bit, and each change matters. */
export async function assertIsRl(
  method: Method<GrpoConfig>,
  config: GrpoConfig,
  settings: Pick<RlConfig, "reduction" | "normalizeStd">,
  changes: readonly Partial<RlConfig>[],
): Promise<void> {
  const { yielded, weights } = await finish(method, config, CLIPPED_DATASET);
  assert(yielded.some((metrics) => metrics["rl/clip_fraction"]! > 0)); // so that ε has a say
  const clip = { low: config.clip, high: config.clip, dual: null };
  const same = { ...config, clip, entropyCoefficient: 0, ...settings };
  assertEquals((await finish(rl, same, CLIPPED_DATASET)).weights, weights);
  for (const change of changes) {
    assertNotEquals((await finish(rl, { ...same, ...change }, CLIPPED_DATASET)).weights, weights);
  }
}
