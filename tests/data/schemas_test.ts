import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { readQuestions, type SchemaName } from "../../lib/data/files.ts";
import { binaryReward, type Question, questionsOf } from "../../lib/data/question.ts";
import { SCHEMAS } from "../../lib/data/schemas.ts";
import { sharedPath, testWith } from "../_shared.ts";

/** Reads rows as JSON Lines, their schema found by their columns unless it is told. */
async function read(rows: readonly unknown[], schema?: SchemaName): Promise<Question[]> {
  const path = await Deno.makeTempFile({ suffix: ".jsonl" });
  try {
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    return await open(path, schema);
  } finally {
    await Deno.remove(path);
  }
}

async function open(path: string, schema?: SchemaName): Promise<Question[]> {
  return questionsOf(await readQuestions(path, () => binaryReward(false), { schema }));
}

async function rejects(row: unknown, kind: new () => Error, place: string): Promise<void> {
  const error = await assertRejects(() => read([row]), kind, `.jsonl:1:${place}`);
  assert(!error.message.includes("\n"), error.message);
}

const CHAT = {
  data_source: "aime",
  prompt: [{ role: "system", content: "Think." }, { role: "user", content: "1+1?" }],
  target: [{ role: "assistant", content: "<think>two</think> \\boxed{2}" }],
  ability: "math",
  reward_model: { ground_truth: "2", style: "rule" },
  extra_info: { index: 7, split: "default" },
};

Deno.test("the paper's schema gives the user's words, the target and numbered copies", async () => {
  const question = {
    prompt: "1+1?",
    answer: "2",
    demonstration: "<think>two</think> \\boxed{2}",
    metadata: {
      data_source: "aime",
      ability: "math",
      style: "rule",
      index: "7",
      split: "default",
      system: "Think.",
    },
  };
  assertEquals(await read([CHAT, CHAT, CHAT]), [
    { id: "aime/7", ...question },
    { id: "aime/7#2", ...question },
    { id: "aime/7#3", ...question },
  ]);
});

Deno.test("the paper's schema does without target, system message, extra_info and style", async () => {
  for (const target of [undefined, null, []]) {
    const row = {
      data_source: "a",
      prompt: [CHAT.prompt[1]],
      target,
      reward_model: { ground_truth: 2 },
    };
    assertEquals(await read([row]), [
      { id: "0", prompt: "1+1?", answer: "2", metadata: { data_source: "a" } },
    ]);
  }
});

Deno.test("the paper's schema names the field at fault, at any depth", async () => {
  const [system, user] = CHAT.prompt;
  await rejects({ ...CHAT, prompt: [system] }, RangeError, "prompt as it must hold one message");
  await rejects({ ...CHAT, prompt: [user, user] }, RangeError, "prompt as it must hold one");
  await rejects({ ...CHAT, prompt: "1+1?" }, TypeError, "prompt as it must be a list of objects");
  await rejects(
    { ...CHAT, prompt: [{ role: "user", content: 5 }] },
    TypeError,
    "prompt.0.content as it must be text: current value is 5",
  );
  await rejects({ ...CHAT, prompt: ["a"] }, TypeError, "prompt.0 as it must be an object");
  await rejects({ ...CHAT, reward_model: {} }, TypeError, "reward_model.ground_truth as the field");
  await rejects({ ...CHAT, reward_model: null }, TypeError, "reward_model as it must be an object");
  await rejects({ ...CHAT, target: [{ content: 1 }] }, TypeError, "target.0.content as it must be");
});

Deno.test("GSM8K's answer is what follows #### and its working demonstrates", async () => {
  const answer = "It sold 1,000 + 80.\n1000+80 = <<1000+80=1080>>1080\n#### 1,080";
  assertEquals(await read([{ question: "How many?", answer }]), [
    { id: "0", prompt: "How many?", answer: "1,080", demonstration: answer },
  ]);
  const [second] = await read([{ question: "a", answer: "a guess\n#### 7\nno\n#### 8\n" }]);
  assertEquals(second?.answer, "8"); // the last line, as the form wants
  await assertRejects(
    () => read([{ question: "a", answer }, { question: "b", answer: "1080" }]),
    RangeError,
    '.jsonl:2:answer as it must end in a line `#### answer`: current value is "1080"',
  );
});

