import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { findDuplicates, normalizedText } from "../../lib/data/duplicates.ts";
import { listed, readQuestions } from "../../lib/data/files.ts";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { sharedPath, testWith } from "../_shared.ts";

Deno.test("normalizedText() is the same for a question typed twice", () => {
  const same: [string, string][] = [
    ["Find $x$ if $x+1=2.5$.", "find  x if $x + 1 = 2.5$"],
    ["$\\left( 3, \\dfrac{\\pi}{2} \\right)$", "$(3,\\frac{\\pi}{2})$"],
    ["“Half” of $1{,}000\\,000$?", '"half" of $1{,}000 000$'],
    ["Find n.\n\n[asy]\ndraw((0,0)--(1,1));\n[/asy]", "Find n."],
    ["ﬁnd ｘ", "find x"],
  ];
  for (const [one, two] of same) assertEquals(normalizedText(one), normalizedText(two));
});

Deno.test("normalizedText() keeps what changes the answer", () => {
  const other: [string, string][] = [
    ["3+4", "3-4"],
    ["1.5 m", "15 m"],
    ["$x^2$", "$x_2$"],
    ["$a \\leftarrow b$", "$a \\rightarrow b$"],
    ["12 of 34", "1 of 234"],
  ];
  for (const [one, two] of other) assertNotEquals(normalizedText(one), normalizedText(two));
});

Deno.test("findDuplicates() lists each question of the second set once, with the first it repeats", () => {
  const [a, b] = [["p", "q", "P"], ["r", "q.", "p", "Q"]].map((prompts) =>
    listed(
      "s",
      prompts.map((prompt, i) => ({ id: `${i}`, prompt, answer: "1" })),
      () => binaryReward(true),
    )
  ) as [Dataset, Dataset];
  assertEquals(findDuplicates(a, b), [{ id: "1", of: "1" }, { id: "2", of: "0" }, {
    id: "3",
    of: "1",
  }]);
});

testWith("findDuplicates() finds no training question of GSM8K in its test file", {
  train: sharedPath("data/gsm8k_train.jsonl"),
  test: sharedPath("data/gsm8k_test.jsonl"),
}, async ({ train, test }) => {
  const [a, b] = [await open(train), await open(test)];
  assertEquals(findDuplicates(a, b), []);
});

testWith("findDuplicates() finds MATH-500 in the paper's validation file, and old AIME in both", {
  math: sharedPath("data/math500.jsonl"),
  valid: sharedPath("data/relift_valid.parquet"),
  aime: sharedPath("data/aime_1983_2023.json"),
}, async ({ math, valid, aime }) => {
  const [a, b, c] = [await open(math), await open(valid), await open(aime)];
  assertEquals(findDuplicates(a, b).length, 500);
  // five problems of MATH are from AIME: who trains on the one is judged on what it has seen
  assertEquals(findDuplicates(c, a).length, 5);
  assert(findDuplicates(c, a).some(({ id }) => id === "test/intermediate_algebra/1365.json"));
});

async function open(path: string): Promise<Dataset> {
  return await readQuestions(path, () => binaryReward(false));
}
