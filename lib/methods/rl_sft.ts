/**
 * RL, then SFT: the first steps are those of {@link rl}, the others those of {@link sft}, both on
 * all questions unless told otherwise. In the order of the table of SRFT (arXiv:2506.19767) it falls apart: 37.4 on five
 * benchmarks of mathematics after 49.4 with RL alone, where SFT and then RL gives 52.5.
 *
 * Differences from the paper:
 * 1. SFT begins with fresh moments, and its schedule with its own first step.
 * 2. There is no KL term that holds the policy to the one that RL left (38.3 in the paper).
 *
 * @module
 */
import type { SupervisedConfig } from "./demonstrations.ts";
import { type Method, method } from "./method.ts";
import { rl, type RlConfig, rlStep } from "./rl.ts";
import { sft, sftStep } from "./sft.ts";
import { phaseOf } from "./sft_rl.ts";
import { checkCounts, checkPart, type Metrics, type Share } from "./training.ts";

/** Settings of {@linkcode rlSft}; those of RL but for what is named here. */
export interface RlSftConfig extends RlConfig {
  /** The first of `steps` that are RL; SFT takes the others. */
  readonly rlSteps: number;
  /** Its learning rate is counted in SFT steps. */
  readonly sft: SupervisedConfig;
  /** The questions whose demonstrations are taught. */
  readonly sftQuestions: Share;
}

/** Trains a policy by RL and then on demonstrations. */
export const rlSft: Method<RlSftConfig> = method<RlSftConfig>({
  id: "rl-sft",
  title: "RL, then SFT",
  paper: "arXiv:2506.19767",
  about: "RL, then supervised fine-tuning on the demonstrations of all questions",
  kind: "sequence",
  config: {
    ...rl.config,
    steps: 80 + 80,
    rlSteps: 80,
    sft: {
      entropyCoefficient: sft.config.entropyCoefficient,
      learningRate: sft.config.learningRate,
      adamw: sft.config.adamw,
    },
    sftQuestions: { from: 0, to: 1 },
  },
  check(config, dataset): void {
    rl.check(config);
    checkCounts({ rlSteps: config.rlSteps });
    checkPart("sftQuestions", config.sftQuestions, config.questionsPerStep, dataset);
  },
  async step(training): Promise<Metrics> {
    const { config, step } = training;
    const { rlSteps, steps, sftQuestions } = config;
    if (step < rlSteps) return (await rlStep(phaseOf(training, config, 0, rlSteps))).metrics;
    const settings = { ...config, ...config.sft, questions: sftQuestions };
    return await sftStep(phaseOf(training, settings, rlSteps, steps));
  },
});
