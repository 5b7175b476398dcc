/**
 * What the cells of a study say: the numbers that its tables and figures show. Pure functions, from
 * cells to means, curves and counts; nothing is read or written.
 *
 * Lists of cells are those of one entry unless said otherwise, seeds increasing, as
 * {@linkcode studyEntries} gives them.
 *
 * @module
 */
import { passAtK } from "../evaluation/metrics.ts";
import {
  combinations,
  holm,
  type IntervalEstimate,
  permutationTest,
  twoWayDifference,
  twoWayInterval,
} from "../evaluation/statistics.ts";
import { STRATA, type StrataMoves, type Stratum, stratumOf } from "../evaluation/strata.ts";
import type { MetricsRecord } from "./metrics_log.ts";
import type { CellTotals, DynamicsRow, HistogramBar, QuestionRow, StudyCell } from "./study.ts";

/**
 * An entry of the grid, a method with its settings, and its runs, one per seed: as much of their
 * cells as is used, so that runs which are going on, or were never stored, can be shown too.
 */
export interface EntryOf<Cell> {
  /** The grid's name for it: `relift`. */
  readonly entry: string;
  /** How figures call it: `ReLIFT`. */
  readonly title: string;
  /** Seeds increasing. */
  readonly cells: readonly Cell[];
}

/** An entry of a stored study. */
export interface StudyEntry extends EntryOf<StudyCell> {
  /** Which table it belongs to. */
  readonly family: string;
  /** What its runs learned from. */
  readonly dataset: string;
}

/** Whose answers: of the trained policy, or of the base policy drawn again. */
export type Answers = "trained" | "base";

/** Which answers to which questions count. */
export interface QuestionChoice {
  /** `validation` unless said. */
  readonly split?: QuestionRow["split"];
  /** Every stratum unless said. */
  readonly stratum?: Stratum | "all";
  /** `trained` unless said. */
  readonly answers?: Answers;
}

/** Mean accuracy of an entry with its interval over seeds and questions. */
export interface EntryAccuracy extends IntervalEstimate {
  /** Mean over questions of each run, by seed. */
  readonly bySeed: readonly number[];
  readonly questions: number;
}

/** How an entry differs from another in accuracy. */
export interface EntryComparison {
  readonly entry: string;
  readonly title: string;
  /** Its mean minus the other's, with the interval over seeds and questions. */
  readonly difference: IntervalEstimate;
  /** Of the permutation test over runs, two-sided. */
  readonly p: number;
  /** The same, corrected for all comparisons made with it (Holm). */
  readonly adjustedP: number;
}

/** A value that changes over a run, for several runs. */
export interface Curve {
  /** What it is drawn over, such as training steps done; increasing. */
  readonly x: readonly number[];
  /** `[seeds, x]`; null where a run has no value. */
  readonly seeds: readonly (readonly (number | null)[])[];
}

/** Mean and spread of a {@linkcode Curve} over seeds, by x; null where no run has a value. */
export interface CurveSummary {
  readonly mean: readonly (number | null)[];
  /** Standard deviation over seeds, divisor n - 1; null of fewer than two values. */
  readonly deviation: readonly (number | null)[];
}

/** Solve rate of the questions a run was taught, before and after; means over questions. */
export interface TaughtAccuracy {
  readonly seed: number;
  readonly questions: number;
  readonly before: number;
  readonly after: number;
}

/** One bar of a histogram, over seeds. */
export interface ShareBar {
  readonly from: number;
  readonly to: number;
  /** Share of all tokens, mean over seeds. */
  readonly share: number;
}

/** As much of a cell as tells its answers. */
export type Answered = Pick<StudyCell, "questions">;

/** Seed of a cell's run. */
export function seedOf({ run }: Pick<StudyCell, "run">): number {
  return run.settings.config.seed;
}

/**
 * The entries of a study in the order they first appear; one that is run on several datasets is
 * several.
 *
 * @param families Which tables' entries; all unless said.
 */
export function studyEntries(
  study: readonly StudyCell[],
  families?: readonly string[],
): StudyEntry[] {
  const chosen = study.filter(({ family }) => families?.includes(family) ?? true);
  const groups = Map.groupBy(chosen, ({ entry, run }) => `${entry} ${run.dataset}`);
  return [...groups.values()].map((cells) => ({
    entry: cells[0]!.entry,
    title: cells[0]!.title,
    family: cells[0]!.family,
    dataset: cells[0]!.run.dataset,
    cells: cells.toSorted((a, b) => seedOf(a) - seedOf(b)),
  }));
}

