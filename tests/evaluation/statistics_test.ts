import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  type AccuracyTable,
  combinations,
  holm,
  permutationTest,
  twoWayDifference,
  twoWayInterval,
} from "../../lib/evaluation/statistics.ts";
import { randomNormal, randomSeeded } from "../../lib/random.ts";

/** A table of effects: one per seed, one per question, one per pair; each normal, mean 0. */
function simulated(
  sizes: { seeds: number; questions: number },
  spread: { seeds: number; questions: number; pairs: number },
  trial: number,
): AccuracyTable {
  const prng = randomSeeded(11, "simulated", trial);
  const seeds = randomNormal(prng, sizes.seeds, spread.seeds);
  const questions = randomNormal(prng, sizes.questions, spread.questions);
  const pairs = randomNormal(prng, sizes.seeds * sizes.questions, spread.pairs);
  return Array.from(seeds, (ofSeed, i) =>
    Array.from(
      questions,
      (ofQuestion, j) => ofSeed + ofQuestion + pairs[i * sizes.questions + j]!,
    ));
}

/** Share of trials whose interval holds the truth, 0. */
function coverage(interval: (trial: number) => { low: number; high: number }): number {
  const trials = 400;
  const hits = Array.from({ length: trials }, (_, trial) => interval(trial))
    .filter(({ low, high }) => low <= 0 && 0 <= high);
  return hits.length / trials;
}

Deno.test("twoWayInterval() draws seeds and questions: all 16 tables of a 2 x 2, by hand", () => {
  // rows drawn: (0,0), (0,1) twice, (1,1); columns likewise: 1/16, 2/16, 1/16, ... of the means
  // of [[0, 0], [0, 1]]: 1 in 1 of 16 (row 1 and column 1 twice), 0 in 4 + 4 - 1 = 7 of 16
  const table = [[0, 0], [0, 1]];
  const { mean, low, high } = twoWayInterval(table, { resamples: 4000 });
  assertEquals([mean, low, high], [0.25, 0, 1]); // 1/16 and 7/16 are both more than 2.5 %
  const inner = twoWayInterval(table, { resamples: 4000, level: 0.8 });
  assertEquals([inner.low, inner.high], [0, 0.5]); // 1 is in 6 %; 1/2 in 4 of 16 more
});

Deno.test("twoWayInterval() is of no width when nothing varies, and the same for the same seed", () => {
  assertEquals(twoWayInterval([[0.5, 0.5], [0.5, 0.5]]), { mean: 0.5, low: 0.5, high: 0.5 });
  const table = simulated({ seeds: 3, questions: 7 }, { seeds: 1, questions: 1, pairs: 1 }, 0);
  assertEquals(twoWayInterval(table, { seed: 4 }), twoWayInterval(table, { seed: 4 }));
});

Deno.test("twoWayInterval() widens when seeds differ, though every question's mean is the same", () => {
  const alike = [[0.5, 0.7, 0.3], [0.5, 0.7, 0.3]];
  const apart = [[0.3, 0.5, 0.1], [0.7, 0.9, 0.5]];
  const width = ({ low, high }: { low: number; high: number }) => high - low;
  assert(width(twoWayInterval(apart)) > 1.5 * width(twoWayInterval(alike)));
});

Deno.test("twoWayInterval() holds the truth about as often as it says, 5 seeds on 60 questions", () => {
  const sizes = { seeds: 5, questions: 60 };
  const spread = { seeds: 0.02, questions: 0.35, pairs: 0.15 }; // as accuracies vary in practice
  const held = coverage((trial) =>
    twoWayInterval(simulated(sizes, spread, trial), { resamples: 300, seed: trial })
  );
  assert(held > 0.91 && held < 0.98, `${held}`);
});

Deno.test("twoWayInterval() holds it 83 % of the time when only 5 seeds vary, as its doc says", () => {
  const sizes = { seeds: 5, questions: 10 };
  const held = coverage((trial) =>
    twoWayInterval(simulated(sizes, { seeds: 1, questions: 0, pairs: 0 }, trial), {
      resamples: 300,
      seed: trial,
    })
  );
  assertAlmostEquals(held, 0.83, 0.05);
});

