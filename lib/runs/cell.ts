/**
 * One cell of a study: a run with evaluations on its way and at its end.
 *
 * A cell is kept in the folder of its run, with what was found so far beside it in `study.json`,
 * which is always written before the checkpoint of the same step: a cell that was killed goes on
 * from its checkpoint and ends with the same numbers, none lost and none twice.
 *
 * @module
 */
import { z } from "zod";
import type { Device } from "../compute/device.ts";
import { PLAIN_SAMPLING } from "../compute/ops/sample.ts";
import { subset } from "../data/compose.ts";
import { type Dataset, questionsOf } from "../data/question.ts";
import { baseAccuracies } from "../evaluation/base.ts";
import { datasetFingerprint } from "../evaluation/evaluate.ts";
import { strataOf, type Stratum } from "../evaluation/strata.ts";
import { exists, readJsonAs, writeWhole } from "../files.ts";
import { startMethod } from "../methods/registry.ts";
import { demonstrationMetrics, type DrawnGroup } from "../methods/training.ts";
import { policyFingerprint } from "../model/io/policy_folder.ts";
import { disposePolicy, type Policy } from "../model/policy.ts";
import { scoreRows } from "../objectives/log_probs.ts";
import { randomKey, randomSeeded, shuffle } from "../random.ts";
import { type Rollout, rollout } from "../rollout/rollout.ts";
import { baseScores, dynamicsRows, questionRows, type Scores, scoresOf } from "./base_scores.ts";
import type { CellPlan } from "./grid.ts";
import {
  createRun,
  currentCommit,
  disposeRun,
  isRun,
  openPolicy,
  readRunConfig,
  resumeRun,
  type Run,
  type RunConfig,
  saveRun,
  versions,
} from "./run.ts";
import type {
  BudgetLimit,
  CellTotals,
  DynamicsRow,
  EvaluationPlan,
  HistogramBar,
  QuestionRow,
  StoredCell,
} from "./study.ts";

/** The questions of a cell. */
export interface CellQuestions {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Undefined where the question set has no such part. */
  readonly ood?: Dataset;
}

/** Where a cell keeps what is not its result. */
export interface CellFolders {
  /** Its run. */
  readonly run: string;
  /** What base policies did, shared by all cells. */
  readonly base: string;
}

/** A cell that is open. */
export interface Cell {
  readonly plan: CellPlan;
  readonly folders: CellFolders;
  readonly questions: CellQuestions;
  readonly run: Run;
  /** Strata of the validation questions under the base policy. */
  readonly strata: Readonly<Record<string, Stratum>>;
  /** Changed as the cell goes on. */
  readonly found: Found;
}

/** What was found on the way, and what that depends on: `study.json`. */
export interface Found {
  readonly evaluation: EvaluationPlan;
  readonly budget: BudgetLimit | null;
  dynamics: DynamicsRow[];
  /** Of the last step; empty before it, and for methods without rollouts. */
  logRatio: HistogramBar[];
  evaluationSeconds: number;
}

const foundSchema = z.object({
  evaluation: z.object({ every: z.number(), samples: z.number(), finalSamples: z.number() }),
  budget: z.record(z.number()).nullable(),
  dynamics: z.array(z.object({
    step: z.number().int().nonnegative(),
    stratum: z.enum(["easy", "medium", "hard", "hardest", "all"]),
    questions: z.number().int().positive(),
    accuracy: z.number(),
    tokens: z.number(),
    entropy: z.number(),
  })),
  logRatio: z.array(z.object({
    name: z.literal("log-ratio"),
    from: z.number(),
    to: z.number(),
    count: z.number().int().positive(),
  })),
  evaluationSeconds: z.number().nonnegative(),
});

/** Steps between two checkpoints; each evaluation makes one too. */
const CHECKPOINT_EVERY = 10;

/** Completions of each question at the end, but for the validation questions. */
const OTHER_SAMPLES = 8;

/** Taught questions that are asked at the end, at most. */
const MOST_TAUGHT = 240;

/** Seed of what is drawn at the end, but for the answers. */
const SEED = 1002;

/** Groups, and completions of each, that are scored again at the end. */
const GAP_GROUPS = 32, GAP_SAMPLES = 8;

