/**
 * What ReLIFT's paper claims (arXiv:2506.07527), put to the test on a study by rules that were fixed
 * before it was run.
 *
 * Numbers that others published are of another policy on other questions, and as transcribed by
 * third parties: only their order can be compared with ours.
 *
 * @module
 */
import { passAtK } from "../evaluation/metrics.ts";
import {
  type AccuracyTable,
  holm,
  type IntervalEstimate,
  permutationTest,
  twoWayDifference,
} from "../evaluation/statistics.ts";
import type { Stratum } from "../evaluation/strata.ts";
import {
  accuracyTable,
  type Curve,
  dynamicsCurve,
  metricCurve,
  seedOf,
  studyEntries,
  type StudyEntry,
} from "./study_results.ts";
import type { QuestionRow, StudyCell } from "./study.ts";

/** What a study says of a claim. */
export type Verdict = "holds here" | "does not hold here" | "not settled here" | "not run";

/** What is measured: accuracies and shares, tokens, or nats. */
export type ClaimUnit = "share" | "tokens" | "nats";

/** A claim and what became of it. */
export interface Claim {
  /** `a` to `k`; claims of a letter are corrected together. */
  readonly letter: string;
  /** A sentence without its full stop. */
  readonly claim: string;
  /** What was reported of it, and where. */
  readonly published: string;
  readonly unit: ClaimUnit;
  /** Undefined when an entry was not run. */
  readonly measured?: ClaimMeasure;
  readonly verdict: Verdict;
}

/** How what a claim is about came out. */
export interface ClaimMeasure {
  /** Mean of what the claim is about. */
  readonly first: number;
  /** Mean of what it is compared with. */
  readonly second: number;
  /** Of the first minus the second, with its interval. */
  readonly difference: IntervalEstimate;
  /** Level of the interval: 0.95, or more where it decides together with others (Bonferroni). */
  readonly level: number;
  /** Runs of what the claim is about. */
  readonly runs: number;
  /** Of the permutation test over runs; undefined where there are not two sets of runs. */
  readonly p?: number;
  /** The same, corrected for all tests of its letter (Holm). */
  readonly adjustedP?: number;
}

/** Chance that is accepted of calling a claim settled that is not, for each letter. */
export const CLAIM_LEVEL = 0.05;

/** Accuracy that counts as little. */
export const CLAIM_MARGIN = 0.05;

/** Fewest runs for an interval to decide a claim by itself. */
export const CLAIM_RUNS = 5;

/** A number for each run and question, or for each run alone. */
interface Measure {
  readonly unit: ClaimUnit;
  /** `[seeds, questions]`, or `[seeds, 1]`. */
  of(cells: readonly StudyCell[]): AccuracyTable;
  /** The same of the base policy, `[1, questions]` or `[1, 1]`. */
  ofBase(cells: readonly StudyCell[]): AccuracyTable;
}

/** A claim before it is tested. */
interface ClaimPlan {
  /** `{first}` and `{second}` stand for titles of entries, `{k}` for samples of a question. */
  readonly claim: string;
  /** What was reported of it, and where. */
  readonly published: string;
  /** Entry that it is about, or `any`: the one of the main entries that comes out lowest. */
  readonly first: string;
  /** Entry that it is compared with, `base`, or a fixed value. */
  readonly second: string | number;
  readonly measure: Measure;
  /** What is claimed of the first; `little more`: by less than {@linkcode CLAIM_MARGIN}, if at all. */
  readonly expects: "more" | "less" | "little more" | "little less";
  /** Whether it is about the questions of family `style`; those of `main` unless said. */
  readonly style?: boolean;
}

/** Accuracy at the end on the validation questions, or on part of them. */
function accuracy(
  strata?: readonly Stratum[],
  split: QuestionRow["split"] = "validation",
): Measure {
  return questionMeasure(({ right, samples }) => right / samples, { strata, split });
}

