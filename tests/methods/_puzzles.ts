/**
 * Puzzles that no guess solves, and a tiny policy to train on them.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { binaryReward, type Dataset, type Question } from "../../lib/data/question.ts";
import type { MethodConfig, Training } from "../../lib/methods/method.ts";
import type { ReliftConfig } from "../../lib/methods/relift.ts";
import {
  disposeState,
  type DrawnGroup,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../../lib/methods/training.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { eachDevice, TINY } from "../_devices.ts";

export const tokenizer = charTokenizer("abcd=");
export const shape = modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize });

/** Settings for two questions a step, two taught at once. */
export const config: ReliftConfig = {
  seed: 1,
  steps: 4,
  groupSize: 4,
  questionsPerStep: 2,
  maxNewTokens: 6,
  optimizerSteps: 1,
  clip: null,
  reduction: "token-mean",
  normalizeStd: false,
  entropyCoefficient: 0,
  learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
  adamw: ADAMW_DEFAULTS,
  maxTokens: 1024,
  gate: 0,
  bufferSize: 2,
  order: "oldest-first",
  maxBuffered: null,
  maxAge: null,
  recheck: false,
  drain: "one",
  passes: 1,
  sharedOptimizer: false,
  sft: {
    entropyCoefficient: 0,
    learningRate: { peak: 0.01, warmupSteps: 0, shape: "constant" },
    adamw: ADAMW_DEFAULTS,
  },
};

const LETTERS = [..."abcd"];

/** Sixteen puzzles no guess solves; `isSolved` makes any completion right. */
export function puzzles(options: {
  readonly demonstrations?: Readonly<Record<number, string | undefined>>;
  readonly isSolved?: (question: Question, completion: string) => boolean;
} = {}): Dataset {
  const { demonstrations = {}, isSolved = () => false } = options;
  return {
    name: "puzzles",
    size: 16,
    question: (index) => {
      const prompt = `${LETTERS[index % 4]}${LETTERS[Math.floor(index / 4)]}=`;
      const answer = `${prompt[1]}${prompt[0]}dab`.slice(0, 2 + index % 4); // 2 to 5 letters
      const demonstration = index in demonstrations ? demonstrations[index] : answer;
      return { id: `q${index}`, prompt, answer, demonstration };
    },
    reward: (question, completion) =>
      binaryReward(completion === question.answer || isSolved(question, completion)),
  };
}

/** The first four of the puzzles. */
export const four = (dataset: Dataset): Dataset => ({ ...dataset, size: 4 });

/** Demonstrations: none, one too long by a token, none, and one that just fits six tokens. */
export const faulty = { demonstrations: { 0: undefined, 1: "acdabc", 2: undefined, 3: "abdab" } };

/** Any completion of these questions is right. */
export const solved = (indices: readonly number[]) => ({ id }: Question): boolean =>
  indices.includes(Number(id.slice(1)));

/** Groups of which only the question and the accuracy matter, by index. */
export function groupsOf(
  dataset: Dataset,
  accuracies: Readonly<Record<number, number>>,
): DrawnGroup[] {
  return Object.entries(accuracies).map(([index, accuracy]) => ({
    index: Number(index),
    question: dataset.question(Number(index)),
    prompt: [],
    completions: [],
    rewards: [],
    accuracy,
  }));
}

/** A policy and a state, freed after the test. */
export async function withRun(
  test: (policy: Policy, state: TrainingState) => void | Promise<void>,
): Promise<void> {
  const [policy, state] = [createPolicy(shape, tokenizer, 1), trainingState()];
  try {
    await test(policy, state);
  } finally {
    disposePolicy(policy);
    disposeState(state);
  }
}

/** Registers a test on the plain backend, where bookkeeping is tested. */
export function onCpu(
  name: string,
  test: (policy: Policy, state: TrainingState) => void | Promise<void>,
): void {
  eachDevice(name, () => withRun(test), { devices: ["cpu"] });
}

/** What a step works on. */
export function trainingOf<Config extends MethodConfig>(
  policy: Policy,
  dataset: Dataset,
  config: Config,
  state: TrainingState,
): Training<Config> {
  return { policy, dataset, config, state, step: state.step, onGroups: () => {} };
}

/** Lets questions wait since step 0. */
export function wait(state: TrainingState, ...indices: number[]): void {
  state.hardest.push(...indices.map((index) => ({ index, step: 0 })));
}

export const waiting = ({ hardest }: TrainingState): number[] => hardest.map(({ index }) => index);
export const taught = (state: TrainingState): number[] => Object.keys(state.taught).map(Number);
export const column = (yielded: readonly Metrics[], name: string): number[] =>
  yielded.map((metrics) => metrics[name]!);

/** The numbers of tensors. */
export async function valuesOf(
  tensors: Readonly<Record<string, tf.Tensor>>,
): Promise<Record<string, number[]>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) =>
    [name, [...await tensor.data<"float32">()]] satisfies [string, number[]]
  );
  return Object.fromEntries(await Promise.all(entries));
}