/**
 * Opens a cell: where its last checkpoint left it, or from the start. A run that was begun with
 * other settings, questions, weights, evaluations or versions, or on another device, is begun anew.
 *
 * @throws {RangeError} When the questions or the policy are not those that were planned.
 */
export async function openCell(
  plan: CellPlan,
  questions: CellQuestions,
  folders: CellFolders,
  device: Device,
): Promise<Cell> {
  const config = { ...plan.run, device, versions: versions(), commit: await currentCommit() };
  const fingerprint = datasetFingerprint(questions.train);
  if (fingerprint !== config.datasetFingerprint) throw changed(plan, config.dataset, fingerprint);
  const { maxNewTokens } = config.settings.config;
  const strata = strataOf(
    await withBase(plan, (base) => baseAccuracies(base, questions.validation, { maxNewTokens })),
  );
  const begun = await begunRun(plan, config, folders.run);
  if (begun) {
    const run = await resumeRun(folders.run, begun.config, questions.train);
    // What was found after the checkpoint will be found again.
    const dynamics = begun.found.dynamics.filter(({ step }) => step <= run.state.step);
    return { plan, folders, questions, run, strata, found: { ...begun.found, dynamics } };
  }
  const run = await beginRun(plan, config, questions.train, folders.run);
  const { evaluation, budget } = plan;
  const before = await withBase(
    plan,
    (base) => scoresOfBase(base, questions.validation, evaluation.samples, plan, folders),
  );
  const dynamics = dynamicsRows(0, before, strata);
  const found: Found = { evaluation, budget, dynamics, logRatio: [], evaluationSeconds: 0 };
  await writeFound(folders, found);
  return { plan, folders, questions, run, strata, found };
}

function changed(plan: CellPlan, what: string, fingerprint: string): RangeError {
  return new RangeError(
    `Cannot run ${plan.name} as ${what} must be what was planned: ` +
      `current fingerprint is ${fingerprint}`,
  );
}

/** A run that was begun as this one would be, with what was found; undefined when there is none. */
async function begunRun(
  plan: CellPlan,
  config: RunConfig,
  folder: string,
): Promise<{ config: RunConfig; found: Found } | undefined> {
  if (!await isRun(folder) || !await exists(`${folder}/study.json`)) return;
  const begun = await readRunConfig(folder);
  const found: Found = await readJsonAs(`${folder}/study.json`, foundSchema);
  // The commit may be another: results are committed as they come.
  const { commit } = begun;
  const essence = (
    { settings, datasetFingerprint, policyFingerprint, device, versions }: RunConfig,
    { evaluation, budget }: Pick<Found, "evaluation" | "budget">,
  ) =>
    canonical({
      ...{ settings, datasetFingerprint, policyFingerprint, device, versions },
      ...{ evaluation, budget },
    });
  if (essence(begun, found) === essence(config, plan)) {
    return { config: { ...config, commit }, found };
  }
}

/** JSON with the fields of objects in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

/** Starts the run of a cell; what was in its folder is removed. */
async function beginRun(
  plan: CellPlan,
  config: RunConfig,
  dataset: Dataset,
  folder: string,
): Promise<Run> {
  // First this file: without it, what a kill may leave of the rest is no run.
  if (await isRun(folder)) await Deno.remove(`${folder}/config.json`);
  if (await exists(folder)) await Deno.remove(folder, { recursive: true });
  const policy = await openPolicy(config.policy);
  const fingerprint = await policyFingerprint(policy);
  if (fingerprint !== config.policyFingerprint) {
    disposePolicy(policy);
    throw changed(plan, config.policy, fingerprint);
  }
  return await createRun(folder, config, policy, dataset);
}

async function writeFound(folders: CellFolders, found: Found): Promise<void> {
  await writeWhole(`${folders.run}/study.json`, JSON.stringify(found) + "\n");
}

/** Does something with the base policy, which is in memory only meanwhile. */
async function withBase<T>(plan: CellPlan, body: (base: Policy) => Promise<T>): Promise<T> {
  const base = await openPolicy(plan.run.policy);
  try {
    return await body(base);
  } finally {
    disposePolicy(base);
  }
}