/** Whether any of all samples is right: pass@k with the largest k there is. */
const SOLVABLE = questionMeasure(({ right, samples }) => passAtK(samples, right, samples), {
  split: "validation",
});

type Counts = Pick<QuestionRow, "right" | "samples">;

/** A number for each question of a choice, by its answers at the end. */
function questionMeasure(
  value: (counts: Counts) => number,
  { strata, split }: { strata?: readonly Stratum[]; split: QuestionRow["split"] },
): Measure {
  const rowsOf = ({ questions }: StudyCell) =>
    questions.filter((row) => row.split === split && (strata?.includes(row.stratum) ?? true))
      .toSorted((a, b) => a.question < b.question ? -1 : 1);
  return {
    unit: "share",
    of(cells): number[][] {
      accuracyTable(cells, { split }); // all runs must have answered the same questions
      return cells.map((cell) => rowsOf(cell).map(value));
    },
    ofBase: ([cell]) => [
      rowsOf(cell!).map(({ baseRight, baseSamples }) =>
        value({ right: baseRight, samples: baseSamples })
      ),
    ],
  };
}

/** A curve's value of each run at one moment; runs that have none are left out. */
function at(curve: Curve, moment: number): number[][] {
  return curve.seeds.flatMap((values) => {
    const value = values.at(moment);
    return typeof value === "number" ? [[value]] : [];
  });
}

/** Accuracy at the first evaluation in training. */
function earlyAccuracy(strata: readonly Stratum[]): Measure {
  const curve = (cells: readonly StudyCell[]) => dynamicsCurve(cells, strata, "accuracy");
  return {
    unit: "share",
    of: (cells) => at(curve(cells), 1),
    ofBase: (cells) => at(curve(cells.slice(0, 1)), 0),
  };
}

/** Mean length of answers to all validation questions at the end. */
const LENGTH: Measure = {
  unit: "tokens",
  of: (cells) => at(dynamicsCurve(cells, ["all"], "tokens"), -1),
  ofBase: (cells) => at(dynamicsCurve(cells.slice(0, 1), ["all"], "tokens"), 0),
};

/** Entropy of the tokens sampled in training, mean over the last quarter of the steps. */
const LATE_ENTROPY: Measure = {
  unit: "nats",
  of: (cells) =>
    metricCurve(cells, "completion/entropy").seeds.flatMap((run) => {
      const late = run.slice(Math.floor(0.75 * run.length)).filter((value) => value !== null);
      return late.length === 0 ? [] : [[meanOf(late)]];
    }),
  ofBase: (cells) => at(dynamicsCurve(cells.slice(0, 1), ["all"], "entropy"), 0),
};

/** Different demonstrations taught, as a share of the training set. */
const DEMONSTRATIONS: Measure = {
  unit: "share",
  of: (cells) => cells.map(({ totals }) => [totals.demonstrationShare]),
  ofBase: () => [[0]],
};

const ALL = accuracy(), OUTSIDE = accuracy(undefined, "ood");
const KNOWN: readonly Stratum[] = ["easy", "medium"];
const HARDEST = accuracy(["hardest"]);

/** One of several claims that an entry is better than another in accuracy over all questions. */
const better = (first: string, second: string, published: string): ClaimPlan => ({
  claim: "{first} is better than {second}",
  published,
  first,
  second,
  measure: ALL,
  expects: "more",
});

const CURVE = "a curve, no numbers found (paper)";