/** A cell's rows of a choice, by question. */
function chosenRows(
  cell: Answered,
  { split = "validation", stratum = "all" }: QuestionChoice,
): QuestionRow[] {
  return cell.questions
    .filter((row) => row.split === split && (stratum === "all" || row.stratum === stratum))
    .toSorted((a, b) => a.question < b.question ? -1 : 1);
}

/** Right answers and all answers to a question. */
function countsOf(row: QuestionRow, answers: Answers = "trained"): readonly [number, number] {
  return answers === "base" ? [row.baseRight, row.baseSamples] : [row.right, row.samples];
}

function accuracyOf(row: QuestionRow, answers?: Answers): number {
  const [right, samples] = countsOf(row, answers);
  return right / samples;
}

/**
 * Accuracies of an entry's runs.
 *
 * @returns `[seeds, questions]`, questions by name: columns of two entries of one study are the
 * same questions. The base policy's answers are the same in every cell, so it has one row.
 * @throws {RangeError} When cells differ in their questions.
 */
export function accuracyTable(
  cells: readonly StudyCell[],
  choice: QuestionChoice = {},
): number[][] {
  const namesOf = (rows: readonly QuestionRow[]) => rows.map(({ question }) => question);
  const runs = choice.answers === "base" ? cells.slice(0, 1) : cells;
  const names = new Set(runs.flatMap((cell) => namesOf(chosenRows(cell, choice))));
  return runs.map((cell) => {
    const rows = chosenRows(cell, choice);
    if (rows.length < names.size) {
      const [lacking] = names.difference(new Set(namesOf(rows)));
      throw new RangeError(
        `Cannot compare runs as all must answer the same questions: ${cell.entry} with seed ${
          seedOf(cell)
        } lacks ${lacking}`,
      );
    }
    return rows.map((row) => accuracyOf(row, choice.answers));
  });
}

/** Mean accuracy with its interval; undefined when no question is chosen. */
export function entryAccuracy(
  cells: readonly StudyCell[],
  choice: QuestionChoice = {},
): EntryAccuracy | undefined {
  const table = accuracyTable(cells, choice); // [seeds, questions]
  const questions = table[0]?.length ?? 0;
  if (questions === 0) return;
  return { ...twoWayInterval(table), bySeed: table.map(meanOf), questions };
}

/**
 * Compares entries with another one on the same questions: the difference with its interval, and a
 * permutation test over runs, corrected for as many comparisons as there are entries.
 *
 * The more entries, the harsher the correction: with 5 seeds each no more than 6 can be found to
 * differ, see {@linkcode holm}. Compare those that a question is about.
 *
 * @param reference What they are compared with; seeds are paired where they are the same.
 * @throws {RangeError} When runs differ in their questions, or there is none.
 * @throws {TypeError} When the entries differ in their questions.
 */
export function compareEntries(
  entries: readonly StudyEntry[],
  reference: StudyEntry,
  choice: QuestionChoice = {},
): EntryComparison[] {
  const seedsOf = ({ cells }: StudyEntry) => cells.map(seedOf).join();
  const table = accuracyTable(reference.cells, choice); // [seeds, questions]
  const compared = entries.map((each) => {
    const own = accuracyTable(each.cells, choice); // [seeds, questions]
    const pairedSeeds = seedsOf(each) === seedsOf(reference);
    const difference = twoWayDifference(own, table, { pairedSeeds });
    const { p } = permutationTest(own.map(meanOf), table.map(meanOf));
    return { entry: each.entry, title: each.title, difference, p };
  });
  const adjusted = holm(compared.map(({ p }) => p));
  return compared.map((each, i) => ({ ...each, adjustedP: adjusted[i]! }));
}

/** What the runs of an entry cost, mean over seeds. */
export function meanTotals(cells: readonly StudyCell[]): CellTotals {
  const names = Object.keys(cells[0]!.totals) as (keyof CellTotals)[];
  return Object.fromEntries(
    names.map((name) => [name, meanOf(cells.map(({ totals }) => totals[name]))]),
  ) as unknown as CellTotals;
}

