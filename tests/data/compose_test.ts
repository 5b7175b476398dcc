import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { markedAnswerReward } from "../../lib/data/answer_reward.ts";
import { mixture, slice, subset } from "../../lib/data/compose.ts";
import { binaryReward, type Dataset, questionsOf } from "../../lib/data/question.ts";

/** Questions `<letter>0` to `<letter><size - 1>` whose answers are their numbers. */
function numbered(name: string, size: number, letter = name): Dataset {
  return {
    name,
    size,
    question: (index) => ({ id: String(index), prompt: `${letter}${index}`, answer: `${index}` }),
    reward: markedAnswerReward,
  };
}

/** Pairs each question of a mixture with the dataset its id names. */
function sourcesOf(dataset: Dataset): string[] {
  return questionsOf(dataset).map(({ id }) => id.slice(0, id.lastIndexOf("/")));
}

Deno.test("slice() shows the questions between its bounds and their verifier", async () => {
  const part = slice(numbered("a", 10), 4, 7);
  assertEquals(questionsOf(part).map(({ prompt }) => prompt), ["a4", "a5", "a6"]);
  assertEquals((await part.reward(part.question(1), "#5")).total, 1);
  assertEquals(part.name, "a-from-4-to-7");
  assertThrows(() => part.question(3), RangeError, "[0, 3)");
});

Deno.test("slice() rejects bounds that are out of order, outside or not whole", () => {
  for (const [start, end] of [[-1, 2], [2, 2], [3, 2], [0, 11], [0.5, 2], [0, NaN]] as const) {
    assertThrows(() => slice(numbered("a", 10), start, end), RangeError, `[${start}, ${end})`);
  }
});

Deno.test("subset() shows the chosen questions in the order they were chosen", () => {
  const indices = [7, 2];
  const part = subset(numbered("a", 10), indices, "hard");
  indices[0] = 1;
  assertEquals(questionsOf(part).map(({ id }) => id), ["7", "2"]);
  assertEquals(part.name, "hard");
  assertThrows(() => part.question(2), RangeError, "[0, 2)");
});

Deno.test("subset() rejects no indices, repeated ones and ones outside", () => {
  assertThrows(() => subset(numbered("a", 10), []), RangeError, "no indices");
  assertThrows(() => subset(numbered("a", 10), [3, 3]), RangeError, "3 twice");
  assertThrows(() => subset(numbered("a", 10), [10]), RangeError, "current value is 10");
});

Deno.test("mixture() keeps the shares and takes no question twice", () => {
  // 10 questions at 1 : 1 : 1 are 3⅓ each: the largest remainders, ties in order, give 4, 3, 3.
  const parts = ["a", "b", "c"].map((name) => ({ dataset: numbered(name, 4), weight: 1 }));
  const mixed = mixture(parts, { size: 10 });
  const counts = ["a", "b", "c"].map((name) => sourcesOf(mixed).filter((s) => s === name).length);
  assertEquals(counts, [4, 3, 3]);
  assertEquals(new Set(questionsOf(mixed).map(({ id }) => id)).size, 10);
  assertEquals(mixed.name, "a+b+c");
});

Deno.test("mixture() is as large as the shares allow unless told", () => {
  // 3 : 1 of 30 and 20 questions: the 30 run out first, beside 10 of the others.
  const mixed = mixture([
    { dataset: numbered("a", 30), weight: 0.3 },
    { dataset: numbered("b", 20), weight: 0.1 },
  ]);
  assertEquals(mixed.size, 40);
  assertEquals(sourcesOf(mixed).filter((source) => source === "a").length, 30);
});

Deno.test("mixture() is the same for the same seed and another for another", () => {
  const make = (seed?: number): string[] =>
    questionsOf(mixture(
      [{ dataset: numbered("a", 50), weight: 1 }, { dataset: numbered("b", 50), weight: 1 }],
      { size: 40, seed },
    )).map(({ id }) => id);
  assertEquals(make(), make(1));
  assertNotEquals(make(2), make(1));
  assertNotEquals(make(2).toSorted(), make(1).toSorted()); // other questions, not only the order
});

Deno.test("mixture() takes few questions of a dataset too large to list", () => {
  const mixed = mixture([{ dataset: numbered("a", 2 ** 50), weight: 1 }], { size: 100 });
  assertEquals(new Set(questionsOf(mixed).map(({ id }) => id)).size, 100);
});

Deno.test("mixture() sends a completion to the verifier of its question, also when nested", async () => {
  const never: Dataset = { ...numbered("b", 10), reward: () => binaryReward(false) };
  const inner = mixture([
    { dataset: numbered("a", 10), weight: 1 },
    { dataset: never, weight: 1 },
  ]);
  const outer = mixture([{ dataset: inner, weight: 1 }, { dataset: numbered("c", 20), weight: 1 }]);
  for (const question of questionsOf(outer)) {
    const { correct } = await outer.reward(question, `#${question.answer}`);
    assertEquals(correct, !question.id.startsWith("a+b/b/"));
  }
  const stranger = { id: "d/0", prompt: "d0", answer: "0" };
  assertThrows(() => outer.reward(stranger, "#0"), RangeError, "current value is d/0");
});

Deno.test("mixture() rejects parts that it cannot mix", () => {
  const a = numbered("a", 10);
  assertThrows(() => mixture([]), RangeError, "current value is none");
  for (const weight of [0, -1, NaN, Infinity]) {
    assertThrows(() => mixture([{ dataset: a, weight }]), RangeError, `current value is ${weight}`);
  }
  for (const name of ["a", "a/b"]) {
    const parts = [{ dataset: a, weight: 1 }, { dataset: numbered(name, 10), weight: 1 }];
    assertThrows(() => mixture(parts), RangeError, `a beside ${name}`);
  }
  for (const size of [0, 1.5, NaN]) {
    assertThrows(() => mixture([{ dataset: a, weight: 1 }], { size }), RangeError, "size");
  }
  assertThrows(
    () => mixture([{ dataset: a, weight: 1 }], { size: 11 }),
    RangeError,
    "a must hold 11 questions for its share of 11: current value is 10",
  );
});
