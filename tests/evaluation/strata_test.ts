import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  accuracyByStratum,
  countStrata,
  forgetting,
  parseStrataRecord,
  STRATA,
  strataMoves,
  strataOf,
  type StrataRecord,
  type Stratum,
  stratumOf,
} from "../../lib/evaluation/strata.ts";

Deno.test("stratumOf() is the paper's table for 8 samples", () => {
  const expected: Stratum[] = [
    "hardest", // 0/8
    "hard",
    "hard", // 2/8
    "medium", // 3/8
    "medium",
    "medium", // 5/8
    "easy", // 6/8
    "easy",
    "easy", // 8/8
  ];
  assertEquals(Array.from({ length: 9 }, (_, right) => stratumOf(right / 8)), expected);
});

Deno.test("stratumOf() uses the same shares for other numbers of samples", () => {
  const of4 = [0, 1, 2, 3, 4].map((right) => stratumOf(right / 4)); // 0, .25, .5, .75, 1
  assertEquals(of4, ["hardest", "hard", "medium", "easy", "easy"]);
  assertEquals([5, 6, 11, 12].map((right) => stratumOf(right / 16)), [
    "hard", // .3125
    "medium", // .375
    "medium", // .6875
    "easy", // .75
  ]);
  assertEquals(stratumOf(1 / 1024), "hard"); // one lucky sample is not Hardest
});

Deno.test("stratumOf() rejects what is not an accuracy", () => {
  for (const accuracy of [-0.1, 1.1, NaN, 6]) {
    assertThrows(() => stratumOf(accuracy), RangeError, `current value is ${accuracy}`);
  }
});

const before = { a: 1, b: 0.75, c: 0.5, d: 0.375, e: 0.25, f: 0 };
const after = { a: 1, b: 0.5, c: 0.25, d: 0.875, e: 0, f: 0.125 };

Deno.test("countStrata() counts every stratum, empty ones too", () => {
  assertEquals(countStrata(before), { easy: 2, medium: 2, hard: 1, hardest: 1 });
  assertEquals(countStrata({}), { easy: 0, medium: 0, hard: 0, hardest: 0 });
  assertEquals(Object.keys(countStrata({})), [...STRATA]);
});

Deno.test("accuracyByStratum() averages results over the strata of the base policy", () => {
  assertEquals(accuracyByStratum(strataOf(before), after), {
    easy: { questions: 2, accuracy: 0.75 }, // (1 + 0.5) / 2
    medium: { questions: 2, accuracy: 0.5625 }, // (0.25 + 0.875) / 2
    hard: { questions: 1, accuracy: 0 },
    hardest: { questions: 1, accuracy: 0.125 },
  });
});

Deno.test("accuracyByStratum() takes a part of the questions, and no strange ones", () => {
  const { easy, hard } = accuracyByStratum(strataOf(before), { b: 0.5 });
  assertEquals(easy, { questions: 1, accuracy: 0.5 });
  assertEquals(hard, { questions: 0, accuracy: null });
  for (const id of ["g", "constructor"]) {
    assertThrows(
      () => accuracyByStratum(strataOf(before), { [id]: 1 }),
      RangeError,
      `current value is ${id}`,
    );
  }
});

Deno.test("strataMoves() counts each question in one cell", () => {
  const zeros = { easy: 0, medium: 0, hard: 0, hardest: 0 };
  assertEquals(strataMoves(before, after), {
    easy: { ...zeros, easy: 1, medium: 1 }, // a stays, b
    medium: { ...zeros, easy: 1, hard: 1 }, // d, c
    hard: { ...zeros, hardest: 1 }, // e
    hardest: { ...zeros, hard: 1 }, // f
  });
});

Deno.test("strataMoves() has the strata before as row sums and those after as column sums", () => {
  const moves = strataMoves(before, after);
  const sum = (cell: (other: Stratum) => number): number =>
    STRATA.reduce((total, other) => total + cell(other), 0);
  for (const stratum of STRATA) {
    assertEquals(sum((other) => moves[stratum][other]), countStrata(before)[stratum]);
    assertEquals(sum((other) => moves[other][stratum]), countStrata(after)[stratum]);
  }
  assertThrows(() => strataMoves(before, { g: 1 }), RangeError, "current value is g");
});

