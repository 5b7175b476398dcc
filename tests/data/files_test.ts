import { assert, assertEquals, assertRejects } from "@std/assert";
import { addition } from "../../datasets/addition.ts";
import { markedAnswerReward } from "../../lib/data/answer_reward.ts";
import { slice } from "../../lib/data/compose.ts";
import {
  listed,
  questionsToCsv,
  readQuestions,
  type SchemaName,
  streamQuestions,
} from "../../lib/data/files.ts";
import { type Dataset, type Question, questionsOf } from "../../lib/data/question.ts";

/** Reads `content` as a file called `name` in a folder that is gone afterwards. */
async function read(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  schema?: SchemaName,
): Promise<Dataset> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(
      `${folder}/${name}`,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return await readQuestions(`${folder}/${name}`, markedAnswerReward, { schema });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function questions(name: string, content: string): Promise<Question[]> {
  return questionsOf(await read(name, content));
}

/** Expects an error of one line that contains `place` and `current value is <value>`. */
async function rejects(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  kind: new () => Error,
  place: string,
  value = "",
): Promise<void> {
  const error = await assertRejects(() => read(name, content), kind, `/${place} as `);
  assert(error.message.startsWith("Cannot read "), error.message);
  assert(error.message.includes(`: current value is ${value}`), error.message);
  assert(!/\n|\.$/.test(error.message), error.message);
}

Deno.test("readQuestions() reads CSV with quoted cells, further columns and no demonstration", async () => {
  const csv = [
    "level,question,answer,demonstration",
    '1,"Say ""hi"", twice","hi, hi",',
    '2,"two\nlines",4,2+2#4',
  ].join("\n");
  assertEquals(await questions("own.csv", csv), [
    { id: "0", prompt: 'Say "hi", twice', answer: "hi, hi", metadata: { level: "1" } },
    {
      id: "1",
      prompt: "two\nlines",
      answer: "4",
      demonstration: "2+2#4",
      metadata: { level: "2" },
    },
  ]);
});

Deno.test("readQuestions() reads JSON Lines with numbers, nulls and nested metadata", async () => {
  const lines = [
    '{"id": 7, "question": "2+2=", "answer": 4.0, "demonstration": null, "level": 5}',
    '{"id": "b", "question": "#", "answer": "-0.5", "tags": ["x"], "source": null}',
  ].join("\n");
  const expected: Question[] = [
    { id: "7", prompt: "2+2=", answer: "4", metadata: { level: "5" } },
    { id: "b", prompt: "#", answer: "-0.5", metadata: { tags: '["x"]' } },
  ];
  assertEquals(await questions("own.jsonl", lines), expected);
  assertEquals(await questions("own.NDJSON", lines), expected);
});

Deno.test("readQuestions() accepts a byte order mark, CRLF and blank lines", async () => {
  const expected = [{ id: "0", prompt: "a", answer: "1" }, { id: "1", prompt: "b", answer: "2" }];
  const csv = "\ufeffquestion,answer\r\na,1\r\n\r\nb,2\r\n\r\n";
  const json = '\ufeff{"question":"a","answer":"1"}\r\n\r\n{"question":"b","answer":"2"}\r\n\r\n';
  assertEquals(await questions("own.csv", csv), expected);
  assertEquals(await questions("own.jsonl", json), expected);
});

Deno.test("readQuestions() names the dataset after the file and grades by the verifier given", async () => {
  const dataset = await read("my.sums.csv", 'question,answer\n7+5=,"1,000"\n');
  assertEquals(dataset.name, "my.sums");
  assertEquals(dataset.size, 1);
  assert((await dataset.reward(dataset.question(0), "work#1,000")).correct);
  await assertRejects(async () => await dataset.question(1), RangeError, "[0, 1)");
});

Deno.test("readQuestions() reads a file in the schema it is told", async () => {
  const row = { question: "2+2=", answer: "2+2\n#### 4" };
  const [own] = questionsOf(await read("a.jsonl", JSON.stringify(row), "own"));
  assertEquals(own, { id: "0", prompt: "2+2=", answer: "2+2\n#### 4" });
  const [gsm8k] = questionsOf(await read("a.jsonl", JSON.stringify(row)));
  assertEquals(gsm8k?.answer, "4");
});

Deno.test("streamQuestions() gives a question before it reads a later mistake", async () => {
  const path = await Deno.makeTempFile({ suffix: ".jsonl" });
  await Deno.writeTextFile(path, '{"question":"a","answer":"1"}\noops\n');
  const stream = streamQuestions(path);
  assertEquals((await stream.next()).value, { id: "0", prompt: "a", answer: "1" });
  await assertRejects(() => stream.next(), SyntaxError, ":2:1 as it must be JSON");
  await Deno.remove(path);
});

Deno.test("readQuestions() rejects a file it cannot read, of another kind or not UTF-8", async () => {
  await assertRejects(
    () => readQuestions("no/such/file.csv", markedAnswerReward),
    RangeError,
    "Cannot read no/such/file.csv as it must be a readable file: current value is NotFound",
  );
  await rejects("own.xlsx", "", RangeError, "own.xlsx", ".xlsx");
  await rejects("own", "", RangeError, "own", "no extension");
  const text = new TextEncoder().encode("question,answer\né,1\nb,2");
  const bytes = new Uint8Array([...text, 0xff]);
  await rejects("own.csv", bytes, SyntaxError, "own.csv:3", "bytes that are not");
  for (const name of ["gone.jsonl", "gone.json", "gone.parquet"]) {
    await assertRejects(() => readQuestions(name, markedAnswerReward), RangeError, "NotFound");
  }
  const folder = await Deno.makeTempDir({ suffix: ".csv" });
  await assertRejects(() => readQuestions(folder, markedAnswerReward), RangeError, "readable file");
  await Deno.remove(folder);
});

Deno.test("readQuestions() rejects a file without a question", async () => {
  for (const content of ["", "\n\n", "\ufeff", "question,answer\n"]) {
    await rejects("own.csv", content, RangeError, "own.csv", "none");
  }
  await rejects("own.jsonl", "\n", RangeError, "own.jsonl", "none");
  await rejects("own.json", "[]", RangeError, "own.json", "none");
});

Deno.test("readQuestions() rejects a CSV header without its columns, naming the column", async () => {
  await rejects("a.csv", "prompt,answer\nx,1\n", TypeError, "a.csv:1:question", '"prompt,answer"');
  await rejects("a.csv", "\nquestion;answer\n", TypeError, "a.csv:2:question");
  await rejects("a.csv", "question,gold\nx,1\n", TypeError, "a.csv:1:answer", '"question,gold"');
  await rejects("a.csv", "question,answer,answer\n", SyntaxError, "a.csv:1:answer", "two");
});

Deno.test("readQuestions() rejects a ragged row by line, past quoted line breaks", async () => {
  const head = 'question,answer,level\n"one\ntwo",1,2\n\n';
  await rejects("a.csv", head + "x,1\n", SyntaxError, "a.csv:5:level", "2");
  await rejects("a.csv", head + "x\n", SyntaxError, "a.csv:5:answer", "1");
  await rejects("a.csv", head + "x,1,2,3\n", SyntaxError, "a.csv:5:level", "4");
});

Deno.test("readQuestions() rejects an open quote where its cell begins", async () => {
  const head = "question,answer\nx,1\n";
  await rejects("a.csv", head + '"y,2\nz,3\n', SyntaxError, "a.csv:3:question", "open");
  await rejects("a.csv", head + '"y\ny","2\n', SyntaxError, "a.csv:4:answer", "open");
  await rejects("a.csv", '"question,answer\nx,1\n', SyntaxError, "a.csv:1:1", "open");
});

Deno.test("readQuestions() rejects a stray quote by line and column", async () => {
  const head = "question,answer\n";
  await rejects("a.csv", head + 'a 6" nail,1\n', SyntaxError, "a.csv:2:4", "a quote elsewhere");
  await rejects("a.csv", head + 'x,1\n"y"y,2\n', SyntaxError, "a.csv:3:3", "a quote elsewhere");
});

Deno.test("readQuestions() rejects JSON Lines that are not JSON objects, by line", async () => {
  const good = '{"question": "x", "answer": "1"}\n';
  await rejects("a.jsonl", good + '{"question": "x"', SyntaxError, "a.jsonl:2:17", '{"question"');
  await rejects("a.jsonl", good + "\n{'question': 1}\n", SyntaxError, "a.jsonl:3:2", "{'question'");
  await rejects("a.jsonl", good + "oops", SyntaxError, "a.jsonl:2:1", "oops");
  await rejects("a.jsonl", good + '["x", "1"]', TypeError, "a.jsonl:2", '["x","1"]');
  await rejects("a.jsonl", good + "null", TypeError, "a.jsonl:2", "null");
});

Deno.test("readQuestions() rejects fields that are missing or not text, naming them", async () => {
  const bad: [string, string, string][] = [
    ['{"answer": "1"}', "question", "missing"],
    ['{"question": "x"}', "answer", "missing"],
    ['{"question": 5, "answer": "1"}', "question", "5"],
    ['{"question": "x", "answer": true}', "answer", "true"],
    ['{"question": "x", "answer": null}', "answer", "null"],
    ['{"question": "x", "answer": ["1"]}', "answer", '["1"]'],
    ['{"question": "x", "answer": 9007199254740993}', "answer", "900719925474099"],
    ['{"question": "x", "answer": "1", "demonstration": 5}', "demonstration", "5"],
    ['{"question": "x", "answer": "1", "id": {}}', "id", "{}"],
  ];
  for (const [json, field, value] of bad) {
    await rejects("a.jsonl", `\n${json}\n`, TypeError, `a.jsonl:2:${field}`, value);
  }
});

Deno.test("readQuestions() rejects a blank question or answer", async () => {
  await rejects("a.csv", "question,answer\nx,1\n ,2\n", RangeError, "a.csv:3:question", '" "');
  await rejects("a.csv", "question,answer\nx,\n", RangeError, "a.csv:2:answer", '""');
  const json = '{"question": "", "answer": 1}';
  await rejects("a.jsonl", json, RangeError, "a.jsonl:1:question", '""');
});

Deno.test("readQuestions() rejects an id that was there before", async () => {
  const csv = "id,question,answer\na,x,1\nb,y,2\na,z,3\n";
  await rejects("a.csv", csv, RangeError, "a.csv:4:id", '"a", as on line 2');
});

Deno.test("questionsToCsv() writes what readQuestions() reads", async () => {
  const dataset = addition({ size: 20 });
  const back = await read("back.csv", questionsToCsv(dataset, 12));
  assertEquals(questionsOf(back), questionsOf(slice(dataset, 0, 12)));
  assertEquals(questionsToCsv(dataset, 21), questionsToCsv(dataset, 20));
});

Deno.test("questionsToCsv() quotes what CSV would break on", async () => {
  const question = { id: "0", prompt: 'a, "b"\nc', answer: " d ", demonstration: "e,#d" };
  const dataset = listed("odd", [question], markedAnswerReward);
  assertEquals(questionsOf(await read("back.csv", questionsToCsv(dataset, 1))), [question]);
});
