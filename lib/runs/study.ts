/**
 * A study: a grid of methods, settings, seeds and question sets, and the stored result of each cell.
 *
 * @module
 */
import type { MetricsRecord } from "./metrics_log.ts";
import type { RunConfig } from "./run.ts";
import type { Stratum } from "../evaluation/strata.ts";

/** What a cell cost, over its whole run. */
export interface CellTotals {
  /** Training steps. */
  readonly steps: number;
  /** Completions sampled for training. */
  readonly rollouts: number;
  /** Optimizer steps taken, of RL and of SFT. */
  readonly optimizerSteps: number;
  /** Floating-point operations of sampling and training, counted from shapes. */
  readonly flops: number;
  /** Demonstrations taught, repeats included. */
  readonly demonstrations: number;
  /** Different demonstrations taught. */
  readonly distinctDemonstrations: number;
  /** These as a share of the training set. */
  readonly demonstrationShare: number;
  /** Wall-clock seconds of the training steps; depends on the machine. */
  readonly seconds: number;
}

/** The policy on one stratum of the validation questions, at one moment of the run. */
export interface DynamicsRow {
  /** Training steps done: 0 is the base policy. */
  readonly step: number;
  readonly stratum: Stratum | "all";
  readonly questions: number;
  /** Share of samples that are right. */
  readonly accuracy: number;
  /** Mean length of completions, tokens. */
  readonly tokens: number;
  /** Mean entropy of the policy over the tokens it drew, nats. */
  readonly entropy: number;
}

/** One question of the last evaluation. */
export interface QuestionRow {
  readonly split: "validation" | "ood" | "taught";
  readonly question: string;
  /** Stratum under the base policy, by other samples than `baseRight`. */
  readonly stratum: Stratum;
  /** Right ones of `baseSamples` samples of the base policy. */
  readonly baseRight: number;
  readonly baseSamples: number;
  /** Right ones of `samples` samples of the trained policy. */
  readonly right: number;
  readonly samples: number;
  /** Mean length of the trained policy's completions, tokens. */
  readonly tokens: number;
}

/** One bar of a histogram of the trained policy's tokens. */
export interface HistogramBar {
  /**
   * `log-ratio`: log-probability after the last step minus when sampled, nats;
   * `gap`: log-probability by the training pass minus by the sampler, same weights, nats.
   */
  readonly name: "log-ratio" | "gap";
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** One cell of a study, finished. */
export interface StudyCell {
  /** The grid's name for the method and its settings, the same for all seeds: `relift-v2`. */
  readonly entry: string;
  /** How tables and figures call it: `ReLIFT`. */
  readonly title: string;
  /** Which table it belongs to: `main`, `ablation`, `m-q`, `style`. */
  readonly family: string;
  readonly run: RunConfig;
  readonly totals: CellTotals;
  readonly metrics: readonly MetricsRecord[];
  readonly dynamics: readonly DynamicsRow[];
  readonly questions: readonly QuestionRow[];
  readonly histograms: readonly HistogramBar[];
}
