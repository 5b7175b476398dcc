/**
 * What a study found, in Markdown: a page for its folder, and blocks for the README.
 *
 * Every number comes from the stored cells, intervals and tests by seeded draws, so that it is the
 * same on every machine.
 *
 * @module
 */
import { STRATA } from "../evaluation/strata.ts";
import { type Claim, CLAIM_LEVEL, CLAIM_MARGIN, CLAIM_RUNS, claims } from "./claims.ts";
import { cellsOf, type Grid, type GridEntry, planCell, staleness } from "./grid.ts";
import { markdownTable, numbers, paragraph, words } from "./markdown.ts";
import {
  ablationGroups,
  ablationTables,
  accuracyOverview,
  briefOverview,
  costOverview,
  differenceTable,
  entriesOf,
  findRow,
  leastP,
  rateTable,
  reportRows,
  type Row,
  sizeGateTables,
  titled,
} from "./report_tables.ts";
import {
  chance,
  count,
  differenceInWords,
  duration,
  maybe,
  percent,
  shortCommit,
  tally,
} from "./report_words.ts";
import { seedOf, studyEntries, type StudyEntry } from "./study_results.ts";
import type { StoredCell, StudyCell } from "./study.ts";

/** What a study found, in Markdown. */
export interface StudyReport {
  /** How it was made, all tables, and what becomes of the paper's claims. */
  readonly page: string;
  /** For the README: shorter tables of the same numbers. */
  readonly blocks: Readonly<Record<"main" | "ablations" | "claims", string>>;
}

/** Paragraphs, headings and tables; there is an empty line between two of them. */
type Parts = readonly string[];

/**
 * Tells what a study found.
 *
 * @param grid What the study was to run: entries are told in its order, those without a finished
 * cell as `not run`.
 * @param command What made the cells, such as `deno task reproduce --quick`.
 * @returns As `deno fmt` leaves it.
 * @throws {RangeError} When cells that are compared differ in their questions.
 */
export function studyReport(
  study: readonly StoredCell[],
  grid: Grid,
  command: string,
): StudyReport {
  const rows = reportRows(study, grid);
  const families = Map.groupBy(rows, ({ family }) => family);
  const ablations = byDataset(families.get("ablation") ?? [])
    .map((of) => ({ ...ablationTables(of, rows), about: ablationsInWords(of) }));
  const tested = claims(study);
  const page = [
    `# The study \`${grid.name}\``,
    paragraph(
      `Made by \`${command}\`; this page, from the cells beside it, by \`${command} --report\`. ` +
        "What an entry is, the `config.json` of its cells tells.",
    ),
    madeTable(study, grid),
    ...[...families].flatMap(([family, of]) => [
      `## ${FAMILIES[family] ?? family}`,
      ...family === "ablation"
        ? ablations.flatMap(({ about, full }) => [about, full])
        : byDataset(of).flatMap((part) => familyParts(family, part, rows)),
    ]),
    ...claimParts(tested),
  ];
  return {
    page: joined(page) + "\n",
    blocks: {
      main: joined(byDataset(families.get("main") ?? []).flatMap(mainBlock)) || NONE,
      ablations: joined(ablations.flatMap(({ about, brief }) => [about, brief])) || NONE,
      claims: joined([paragraph(RULE), claimTable(tested, "brief")]),
    },
  };
}

/** What a block says where the grid has nothing for it. */
const NONE = "The grid has no such entries.";

/** Entries that can be compared: those of a dataset. */
function byDataset(rows: readonly Row[]): Row[][] {
  return [...Map.groupBy(rows, ({ dataset }) => dataset).values()];
}

function joined(parts: Parts): string {
  return parts.join("\n\n");
}

/**
 * Replaces what stands between `<!-- study:NAME -->` and `<!-- /study -->`, whole.
 *
 * @param blocks By name.
 * @throws {SyntaxError} When a marker is not followed by its end, or names no block.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fillBlocks } from "./report.ts";
 *
 * const text = "Before\n\n<!-- study:main -->\n\nold\n\n<!-- /study -->\n\nAfter\n";
 * assertEquals(fillBlocks(text, { main: "new" }), text.replace("old", "new"));
 * ```
 */
