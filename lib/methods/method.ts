/**
 * What a method is, and the loop that all of them share.
 *
 * @module
 */
import type { Dataset } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import type { AdamwConfig } from "../optim/adamw.ts";
import type { Schedule } from "../optim/schedule.ts";
import {
  checkCounts,
  demonstrationMetrics,
  type Metrics,
  type OnGroups,
  type TrainingState,
  trainingState,
} from "./training.ts";

/** Settings that every method has. */
export interface MethodConfig {
  /** Names every random stream of the run; whole number >= 0. */
  readonly seed: number;
  /** Steps in the run. */
  readonly steps: number;
  /** Questions drawn for each step. */
  readonly questionsPerStep: number;
  /** Tokens a completion or a demonstration may have, EOS included. */
  readonly maxNewTokens: number;
  /** Tokens in one forward and backward pass: less needs less memory. */
  readonly maxTokens: number;
}

/** Settings of methods that sample groups of completions. */
export interface GroupConfig extends MethodConfig {
  /** G, completions sampled for each question; at least 2. */
  readonly groupSize: number;
  /** Optimizer steps per rollout step; each takes an equal part of the questions. */
  readonly optimizerSteps: number;
  /** Counted in rollout steps. */
  readonly learningRate: Schedule;
  readonly adamw: AdamwConfig;
}

/** What a step of a method works on. */
export interface Training<Config extends MethodConfig = MethodConfig> {
  readonly policy: Policy;
  readonly dataset: Dataset;
  readonly config: Config;
  /** Of the run; changed in place. */
  readonly state: TrainingState;
  /** Steps of this method before this one: what schedules count. */
  readonly step: number;
  readonly onGroups: OnGroups;
}

/** What tells methods apart. */
export interface MethodParts<Config extends MethodConfig> {
  /** As typed: `--method <id>`. */
  readonly id: string;
  /** As tables and figures call it. */
  readonly title: string;
  /** Where it comes from: `arXiv:<id>`, or a citation where there is none. */
  readonly paper: string;
  /** What it does, in one sentence. */
  readonly about: string;
  readonly kind: "rl" | "sft" | "sequence" | "hybrid";
  /** Settings for the built-in policy and questions. */
  readonly config: Config;
  /**
   * Checks the settings that the type cannot.
   *
   * @param dataset What it will be trained on, where that is known.
   * @throws {RangeError} When one is out of range.
   */
  check(config: Config, dataset?: Dataset): void;
  /** One step: changes the policy and the state, tells what happened. */
  step(training: Training<Config>): Promise<Metrics>;
}

/**
 * A method: call it to train. Yields the metrics of each step; the caller's loop logs, draws,
 * evaluates, saves or stops.
 */
export interface Method<Config extends MethodConfig = MethodConfig> extends MethodParts<Config> {
  (
    policy: Policy,
    dataset: Dataset,
    config?: Config,
    state?: TrainingState,
    onGroups?: OnGroups,
  ): AsyncGenerator<Metrics>;
}

/** Makes a method of its parts. */
export function method<Config extends MethodConfig>(parts: MethodParts<Config>): Method<Config> {
  async function* train(
    policy: Policy,
    dataset: Dataset,
    config: Config = parts.config,
    state: TrainingState = trainingState(),
    onGroups: OnGroups = () => {},
  ): AsyncGenerator<Metrics> {
    checkCounts({ questionsPerStep: config.questionsPerStep });
    parts.check(config, dataset);
    while (state.step < config.steps) {
      const started = performance.now();
      const { step } = state;
      const metrics = await parts.step({ policy, dataset, config, state, step, onGroups });
      state.step++;
      yield {
        step,
        ...metrics,
        ...demonstrationMetrics(state, dataset),
        "budget/rollouts": state.budget.rollouts,
        "budget/optimizer_steps": state.budget.optimizerSteps,
        "budget/flops": state.budget.flops,
        "time/step_s": (performance.now() - started) / 1000,
      };
    }
  }
  return Object.assign(train, parts);
}

/**
 * Checks the settings of methods that sample groups.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkGroups({ groupSize, questionsPerStep, optimizerSteps }: GroupConfig): void {
  if (!(groupSize >= 2)) {
    throw new RangeError(
      `Cannot compare completions as groupSize must be >= 2: current value is ${groupSize}`,
    );
  }
  checkCounts({ questionsPerStep, optimizerSteps });
  if (questionsPerStep % optimizerSteps !== 0) {
    throw new RangeError(
      `Cannot split a step as optimizerSteps must divide questionsPerStep ${questionsPerStep}: ` +
        `current value is ${optimizerSteps}`,
    );
  }
}