async function scoresOfBase(
  base: Policy,
  dataset: Dataset,
  samples: number,
  plan: CellPlan,
  folders: CellFolders,
): Promise<Scores> {
  const { maxNewTokens } = plan.run.settings.config;
  return await baseScores(base, dataset, { samples, maxNewTokens }, folders.base);
}

/** Whether the training of a cell is over: all its steps are done, or its budget is spent. */
export function isTrained({ plan: { budget }, run: { config, state } }: Cell): boolean {
  const { rollouts = Infinity, optimizerSteps = Infinity, flops = Infinity } = budget ?? {};
  return state.step >= config.settings.config.steps || state.budget.rollouts >= rollouts ||
    state.budget.optimizerSteps >= optimizerSteps || state.budget.flops >= flops;
}

/**
 * Trains a cell to its end and evaluates it on the way. Yields the steps done, after each. Whoever
 * leaves the loop early may call {@linkcode saveRun}; the cell goes on from its last checkpoint.
 */
export async function* trainCell(cell: Cell): AsyncGenerator<number> {
  const { plan, run, found } = cell;
  const { config: { settings }, policy, dataset, state, log } = run;
  if (isTrained(cell)) return;
  let drawn: { step: number; groups: readonly DrawnGroup[] } | undefined;
  const onGroups = (step: number, groups: readonly DrawnGroup[]) => drawn = { step, groups };
  for await (const metrics of startMethod(settings, policy, dataset, state, onGroups)) {
    await log.append(metrics as typeof metrics & { step: number });
    const isLast = isTrained(cell);
    const isDue = isLast || state.step % plan.evaluation.every === 0;
    if (isLast && drawn?.step === state.step - 1) {
      const changes = await trainerGaps(policy, drawn.groups, settings.config.maxTokens);
      found.logRatio = histogram("log-ratio", changes);
    }
    if (isDue) await evaluateNow(cell);
    if (isDue || state.step % CHECKPOINT_EVERY === 0) await saveRun(run);
    yield state.step;
    if (isLast) return;
  }
}

/** Evaluates the policy as it is and writes what was found so far. */
async function evaluateNow({ plan, questions, run, strata, found, folders }: Cell): Promise<void> {
  const started = performance.now();
  const { maxNewTokens } = run.config.settings.config;
  const options = { samples: plan.evaluation.samples, maxNewTokens };
  const scores = await scoresOf(run.policy, questions.validation, options);
  found.dynamics.push(...dynamicsRows(run.state.step, scores, strata));
  found.evaluationSeconds += (performance.now() - started) / 1000;
  await writeFound(folders, found);
}

/**
 * Log-probability of every sampled token by the training forward pass of a policy, minus the one
 * that was recorded when it was sampled.
 *
 * @param maxTokens Tokens in one forward pass.
 * @returns `[tokens]`, nats.
 */
async function trainerGaps(
  policy: Policy,
  rollouts: readonly Rollout[],
  maxTokens: number,
): Promise<number[]> {
  const rows = rollouts.flatMap(({ prompt, completions }) =>
    completions.map(({ tokens, logProbs }) => ({
      prompt,
      completion: tokens,
      advantage: 0,
      oldLogProbs: logProbs,
    }))
  );
  const scores = await scoreRows(policy, rows, maxTokens);
  return scores.flatMap(({ logProbs }, row) =>
    Array.from(logProbs, (logProb, i) => logProb - rows[row]!.oldLogProbs[i]!)
  );
}

/**
 * Finishes a cell whose training is over: the last evaluations, which need no checkpoint, as they
 * come out the same each time.
 */
export async function finishCell(cell: Cell): Promise<StoredCell> {
  const started = performance.now();
  const { plan, run, found } = cell;
  const questions = await withBase(plan, async (base) => [
    ...await splitRows(cell, base, "validation", cell.questions.validation),
    ...await splitRows(cell, base, "ood", cell.questions.ood),
    ...await splitRows(cell, base, "taught", taughtQuestions(cell)),
  ]);
  const histograms = [...found.logRatio, ...histogram("gap", await samplerGaps(cell))];
  const { entry, title, family, evaluation, budget } = plan;
  return {
    entry,
    title,
    family,
    evaluation,
    budget,
    run: run.config,
    totals: totalsOf(run),
    evaluationSeconds: found.evaluationSeconds + (performance.now() - started) / 1000,
    metrics: run.log.records,
    dynamics: found.dynamics,
    questions,
    histograms,
  };
}