export function fillBlocks(text: string, blocks: Readonly<Record<string, string>>): string {
  const end = "<!-- /study -->";
  return text.split(/(?=<!-- study:)/).map((part) => {
    if (!part.startsWith("<!-- study:")) return part; // what is before the first
    const name = /^<!-- study:(.*?) -->/.exec(part)?.[1];
    const rest = part.indexOf(end);
    if (name === undefined || !Object.hasOwn(blocks, name) || rest < 0) {
      const names = Object.keys(blocks).join(", ");
      throw new SyntaxError(
        `Cannot fill a block as it must be named one of ${names} and end with ${end}: ` +
          `current value is ${part.split("\n")[0]}`,
      );
    }
    return `<!-- study:${name} -->\n\n${blocks[name]}\n\n${part.slice(rest)}`;
  }).join("");
}

/** Where the cells come from. */
function madeTable(study: readonly StoredCell[], grid: Grid): string {
  const planned = new Map(cellsOf(grid).map((cell) => [keyOf(cell.entry, cell.seed), cell]));
  const found = study.map((cell) => {
    const { entry: id, run } = cell;
    const plan = planned.get(keyOf({ id, dataset: run.dataset }, seedOf(cell)));
    return plan && { name: plan.name, stale: staleness(cell, planCell(grid, plan, run)) };
  });
  const known = found.filter((plan) => plan !== undefined);
  const stale = known.flatMap(({ name, stale }) => stale === undefined ? [] : name);
  const others = study.length - known.length;
  const total = (value: (cell: StoredCell) => number) =>
    duration(study.reduce((sum, cell) => sum + value(cell), 0));
  const each = (tell: (cell: StoredCell) => string) => tally(study.map(tell), "cells");
  const { every, samples, finalSamples } = grid.evaluation;
  return markdownTable(words("what", "how"), [
    [
      "cells",
      `${count(known.length)} of ${count(planned.size)}` +
      (others > 0 ? `, and ${count(others)} that the grid has no more` : ""),
    ],
    ...stale.length === 0 ? [] : [["with other settings than the grid's now", listed(stale)]],
    ["seeds", seedsOfFamilies(study)],
    ["commits", each(({ run }) => shortCommit(run.commit))],
    ["devices", each(({ run }) => `${run.device.name}, ${run.device.description}`)],
    ["versions", each(({ run }) => versionsInWords(run.versions))],
    ["policies", each(({ run }) => `${run.policy} (${run.policyFingerprint})`)],
    ["training questions", each(({ run }) => `${run.dataset} (${run.datasetFingerprint})`)],
    [
      "evaluation",
      `every ${every} steps with ${samples} samples of each validation question, at the end ` +
      `with ${finalSamples}, at temperature 1`,
    ],
    [
      "time",
      `${total(({ totals }) => totals.seconds)} of training and ` +
      `${total(({ evaluationSeconds }) => evaluationSeconds)} of evaluation, cells added up`,
    ],
  ]);
}

function keyOf({ id, dataset }: Pick<GridEntry, "id" | "dataset">, seed: number): string {
  return `${id} ${dataset} ${seed}`;
}

/** The first three names, and how many more there are. */
function listed(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${count(names.length - 3)} more` : "";
  return names.slice(0, 3).join(", ") + more;
}

/** `main 7, ablation 2 to 3`: finished runs of an entry. */
function seedsOfFamilies(study: readonly StudyCell[]): string {
  const families = Map.groupBy(studyEntries(study), ({ family }) => family);
  return [...families].map(([family, entries]) => {
    const counts = entries.map(({ cells }) => cells.length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    return `${family} ${least === most ? least : `${least} to ${most}`}`;
  }).join(", ");
}

/** `Deno 2.9.6, TensorFlow.js 4.22.0`. */
function versionsInWords(versions: Readonly<Record<string, string>>): string {
  const names: Readonly<Record<string, string>> = { deno: "Deno", tfjs: "TensorFlow.js" };
  return Object.entries(versions).map(([name, version]) => `${names[name] ?? name} ${version}`)
    .join(", ") || "unknown";
}

/** How families are called in headings. */
const FAMILIES: Readonly<Record<string, string>> = {
  "main": "Main comparison",
  "ablation": "Ablations of ReLIFT",
  "m-q": "Size of the buffer and gate",
  "rates": "Other learning rates",
  "style": "Demonstrations in another style",
};

/**
 * The tables of a family's entries on a dataset.
 *
 * @param all Among which references are found.
 */
function familyParts(family: string, rows: readonly Row[], all: readonly Row[]): Parts {
  if (family === "m-q") return sizeGateParts(rows);
  return family === "rates" ? rateParts(rows, all) : overviewParts(rows);
}

/** How many questions there are, by stratum, and how often each is asked. */
function questionsInWords(rows: readonly Row[]): string {
  const { dataset } = rows[0]!;
  const cell = entriesOf(rows)[0]?.cells[0];
  if (cell === undefined) return `Questions: \`${dataset}\`.`;
  const of = (split: string) => cell.questions.filter((row) => row.split === split);
  const [validation, ood] = [of("validation"), of("ood")];
  const strata = STRATA.map((stratum) =>
    `${titled(stratum)} ${validation.filter((row) => row.stratum === stratum).length}`
  );
  return `Questions: \`${dataset}\`, ${validation.length} of validation (${strata.join(", ")}) × ` +
    `${validation[0]?.samples ?? 0} samples` +
    (ood.length > 0 ? `, ${ood.length} out of distribution × ${ood[0]!.samples}.` : ".");
}

