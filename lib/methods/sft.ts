/**
 * Supervised fine-tuning on demonstrations: the mean negative log-likelihood of their tokens
 * (arXiv:2506.07527, §3; optionally less α times the mean entropy, as in its fine-tuning phase).
 *
 * Differences from the authors' code:
 * 1. The mean runs over all tokens of the optimizer batch; theirs averages the means of
 *    micro-batches and divides by a count that is off by the number of devices.
 * 2. A demonstration that is missing, too long or graded wrong is skipped and counted, where theirs
 *    becomes an all-padding row or is cut.
 *
 * @module
 */
import { likelihood, type Objective } from "../objectives/objective.ts";
import { ADAMW_DEFAULTS } from "../optim/adamw.ts";
import { learningRateAt } from "../optim/schedule.ts";
import {
  countTaught,
  demonstrationsOf,
  type SupervisedConfig,
  supervisedStep,
} from "./demonstrations.ts";
import { type Method, method, type MethodConfig, type Training } from "./method.ts";
import { checkPart, type Metrics, poolOf, questionsOfBatch, type Share } from "./training.ts";

/** Settings of {@linkcode sft}; a demonstration of each question of a step is taught. */
export interface SftConfig extends MethodConfig, SupervisedConfig {
  /** The part of the questions whose demonstrations are taught. */
  readonly questions: Share;
}

/** Trains a policy on demonstrations. */
export const sft: Method<SftConfig> = method<SftConfig>({
  id: "sft",
  title: "SFT",
  paper: "arXiv:2506.07527",
  about: "supervised fine-tuning on demonstrations drawn from the whole training set",
  kind: "sft",
  config: {
    seed: 1,
    steps: 80, // paper: 3 epochs
    questionsPerStep: 32, // paper: 64
    maxNewTokens: 64, // paper: 16384, packed
    maxTokens: 8192, // paper: 32768 a GPU
    entropyCoefficient: 0,
    learningRate: { peak: 1e-3, warmupSteps: 8, shape: "cosine" }, // paper: 5e-5, warm-up 10 %
    adamw: ADAMW_DEFAULTS,
    questions: { from: 0, to: 1 },
  },
  check: ({ questions, questionsPerStep }, dataset) =>
    checkPart("questions", questions, questionsPerStep, dataset),
  step: (training) => sftStep(training),
});

/** One step on the demonstrations of the next batch of questions. */
export async function sftStep(
  training: Training<SftConfig>,
  objective: Objective = likelihood,
): Promise<Metrics> {
  const { dataset, config, state, step } = training;
  const started = performance.now();
  const { questionsPerStep, seed, learningRate, steps } = config;
  const pool = poolOf(dataset, config.questions);
  const drawn = questionsOfBatch(dataset, questionsPerStep, seed, state.drawn++, pool);
  const taught = demonstrationsOf(training, drawn);
  const rows = taught.map(({ row }) => row);
  const rate = learningRateAt(learningRate, step, steps);
  const report = await supervisedStep(training, rows, { ...config, objective, rate });
  countTaught(state, taught.map(({ index }) => index), [report]);
  const seconds = (performance.now() - started) / 1000;
  const tokens = rows.reduce((sum, row) => sum + row.prompt.length + row.completion.length, 0);
  return {
    ...report,
    "sft/learning_rate": rate,
    "sft/without_demonstration": drawn.length - taught.length,
    "throughput/tokens_per_s": tokens / seconds,
  };
}