/** All claims, by letter. */
const CLAIMS: Readonly<Record<string, readonly ClaimPlan[]>> = {
  a: [
    better("relift", "rl", "52.6 against 46.9 (paper)"),
    better("relift-same-flops", "rl", "not reported"),
  ],
  b: [
    better("relift", "sft", "52.6 against 49.0 (paper); 48.8 against 52.2 (re-evaluation)"),
    better("relift", "sft-same-steps", "not reported"),
    better("relift-same-flops", "sft-same-flops", "not reported"),
    better("relift", "sft-few", "not reported"),
  ],
  c: [
    better("relift", "sft-rl", "52.6 against 50.8 (paper)"),
    better("relift", "sft-rl-v1", "52.6 against 50.7 (paper)"),
    better("relift-same-flops", "sft-rl-full", "48.8 against 57.0 (re-evaluation)"),
  ],
  d: [
    better("relift", "luffy", "52.6 against 50.9 (paper); 48.8 against 46.3 (re-evaluation)"),
    better("relift", "rl-sft-loss", "52.6 against 48.6 (paper)"),
  ],
  e: [
    {
      claim: "{first} raises Easy and Medium above the base policy",
      published: CURVE,
      first: "rl",
      second: "base",
      measure: accuracy(KNOWN),
      expects: "more",
    },
    {
      claim: "{first} raises Hardest by less than 5 points over the base policy",
      published: CURVE,
      first: "rl",
      second: "base",
      measure: HARDEST,
      expects: "little more",
    },
    {
      claim: "{first} raises Hardest above the base policy",
      published: CURVE,
      first: "sft",
      second: "base",
      measure: HARDEST,
      expects: "more",
    },
    {
      claim: "{first} raises Hardest more than {second} does",
      published: CURVE,
      first: "sft",
      second: "rl",
      measure: HARDEST,
      expects: "more",
    },
    {
      claim: "{first} ends behind {second} on Easy and Medium",
      published: CURVE,
      first: "sft",
      second: "rl",
      measure: accuracy(KNOWN),
      expects: "less",
    },
    {
      claim: "{first} costs Easy and Medium early in training",
      published: CURVE,
      first: "sft",
      second: "base",
      measure: earlyAccuracy(KNOWN),
      expects: "less",
    },
    {
      claim: "{first} costs Easy and Medium at the end",
      published: CURVE,
      first: "sft",
      second: "base",
      measure: accuracy(KNOWN),
      expects: "less",
    },
    {
      claim: "{first} costs Easy and Medium early, demonstrations being in another style",
      published: CURVE,
      first: "sft",
      second: "base",
      measure: earlyAccuracy(KNOWN),
      expects: "less",
      style: true,
    },
    {
      claim: "{first} costs Easy and Medium at the end, demonstrations being in another style",
      published: CURVE,
      first: "sft",
      second: "base",
      measure: accuracy(KNOWN),
      expects: "less",
      style: true,
    },
  ],
  f: [{
    ...better("relift", "relift-random", "52.6 against 45.5 (paper)"),
    claim: "Teaching the hardest questions is better than teaching {second}",
  }],
  g: [
    {
      ...better("relift", "relift-uniform", "52.6 against 49.1 (paper)"),
      claim: "Teaching when questions were failed is better than {second}",
    },
    {
      ...better("relift", "relift-always", "52.6 against 23.8 (paper)"),
      claim: "Teaching when questions were failed is better than {second}",
    },
    {
      ...better("relift-always", "rl", "23.8 against 46.9 (paper)"),
      claim: "{first} collapses: it is worse than {second}",
      expects: "less",
    },
  ],
  h: [{
    claim: "{first} uses less than 17.4 % of the demonstrations",
    published: "8K of 46K, 17.4 %; 13 % in its first version (paper)",
    first: "relift",
    second: 8 / 46,
    measure: DEMONSTRATIONS,
    expects: "less",
  }],
  i: [
    {
      claim: "{first} keeps more entropy than {second} in the last quarter of training",
      published: CURVE,
      first: "relift",
      second: "rl",
      measure: LATE_ENTROPY,
      expects: "more",
    },
    {
      claim: "{first} ends with longer answers than {second}",
      published: "3,502 tokens against 2,175 (paper)",
      first: "relift",
      second: "rl",
      measure: LENGTH,
      expects: "more",
    },
    {
      claim: "{first} lengthens answers in training",
      published: CURVE,
      first: "relift",
      second: "base",
      measure: LENGTH,
      expects: "more",
    },
    {
      claim: "{first} lengthens answers in training, demonstrations being in another style",
      published: CURVE,
      first: "relift",
      second: "base",
      measure: LENGTH,
      expects: "more",
      style: true,
    },
  ],
  j: [
    {
      ...better("relift", "rl", "MMLU-Pro: 53.9 against 46.3 (paper)"),
      claim: "{first} is better than {second} on out-of-distribution questions",
      measure: OUTSIDE,
    },
    {
      ...better("relift", "sft", "MMLU-Pro: 53.9 against 44.4 (paper)"),
      claim: "{first} is better than {second} on out-of-distribution questions",
      measure: OUTSIDE,
    },
    {
      claim:
        "No method falls 5 points below the base policy out of distribution; {first} is lowest",
      published: "all methods listed are above it (LUFFY paper)",
      first: "any",
      second: "base",
      measure: OUTSIDE,
      expects: "little less",
    },
  ],
  k: [
    {
      claim: "{first} only sharpens: pass@{k} rises by less than 5 points over the base policy",
      published: "not by the paper; of RL in general by arXiv:2504.13837",
      first: "rl",
      second: "base",
      measure: SOLVABLE,
      expects: "little more",
    },
    {
      claim: "{first} widens what can be solved: pass@{k} above the base policy",
      published: "not reported",
      first: "relift",
      second: "base",
      measure: SOLVABLE,
      expects: "more",
    },
    {
      claim: "{first} widens what can be solved: pass@{k} above {second}",
      published: "not reported",
      first: "relift",
      second: "rl",
      measure: SOLVABLE,
      expects: "more",
    },
  ],
};

