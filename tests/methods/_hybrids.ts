/**
 * Small groups, questions and runs for methods that mix completions and demonstrations.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { binaryReward, type Dataset, type Question } from "../../lib/data/question.ts";
import type { GroupConfig, Method, MethodConfig, Training } from "../../lib/methods/method.ts";
import {
  disposeState,
  type DrawnGroup,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { shape, tokenizer } from "./_puzzles.ts";

/** Sizes of runs that take no time. */
export const SMALL: GroupConfig = {
  seed: 1,
  steps: 2,
  questionsPerStep: 4,
  groupSize: 3,
  maxNewTokens: 6,
  maxTokens: 1024,
  optimizerSteps: 2,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  adamw: ADAMW_DEFAULTS,
};

/**
 * Eight questions that no guess answers; any other completion earns a little for each `=`, so that
 * groups have signal all the same.
 *
 * @param options `demonstrated`: questions with a demonstration, all unless given; `isRight`: of
 * which questions all is right, none unless given; `isGenerous`: which earn for `=`, all unless
 * given.
 */
export function letters(options: {
  readonly demonstrated?: readonly number[];
  readonly isRight?: (question: Question) => boolean;
  readonly isGenerous?: (question: Question) => boolean;
} = {}): Dataset {
  const {
    demonstrated = [0, 1, 2, 3, 4, 5, 6, 7],
    isRight = () => false,
    isGenerous = () => true,
  } = options;
  return {
    name: "letters",
    size: 8,
    question: (index) => {
      const answer = `d${"abcd"[index % 4]}${index < 4 ? "a" : "b"}c`;
      return {
        id: String(index),
        prompt: `${"abcd"[index % 4]}${index < 4 ? "" : "b"}=`,
        answer,
        ...(demonstrated.includes(index) ? { demonstration: answer } : {}),
      };
    },
    reward: (question, completion) => {
      if (completion === question.answer || isRight(question)) return binaryReward(true);
      const signs = completion.split("=").length - 1;
      return { ...binaryReward(false), total: isGenerous(question) ? signs / 8 : 0 };
    },
  };
}

/**
 * A group as if the policy had sampled these texts, each token with probability 1/2.
 *
 * @param rewards By text; 1 is right.
 */
export function groupOf(
  dataset: Dataset,
  index: number,
  rewards: Readonly<Record<string, number>>,
): DrawnGroup {
  const question = dataset.question(index);
  const graded = Object.values(rewards).map((total) => ({ ...binaryReward(total === 1), total }));
  return {
    index,
    question,
    prompt: tokenizer.encode(question.prompt),
    completions: Object.keys(rewards).map((text) => {
      const tokens = tokenizer.encode(text);
      const logProbs = tokens.map(() => Math.log(0.5));
      return {
        tokens,
        text,
        logProbs,
        samplingLogProbs: logProbs,
        entropy: 1,
        finishReason: "length",
      };
    }),
    rewards: graded,
    accuracy: graded.filter(({ correct }) => correct).length / graded.length,
  };
}

/** A training whose policy has no weights: enough where nothing is read. */
export function trainingOf<Config extends MethodConfig>(
  config: Config,
  dataset: Dataset,
  policy: Policy = { config: shape, tokenizer, weights: {} },
): Training<Config> {
  return { policy, dataset, config, state: trainingState(), step: 0, onGroups: () => {} };
}

/** What a run left. */
export interface Finished {
  readonly yielded: readonly Metrics[];
  /** Values of all weights. */
  readonly weights: readonly number[][];
  readonly state: TrainingState;
}

/** Runs a method from the same weights to its end. */
export async function finish<Config extends MethodConfig>(
  method: Method<Config>,
  dataset: Dataset,
  config: Config,
): Promise<Finished> {
  const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
  const yielded: Metrics[] = [];
  for await (const metrics of method(policy, dataset, config, state)) yielded.push(metrics);
  const weights = await Promise.all(
    Object.values(policy.weights).map(async (weight) => [...await weight.data<"float32">()]),
  );
  disposePolicy(policy);
  disposeState(state);
  return { yielded, weights, state };
}

/** Fails unless two runs left the same weights, and the first learned from no demonstration. */
export function assertSameUpdate(actual: Finished, expected: Finished): void {
  assertEquals(actual.weights, expected.weights);
  assertEquals(actual.state.taught, {});
  // both did learn
  if (!expected.yielded.some((metrics) => metrics["rl/optimizer_steps"]! > 0)) {
    throw new Error("no optimizer step was taken");
  }
}
