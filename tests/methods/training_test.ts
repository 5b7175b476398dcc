import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { Dataset } from "../../lib/data/question.ts";
import { checkPart, mean, poolOf, questionsOfBatch } from "../../lib/methods/training.ts";

/** Questions q0, q1, ... of a given number. */
const numbered = (size: number): Dataset => ({
  name: "numbered",
  size,
  question: (index) => ({ id: `q${index}`, prompt: `${index}?`, answer: `${index}` }),
  reward: () => ({ total: 0, correct: false, parts: {} }),
});

/** Indices of the questions of several steps, in order. */
function drawn(size: number, count: number, seed: number, steps: readonly number[]): number[] {
  return steps.flatMap((step) =>
    questionsOfBatch(numbered(size), count, seed, step).map(({ index }) => index)
  );
}

const sorted = (indices: readonly number[]): number[] => indices.toSorted((a, b) => a - b);
const upTo = (size: number): number[] => Array.from({ length: size }, (_, index) => index);

Deno.test("questionsOfBatch() takes every question once per epoch", () => {
  assertEquals(sorted(drawn(12, 3, 1, [0, 1, 2, 3])), upTo(12));
  assertEquals(sorted(drawn(12, 3, 1, [4, 5, 6, 7])), upTo(12));
  assertEquals(sorted(drawn(5, 5, 1, [0])), upTo(5)); // an epoch of one step
});

Deno.test("questionsOfBatch() takes another order in another epoch and with another seed", () => {
  const first = drawn(12, 3, 1, [0, 1, 2, 3]);
  assertNotEquals(first, upTo(12));
  assertNotEquals(first, drawn(12, 3, 1, [4, 5, 6, 7]));
  assertNotEquals(first, drawn(12, 3, 2, [0, 1, 2, 3]));
});

Deno.test("questionsOfBatch() drops the last partial batch of an epoch", () => {
  // 7 questions, 3 a step: two steps an epoch, and one question is left out
  const epochs = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]].map((steps) => drawn(7, 3, 1, steps));
  for (const epoch of epochs) assertEquals([epoch.length, new Set(epoch).size], [6, 6]);
  const leftOut = epochs.map((epoch) => upTo(7).filter((index) => !epoch.includes(index)));
  assert(new Set(leftOut.flat()).size > 1, "the same question is left out in every epoch");
});

Deno.test("questionsOfBatch() depends on seed and step alone", () => {
  const dataset = numbered(10);
  const forwards = upTo(9).map((step) => questionsOfBatch(dataset, 4, 3, step));
  const backwards = upTo(9).toReversed().map((step) => questionsOfBatch(dataset, 4, 3, step));
  assertEquals(backwards.toReversed(), forwards);
});

Deno.test("questionsOfBatch() gives each question with its own index", () => {
  for (const { index, question } of questionsOfBatch(numbered(10), 10, 1, 0)) {
    assertEquals(question, numbered(10).question(index));
  }
});

Deno.test("questionsOfBatch() rejects a dataset smaller than a step", () => {
  assertEquals(questionsOfBatch(numbered(4), 4, 1, 0).length, 4);
  assertThrows(
    () => questionsOfBatch(numbered(3), 4, 1, 0),
    RangeError,
    "Cannot train on numbered as a step takes 4 questions: current size is 3",
  );
});

Deno.test("questionsOfBatch() of a pool takes all of its questions, and no other", () => {
  const pool = poolOf(numbered(12), { from: 1 / 4, to: 3 / 4 });
  assertEquals(pool, { from: 3, to: 9 });
  const epoch = [0, 1].flatMap((batch) =>
    questionsOfBatch(numbered(12), 3, 1, batch, pool).map(({ index }) => index)
  );
  assertEquals(sorted(epoch), [3, 4, 5, 6, 7, 8]);
});

Deno.test("poolOf() gives parts that meet no question in common and none left out", () => {
  for (const size of [7, 10, 1500]) {
    const parts = [[0, 0.24], [0.24, 0.5], [0.5, 1]] as const;
    const pools = parts.map(([from, to]) => poolOf(numbered(size), { from, to }));
    assertEquals(pools.map(({ from }) => from), [0, ...pools.slice(0, -1).map(({ to }) => to)]);
    assertEquals(pools.at(-1)!.to, size);
  }
});

Deno.test("checkPart() takes a part that holds a step's questions", () => {
  checkPart("half", { from: 0, to: 0.5 }, 5, numbered(10));
  assertThrows(
    () => checkPart("half", { from: 0, to: 0.5 }, 6, numbered(10)),
    RangeError,
    "Cannot train on numbered as half must hold the 6 questions of a step: current size is 5",
  );
  checkPart("half", { from: 0, to: 0.5 }, 6); // of what is not known
  assertThrows(() => checkPart("half", { from: 0.5, to: 0.5 }, 1), RangeError, "[0.5, 0.5]");
});

Deno.test("mean() is the mean, and NaN of none", () => {
  assertEquals([mean([1, 2, 6]), mean([])], [3, NaN]);
});
