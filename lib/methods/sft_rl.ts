/**
 * SFT, then RL: the recipe that hybrids are measured against. The first steps are those of
 * {@link sft} on the demonstrations of a part of the questions, the others those of {@link rl}. In
 * both forms that ReLIFT's paper (arXiv:2506.07527) has:
 *
 * - `sft-rl`, its v2: as many demonstrations as ReLIFT uses, 8,640 of 46 thousand, then RL on all
 *   questions.
 * - `sft-rl-v1`, its v1 and that of LUFFY's paper (arXiv:2504.14945): all demonstrations of one set
 *   of questions, 46 thousand, then RL on another set, 49 thousand.
 *
 * Differences from the paper:
 * 1. A part is taken by the order of the training set: the first questions are those with
 *    demonstrations. Built-in questions have no order; shuffle a file that does.
 * 2. RL begins with fresh moments, and its schedule with its own first step.
 * 3. Losses are true token means, see {@link sft} and {@link rl}. The frameworks behind published
 *    SFT baselines lost micro-batches and averaged wrongly (arXiv:2604.23747).
 *
 * @module
 */
import type { SupervisedConfig } from "./demonstrations.ts";
import { type Method, method, type MethodConfig, type Training } from "./method.ts";
import { rl, type RlConfig, rlStep } from "./rl.ts";
import { sft, sftStep } from "./sft.ts";
import { checkCounts, checkPart, type Metrics, poolOf, type Share } from "./training.ts";

/** Settings of {@linkcode sftRl}; those of RL but for what is named here. */
export interface SftRlConfig extends RlConfig {
  /** The first of `steps` that are SFT; RL takes the others. */
  readonly sftSteps: number;
  /** Its learning rate is counted in SFT steps. */
  readonly sft: SupervisedConfig;
  /** The questions whose demonstrations are taught. */
  readonly sftQuestions: Share;
  /** The questions that RL asks. */
  readonly rlQuestions: Share;
}

/** Trains a policy on demonstrations and then by RL. */
export const sftRl: Method<SftRlConfig> = method<SftRlConfig>({
  id: "sft-rl",
  title: "SFT, then RL",
  paper: "arXiv:2506.07527",
  about: "supervised fine-tuning on as many demonstrations as ReLIFT uses, then RL",
  kind: "sequence",
  config: {
    ...rl.config,
    steps: 33 + 80,
    sftSteps: 33, // paper: 3 epochs; here 11 batches of 32 each
    sft: {
      entropyCoefficient: 0,
      learningRate: { peak: 1e-3, warmupSteps: 4, shape: "cosine" }, // paper: 5e-5
      adamw: sft.config.adamw,
    },
    sftQuestions: { from: 0, to: 0.24 }, // paper: 8,640 of 46 thousand, 0.19
    rlQuestions: { from: 0, to: 1 },
  },
  check(config, dataset): void {
    rl.check(config);
    const { sftSteps, questionsPerStep, sftQuestions, rlQuestions } = config;
    checkCounts({ sftSteps });
    checkPart("sftQuestions", sftQuestions, questionsPerStep, dataset);
    checkPart("rlQuestions", rlQuestions, questionsPerStep, dataset);
  },
  async step(training): Promise<Metrics> {
    const { dataset, config, step } = training;
    const { sftSteps, sftQuestions, rlQuestions } = config;
    if (step < sftSteps) {
      const settings = { ...config, ...config.sft, questions: sftQuestions };
      return await sftStep(phaseOf(training, settings, 0, sftSteps));
    }
    const phase = phaseOf(training, config, sftSteps, config.steps);
    return (await rlStep(phase, poolOf(dataset, rlQuestions))).metrics;
  },
});

/** The steps `[from, to)` of a run as a run of their own. */
export function phaseOf<Config extends MethodConfig>(
  training: Training,
  config: Config,
  from: number,
  to: number,
): Training<Config> {
  return { ...training, config: { ...config, steps: to - from }, step: training.step - from };
}