/**
 * Tests the claims of ReLIFT's paper, those of a letter together.
 *
 * Two entries are compared by {@linkcode permutationTest} over their runs, corrected by Holm within
 * the letter; an entry and the base policy, of which there is only one, or a fixed value, by the
 * interval alone, at a level corrected for all such comparisons of the letter (Bonferroni). A claim
 * that one is more than the other
 *
 * - holds where the corrected p is below {@linkcode CLAIM_LEVEL} and the interval is above 0;
 * - does not hold where the corrected p is below it and the interval is below 0;
 * - is not settled otherwise.
 *
 * A claim of little change is held against {@linkcode CLAIM_MARGIN} in place of 0. Where an interval
 * decides alone, there must be {@linkcode CLAIM_RUNS} runs: it is too narrow with fewer. Intervals
 * of what is measured once for each run (curves, lengths, demonstrations) speak of runs alone.
 *
 * @param study Main entries by the ids of `tasks/grids/full.ts`, and those of family `style`.
 * @throws {RangeError} When runs of an entry differ in their questions.
 */
export function claims(study: readonly StudyCell[]): Claim[] {
  return Object.entries(CLAIMS).flatMap(([letter, plans]) => testTogether(letter, plans, study));
}

/** Two sets of numbers that a claim compares. */
interface Sides {
  readonly first: StudyEntry;
  /** Undefined for the base policy and for fixed values. */
  readonly second?: StudyEntry;
  readonly of: AccuracyTable;
  readonly against: AccuracyTable;
  /** How many comparisons this one was chosen from. */
  readonly choices: number;
}

/** Tests the claims of a letter. */
function testTogether(
  letter: string,
  plans: readonly ClaimPlan[],
  study: readonly StudyCell[],
): Claim[] {
  const sides = plans.map((plan) => sidesOf(plan, study));
  const byInterval = sides.reduce(
    (sum, each) => sum + (each && !each.second ? each.choices : 0),
    0,
  );
  const measured = sides.map((each) => each && measure(each, byInterval));
  const adjusted = holmOfSome(measured.map((each) => each?.p));
  return plans.map((plan, i) => {
    const { published, measure: { unit } } = plan;
    const found = measured[i] && { ...measured[i], adjustedP: adjusted[i] };
    const claim = claimInWords(plan, sides[i]);
    return { letter, claim, published, unit, measured: found, verdict: verdictOf(plan, found) };
  });
}

