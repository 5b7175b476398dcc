import { assertEquals, assertRejects } from "@std/assert";
import { closeGraders, gradeAnswer, gradeAnswers } from "../../lib/grading/grade_answer.ts";
import { graderPool, GRADING_LIMIT } from "../../lib/grading/pool.ts";

/** A pool of threads that do as the answer says. */
const obedient = (limit: number) =>
  graderPool({ threads: 2, limit, program: new URL("./_endless_worker.ts", import.meta.url) });

Deno.test("gradeAnswer() grades in a thread what judge() does", async () => {
  assertEquals(await gradeAnswer("\\frac{1}{2}", "so it is \\boxed{0.5}"), {
    correct: true,
    reason: "the numbers are equal",
  });
  await closeGraders();
});

Deno.test("gradeAnswers() keeps the order of many pairs", async () => {
  const pairs = Array.from({ length: 1000 }, (_, i) => ({
    gold: String(i),
    answer: `#### ${i % 3 === 0 ? i : i + 1}`,
  }));
  const grades = await gradeAnswers(pairs);
  assertEquals(grades.map(({ correct }) => correct), pairs.map((_, i) => i % 3 === 0));
  await closeGraders();
});

Deno.test("graderPool() ends an answer that takes too long, and grades the others", async () => {
  const pool = obedient(200);
  const answers = ["1", "endless", "1", "2", "endless", ...Array(40).fill("1")];
  const grades = await pool.grade(answers.map((answer) => ({ gold: "1", answer })));
  assertEquals(grades.map(({ correct }) => correct), answers.map((answer) => answer === "1"));
  assertEquals(grades[1]!.reason, "the answer took longer than 200 ms to grade");
  await pool.close();
});

Deno.test("graderPool() refuses what ends its thread, and rejects when it is closed", async () => {
  const pool = obedient(60_000);
  const grades = await pool.grade(["1", "dies", "1"].map((answer) => ({ gold: "1", answer })));
  assertEquals(grades.map(({ correct }) => correct), [true, false, true]);
  assertEquals(grades[1]!.reason.startsWith("the answer ended its grader"), true);
  const endless = assertRejects(
    () => pool.grade([{ gold: "1", answer: "endless" }]),
    Error,
    "Cannot grade as the graders were closed",
  );
  await pool.close();
  await endless;
});

Deno.test("graderPool() rejects when its threads do not start", async () => {
  const program = new URL("data:text/javascript,import { exit } from 'node:process'; exit(1);");
  const pool = graderPool({ threads: 1, program });
  await assertRejects(() => pool.grade([{ gold: "1", answer: "1" }]), Error, "must start");
  await pool.close();
});

Deno.test("gradeAnswer() does not keep a process from ending", async () => {
  const program = `import { gradeAnswer } from "./lib/grading/grade_answer.ts";
    console.log((await gradeAnswer("5", "5")).correct);`;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    cwd: new URL("../../", import.meta.url),
    signal: AbortSignal.timeout(60_000),
  }).output();
  assertEquals([success, new TextDecoder().decode(stdout)], [true, "true\n"]);
});

/** Texts made to take long or to break a grader. */
const HOSTILE: Readonly<Record<string, string>> = {
  "10 MB of braces": "{".repeat(1e7),
  "a million boxes": "\\boxed{".repeat(1e6),
  "100,000 roots in each other": `\\boxed{${"\\sqrt{".repeat(1e5)}${"}".repeat(1e5)}}`,
  "59 brackets in each other": `\\boxed{${"(".repeat(59)}1${")".repeat(59)}}`,
  "a tower of powers": "\\boxed{9^{9^{9^{9}}}}",
  "a tower of variables": `\\boxed{${"x^{".repeat(50)}x${"}".repeat(50)}}`,
  "factorials of factorials": "\\boxed{99999!!!!!}",
  "a factorial of an unknown's": "\\boxed{(x!)!}",
  "a million digits": "9".repeat(1e6),
  "an exponent of nine digits": "1e999999999",
  "a great binomial": "\\boxed{\\binom{999999}{499999}}",
  "products of great powers": `\\boxed{${"(x+1)^{9999}".repeat(200)}}`,
  "sums of great powers": `\\boxed{${"(x+y+z)^{50}+".repeat(200)}1}`,
  "a chain of fractions": `\\boxed{${"1/".repeat(1900)}1}`,
  "a chain of signs": `\\boxed{${"-".repeat(3900)}1}`,
  "a chain of sines": `\\boxed{${"\\sin ".repeat(700)}x}`,
  "a long list": `\\boxed{${"1,".repeat(1900)}1}`,
  "a list of many signs": `\\boxed{${"\\pm 1,".repeat(500)}1}`,
  "sixty roots": `\\boxed{${Array.from({ length: 60 }, (_, i) => `\\sqrt{x+${i}}`).join(",")}}`,
  "a macro that calls itself twice": "\\boxed{\\def\\a{\\a\\a}\\a}",
  "spaces": `answer${" ".repeat(1e6)}x`,
  "the phrase again and again": "the answer is ".repeat(1e5),
  "dollar signs": "$".repeat(1e6),
  "words after a number": `5 ${"a".repeat(3000)}!`,
  "null bytes": "\0".repeat(1e6),
  "lone surrogates": "\ud800".repeat(1e4),
  "a name of every object": "\\boxed{constructor + __proto__ + hasOwnProperty}",
};

Deno.test("gradeAnswer() refuses hostile texts within the limit, as answers and as golds", async () => {
  await gradeAnswer("5", "5"); // starts the threads
  for (const [name, text] of Object.entries(HOSTILE)) {
    for (const [gold, answer] of [["5", text], [text, "5"], [text, `${text} `]]) {
      const started = performance.now();
      const { correct } = await gradeAnswer(gold!, answer!);
      const took = performance.now() - started;
      assertEquals(took < GRADING_LIMIT + 1000, true, `${name} took ${took} ms`);
      if (gold === "5" || answer === "5") assertEquals(correct, false, name);
    }
  }
  assertEquals((await gradeAnswer("5", "\\boxed{5}")).correct, true); // and still grades
  await closeGraders();
});
