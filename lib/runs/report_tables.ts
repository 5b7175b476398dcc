/**
 * The tables of a study's entries: accuracy, cost, comparisons, ablations, grids of settings.
 *
 * @module
 */
import { combinations } from "../evaluation/statistics.ts";
import { STRATA, type Stratum } from "../evaluation/strata.ts";
import type { Grid, GridEntry } from "./grid.ts";
import { type Column, markdownTable, numbers, words } from "./markdown.ts";
import {
  chance,
  count,
  differenceInWords,
  estimateInWords,
  maybe,
  NOTHING,
  percent,
  spread,
} from "./report_words.ts";
import {
  accuracyTable,
  type Answers,
  compareEntries,
  dynamicsCurve,
  entryAccuracy,
  type EntryComparison,
  forgottenShare,
  meanTotals,
  passCurve,
  type QuestionChoice,
  stratumMoves,
  studyEntries,
  type StudyEntry,
} from "./study_results.ts";
import type { CellTotals, StudyCell } from "./study.ts";

/** An entry of the grid, or one that is stored though the grid has it no more. */
export interface Row extends Pick<GridEntry, "id" | "title" | "family" | "dataset"> {
  /** Seeds that the grid asks for. */
  readonly planned: number;
  /** Settings of its method. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its runs; undefined when none is finished. */
  readonly entry?: StudyEntry;
  /** Its accuracy over all questions with the interval, in words. */
  readonly all: string;
}

/** What a cell says of an entry without a finished run. */
const NOT_RUN = "not run";

/** Entries in the order of the grid, then those that it has no more. */
export function reportRows(study: readonly StudyCell[], { entries }: Grid): Row[] {
  const stored = studyEntries(study);
  const isOf = ({ id, dataset }: Pick<Row, "id" | "dataset">, entry: StudyEntry) =>
    entry.entry === id && entry.dataset === dataset;
  const row = (about: Omit<Row, "entry" | "all">, entry?: StudyEntry): Row => ({
    ...about,
    entry,
    all: entry ? accuracyInWords(entry.cells) : NOT_RUN,
  });
  const planned = entries.map(({ id, title, family, dataset, settings, seeds }) =>
    row(
      { id, title, family, dataset, planned: seeds.length, config: { ...settings.config } },
      stored.find((entry) => isOf({ id, dataset }, entry)),
    )
  );
  const others = stored.filter((entry) => !planned.some((row) => isOf(row, entry)));
  return [
    ...planned,
    ...others.map((each) => {
      const { entry: id, title, family, dataset, cells } = each;
      const config = { ...cells[0]!.run.settings.config };
      return row({ id, title, family, dataset, planned: 0, config }, each);
    }),
  ];
}

/** The first of some entries that was run on a dataset. */
export function findRow(
  rows: readonly Row[],
  dataset: string,
  ...ids: readonly string[]
): Row | undefined {
  const run = rows.filter((row) => row.dataset === dataset && row.entry);
  return ids.map((id) => run.find((row) => row.id === id)).find((row) => row !== undefined);
}

/** Those that were run. */
export function entriesOf(rows: readonly Row[]): StudyEntry[] {
  return rows.flatMap(({ entry }) => entry ?? []);
}

/** `Hardest`. */
export function titled(stratum: Stratum): string {
  return stratum[0]!.toUpperCase() + stratum.slice(1);
}

/** A column of a table of entries, and what it says of one that was run. */
type EntryColumn = readonly [Column, (entry: StudyEntry, row: Row) => string];

/** A table of entries: title, seeds, accuracy over all questions, and other columns. */
function entryTable(
  title: string,
  rows: readonly Row[],
  columns: readonly EntryColumn[],
  head: readonly (readonly string[])[] = [],
): string {
  return markdownTable(
    [...words(title), ...numbers("seeds", "all"), ...columns.map(([column]) => column)],
    [
      ...head,
      ...rows.map((row) => [
        row.title,
        seedsInWords(row),
        row.all,
        ...columns.map(([, tell]) => row.entry ? tell(row.entry, row) : NOTHING),
      ]),
    ],
  );
}

/** A column of numbers. */
function number(title: string, tell: EntryColumn[1]): EntryColumn {
  return [{ title, right: true }, tell];
}