/** What the trained policy and the base policy do on the questions of a split, if there are any. */
async function splitRows(
  { plan, questions: { train }, run, folders }: Cell,
  base: Policy,
  split: QuestionRow["split"],
  asked: Dataset | undefined,
): Promise<QuestionRow[]> {
  if (asked === undefined) return [];
  const { maxNewTokens } = run.config.settings.config;
  const samples = split === "validation" ? plan.evaluation.finalSamples : OTHER_SAMPLES;
  // Which questions are taught differs from cell to cell: all that could be are asked once.
  const known = split === "taught" ? train : asked;
  const strata = strataOf(await baseAccuracies(base, known, { maxNewTokens }));
  const before = await scoresOfBase(base, known, samples, plan, folders);
  const after = await scoresOf(run.policy, asked, { samples, maxNewTokens });
  return questionRows(asked, { split, strata, before, after });
}

/**
 * The questions whose demonstration was taught, or some of them: the same ones in all cells that
 * taught them. Undefined when there are none.
 */
function taughtQuestions({ questions: { train }, run }: Cell): Dataset | undefined {
  const order = Array.from({ length: train.size }, (_, index) => index);
  const taught = shuffle(order, randomSeeded(SEED, "taught"))
    .filter((index) => index in run.state.taught).slice(0, MOST_TAUGHT);
  return taught.length > 0 ? subset(train, taught.sort((a, b) => a - b)) : undefined;
}

/** {@linkcode trainerGaps} of fresh completions of the policy as it is. */
async function samplerGaps({ questions: { train }, run }: Cell): Promise<number[]> {
  const { maxNewTokens, maxTokens } = run.config.settings.config;
  const asked = questionsOf(train).slice(0, GAP_GROUPS);
  const rollouts = await rollout(run.policy, asked, {
    ...PLAIN_SAMPLING,
    groupSize: GAP_SAMPLES,
    maxNewTokens,
    random: (question, sample) => randomKey(SEED, "gap", question, sample),
  });
  return await trainerGaps(run.policy, rollouts, maxTokens);
}

/** What a run cost. */
export function totalsOf(
  { state, log, dataset }: Pick<Run, "state" | "dataset"> & { log: Pick<Run["log"], "records"> },
): CellTotals {
  const used = demonstrationMetrics(state, dataset);
  return {
    steps: state.step,
    ...state.budget,
    demonstrations: used["demonstrations/used"]!,
    distinctDemonstrations: used["demonstrations/distinct"]!,
    demonstrationShare: used["demonstrations/share"]!,
    seconds: log.records.reduce((sum, record) => sum + Number(record["time/step_s"] ?? 0), 0),
  };
}

/** Width of a histogram's bars, nats, and how many there are on each side of the one around 0. */
const BARS = {
  "log-ratio": { width: 0.05, each: 40 },
  "gap": { width: 1e-6, each: 40 },
} as const;

/**
 * Counts values in bars that are the same in all cells, so that those of several can be added. What
 * lies beyond the outermost bars counts in them; empty bars are left out.
 */
export function histogram(name: HistogramBar["name"], values: readonly number[]): HistogramBar[] {
  const { width, each } = BARS[name];
  const counts = new Map<number, number>();
  for (const value of values) {
    const bar = Math.max(-each, Math.min(each, Math.round(value / width))) || 0; // never -0
    counts.set(bar, (counts.get(bar) ?? 0) + 1);
  }
  const edge = (at: number) => Number((at * width).toPrecision(10)); // 0.15, not 0.15000000000000002
  return [...counts].sort(([a], [b]) => a - b)
    .map(([bar, count]) => ({ name, from: edge(bar - 0.5), to: edge(bar + 0.5), count }));
}

/** Frees the tensors of a cell. */
export function disposeCell({ run }: Cell): void {
  disposeRun(run);
}
