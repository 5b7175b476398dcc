import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { multiplication } from "../../datasets/multiplication.ts";
import { questionsOf, type Split, splitOf } from "../../lib/data/question.ts";

const SPLITS: readonly Split[] = ["train", "validation", "ood"];

Deno.test("multiplication() rejects options out of range, naming the option", () => {
  for (const digits of [0, 7, 1.5, NaN]) {
    assertThrows(
      () => multiplication({ digits }),
      RangeError,
      "digits must be a whole number in [1, 6]",
    );
  }
  for (const size of [0, -1, 2.5]) assertThrows(() => multiplication({ size }), RangeError, "size");
  for (const seed of [-1, 0.5]) assertThrows(() => multiplication({ seed }), RangeError, "seed");
  assertThrows(
    () => multiplication({ split: "test" as Split }),
    RangeError,
    "current value is test",
  );
  assertThrows(() => multiplication({ size: 3 }).question(3), RangeError, "[0, 3)");
});

Deno.test("multiplication() gives the same questions for the same seed, others for another", () => {
  const prompts = (seed: number): string[] =>
    questionsOf(multiplication({ digits: 6, size: 200, seed })).map(({ prompt }) => prompt);
  assertEquals(
    questionsOf(multiplication({ size: 50 })),
    questionsOf(multiplication({ size: 50 })),
  );
  const first = new Set(prompts(1));
  assertEquals(prompts(2).filter((prompt) => first.has(prompt)), []);
  assertNotEquals(multiplication().question(0), multiplication().question(1));
});

Deno.test("multiplication() keeps its number of digits, one more in ood, the larger number first", () => {
  for (const digits of [1, 2, 6]) {
    for (const split of SPLITS) {
      const length = split === "ood" ? digits + 1 : digits;
      for (const { prompt, answer } of questionsOf(multiplication({ digits, split, size: 100 }))) {
        const [a, b] = prompt.slice(0, -1).split("*") as [string, string];
        assertEquals([a.length, b.length], [length, length]);
        assert(Number(a) >= Number(b));
        assertEquals(BigInt(a) * BigInt(b), BigInt(answer));
      }
    }
  }
});

Deno.test("multiplication() works a product by partial products: 85 * 47", () => {
  const question = questionsOf(multiplication()).find(({ prompt }) => prompt === "85*47=");
  assert(question); // there are about 4,000 such prompts; this one is among the first 1,000
  assertEquals(question.demonstration, "85*7=595,85*40=3400,595+3400=3995#3995");
  assertEquals(question.metadata, { kind: "2 by 2 digits" });
});

Deno.test("multiplication() gives every demonstration full reward", () => {
  for (const split of SPLITS) {
    const dataset = multiplication({ digits: 4, split });
    for (const question of questionsOf(dataset)) {
      const reward = dataset.reward(question, question.demonstration!);
      assertEquals(reward, { total: 1, correct: true, parts: { format: 1, correct: 1 } });
    }
  }
});

Deno.test("multiplication() never has a prompt in two splits, whatever its seed and digits", () => {
  for (const digits of [1, 2]) {
    for (const split of SPLITS) {
      for (const seed of [1, 2]) {
        for (const { prompt } of questionsOf(multiplication({ digits, split, seed, size: 500 }))) {
          assertEquals(splitOf(prompt), split); // a function of the prompt, so splits are disjoint
        }
      }
    }
  }
});

Deno.test("multiplication() gives nothing for a completion that is not right to the letter", () => {
  const dataset = multiplication();
  const question = { id: "0", prompt: "85*47=", answer: "3995" };
  const formats: [string, number][] = [
    ["", 0],
    ["3995", 0], // no mark
    ["the answer is 3995", 0],
    ["#3995 ", 0],
    ["#3995\n", 0],
    ["#3995#", 0],
    ["#3994#3995", 0], // a list of guesses
    ["#3995#3994", 0],
    ["#03995", 1],
    ["#3995.0", 1],
    ["#+3995", 1],
    ["#3996", 1],
    ["#３９９５", 1], // full-width digits
    ["#" + "9".repeat(100_000), 1],
    ["#".repeat(100_000), 0],
  ];
  for (const [completion, format] of formats) {
    const reward = dataset.reward(question, completion);
    assertEquals(reward, { total: 0, correct: false, parts: { format, correct: 0 } });
  }
});