/** {@linkcode holm} of those that there are. */
function holmOfSome(pValues: readonly (number | undefined)[]): (number | undefined)[] {
  const adjusted = holm(pValues.filter((p) => p !== undefined));
  return pValues.map((p) => p === undefined ? undefined : adjusted.shift());
}

/** What a claim compares; undefined when that was not run. */
function sidesOf(plan: ClaimPlan, study: readonly StudyCell[]): Sides | undefined {
  const [home] = studyEntries(study, [plan.style ? "style" : "main"]);
  const entries = studyEntries(study).filter(({ dataset }) => dataset === home?.dataset);
  const candidates = plan.first === "any"
    ? entries.filter(({ family }) => family === home!.family)
    : entries.filter(({ entry }) => entry === plan.first);
  const second = entries.find(({ entry }) => entry === plan.second);
  if (second === undefined && plan.second !== "base" && typeof plan.second === "string") return;
  const { measure } = plan;
  const sides = candidates.map((first) => ({
    first,
    second,
    of: measure.of(first.cells),
    against: second
      ? measure.of(second.cells)
      : typeof plan.second === "number"
      ? [[plan.second]]
      : measure.ofBase(first.cells),
    choices: candidates.length,
  })).filter(({ of, against }) => (of[0]?.length ?? 0) > 0 && (against[0]?.length ?? 0) > 0);
  const distance = ({ of, against }: Sides) => meanOf(of.flat()) - meanOf(against.flat());
  return sides.toSorted((a, b) => distance(a) - distance(b))[0];
}

/**
 * Compares two sides.
 *
 * @param byInterval Comparisons of the letter that are decided by their intervals.
 */
function measure({ first, second, of, against }: Sides, byInterval: number): ClaimMeasure {
  const level = second ? 0.95 : 1 - CLAIM_LEVEL / byInterval;
  const seedsOf = ({ cells }: StudyEntry) => cells.map(seedOf).join();
  const pairedSeeds = second !== undefined && of.length === against.length &&
    seedsOf(first) === seedsOf(second);
  return {
    first: meanOf(of.flat()),
    second: meanOf(against.flat()),
    difference: twoWayDifference(of, against, { pairedSeeds, level }),
    level,
    runs: of.length,
    ...second && { p: permutationTest(of.map(meanOf), against.map(meanOf)).p },
  };
}

function claimInWords({ claim, first, second }: ClaimPlan, sides?: Sides): string {
  const rows = sides?.first.cells.at(0)?.questions ?? [];
  const samples = rows.find(({ split }) => split === "validation")?.samples;
  return claim
    .replace("{first}", () => inBrackets(sides?.first.title ?? `\`${first}\``))
    .replace("{second}", () => inBrackets(sides?.second?.title ?? `\`${second}\``))
    .replace("{k}", `${samples ?? "k"}`);
}

/** `SFT (3 epochs)` for `SFT, 3 epochs`, which no sentence could hold. */
function inBrackets(title: string): string {
  return title.replace(/, (.*)$/, " ($1)");
}

/** What the numbers say of a claim, see {@linkcode claims}. */
function verdictOf({ expects }: ClaimPlan, measured: ClaimMeasure | undefined): Verdict {
  if (measured === undefined) return "not run";
  const { difference: { low, high }, runs, adjustedP = runs < CLAIM_RUNS ? 1 : 0 } = measured;
  const [holds, fails] = {
    "more": [low > 0, high < 0],
    "less": [high < 0, low > 0],
    "little more": [high < CLAIM_MARGIN, low > CLAIM_MARGIN],
    "little less": [low > -CLAIM_MARGIN, high < -CLAIM_MARGIN],
  }[expects];
  if (adjustedP >= CLAIM_LEVEL || !holds && !fails) return "not settled here";
  return holds ? "holds here" : "does not hold here";
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
