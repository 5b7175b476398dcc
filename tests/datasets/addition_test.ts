import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { addition } from "../../datasets/addition.ts";
import { questionsOf, type Split, splitOf } from "../../lib/data/question.ts";

const SPLITS: readonly Split[] = ["train", "validation", "ood"];

Deno.test("addition() rejects options out of range, naming the option", () => {
  for (const digits of [0, 13, 1.5, NaN]) {
    assertThrows(
      () => addition({ digits }),
      RangeError,
      "digits must be a whole number in [1, 12]",
    );
  }
  for (const size of [0, -1, 2.5]) assertThrows(() => addition({ size }), RangeError, "size");
  for (const seed of [-1, 0.5]) assertThrows(() => addition({ seed }), RangeError, "seed");
  assertThrows(() => addition({ split: "test" as Split }), RangeError, "current value is test");
  assertThrows(() => addition({ size: 3 }).question(3), RangeError, "[0, 3)");
});

Deno.test("addition() gives the same questions for the same seed, others for another", () => {
  const prompts = (seed: number): string[] =>
    questionsOf(addition({ digits: 6, size: 200, seed })).map(({ prompt }) => prompt);
  assertEquals(questionsOf(addition({ size: 50 })), questionsOf(addition({ size: 50 })));
  const first = new Set(prompts(1));
  assertEquals(prompts(2).filter((prompt) => first.has(prompt)), []);
  assertNotEquals(addition().question(0), addition().question(1));
});

Deno.test("addition() keeps its number of digits, one more in ood, the larger number first", () => {
  for (const digits of [1, 2, 5, 12]) {
    for (const split of SPLITS) {
      const length = split === "ood" ? digits + 1 : digits;
      for (const { prompt, answer } of questionsOf(addition({ digits, split, size: 100 }))) {
        const [a, b] = prompt.slice(0, -1).split("+") as [string, string];
        assertEquals([a.length, b.length], [length, length]);
        assert(Number(a) >= Number(b));
        assertEquals(BigInt(a) + BigInt(b), BigInt(answer));
      }
    }
  }
});

Deno.test("addition() works a sum column by column: 85 + 47", () => {
  const question = questionsOf(addition()).find(({ prompt }) => prompt === "85+47=");
  assert(question); // there are about 4,000 such prompts; this one is among the first 1,000
  assertEquals(question.demonstration, "5+7+0=12,8+4+1=13#132");
  assertEquals(question.metadata, { kind: "2 digits, 2 carries" });
});

Deno.test("addition() gives every demonstration full reward", () => {
  for (const split of SPLITS) {
    const dataset = addition({ digits: 4, split });
    for (const question of questionsOf(dataset)) {
      const reward = dataset.reward(question, question.demonstration!);
      assertEquals(reward, { total: 1, correct: true, parts: { format: 1, correct: 1 } });
    }
  }
});

Deno.test("addition() never has a prompt in two splits, whatever its seed and digits", () => {
  for (const digits of [1, 2]) {
    for (const split of SPLITS) {
      for (const seed of [1, 2]) {
        for (const { prompt } of questionsOf(addition({ digits, split, seed, size: 500 }))) {
          assertEquals(splitOf(prompt), split); // a function of the prompt, so splits are disjoint
        }
      }
    }
  }
});

Deno.test("addition() gives nothing for a completion that is not right to the letter", () => {
  const dataset = addition();
  const question = { id: "0", prompt: "85+47=", answer: "132" };
  const formats: [string, number][] = [
    ["", 0],
    ["132", 0], // no mark
    ["the answer is 132", 0],
    ["#132 ", 0],
    ["#132\n", 0],
    ["#132#", 0],
    ["#131#132", 0], // a list of guesses
    ["#132#131", 0],
    ["#0132", 1],
    ["#132.0", 1],
    ["#+132", 1],
    ["#133", 1],
    ["#１３２", 1], // full-width digits
    ["#" + "9".repeat(100_000), 1],
    ["#".repeat(100_000), 0],
  ];
  for (const [completion, format] of formats) {
    const reward = dataset.reward(question, completion);
    assertEquals(reward, { total: 0, correct: false, parts: { format, correct: 0 } });
  }
});