/**
 * A metric over training steps.
 *
 * @param value Name of the metric, or how a record gives it; texts and missing values are null.
 */
export function metricCurve(
  cells: readonly Pick<StudyCell, "metrics">[],
  value: string | ((record: MetricsRecord) => unknown),
): Curve {
  const read = typeof value === "string" ? (record: MetricsRecord) => record[value] : value;
  return curveOf(
    cells.map(({ metrics }) =>
      metrics.map((record) => [record["step"] as number, finite(read(record))] as const)
    ),
  );
}

/**
 * Accuracy, length or entropy over training on the questions of some strata, weighted by their
 * numbers.
 */
export function dynamicsCurve(
  cells: readonly Pick<StudyCell, "dynamics">[],
  strata: readonly DynamicsRow["stratum"][],
  field: "accuracy" | "tokens" | "entropy",
): Curve {
  return curveOf(cells.map(({ dynamics }) => {
    const chosen = dynamics.filter(({ stratum, questions }) =>
      strata.includes(stratum) && questions > 0
    );
    return [...Map.groupBy(chosen, ({ step }) => step)].map(([step, rows]) => {
      const questions = rows.reduce((sum, row) => sum + row.questions, 0);
      const total = rows.reduce((sum, row) => sum + row.questions * row[field], 0);
      return [step, total / questions] as const;
    });
  }));
}

/** Questions of a stratum in the dynamics; 0 when there are none. */
export function dynamicsQuestions(
  cells: readonly Pick<StudyCell, "dynamics">[],
  stratum: DynamicsRow["stratum"],
): number {
  return cells[0]?.dynamics.find((row) => row.stratum === stratum)?.questions ?? 0;
}

/** Shares of a step's groups: all right, some right (RL learns from these), all wrong. */
export function groupShares(
  cells: readonly Pick<StudyCell, "metrics">[],
): Record<"allRight" | "someRight" | "allWrong", Curve> {
  const share = (count: (record: Readonly<Record<string, number>>) => number) =>
    metricCurve(cells, (record) => {
      const numbers = record as Readonly<Record<string, number>>;
      return count(numbers) / (numbers["groups/live"]! + numbers["groups/dead"]!);
    });
  return {
    allRight: share((record) => record["groups/all_right"]!),
    someRight: share((record) =>
      record["groups/live"]! + record["groups/dead"]! -
      record["groups/all_right"]! - record["groups/all_wrong"]!
    ),
    allWrong: share((record) => record["groups/all_wrong"]!),
  };
}

/** pass@k over k = 1, 2, 4, ... up to the samples there are; mean over the chosen questions. */
export function passCurve(cells: readonly Answered[], choice: QuestionChoice = {}): Curve {
  const runs = choice.answers === "base" ? cells.slice(0, 1) : cells;
  return curveOf(runs.map((cell) => {
    const counts = chosenRows(cell, choice).map((row) => countsOf(row, choice.answers));
    const samples = Math.min(...counts.map(([, samples]) => samples));
    if (!Number.isFinite(samples)) return [];
    return powersOfTwo(samples).map((k) =>
      [k, meanOf(counts.map(([right, n]) => passAtK(n, right, k)))] as const
    );
  }));
}

function powersOfTwo(most: number): number[] {
  return Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i);
}

/** Mean and spread of a curve over seeds. */
export function summarizeCurve({ x, seeds }: Curve): CurveSummary {
  const columns = x.map((_, i) => seeds.map((run) => run[i]!).filter((value) => value !== null));
  return {
    mean: columns.map((values) => values.length === 0 ? null : meanOf(values)),
    deviation: columns.map(deviationOf),
  };
}

/** A curve of each run's points; a run is null where it has none. */
function curveOf(runs: readonly (readonly (readonly [number, number | null])[])[]): Curve {
  const x = [...new Set(runs.flatMap((points) => points.map(([at]) => at)))].sort((a, b) => a - b);
  return {
    x,
    seeds: runs.map((points) => {
      const values = new Map(points);
      return x.map((at) => values.get(at) ?? null);
    }),
  };
}

/** What a question's stratum is decided by: as many samples as the paper draws. */
const STRATUM_SAMPLES = 8;