/** A column of words. */
function word(title: string, tell: EntryColumn[1]): EntryColumn {
  return [{ title }, tell];
}

/** `7`, or `3 of 7` while some are to be run. */
function seedsInWords({ entry, planned }: Row): string {
  const finished = entry?.cells.length ?? 0;
  return planned === 0 || finished === planned ? `${finished}` : `${finished} of ${planned}`;
}

function accuracyInWords(cells: readonly StudyCell[], choice: QuestionChoice = {}): string {
  return maybe(entryAccuracy(cells, choice), estimateInWords);
}

/** Mean over questions and its spread over seeds. */
function spreadOf(cells: readonly StudyCell[], choice: QuestionChoice): string {
  const table = accuracyTable(cells, choice).filter(({ length }) => length > 0); // [seeds, questions]
  return spread(table.map((run) => run.reduce((sum, value) => sum + value, 0) / run.length));
}

/** Mean length of answers to all validation questions: at the end, or of the base policy. */
function tokensOf(cells: readonly StudyCell[], answers: Answers): string {
  const runs = answers === "base" ? cells.slice(0, 1) : cells;
  const { seeds } = dynamicsCurve(runs, ["all"], "tokens");
  const values = seeds.flatMap((run) =>
    run.filter((value) => value !== null).at(answers === "base" ? 0 : -1) ?? []
  );
  return spread(values, (value) => value.toFixed(1));
}

/** Whether answers are the trained policy's or, in the first row of a table, the base policy's. */
type AccuracyColumn = readonly [
  title: string,
  tell: (cells: readonly StudyCell[], answers: Answers) => string,
];

const STRATUM_COLUMNS: readonly AccuracyColumn[] = STRATA.map((stratum) => [
  titled(stratum),
  (cells, answers) => spreadOf(cells, { stratum, answers }),
]);

/** What is known of the base policy too. */
function accuracyColumns(passK: string): AccuracyColumn[] {
  return [
    ...STRATUM_COLUMNS,
    ["out of distribution", (cells, answers) => spreadOf(cells, { split: "ood", answers })],
    [
      "forgotten",
      (cells, answers) => maybe(forgottenShare(stratumMoves(cells, { answers })), percent),
    ],
    [
      passK,
      (cells, answers) =>
        spread(passCurve(cells, { answers }).seeds.flatMap((run) => run.at(-1) ?? [])),
    ],
    ["tokens", tokensOf],
  ];
}

/** The base policy's row: it was not trained, so it has no seeds. */
function baseRow(
  rows: readonly Row[],
  columns: readonly AccuracyColumn[],
  ...rest: readonly string[]
): string[][] {
  const cells = entriesOf(rows)[0]?.cells;
  if (cells === undefined) return [];
  const told = columns.map(([, tell]) => tell(cells, "base"));
  return [[
    "base policy",
    NOTHING,
    accuracyInWords(cells, { answers: "base" }),
    ...told,
    ...rest,
  ]];
}

/** Accuracy of entries on all kinds of questions, the base policy first. */
export function accuracyOverview(rows: readonly Row[]): string {
  const [first] = entriesOf(rows);
  const columns = accuracyColumns(`pass@${first ? passCurve(first.cells).x.at(-1) : "k"}`);
  return entryTable(
    "method",
    rows,
    columns.map(([title, tell]) => number(title, ({ cells }) => tell(cells, "trained"))),
    baseRow(rows, columns),
  );
}

/** Budgets of methods are called equal up to this part of RL's. */
const EQUAL = 0.03;

const BUDGETS = [
  ["rollouts", "rollouts"],
  ["optimizerSteps", "steps"],
  ["flops", "FLOPs"],
] as const satisfies readonly (readonly [keyof CellTotals, string])[];