/** References of comparisons: of each line the first that was run. */
const REFERENCES: readonly (readonly string[])[] = [
  ["rl"],
  ["sft-same-flops", "sft-same-steps", "sft"],
  ["sft-rl-full", "sft-rl"],
];

/** Accuracy, costs and comparisons of methods. */
function overviewParts(rows: readonly Row[]): Parts {
  const { dataset } = rows[0]!;
  const references = REFERENCES.flatMap((ids) => findRow(rows, dataset, ...ids)?.entry ?? []);
  return [
    paragraph(questionsInWords(rows)),
    "### Accuracy",
    paragraph(
      "In percent. _All_: mean and bootstrap 95 % interval over seeds and questions; ± is the " +
        "standard deviation over seeds. Strata: how often the base policy is right in 8 other " +
        "samples. _Forgotten_: Easy and Medium questions that are Hard or Hardest now, if 8 " +
        "samples decide; the base policy's own is chance. _Tokens_: mean length of answers.",
    ),
    accuracyOverview(rows),
    "### Cost",
    paragraph(
      "Means over seeds. FLOPs are those of sampling and training, counted from shapes. _As RL_: " +
        "which of rollouts, optimizer steps and FLOPs are within 3 % of RL's. _Demonstrations_: " +
        "taught, repeats included; _different_: those among them, and their share of the " +
        "training set.",
    ),
    costOverview(rows),
    ...references.flatMap((reference) => comparisonParts(rows, reference)),
  ];
}

/** Every method of some against one of them. */
function comparisonParts(rows: readonly Row[], reference: StudyEntry): Parts {
  const others = rows.filter(({ entry }) => entry !== reference);
  const entries = entriesOf(others);
  if (entries.length === 0) return [];
  return [
    `### Compared with ${reference.title}`,
    paragraph(
      `_Difference_: accuracy over all questions minus that of ${reference.title}, points, with ` +
        "its bootstrap 95 % interval over seeds and questions. p: two-sided permutation test of " +
        "the labels of runs, corrected by Holm over " +
        `${entries.length} ${entries.length === 1 ? "comparison" : "comparisons"}.` +
        (leastP(entries, reference) >= CLAIM_LEVEL ? TOO_FEW : ""),
    ),
    differenceTable(others, reference),
  ];
}

const TOO_FEW = " With so few runs none can come out below 0.05.";

/** What the table of ablations shows, and which are corrected together. */
function ablationsInWords(rows: readonly Row[]): string {
  const run = rows.filter(({ entry }) => entry);
  const groups = [...ablationGroups(run)].map(([name, of]) => `${name} (${of.length})`);
  return paragraph(
    "Accuracy in percent, _all_ with its bootstrap 95 % interval over seeds and questions; " +
      "_against ReLIFT_: difference in points with its interval; p by permutation of the labels " +
      `of runs, corrected by Holm within its group: ${
        groups.join(", ") || "none was run"
      }. Few seeds make intervals too ` +
      "narrow: go by p.",
  );
}