Deno.test("twoWayInterval() rejects no runs, no questions, ragged runs, NaN and bad options", () => {
  assertThrows(() => twoWayInterval([]), RangeError, "must be a run");
  assertThrows(() => twoWayInterval([[]]), RangeError, "must be a run");
  assertThrows(
    () => twoWayInterval([[1, 0], [1]]),
    TypeError,
    "needs 2 questions: current value is 1",
  );
  assertThrows(
    () => twoWayInterval([[1, NaN]]),
    RangeError,
    "must be finite: current value is NaN",
  );
  assertThrows(() => twoWayInterval([[1]], { resamples: 0 }), RangeError, "resamples");
  assertThrows(() => twoWayInterval([[1]], { level: 1 }), RangeError, "level");
});

Deno.test("twoWayDifference() cancels what makes questions hard", () => {
  const hard = [[0, 1, 0.5, 0.2], [0.1, 0.9, 0.6, 0.2]];
  const easier = hard.map((run) => run.map((value) => value + 0.125));
  const { mean, low, high } = twoWayDifference(easier, hard);
  for (const value of [mean, low, high]) assertAlmostEquals(value, 0.125, 1e-12);
});

Deno.test("twoWayDifference() of unpaired seeds is wider where seeds go up and down together", () => {
  const first = [[0.2, 0.3], [0.6, 0.7], [0.4, 0.5]];
  const second = first.map((run) => run.map((value) => value + 0.1));
  const paired = twoWayDifference(second, first);
  const unpaired = twoWayDifference(second, first, { pairedSeeds: false });
  assertAlmostEquals(paired.high - paired.low, 0, 1e-12);
  assert(unpaired.high - unpaired.low > 0.2);
  assertAlmostEquals(unpaired.mean, 0.1, 1e-12);
});

Deno.test("twoWayDifference() holds the truth about as often as it says", () => {
  const sizes = { seeds: 5, questions: 60 };
  const spread = { seeds: 0.02, questions: 0.2, pairs: 0.15 };
  const held = coverage((trial) =>
    twoWayDifference(
      simulated(sizes, spread, 2 * trial),
      simulated(sizes, spread, 2 * trial + 1),
      { resamples: 300, seed: trial, pairedSeeds: false },
    )
  );
  assert(held > 0.91 && held < 0.98, `${held}`);
});

Deno.test("twoWayDifference() rejects tables of other questions or seeds", () => {
  assertThrows(() => twoWayDifference([[1, 0]], [[1]]), TypeError, "same 2 questions");
  assertThrows(() => twoWayDifference([[1], [0]], [[1]]), TypeError, "both methods need 2");
  assertEquals(twoWayDifference([[1], [1]], [[0]], { pairedSeeds: false }).mean, 1);
});

Deno.test("permutationTest() counts the relabelings as extreme, by hand", () => {
  // sums of two of {1, 2, 3, 5}: 3, 4, 6, 5, 7, 8; difference of means = sum - 11 / 2
  // first = {5, 3}: 8 - 5.5 = 2.5; as extreme: 8 (2.5) and 3 (-2.5)
  const result = permutationTest([5, 3], [1, 2]);
  assertEquals(result, { difference: 2.5, p: 2 / 6, relabelings: 6, exact: true });
  // first = {1, 5}: 6 - 5.5 = 0.5; every sum is as far or farther
  assertEquals(permutationTest([1, 5], [2, 3]).p, 1);
});

Deno.test("permutationTest() gives at least 2/252 with 5 + 5 runs", () => {
  const result = permutationTest([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]);
  assertEquals(result, { difference: 5, p: 2 / 252, relabelings: 252, exact: true });
});

