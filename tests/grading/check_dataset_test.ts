import { assert, assertEquals, assertRejects } from "@std/assert";
import { listed, readQuestions } from "../../lib/data/files.ts";
import { binaryReward, type Dataset, type Question, questionsOf } from "../../lib/data/question.ts";
import { checkDataset } from "../../lib/grading/check_dataset.ts";
import type { Grade } from "../../lib/grading/grade_answer.ts";
import { gradedReward } from "../../lib/grading/graded_reward.ts";
import { sharedPath, testWith } from "../_shared.ts";

/** Accepts an answer that ends with `gold}` or with `gold`, but never `?`. */
function grade(gold: string, answer: string): Promise<Grade> {
  const correct = gold !== "?" && (answer === `\\boxed{${gold}}` || answer.endsWith(gold));
  return Promise.resolve({ correct, reason: correct ? "same" : "not the same" });
}

function sums(questions: readonly Omit<Question, "prompt">[]): Dataset {
  const asked = questions.map((question) => ({ ...question, prompt: `ask ${question.id}` }));
  return listed("sums", asked, () => binaryReward(true));
}

const MIXED = sums([
  { id: "a", answer: "1", demonstration: "it is 1" },
  { id: "b", answer: "?", demonstration: "it is ?" },
  { id: "c", answer: "3", demonstration: "it is 4" },
  { id: "d", answer: "5" },
]);

Deno.test("checkDataset() drops a question by its answer, and of others only the demonstration", async () => {
  const { dataset, dropped, report } = await checkDataset(MIXED, { grade });
  assertEquals(dropped, [
    { id: "b", what: "question", why: 'its answer "?" is not accepted for itself: not the same' },
    { id: "c", what: "demonstration", why: 'its demonstration does not give "3": not the same' },
  ]);
  assertEquals(questionsOf(dataset), [
    { id: "a", prompt: "ask a", answer: "1", demonstration: "it is 1" },
    { id: "c", prompt: "ask c", answer: "3" },
    { id: "d", prompt: "ask d", answer: "5" },
  ]);
  assertEquals(report, [
    "sums: 4 questions, 1 dropped as their answer is not accepted for itself; 3 demonstrations, " +
    "1 dropped as they do not give the answer",
    'sums/b: question dropped: its answer "?" is not accepted for itself: not the same',
    'sums/c: demonstration dropped: its demonstration does not give "3": not the same',
  ]);
  assert((await dataset.reward(dataset.question(0), "")).correct); // the verifier stays
});

Deno.test("checkDataset() keeps a dataset that is right as it is", async () => {
  const right = sums([{ id: "a", answer: "1" }]);
  const checked = await checkDataset(right, { grade });
  assertEquals([checked.dataset === right, checked.dropped], [true, []]);
});

Deno.test("checkDataset() tells ten faults and counts the rest", async () => {
  const questions = Array.from({ length: 13 }, (_, i) => ({ id: `${i}`, answer: i ? "?" : "1" }));
  const { dropped, report } = await checkDataset(sums(questions), { grade });
  assertEquals([dropped.length, report.length, report.at(-1)], [12, 12, "sums: and 2 more"]);
});

Deno.test("checkDataset() rejects a set of which nothing is left", async () => {
  await assertRejects(
    () => checkDataset(sums([{ id: "a", answer: "?" }]), { grade }),
    RangeError,
    'Cannot use sums as the grader must accept an answer for itself: current value is none of 1 accepted, such as "?"',
  );
});

Deno.test("checkDataset() remembers what it found of many answers, for the same and only for those", async () => {
  const cache = `${await Deno.makeTempDir()}/checks`;
  const more = (count: number): Question[] =>
    Array.from({ length: count }, (_, i) => ({ id: `${i}`, prompt: `ask ${i}`, answer: "1" }));
  const many = sums([...questionsOf(MIXED), ...more(296)]);
  let graded = 0;
  const counting = (gold: string, answer: string) => (graded++, grade(gold, answer));
  try {
    const first = await checkDataset(many, { cache, grade: counting });
    assertEquals(graded, 300 + 2); // every answer, and the demonstrations of those that passed
    const second = await checkDataset(many, { cache, grade: counting });
    assertEquals([graded, second.dropped, second.report], [302, first.dropped, first.report]);

    await checkDataset(sums(more(257)), { cache, grade: counting });
    assertEquals(graded, 559);
    await checkDataset(sums(more(256)), { cache, grade: counting }); // few enough for every time
    const files = await Array.fromAsync(Deno.readDir(cache), ({ name }) => name);
    assertEquals(files.length, 2);

    for (const name of files) await Deno.writeTextFile(`${cache}/${name}`, '{"dropped": [{');
    graded = 0;
    assertEquals((await checkDataset(many, { cache, grade: counting })).dropped, first.dropped);
    assertEquals(graded, 302); // a file cut off is as good as none
  } finally {
    await Deno.remove(cache.replace(/\/checks$/, ""), { recursive: true });
  }
});

Deno.test("checkDataset() says how far it is", async () => {
  const questions = Array.from({ length: 300 }, (_, i) => ({ id: `${i}`, answer: "1" }));
  const done: number[] = [];
  await checkDataset(sums(questions), { grade, onProgress: (count) => done.push(count) });
  assertEquals(done, [256, 300]);
});

for (
  const [file, questions] of [["gsm8k_train.jsonl", 7473], ["gsm8k_test.jsonl", 1319]] as const
) {
  testWith(
    `checkDataset() drops nothing of ${file}`,
    { file: sharedPath(`data/${file}`) },
    async ({ file }) => {
      const dataset = await readQuestions(file, gradedReward);
      const checked = await checkDataset(dataset);
      assertEquals(checked.dropped, []);
      assertEquals(checked.dataset.size, questions);
    },
  );
}