/**
 * How likely each stratum is for a question when `draws` of its samples decide: strata of more
 * samples are other strata, as one lucky sample takes a question out of Hardest.
 *
 * The number of right ones among the draws is hypergeometric. With `draws` = `samples` one stratum
 * is certain; fewer samples than draws all decide.
 *
 * @param right In `[0, samples]`.
 *
 * @example One right of 16: half of the choices of 8 miss it
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { stratumChances } from "./study_results.ts";
 *
 * const { hard, hardest } = stratumChances(1, 16);
 * assertAlmostEquals(hardest, 0.5);
 * assertAlmostEquals(hard, 0.5);
 * assertEquals(stratumChances(6, 8), { easy: 1, medium: 0, hard: 0, hardest: 0 });
 * ```
 */
export function stratumChances(
  right: number,
  samples: number,
  draws: number = STRATUM_SAMPLES,
): Record<Stratum, number> {
  const drawn = Math.min(draws, samples);
  const chances: Record<Stratum, number> = { easy: 0, medium: 0, hard: 0, hardest: 0 };
  for (let i = 0; i <= drawn; i++) {
    const ways = combinations(right, i) * combinations(samples - right, drawn - i);
    chances[stratumOf(i / drawn)] += ways / combinations(samples, drawn);
  }
  return chances;
}

/**
 * Questions that went from each stratum of the base policy to each: expected numbers when 8 samples
 * decide, mean over seeds.
 *
 * With the answers of the base policy itself this is what moves by chance alone: the zero of the
 * scale.
 */
export function stratumMoves(
  cells: readonly Answered[],
  choice: QuestionChoice = {},
): StrataMoves {
  const runs = choice.answers === "base" ? cells.slice(0, 1) : cells;
  const moves = emptyMoves();
  for (const cell of runs) {
    for (const row of chosenRows(cell, choice)) {
      const chances = stratumChances(...countsOf(row, choice.answers));
      for (const to of STRATA) moves[row.stratum][to] += chances[to] / runs.length;
    }
  }
  return moves;
}

function emptyMoves(): Record<Stratum, Record<Stratum, number>> {
  const of = <T>(value: () => T): Record<Stratum, T> => ({
    easy: value(),
    medium: value(),
    hard: value(),
    hardest: value(),
  });
  return of(() => of(() => 0));
}

/** Share of Easy and Medium questions that are Hard or Hardest now; null when there are none. */
export function forgottenShare(moves: StrataMoves): number | null {
  const known = ["easy", "medium"] as const;
  const sum = (to: readonly Stratum[]) =>
    known.reduce((all, from) => all + to.reduce((some, each) => some + moves[from][each], 0), 0);
  return sum(STRATA) === 0 ? null : sum(["hard", "hardest"]) / sum(STRATA);
}

/** How each run solves the questions it was taught; runs that were taught none are left out. */
export function taughtAccuracies(cells: readonly StudyCell[]): TaughtAccuracy[] {
  return cells.flatMap((cell) => {
    const rows = chosenRows(cell, { split: "taught" });
    if (rows.length === 0) return [];
    return [{
      seed: seedOf(cell),
      questions: rows.length,
      before: meanOf(rows.map((row) => accuracyOf(row, "base"))),
      after: meanOf(rows.map((row) => accuracyOf(row))),
    }];
  });
}

/** A histogram over seeds, bars from low to high; empty when no cell has it. */
export function meanHistogram(
  cells: readonly Pick<StudyCell, "histograms">[],
  name: HistogramBar["name"],
): ShareBar[] {
  const runs = cells.map(({ histograms }) => histograms.filter((bar) => bar.name === name))
    .filter((bars) => bars.length > 0);
  const bars = runs.flatMap((ofRun) => {
    const total = ofRun.reduce((sum, { count }) => sum + count, 0);
    return ofRun.map(({ from, to, count }) => ({ from, to, share: count / total / runs.length }));
  });
  return [...Map.groupBy(bars, ({ from }) => from).values()].map((same) => ({
    ...same[0]!,
    share: same.reduce((sum, { share }) => sum + share, 0),
  })).sort((a, b) => a.from - b.from);
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation, divisor n - 1; null of fewer than two values. */
function deviationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
