/**
 * Runs that live in memory: for experiments too small to be stored, such as those of notebooks. A
 * trial that is over gives a cell as a study stores it, so its figures are those of a study.
 *
 * @module
 */
import type { Device } from "../compute/device.ts";
import type { Dataset } from "../data/question.ts";
import { baseAccuracies } from "../evaluation/base.ts";
import { strataOf, type Stratum } from "../evaluation/strata.ts";
import { checkSettings, type MethodSettings, startMethod } from "../methods/registry.ts";
import { disposeState, type TrainingState, trainingState } from "../methods/training.ts";
import { disposePolicy, type Policy } from "../model/policy.ts";
import {
  dynamicsRows,
  questionRows,
  type ScoreOptions,
  type Scores,
  scoresOf,
} from "./base_scores.ts";
import { totalsOf } from "./cell.ts";
import type { MetricsRecord } from "./metrics_log.ts";
import { openPolicy, type RunConfig, runConfig } from "./run.ts";
import type { DynamicsRow, StudyCell } from "./study.ts";
import type { EntryOf } from "./study_results.ts";

/** What is tried. */
export interface TrialPlan {
  /** Names it, and decides its colour: `relift-random`. */
  readonly entry: string;
  /** How figures call it. */
  readonly title: string;
  readonly settings: MethodSettings;
}

/** What all trials of an experiment share. */
export interface TrialSetting {
  /** Folder of the policy they begin with. */
  readonly policy: string;
  readonly dataset: Dataset;
  readonly device: Device;
}

/** Questions that trials are asked, and what the base policy makes of them. */
export interface Exam {
  readonly questions: Dataset;
  readonly options: ScoreOptions;
  /** Under the base policy, by other samples than `before`. */
  readonly strata: Readonly<Record<string, Stratum>>;
  readonly before: Scores;
}

/** A run in memory; curves can be drawn of it at any time, as of an entry with one seed. */
export interface Trial extends EntryOf<Pick<StudyCell, "metrics" | "dynamics">> {
  readonly run: RunConfig;
  readonly policy: Policy;
  readonly dataset: Dataset;
  readonly state: TrainingState;
  /** Takes a step; false, and nothing happens, when all are done. */
  next(): Promise<boolean>;
  /** Takes an exam and notes, as dynamics, how it went. */
  take(exam: Exam): Promise<void>;
}

/**
 * Starts a trial.
 *
 * @throws {RangeError} When a setting is out of range.
 * @throws {Deno.errors.NotFound} When there is no such policy.
 */
export async function openTrial(
  { entry, title, settings }: TrialPlan,
  { policy: folder, dataset, device }: TrialSetting,
): Promise<Trial> {
  await checkSettings(settings, dataset);
  const policy = await openPolicy(folder);
  const state = trainingState();
  const cell = { metrics: [] as MetricsRecord[], dynamics: [] as DynamicsRow[] };
  const steps = startMethod(settings, policy, dataset, state);
  const run = await runConfig(
    { settings, preset: entry, dataset: dataset.name, policy: folder, device },
    { policy, dataset },
  );
  return {
    ...{ entry, title, cells: [cell], run, policy, dataset, state },
    async next(): Promise<boolean> {
      const { value, done } = await steps.next();
      if (!done) cell.metrics.push(value);
      return !done;
    },
    async take({ questions, options, strata }): Promise<void> {
      const scores = await scoresOf(policy, questions, options);
      cell.dynamics.push(...dynamicsRows(state.step, scores, strata));
    },
  };
}

/** Asks the base policy what trials will be asked. */
export async function openExam(
  base: Policy,
  questions: Dataset,
  { folder, ...options }: ScoreOptions & {
    /** Where its strata are kept. */
    readonly folder: string;
  },
): Promise<Exam> {
  const { maxNewTokens } = options;
  const strata = strataOf(await baseAccuracies(base, questions, { maxNewTokens, folder }));
  return { questions, options, strata, before: await scoresOf(base, questions, options) };
}

/** The cell of a trial as it is now: its policy takes the exam. */
export async function examined(trial: Trial, exam: Exam): Promise<StudyCell> {
  const { entry, title, cells: [cell], run, policy, dataset, state } = trial;
  const { questions, options, strata, before } = exam;
  const { metrics, dynamics } = cell!;
  const after = await scoresOf(policy, questions, options);
  return {
    ...{ entry, title, family: "trial", run, metrics, dynamics, histograms: [] },
    totals: totalsOf({ state, dataset, log: { records: metrics } }),
    questions: questionRows(questions, { split: "validation", strata, before, after }),
  };
}

/** Frees the tensors of a trial. */
export function disposeTrial({ policy, state }: Trial): void {
  disposePolicy(policy);
  disposeState(state);
}
