import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { STRATA } from "../../lib/evaluation/strata.ts";
import {
  accuracyTable,
  compareEntries,
  dynamicsCurve,
  dynamicsQuestions,
  entryAccuracy,
  forgottenShare,
  groupShares,
  meanHistogram,
  meanTotals,
  metricCurve,
  passCurve,
  seedOf,
  stratumChances,
  stratumMoves,
  studyEntries,
  summarizeCurve,
  taughtAccuracies,
} from "../../lib/runs/study_results.ts";
import type { QuestionRow, StudyCell } from "../../lib/runs/study.ts";
import { madeUpStudy, MAIN } from "../figures/_cells.ts";

/** A row whose base policy got none of 4, unless said. */
const row = (question: string, rest: Partial<QuestionRow> = {}): QuestionRow => ({
  split: "validation",
  question,
  stratum: "hardest",
  baseRight: 0,
  baseSamples: 4,
  right: 0,
  samples: 4,
  tokens: 20,
  ...rest,
});

const [TEMPLATE] = madeUpStudy({ recipes: MAIN.slice(0, 1), seeds: 1, steps: 2, questions: 4 });

/** A cell with these parts, everything else made up. */
const cell = (seed: number, rest: Partial<StudyCell> = {}): StudyCell => {
  const { settings } = TEMPLATE!.run;
  const config = { ...settings.config, seed };
  return { ...TEMPLATE!, run: { ...TEMPLATE!.run, settings: { ...settings, config } }, ...rest };
};

const on = (dataset: string, seed: number, entry: string, family = "main"): StudyCell => {
  const made = cell(seed, { entry, title: entry, family });
  return { ...made, run: { ...made.run, dataset } };
};

Deno.test("studyEntries() groups by entry and dataset, in order, seeds increasing", () => {
  const study = [on("a", 2, "rl"), on("a", 1, "rl"), on("b", 1, "rl"), on("a", 1, "x", "ablation")];
  const told = studyEntries(study).map((
    { entry, dataset, family, cells },
  ) => [entry, dataset, family, cells.map(seedOf)]);
  assertEquals(told, [
    ["rl", "a", "main", [1, 2]],
    ["rl", "b", "main", [1]],
    ["x", "a", "ablation", [1]],
  ]);
  assertEquals(studyEntries(study, ["ablation"]).map(({ entry }) => entry), ["x"]);
});

Deno.test("accuracyTable() has questions by name, whatever their order in a cell", () => {
  const [q1, q2] = [row("q1", { right: 1 }), row("q2", { right: 4 })];
  const cells = [cell(1, { questions: [q2, q1] }), cell(2, { questions: [q1, q2] })];
  assertEquals(accuracyTable(cells), [[0.25, 1], [0.25, 1]]);
});

Deno.test("accuracyTable() chooses by split, stratum and whose answers", () => {
  const questions = [
    row("q1", { stratum: "easy", right: 4, baseRight: 3 }),
    row("q2", { right: 1 }),
    row("q3", { split: "ood", right: 2 }),
  ];
  const cells = [cell(1, { questions }), cell(2, { questions })];
  assertEquals(accuracyTable(cells, { stratum: "easy" }), [[1], [1]]);
  assertEquals(accuracyTable(cells, { split: "ood" }), [[0.5], [0.5]]);
  assertEquals(accuracyTable(cells, { answers: "base" }), [[0.75, 0]]); // the same for every seed
});

Deno.test("accuracyTable() rejects runs that answered other questions, first or second", () => {
  const cells = [cell(1, { questions: [row("q1")] }), cell(2, { questions: [row("q2")] })];
  assertThrows(() => accuracyTable(cells), RangeError, "seed 1 lacks q2");
  const more = [
    cell(1, { questions: [row("q1"), row("q2")] }),
    cell(2, { questions: [row("q1")] }),
  ];
  assertThrows(() => accuracyTable(more), RangeError, "seed 2 lacks q2");
});