/** What entries cost, in itself and beside RL. */
export function costOverview(rows: readonly Row[]): string {
  const rl = totalsOfRl(rows, rows[0]!.dataset);
  const total = (title: string, tell: (totals: CellTotals) => string) =>
    number(title, ({ cells }) => tell(meanTotals(cells)));
  return entryTable("method", rows, [
    total("steps", ({ steps }) => count(steps)),
    total("rollouts", ({ rollouts }) => count(rollouts)),
    total("optimizer steps", ({ optimizerSteps }) => count(optimizerSteps)),
    total("FLOPs", ({ flops }) => flops.toExponential(2).replace("e+", "e")),
    total("FLOPs, RL = 1", (totals) => relativeFlops(totals, rl)),
    word("as RL", ({ cells }) => equalBudgets(meanTotals(cells), rl)),
    total("demonstrations", ({ demonstrations }) => count(demonstrations)),
    total("different", differentInWords),
  ]);
}

/** `437 (29.1 %)`: different demonstrations, and how much of the training set they are. */
function differentInWords({ distinctDemonstrations, demonstrationShare }: CellTotals): string {
  return `${count(distinctDemonstrations)} (${percent(demonstrationShare)} %)`;
}

function totalsOfRl(rows: readonly Row[], dataset: string): CellTotals | undefined {
  const rl = findRow(rows, dataset, "rl")?.entry;
  return rl && meanTotals(rl.cells);
}

/** `1.25`. */
function relativeFlops({ flops }: CellTotals, rl: CellTotals | undefined): string {
  return maybe(rl, (of) => (flops / of.flops).toFixed(2));
}

/** `rollouts, steps`: which budgets are RL's. */
function equalBudgets(totals: CellTotals, rl: CellTotals | undefined): string {
  const equal = BUDGETS.flatMap(([name, title]) =>
    rl && Math.abs(totals[name] - rl[name]) <= EQUAL * rl[name] ? title : []
  );
  return equal.length === BUDGETS.length ? "all" : equal.join(", ") || NOTHING;
}

/** Entries against another, corrected together. */
export function differenceTable(rows: readonly Row[], reference: StudyEntry): string {
  return entryTable("method", rows, comparisonColumns(comparisons(rows, reference), "difference"));
}

/** Entries against another by entry, corrected together. */
function comparisons(
  rows: readonly Row[],
  reference: StudyEntry,
): Map<StudyEntry, EntryComparison> {
  const entries = entriesOf(rows);
  return new Map(compareEntries(entries, reference).map((each, i) => [entries[i]!, each]));
}

function comparisonColumns(
  compared: ReadonlyMap<StudyEntry, EntryComparison>,
  title: string,
): EntryColumn[] {
  const column = (title: string, tell: (comparison: EntryComparison) => string) =>
    number(title, (entry) => maybe(compared.get(entry), tell));
  return [
    column(title, ({ difference }) => differenceInWords(difference)),
    column("p", ({ p }) => chance(p)),
    column("corrected p", ({ adjustedP }) => chance(adjustedP)),
  ];
}

/** The least corrected p that comparisons can give, by their numbers of runs. */
export function leastP(entries: readonly StudyEntry[], { cells }: StudyEntry): number {
  return entries.reduce((least, entry) => {
    const [n, m] = [entry.cells.length, cells.length];
    const p = (n === m ? 2 : 1) / combinations(n + m, n); // labels swapped are as extreme
    return Math.min(least, p * entries.length);
  }, 1);
}

/** Ablations that are corrected together, by what their ids match. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ["when and what", /^relift-(always|uniform|random)$/],
  ["entropy", /^relift-alpha-/],
  ["buffer and batch", /./],
];

/** Ablations by their group. */
export function ablationGroups(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, ({ id }) => GROUPS.find(([, match]) => match.test(id))![0]);
}

/**
 * Ablations beside ReLIFT and RL, each compared with ReLIFT and corrected within its group.
 *
 * @param all Among which ReLIFT and RL are found.
 */
