import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  averageAtK,
  bootstrapInterval,
  majorityAtK,
  meanPassAtK,
  passAtK,
} from "../../lib/evaluation/metrics.ts";
import { randomSeeded } from "../../lib/random.ts";

/** Grades written as `"1010"`, one digit per sample. */
const grades = (...rows: string[]): boolean[][] =>
  rows.map((row) => [...row].map((d) => d === "1"));

Deno.test("averageAtK() is the mean of the questions' accuracies", () => {
  // accuracies 1, 1/2, 0; mean 1.5 / 3 = 1/2
  // deviation² = ((1/2)² + 0 + (1/2)²) / (3 - 1) = 1/4; standard error = sqrt(1/4 / 3) = 0.288675
  const { mean, standardError } = averageAtK(grades("1111", "1100", "0000"));
  assertEquals(mean, 0.5);
  assertAlmostEquals(standardError!, Math.sqrt(1 / 12), 1e-15);
});

Deno.test("averageAtK() clusters its error by question: more samples of the same are no evidence", () => {
  const few = averageAtK(grades("1", "0", "1", "0"));
  const many = averageAtK(grades("1111", "0000", "1111", "0000"));
  assertEquals(many, few);
  // 16 independent samples would have given sqrt(1/4 / 15) = 0.129, half as much
  assertAlmostEquals(many.standardError!, Math.sqrt(1 / 3 / 4), 1e-15); // (4 × 1/4) / 3 / 4
});

Deno.test("averageAtK() gives no standard error for one question, and 0 for equal ones", () => {
  assertEquals(averageAtK(grades("10")), { mean: 0.5, standardError: null });
  assertEquals(averageAtK(grades("10", "01")), { mean: 0.5, standardError: 0 });
});

Deno.test("averageAtK() rejects no questions, no samples and ragged samples", () => {
  assertThrows(() => averageAtK([]), RangeError, "must be a question");
  assertThrows(() => averageAtK([[]]), RangeError, "must be a question");
  assertThrows(() => averageAtK(grades("11", "1")), TypeError, "must have 2: current value is 1");
  assertThrows(() => averageAtK(grades("11", "")), TypeError, "current value is 0");
});

Deno.test("passAtK() is 1 - C(n-c, k) / C(n, k), by hand", () => {
  assertAlmostEquals(passAtK(10, 3, 5), 1 - 21 / 252, 1e-15); // C(7, 5) = 21, C(10, 5) = 252
  assertAlmostEquals(passAtK(5, 2, 2), 1 - 3 / 10, 1e-15); // C(3, 2) = 3, C(5, 2) = 10
  assertAlmostEquals(passAtK(8, 1, 4), 1 - 35 / 70, 1e-15); // C(7, 4) = 35, C(8, 4) = 70
});

Deno.test("passAtK() is the mean over every choice of k samples", () => {
  const right = [true, false, false, true, false]; // n = 5, c = 2
  let solved = 0, pairs = 0;
  for (let i = 0; i < 5; i++) {
    for (let j = i + 1; j < 5; j++) {
      pairs++;
      if (right[i] || right[j]) solved++;
    }
  }
  assertEquals([solved, pairs], [7, 10]);
  assertAlmostEquals(passAtK(5, 2, 2), solved / pairs, 1e-15);
});

Deno.test("passAtK() of k = n is 1 as soon as any sample is right, and 0 when none is", () => {
  for (const n of [1, 4, 64]) { // best of 4 with replacement would give 1 - (3/4)⁴ = 0.684
    assertEquals(passAtK(n, 0, n), 0);
    for (let c = 1; c <= n; c++) assertEquals(passAtK(n, c, n), 1);
  }
  for (const row of ["1000", "0100", "0010", "0001", "0110", "1111"]) {
    assertEquals(meanPassAtK(grades(row), 4), 1);
  }
});

Deno.test("passAtK() of k = 1 is the accuracy, and it never falls as k or c grows", () => {
  for (let c = 0; c <= 16; c++) {
    assertAlmostEquals(passAtK(16, c, 1), c / 16, 1e-15);
    for (let k = 1; k < 16; k++) {
      assert(passAtK(16, c, k) <= passAtK(16, c, k + 1));
      if (c < 16) assert(passAtK(16, c, k) <= passAtK(16, c + 1, k));
    }
  }
});

Deno.test("passAtK() stays finite where binomial coefficients overflow", () => {
  // one right of 5,000: the chance that half of them hold it is 1/2; C(5000, 2500) is about 1e1503
  assertAlmostEquals(passAtK(5000, 1, 2500), 0.5, 1e-12);
});

Deno.test("passAtK() rejects counts out of range", () => {
  assertThrows(() => passAtK(4, 1, 5), RangeError, "current value is c = 1, k = 5");
  assertThrows(() => passAtK(4, 5, 1), RangeError, "current value is c = 5, k = 1");
  assertThrows(() => passAtK(4, 1, 0), RangeError, "k must be a whole number >= 1");
  assertThrows(() => passAtK(4, -1, 1), RangeError, "c must be a whole number >= 0");
  assertThrows(() => passAtK(0, 0, 1), RangeError, "n must be a whole number >= 1");
  assertThrows(() => passAtK(4, 1.5, 1), RangeError, "current value is 1.5");
  assertThrows(() => passAtK(NaN, 1, 1), RangeError, "current value is NaN");
});