Deno.test("forgetting() counts Easy and Medium questions that are Hard or Hardest now", () => {
  // known: a b c d; lost: c (0.5 -> 0.25) alone, as b only went from Easy to Medium
  // drop: (0 + 0.25 + 0.25 - 0.5) / 4 = 0
  assertEquals(forgetting(before, after), { known: 4, lost: 1, share: 0.25, accuracyDrop: 0 });
  // a and b fall to 0: lost 2 of 2, drop (1 + 0.75) / 2
  const { lost, share, accuracyDrop } = forgetting(before, { a: 0, b: 0 });
  assertEquals([lost, share], [2, 1]);
  assertAlmostEquals(accuracyDrop!, 0.875, 1e-15);
});

Deno.test("forgetting() is nothing for the same policy, and null where nothing was known", () => {
  assertEquals(forgetting(before, before), { known: 4, lost: 0, share: 0, accuracyDrop: 0 });
  const nothing = { known: 0, lost: 0, share: null, accuracyDrop: null };
  assertEquals(forgetting({ q: 0.25 }, { q: 0 }), nothing);
  assertEquals(forgetting(before, {}), nothing);
});

Deno.test("forgetting() agrees with the moves", () => {
  const { easy, medium } = strataMoves(before, after);
  const { lost } = forgetting(before, after);
  assertEquals(lost, easy.hard + easy.hardest + medium.hard + medium.hardest);
});

const record: StrataRecord = {
  policy: "9f2c",
  dataset: "chains",
  datasetFingerprint: "77aa",
  samplesPerQuestion: 8,
  temperature: 0.6,
  seed: 1,
  accuracies: { "chain-1": 1 / 3, "2": 0, constructor: 1 },
};

Deno.test("parseStrataRecord() returns the record that was stored", () => {
  assertEquals(parseStrataRecord(JSON.stringify(record), "strata.json"), record);
});

Deno.test("parseStrataRecord() names the file, the field and its value in one line", () => {
  const cases: [unknown, string][] = [
    [{ ...record, policy: "" }, `policy must be a text: current value is ""`],
    [{ ...record, policy: undefined }, "policy must be a text: current value is undefined"],
    [{ ...record, datasetFingerprint: 7 }, "datasetFingerprint must be a text: current value is 7"],
    [{ ...record, samplesPerQuestion: 0 }, "samplesPerQuestion must be a whole number >= 1"],
    [{ ...record, samplesPerQuestion: 2.5 }, "samplesPerQuestion must be a whole number >= 1"],
    [{ ...record, temperature: -1 }, "temperature must be a number >= 0: current value is -1"],
    [{ ...record, seed: "1" }, `seed must be a whole number >= 0: current value is "1"`],
    [{ ...record, accuracies: {} }, "accuracies must hold a question: current value is {}"],
    [{ ...record, accuracies: [1] }, "accuracies must be numbers by question id"],
    [{ ...record, accuracies: { q: 1.5 } }, "accuracies.q must be in [0, 1]: current value is 1.5"],
    [{ ...record, accuracies: { q: null } }, "accuracies.q must be in [0, 1]"],
    [[], "it must be an object: current value is []"],
    [null, "it must be an object: current value is null"],
  ];
  for (const [value, message] of cases) {
    const error = assertThrows(
      () => parseStrataRecord(JSON.stringify(value), "runs/a/strata.json"),
      SyntaxError,
      `Cannot read strata from runs/a/strata.json as ${message}`,
    );
    assertEquals(error.message.includes("\n"), false);
  }
});

Deno.test("parseStrataRecord() says when the text is not JSON", () => {
  const parse = (): StrataRecord => parseStrataRecord(`{"policy": `, "strata.json");
  assertThrows(parse, SyntaxError, "Cannot read strata as strata.json must be JSON");
});