Deno.test("MATH's answer is its own field, a number as text, or what the solution boxes", async () => {
  const rows = [
    { problem: "p", solution: "s", answer: "\\frac12", level: 5, unique_id: "test/1.json" },
    { problem: "p", question: "p", answer: 27.0, id: 3 },
    { problem: "p", solution: "so \\boxed{1.6} cm", type: "Astronomy", idx: 0 },
  ];
  assertEquals(await read(rows), [
    {
      id: "test/1.json",
      prompt: "p",
      answer: "\\frac12",
      demonstration: "s",
      metadata: { level: "5" },
    },
    { id: "3", prompt: "p", answer: "27" },
    {
      id: "0",
      prompt: "p",
      answer: "1.6",
      demonstration: "so \\boxed{1.6} cm",
      metadata: { type: "Astronomy" },
    },
  ]);
});

Deno.test("MATH names the field that should have held the answer", async () => {
  await rejects({ problem: "p", solution: "no box" }, RangeError, "solution as it must mark");
  await rejects({ problem: "p" }, TypeError, "answer as the field must be there");
  await rejects({ problem: " ", answer: "1" }, RangeError, "problem as it must not be blank");
});

Deno.test("OlympiadBench joins its answers and demonstrates by the first solution", async () => {
  const row = {
    id: 1606,
    subfield: "Algebra",
    context: null,
    question: "q",
    solution: ["one", "two"],
    final_answer: ["$69$", "84"],
    is_multiple_answer: true,
    unit: null,
  };
  assertEquals(await read([row]), [{
    id: "1606",
    prompt: "q",
    answer: "$69$, 84",
    demonstration: "one",
    metadata: { subfield: "Algebra", is_multiple_answer: "true" },
  }]);
  const [physics] = await read([{ ...row, context: "A ball falls.", solution: undefined }]);
  assertEquals([physics?.prompt, physics?.demonstration], ["A ball falls.\n\nq", undefined]);
  await rejects({ ...row, final_answer: [] }, RangeError, "final_answer as it must not be empty");
  await rejects({ ...row, final_answer: "69" }, TypeError, "final_answer as it must be a list");
  await rejects({ ...row, final_answer: [""] }, RangeError, "final_answer.0 as it must not be");
});

const PRO = {
  question_id: 70,
  question: "Which is a metal?",
  options: ["salt", "iron", "air", "ice"],
  answer: "B",
  answer_index: 1,
  cot_content: "",
  category: "chemistry",
};

Deno.test("MMLU-Pro's options are shuffled the same way each time, and the letter moves along", async () => {
  const [question] = await read([PRO]);
  assertEquals([question?.id, question?.metadata], ["70", { category: "chemistry" }]);
  const lines = question!.prompt.split("\n");
  assertEquals(lines.slice(0, 2), ["Which is a metal?", ""]);
  assertEquals(lines.slice(2).map((line) => line.slice(3)).sort(), ["air", "ice", "iron", "salt"]);
  assertEquals(lines.find((line) => line.startsWith(`${question!.answer}. `))?.slice(3), "iron");
  assertEquals(await read([PRO]), [question]);
  const asked = Array.from(
    { length: 200 },
    (_, i) => ({ ...PRO, question: `${i}?`, question_id: i }),
  );
  const letters = Map.groupBy(await read(asked), ({ answer }) => answer);
  assertEquals([...letters.keys()].sort(), ["A", "B", "C", "D"]);
  for (const { length } of letters.values()) assert(length > 25 && length < 75, `${length}`); // 50 ± 4 σ
});

Deno.test("MMLU-Pro's options keep their order when a demonstration names letters", async () => {
  const [question] = await read([{ ...PRO, cot_content: "A: The answer is (B)." }]);
  assertEquals(question?.prompt, "Which is a metal?\n\nA. salt\nB. iron\nC. air\nD. ice");
  assertEquals([question?.answer, question?.demonstration], ["B", "A: The answer is (B)."]);
  for (const answer of ["E", "iron", "Bromine", "b"]) {
    await rejects({ ...PRO, answer }, RangeError, "answer as it must be the letter of an option");
  }
});

