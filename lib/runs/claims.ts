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
  /** Of the permutation test over runs; undefined where there are not two sets of runs. */
  readonly p?: number;
  /** The same, corrected for all tests of its letter (Holm). */
  readonly adjustedP?: number;
}

/** Chance that is accepted of calling a claim settled that is not, for each letter. */
export const CLAIM_LEVEL = 0.05;

/** Points of accuracy that count as no change. */
export const CLAIM_MARGIN = 0.05;

/** A number for each run and question, or for each run alone. */
interface Measure {
  readonly unit: ClaimUnit;
  /** `[seeds, questions]`, or `[seeds, 1]`. */
  of(cells: readonly StudyCell[]): AccuracyTable;
  /** The same of the base policy, `[1, questions]` or `[1, 1]`. */
  ofBase(cells: readonly StudyCell[]): AccuracyTable;
}

/** A claim before it is tested; `{first}` and `{second}` stand for titles of entries. */
interface ClaimPlan {
  readonly claim: string;
  readonly published: string;
  /** Entry that it is about, or `any`: the one of the main entries that comes out lowest. */
  readonly first: string;
  /** Entry that it is compared with, `base`, or a fixed value. */
  readonly second: string | number;
  readonly measure: Measure;
  /** What is claimed of the first. */
  readonly expects: "more" | "less" | "no change";
  /** Whether it is about the questions of family `style`; those of `main` unless said. */
  readonly style?: boolean;
}

/** Accuracy at the end on the validation questions, or on part of them. */
function accuracy(strata?: readonly Stratum[], split: QuestionRow["split"] = "validation"): Measure {
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
    of(cells) {
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
      claim: "{first} leaves Hardest within 5 points of the base policy",
      published: CURVE,
      first: "rl",
      second: "base",
      measure: HARDEST,
      expects: "no change",
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
      claim: "No method ends below the base policy on out-of-distribution questions; {first} is lowest",
      published: "every listed method above it (LUFFY paper)",
      first: "any",
      second: "base",
      measure: OUTSIDE,
      expects: "more",
    },
  ],
  k: [
    {
      claim: "{first} sharpens: what any of all samples solves stays within 5 points of the base policy",
      published: "not by the paper; of RL in general, arXiv:2504.13837",
      first: "rl",
      second: "base",
      measure: SOLVABLE,
      expects: "no change",
    },
    {
      claim: "{first} widens what any of all samples solves, against the base policy",
      published: "not reported",
      first: "relift",
      second: "base",
      measure: SOLVABLE,
      expects: "more",
    },
    {
      claim: "{first} widens what any of all samples solves, against {second}",
      published: "not reported",
      first: "relift",
      second: "rl",
      measure: SOLVABLE,
      expects: "more",
    },
  ],
};