function sizeGateParts(rows: readonly Row[]): Parts {
  const { accuracy, taught } = sizeGateTables(rows);
  const seeds = tally(rows.map(({ entry }) => `${entry?.cells.length ?? 0} seeds`), "entries");
  return [
    paragraph(
      "M: questions that are taught at once. Q: accuracy at or below which a question waits to be " +
        "taught. Accuracy over all questions in percent with its bootstrap 95 % interval, too " +
        `narrow with few seeds (${seeds}); nothing is tested.`,
    ),
    accuracy,
    "Demonstrations taught, different ones among them, and their share of the training set:",
    taught,
  ];
}

function rateParts(rows: readonly Row[], all: readonly Row[]): Parts {
  return [
    paragraph(
      "Percent and points, as above. Each rate is compared with the entry of the main comparison " +
        "that stands over it; p is corrected by Holm over the other rates of a method.",
    ),
    rateTable(rows, all),
  ];
}

function mainBlock(rows: readonly Row[]): Parts {
  return [
    paragraph(
      `${
        questionsInWords(rows)
      } Accuracy in percent, _all_ with its bootstrap 95 % interval over ` +
        "seeds and questions, ± the standard deviation over seeds. _Demonstrations_: taught, " +
        "repeats included, and the share of the training set whose demonstration was used.",
    ),
    briefOverview(rows),
  ];
}

/** The rule that verdicts follow, see {@linkcode claims}. */
const RULE =
  "Claims of one letter are one family. Two entries are compared by permutation of the " +
  "labels of runs, corrected by Holm within the letter: a claim holds here if the corrected p is " +
  `below ${CLAIM_LEVEL} and the 95 % interval over seeds and questions lies on its side of 0, does ` +
  "not hold here if both speak for the other side, and is not settled here otherwise. With the " +
  "base policy, which is only one, and with a fixed value, an entry is compared by the interval " +
  "alone, widened for the number of such claims of the letter (Bonferroni), and only if it has at " +
  `least ${CLAIM_RUNS} runs; claims of less than ${100 * CLAIM_MARGIN} points are held against ` +
  "these in place of 0. Intervals of lengths, entropies, demonstrations and of what is early in " +
  "training, its first evaluation, are over seeds alone.";

function claimParts(tested: readonly Claim[]): Parts {
  return [
    "## The paper's claims",
    paragraph(RULE),
    paragraph(
      "_Reported_: overall accuracies unless said. Paper: ReLIFT, arXiv:2506.07527, second " +
        "version; re-evaluation: arXiv:2604.23747; LUFFY paper: arXiv:2504.14945; all as " +
        "transcribed by third parties, of another policy on other questions, so that only signs " +
        "can be compared.",
    ),
    claimTable(tested, "full"),
  ];
}

function claimTable(tested: readonly Claim[], size: "full" | "brief"): string {
  const isFull = size === "full";
  return markdownTable(
    [
      ...words("", "claim", ...isFull ? ["reported"] : [], "here"),
      ...numbers("difference", ...isFull ? ["p"] : [], "corrected p"),
      ...words("verdict"),
    ],
    tested.map((each) => [
      each.letter,
      each.claim,
      ...isFull ? [each.published] : [],
      sidesInWords(each),
      claimDifference(each),
      ...isFull ? [maybe(each.measured?.p, chance)] : [],
      maybe(each.measured?.adjustedP, chance),
      each.verdict,
    ]),
  );
}

/** `82.3 against 58.9`. */
function sidesInWords({ measured, unit }: Claim): string {
  return maybe(
    measured,
    ({ first, second }) => `${inUnit(first, unit)} against ${inUnit(second, unit)}`,
  );
}

/** `+23.4 [+20.1, +26.0]` with the unit unless it is points, and the level unless it is 95 %. */
function claimDifference({ measured, unit }: Claim): string {
  return maybe(measured, ({ difference, level }) => {
    const of = differenceInWords(difference, (value) => inUnit(value, unit));
    const at = level > 0.95 ? ` at ${(100 * level).toFixed(1)} %` : "";
    return `${of}${unit === "share" ? "" : ` ${unit}`}${at}`;
  });
}

function inUnit(value: number, unit: Claim["unit"]): string {
  return unit === "share" ? percent(value) : value.toFixed(unit === "nats" ? 3 : 1);
}