Deno.test("ARC's labels become letters", async () => {
  const row = {
    id: "Mercury_7",
    question: "Which?",
    choices: { text: ["x", "y", "z"], label: ["1", "2", "3"] },
    answerKey: "3",
  };
  assertEquals(await read([row]), [
    { id: "Mercury_7", prompt: "Which?\n\nA. x\nB. y\nC. z", answer: "C" },
  ]);
  await rejects({ ...row, answerKey: "D" }, RangeError, "answerKey as it must be a label");
  const choices = { text: ["x", "y"], label: ["1", "2", "3"] };
  await rejects({ ...row, choices }, RangeError, "choices as each text must have its label");
});

Deno.test("GPQA's right answer comes first in the file and anywhere in the question", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    "Record ID": `rec${i}`,
    Question: `Question ${i}?`,
    "Correct Answer": "right\n",
    "Incorrect Answer 1": "a",
    "Incorrect Answer 2": "b",
    "Incorrect Answer 3": "c",
    Subdomain: "Optics",
    "Canary String": "left out",
  }));
  const questions = await read(rows);
  for (const { prompt, answer } of questions) {
    assertMatch(prompt, RegExp(`\n${answer}\\. right(\n|$)`));
  }
  assertEquals(new Set(questions.map(({ answer }) => answer)).size, 4);
  assertEquals(questions[0]?.metadata, { Subdomain: "Optics" });
});

Deno.test("a file whose columns are those of no schema is read as our own", async () => {
  await rejects({ prompt: "p", gold: "g" }, TypeError, "question as the field must be there");
  await assertRejects(
    () => read([{ question: "a", answer: "1" }], "math"),
    TypeError,
    ":1:problem",
  );
});

Deno.test("every schema but our own is told by columns that no later one has, or by its rows", () => {
  const names = Object.keys(SCHEMAS);
  assertEquals(names.at(-1), "own");
  assertEquals(SCHEMAS.gsm8k.columns.toString(), SCHEMAS.own.columns.toString());
  assert("fits" in SCHEMAS.gsm8k);
});

/** Counts of published files and an answer of each, read off the files by hand. */
const FILES: [string, number, number, number, string][] = [
  // file, questions, demonstrations, a place and the answer there
  ["gsm8k_train.jsonl", 7473, 7473, 1, "10"],
  ["gsm8k_test.jsonl", 1319, 1319, 2, "70000"],
  ["math500.jsonl", 500, 500, 1, "p - q"],
  ["aime24.jsonl", 30, 30, 1, "113"],
  ["amc23.jsonl", 40, 0, 0, "27"],
  ["minerva_math.jsonl", 272, 272, 1, "4.5e33"],
  ["olympiadbench.jsonl", 675, 675, 13, "$69$,$84$"],
  ["aime_1983_2023.json", 975, 975, 0, "60"],
  ["relift_valid.parquet", 1987, 0, 0, "204"],
];

for (const [file, count, demonstrations, index, answer] of FILES) {
  testWith(`${file} is read whole`, { file: sharedPath(`data/${file}`) }, async (paths) => {
    const questions = await open(paths.file);
    assertEquals(questions.length, count);
    assertEquals(questions.filter((each) => each.demonstration).length, demonstrations);
    assertEquals(questions[index]?.answer, answer);
    assertEquals(new Set(questions.map(({ id }) => id)).size, count);
  });
}

testWith("relift_valid.parquet holds the sources the paper names, in their copies", {
  file: sharedPath("data/relift_valid.parquet"),
}, async ({ file }) => {
  const questions = await open(file);
  const sources = Map.groupBy(questions, ({ metadata }) => metadata!.data_source!);
  const counts = [...sources].map(([name, of]) => [
    name,
    of.length,
    new Set(of.map(({ prompt }) => prompt)).size,
  ]);
  assertEquals(counts.sort(), [
    ["aime", 240, 30], // 8 of each
    ["aime25", 240, 30],
    ["amc", 332, 83], // 4 of each
    ["math", 500, 500],
    ["olympiad_bench", 675, 675],
  ]);
  assert(questions.every(({ metadata }) => metadata?.system?.startsWith("Your task is to follow")));
});