Deno.test("entryAccuracy() is the mean over seeds and questions; undefined of no question", () => {
  const cells = [
    cell(1, { questions: [row("q1", { right: 4 }), row("q2")] }),
    cell(2, { questions: [row("q1", { right: 4 }), row("q2", { right: 2 })] }),
  ];
  const { mean, low, high, bySeed, questions } = entryAccuracy(cells)!;
  assertEquals([mean, bySeed, questions], [0.625, [0.5, 0.75], 2]);
  assert(0 <= low && low < mean && mean < high && high <= 1);
  assertEquals(entryAccuracy(cells, { split: "ood" }), undefined);
});

Deno.test("compareEntries() gives difference, p over runs and Holm's correction, by hand", () => {
  const entry = (name: string, rights: number[]) =>
    studyEntries(rights.map((right, i) => ({
      ...cell(i + 1, { entry: name, questions: [row("q1", { right }), row("q2", { right })] }),
    })))[0]!;
  const [rl, better, same] = [
    entry("rl", [1, 1, 0]),
    entry("better", [4, 4, 3]),
    entry("same", [0, 1, 1]),
  ];
  const [one, two] = compareEntries([better, same], rl);
  assertEquals(one!.difference, { mean: 0.75, low: 0.75, high: 0.75 }); // in every paired run
  assertEquals([one!.p, two!.p], [2 / 20, 1]); // fully apart; equal
  assertEquals([one!.adjustedP, two!.adjustedP], [2 * 2 / 20, 1]);
  const fewer = compareEntries([entry("fewer", [4, 4])], rl)[0]!; // no pairs of seeds
  assertEquals([fewer.p, fewer.difference.low < fewer.difference.high], [1 / 10, true]);
});

Deno.test("meanTotals() is the mean over seeds", () => {
  const totals = { ...TEMPLATE!.totals, flops: 10, demonstrations: 4 };
  const cells = [cell(1, { totals }), cell(2, { totals: { ...totals, flops: 20 } })];
  assertEquals([meanTotals(cells).flops, meanTotals(cells).demonstrations], [15, 4]);
});

Deno.test("metricCurve() is null where a run has no number", () => {
  const cells = [
    { metrics: [{ step: 0, loss: 1, note: null }, { step: 1, loss: null, note: null }] },
    { metrics: [{ step: 0, loss: 3, note: null }, { step: 2, loss: NaN, note: "x" }] },
  ];
  const curve = metricCurve(cells, "loss");
  assertEquals(curve, { x: [0, 1, 2], seeds: [[1, null, null], [3, null, null]] });
  assertEquals(metricCurve(cells, "note").seeds, [[null, null, null], [null, null, null]]);
});

Deno.test("summarizeCurve() is mean and deviation over the seeds that have a value, by hand", () => {
  const { mean, deviation } = summarizeCurve({
    x: [0, 1, 2],
    seeds: [[1, 5, null], [3, null, null]],
  });
  assertEquals(mean, [2, 5, null]);
  assertEquals(deviation, [Math.SQRT2, null, null]); // sqrt((1 + 1) / 1)
});

Deno.test("dynamicsCurve() weighs strata by their questions", () => {
  const dynamic = (stratum: "easy" | "medium", questions: number, accuracy: number) => (
    { step: 5, stratum, questions, accuracy, tokens: 10, entropy: 0.1 }
  );
  const cells = [{ dynamics: [dynamic("easy", 3, 1), dynamic("medium", 1, 0)] }];
  assertEquals(dynamicsCurve(cells, ["easy", "medium"], "accuracy"), { x: [5], seeds: [[0.75]] });
  assertEquals(dynamicsCurve(cells, ["medium"], "tokens"), { x: [5], seeds: [[10]] });
  assertEquals(dynamicsQuestions(cells, "easy"), 3);
  assertEquals(dynamicsQuestions(cells, "hard"), 0);
});

Deno.test("groupShares() are shares of all groups of a step", () => {
  const record = { "groups/live": 5, "groups/dead": 3, "groups/all_right": 1 };
  const shares = groupShares([{ metrics: [{ step: 0, ...record, "groups/all_wrong": 2 }] }]);
  assertEquals(shares.allRight.seeds, [[1 / 8]]);
  assertEquals(shares.someRight.seeds, [[5 / 8]]);
  assertEquals(shares.allWrong.seeds, [[2 / 8]]);
});