Deno.test("meanPassAtK() averages over questions, and k = 1 is avg@k", () => {
  const correct = grades("1100", "1000", "0000", "1111");
  // 1 - C(2,2)/C(4,2) = 5/6; 1 - C(3,2)/6 = 1/2; 0; 1: mean (5/6 + 1/2 + 0 + 1) / 4 = 7/12
  assertAlmostEquals(meanPassAtK(correct, 2), 7 / 12, 1e-15);
  assertAlmostEquals(meanPassAtK(correct, 1), averageAtK(correct).mean, 1e-15);
  assertThrows(() => meanPassAtK(correct, 5), RangeError);
  assertThrows(() => meanPassAtK([], 1), RangeError);
  assertThrows(() => meanPassAtK(grades("11", "1"), 1), TypeError);
});

Deno.test("majorityAtK() takes the grade of the answer with the most votes", () => {
  assertEquals(majorityAtK(["3", "5", "3", "4"], [true, false, true, false]), 1);
  assertEquals(majorityAtK(["5", "5", "3"], [false, false, true]), 0); // right, and outvoted
  assertEquals(majorityAtK(["3"], [true]), 1);
});

Deno.test("majorityAtK() counts a tie as its expected value", () => {
  assertEquals(majorityAtK(["3", "5"], [true, false]), 1 / 2);
  assertEquals(majorityAtK(["3", "5", "7"], [true, false, false]), 1 / 3);
  assertEquals(majorityAtK(["3", "5", "5", "3", "9"], [true, false, false, true, false]), 1 / 2);
});

Deno.test("majorityAtK() gives samples without an answer no vote", () => {
  const none = undefined;
  assertEquals(majorityAtK([none, none, none, "3"], [false, false, false, true]), 1);
  assertEquals(majorityAtK([none, none], [false, false]), 0);
});

Deno.test("majorityAtK() does not depend on the order of the samples", () => {
  assertEquals(majorityAtK(["3", "5", "5"], [true, false, false]), 0);
  assertEquals(majorityAtK(["5", "3", "5"], [false, true, false]), 0);
  assertEquals(majorityAtK(["5", "3"], [false, true]), majorityAtK(["3", "5"], [true, false]));
});

Deno.test("majorityAtK() rejects no samples and grades that do not match", () => {
  assertThrows(() => majorityAtK([], []), RangeError, "there must be a sample");
  assertThrows(() => majorityAtK(["3"], []), TypeError, "1 answers need as many grades");
});

Deno.test("bootstrapInterval() of equal values is that value", () => {
  assertEquals(bootstrapInterval([0.5, 0.5, 0.5], { seed: 3 }), { low: 0.5, high: 0.5 });
  assertEquals(bootstrapInterval([0.25]), { low: 0.25, high: 0.25 });
});

Deno.test("bootstrapInterval() is about mean ± 1.96 standard errors of many values", () => {
  const prng = randomSeeded(7, "test");
  const values = Array.from({ length: 400 }, () => prng() < 0.3 ? 1 : 0);
  const mean = values.reduce((a: number, b) => a + b, 0) / 400;
  const error = Math.sqrt(mean * (1 - mean) / 400); // about 0.023
  const { low, high } = bootstrapInterval(values, { seed: 1 });
  assertAlmostEquals(low, mean - 1.96 * error, 0.005);
  assertAlmostEquals(high, mean + 1.96 * error, 0.005);
});

Deno.test("bootstrapInterval() is fixed by its seed and wider at a higher level", () => {
  const values = [0, 0.125, 0.5, 0.625, 1];
  const at = (seed: number, level: number): { low: number; high: number } =>
    bootstrapInterval(values, { seed, level, resamples: 500 });
  assertEquals(at(1, 0.9), at(1, 0.9));
  assert(at(1, 0.99).low <= at(1, 0.5).low && at(1, 0.5).high <= at(1, 0.99).high);
  assert(
    bootstrapInterval([0.1, 0.23, 0.37, 0.71], { seed: 1, resamples: 1 }).low !==
      bootstrapInterval([0.1, 0.23, 0.37, 0.71], { seed: 4, resamples: 1 }).low,
  );
});

Deno.test("bootstrapInterval() rejects values and options out of range", () => {
  assertThrows(() => bootstrapInterval([]), RangeError, "needs finite values");
  assertThrows(() => bootstrapInterval([1, NaN]), RangeError, "current value is [1,NaN]");
  assertThrows(() => bootstrapInterval([1], { resamples: 0 }), RangeError, "resamples");
  assertThrows(() => bootstrapInterval([1], { level: 1 }), RangeError, "level");
  assertThrows(() => bootstrapInterval([1], { seed: -1 }), RangeError);
});