export function ablationTables(
  rows: readonly Row[],
  all: readonly Row[],
): { full: string; brief: string } {
  const { dataset } = rows[0]!;
  const [relift, rl] = ["relift", "rl"].map((id) => findRow(all, dataset, id));
  const groups = ablationGroups(rows);
  const compared = new Map(
    [...groups.values()].flatMap((of) => relift?.entry ? [...comparisons(of, relift.entry)] : []),
  );
  const rlTotals = totalsOfRl(all, dataset);
  const [hardest] = STRATUM_COLUMNS.slice(-1);
  const accuracy = ([title, tell]: AccuracyColumn) =>
    number(title, ({ cells }) => tell(cells, "trained"));
  const demonstrations = number(
    "demonstrations",
    ({ cells }) => count(meanTotals(cells).demonstrations),
  );
  const [difference, p, corrected] = comparisonColumns(compared, "against ReLIFT");
  const shown = [...[relift, rl].flatMap((row) => row ?? []), ...rows];
  return {
    full: entryTable("variant", shown, [
      ...[...STRATUM_COLUMNS, ["tokens", tokensOf] as const].map(accuracy),
      demonstrations,
      number("FLOPs, RL = 1", ({ cells }) => relativeFlops(meanTotals(cells), rlTotals)),
      ...[difference!, p!, corrected!],
      word(
        "corrected with",
        (_, row) => [...groups].find(([, of]) => of.includes(row))?.[0] ?? NOTHING,
      ),
    ]),
    brief: entryTable("variant", shown, [
      accuracy(hardest!),
      demonstrations,
      ...[difference!, corrected!],
    ]),
  };
}

/** M x Q: accuracies, and demonstrations taught. */
export function sizeGateTables(rows: readonly Row[]): { accuracy: string; taught: string } {
  const setting = ({ config }: Row, name: string) => Number(config[name]);
  const distinct = (name: string) =>
    [...new Set(rows.map((row) => setting(row, name)))].sort((a, b) => a - b);
  const sizes = distinct("bufferSize");
  const table = (tell: (row: Row, entry: StudyEntry) => string) =>
    markdownTable(
      [...words("Q"), ...numbers(...sizes.map((size) => `M = ${size}`))],
      distinct("gate").map((gate) => [
        `${8 * gate}/8`,
        ...sizes.map((size) => {
          const row = rows.find((each) =>
            setting(each, "bufferSize") === size && setting(each, "gate") === gate
          );
          return maybe(row, (of) => of.entry ? tell(of, of.entry) : NOT_RUN);
        }),
      ]),
    );
  return {
    accuracy: table(({ all }) => all),
    taught: table((_, { cells }) => {
      const totals = meanTotals(cells);
      return `${count(totals.demonstrations)}, ${differentInWords(totals)}`;
    }),
  };
}

/** What entries of other rates are compared with, by how their ids begin. */
const RATED: Readonly<Record<string, readonly string[]>> = {
  "sft-rate": ["sft-same-steps", "sft"],
  "rl-rate": ["rl"],
  "relift-rate": ["relift"],
};

/** Entries of other learning rates, each method's below the one it is compared with. */
export function rateTable(rows: readonly Row[], all: readonly Row[]): string {
  const methods = Object.entries(RATED).map(([start, ids]) => ({
    reference: findRow(all, rows[0]!.dataset, ...ids),
    rates: rows.filter(({ id }) => id.startsWith(start)),
  }));
  const compared = methods.flatMap(({ reference, rates }) =>
    reference?.entry ? [...comparisons(rates, reference.entry)] : []
  );
  const shown = methods.flatMap(({ reference, rates }) =>
    reference && rates.length > 0 ? [reference, ...rates] : rates
  );
  const others = rows.filter((row) => !shown.includes(row));
  return entryTable("entry", [...shown, ...others], [
    ...STRATUM_COLUMNS.map(([title, tell]) => number(title, ({ cells }) => tell(cells, "trained"))),
    ...comparisonColumns(new Map(compared), "difference"),
  ]);
}

/** The main comparison in few columns. */
export function briefOverview(rows: readonly Row[]): string {
  const rl = totalsOfRl(rows, rows[0]!.dataset);
  const columns = STRATUM_COLUMNS.filter(([title]) => title === "Easy" || title === "Hardest");
  return entryTable("method", rows, [
    ...columns.map(([title, tell]) => number(title, ({ cells }) => tell(cells, "trained"))),
    number("demonstrations", ({ cells }) => {
      const { demonstrations, demonstrationShare } = meanTotals(cells);
      return `${count(demonstrations)} (${percent(demonstrationShare)} %)`;
    }),
    number("FLOPs, RL = 1", ({ cells }) => relativeFlops(meanTotals(cells), rl)),
  ], baseRow(rows, columns, "0 (0.0 %)", NOTHING));
}