Deno.test("passCurve() is the unbiased estimate at powers of two, by hand", () => {
  // 4 samples: of q1 one is right, of q2 none. pass@1 = (1/4 + 0) / 2; pass@2 = (1 - C(3,2)/C(4,2)) / 2
  const cells = [cell(1, { questions: [row("q1", { right: 1 }), row("q2")] })];
  const { x, seeds } = passCurve(cells);
  assertEquals(x, [1, 2, 4]);
  [0.125, 0.25, 0.5].forEach((value, i) => assertAlmostEquals(seeds[0]![i]!, value, 1e-12));
  assertEquals(passCurve(cells, { split: "ood" }).x, []);
});

Deno.test("stratumChances() is hypergeometric, by hand", () => {
  // 2 right of 10, 8 drawn: none is right when both are left out, C(8, 8) / C(10, 8) = 1/45;
  // otherwise one or two are: hard
  const chances = stratumChances(2, 10);
  assertAlmostEquals(chances.hardest, 1 / 45, 1e-12);
  assertAlmostEquals(chances.hard, 44 / 45, 1e-12);
  assertEquals([chances.easy, chances.medium], [0, 0]);
});

Deno.test("stratumChances() sum to 1, are sure at the ends, and take all of too few samples", () => {
  for (const right of [0, 1, 7, 16, 31, 32]) {
    const chances = stratumChances(right, 32);
    assertAlmostEquals(STRATA.reduce((sum, stratum) => sum + chances[stratum], 0), 1, 1e-9);
  }
  assertEquals(stratumChances(0, 32).hardest, 1);
  assertAlmostEquals(stratumChances(32, 32).easy, 1, 1e-12);
  assertEquals(stratumChances(2, 4).medium, 1);
});

Deno.test("stratumMoves() are means over seeds; the base's own moves are of one cell", () => {
  const cells = [4, 0].map((right, i) =>
    cell(i + 1, { questions: [row("q1", { right, baseRight: 0 })] })
  );
  const moves = stratumMoves(cells);
  assertEquals([moves.hardest.easy, moves.hardest.hardest], [0.5, 0.5]);
  assertEquals(stratumMoves(cells, { answers: "base" }).hardest.hardest, 1);
});

Deno.test("forgottenShare() is what of Easy and Medium is Hard or Hardest; null of none", () => {
  const questions = [
    row("q1", { stratum: "easy", right: 4 }),
    row("q2", { stratum: "medium", right: 1 }), // hard now
    row("q3", { stratum: "hard" }), // never was known
  ];
  assertEquals(forgottenShare(stratumMoves([cell(1, { questions })])), 0.5);
  assertEquals(forgottenShare(stratumMoves([cell(1, { questions: [row("q")] })])), null);
});

Deno.test("taughtAccuracies() leave out runs that were taught nothing", () => {
  const taught = [
    row("t1", { split: "taught", right: 3, baseRight: 1 }),
    row("t2", { split: "taught" }),
  ];
  const cells = [cell(1, { questions: taught }), cell(2, { questions: [row("q1")] })];
  assertEquals(taughtAccuracies(cells), [{ seed: 1, questions: 2, before: 0.125, after: 0.375 }]);
});

Deno.test("meanHistogram() adds bars that some seeds lack", () => {
  const bar = (from: number, count: number) => ({
    name: "gap" as const,
    from,
    to: from + 1,
    count,
  });
  const cells = [
    { histograms: [bar(1, 1), bar(0, 3)] },
    { histograms: [bar(0, 2)] },
    { histograms: [{ ...bar(0, 9), name: "log-ratio" as const }] }, // has no such histogram
  ];
  const bars = meanHistogram(cells, "gap"); // (3/4 + 2/2) / 2 and (1/4) / 2
  assertEquals(bars.map(({ from, share }) => [from, share]), [[0, 0.875], [1, 0.125]]);
  assertEquals(meanHistogram([], "gap"), []);
});