Deno.test("permutationTest() is symmetric and blind to the order of runs", () => {
  const [a, b] = [[0.61, 0.58, 0.63], [0.55, 0.6, 0.52, 0.57]];
  const { difference, p } = permutationTest(a, b);
  const swapped = permutationTest(b.toReversed(), a.toReversed());
  assertAlmostEquals(swapped.difference, -difference, 1e-12);
  assertEquals(swapped.p, p);
});

Deno.test("permutationTest() finds equal methods equal, rounding or not", () => {
  assertEquals(permutationTest([0.1, 0.2, 0.3], [0.3, 0.2, 0.1]).p, 1);
  assertEquals(permutationTest([0.1, 0.1], [0.1, 0.1]).p, 1);
  // 0.1 + 0.7 and 0.3 + 0.5 differ in their last bit; {0.1, 0.7} against {0.3, 0.5} is 0
  assertEquals(permutationTest([0.1, 0.7], [0.3, 0.5]).p, 1);
});

Deno.test("permutationTest() draws relabelings when there are too many, close to the exact p", () => {
  const [a, b] = [[0.61, 0.58, 0.63, 0.59, 0.66], [0.55, 0.6, 0.52, 0.57, 0.62]];
  const exact = permutationTest(a, b);
  const drawn = permutationTest(a, b, { most: 251, seed: 3 });
  assertEquals([exact.relabelings, drawn.relabelings], [252, 251]);
  assert(!drawn.exact);
  assertAlmostEquals(drawn.p, exact.p, 0.05);
  assertEquals(drawn, permutationTest(a, b, { most: 251, seed: 3 }));
  // fully apart, p is above 0 all the same
  const apart = permutationTest([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], { most: 20 });
  assert(apart.p >= 1 / 21);
});

Deno.test("permutationTest() finds a difference in 5 % of pairs that do not differ", () => {
  const trials = 500;
  const found = Array.from({ length: trials }, (_, trial) => {
    const runs = [...randomNormal(randomSeeded(5, "null", trial), 10)];
    return permutationTest(runs.slice(0, 5), runs.slice(5)).p;
  }).filter((p) => p <= 0.05);
  assertAlmostEquals(found.length / trials, 12 / 252, 0.025); // the largest p below 0.05
});

Deno.test("permutationTest() rejects no runs and NaN", () => {
  assertThrows(() => permutationTest([], [1]), RangeError, "finite accuracies");
  assertThrows(() => permutationTest([1, NaN], [1]), RangeError, "[1,NaN]");
});

Deno.test("combinations() is C(n, k)", () => {
  assertEquals([[10, 5], [4, 0], [4, 4], [3, 4]].map(([n, k]) => combinations(n!, k!)), [
    252,
    1,
    1,
    0,
  ]);
  assertEquals(combinations(32, 16), 601080390);
});

Deno.test("holm() multiplies by the tests left and never falls, by hand", () => {
  // 0.005 × 4 = 0.02; 0.01 × 3 = 0.03; 0.04 × 2 = 0.08; 0.045 × 1, raised to 0.08
  assertEquals(holm([0.045, 0.005, 0.04, 0.01]), [0.08, 0.02, 0.08, 0.03]);
  assertEquals(holm([0.6, 0.7]), [1, 1]); // at most 1
  assertEquals(holm([0.03]), [0.03]);
  assertEquals(holm([]), []);
});

Deno.test("holm() keeps the order of p-values, is at least each and at most Bonferroni's", () => {
  const prng = randomSeeded(2, "holm");
  const pValues = Array.from({ length: 9 }, () => prng() ** 3);
  const adjusted = holm(pValues);
  const byP = [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!);
  byP.forEach((index, rank) => {
    assert(adjusted[index]! >= pValues[index]!);
    assert(adjusted[index]! <= Math.min(1, 9 * pValues[index]!) + 1e-15);
    if (rank > 0) assert(adjusted[index]! >= adjusted[byP[rank - 1]!]!);
  });
});

Deno.test("holm() rejects what is no probability", () => {
  assertThrows(() => holm([0.5, 1.1]), RangeError, "current value is 1.1");
  assertThrows(() => holm([NaN]), RangeError, "current value is NaN");
});
