import { assertEquals, assertNotEquals } from "@std/assert";
import { judge } from "../../lib/grading/judge.ts";
import { TOPICS } from "./_cases.ts";

for (const [topic, { same, different }] of Object.entries(TOPICS)) {
  Deno.test(`judge() accepts what is the same: ${topic}`, () => {
    for (const [gold, answer] of same) {
      const { correct, reason } = judge(gold, answer);
      assertEquals(correct, true, `${answer} for ${gold}: ${reason}`);
    }
  });

  Deno.test(`judge() refuses what differs: ${topic}`, () => {
    for (const [gold, answer] of different) {
      const { correct, reason } = judge(gold, answer);
      assertEquals(correct, false, `${answer} for ${gold}: ${reason}`);
    }
  });
}

Deno.test("judge() accepts every gold of the cases for itself, however it is presented", () => {
  const golds = Object.values(TOPICS).flatMap(({ same }) => same.map(([gold]) => gold));
  for (const gold of new Set(golds)) {
    if (/\\lim|\\frac\{1\}\{0\}/.test(gold)) continue;
    const bare = gold.replace(/(?<!\\)\$/g, "");
    for (const answer of [gold, `So it is \\boxed{${bare}}.`, `3 + 4 = 7\n#### ${bare}`]) {
      const { correct, reason } = judge(gold, answer);
      assertEquals(correct, true, `${answer} for ${gold}: ${reason}`);
    }
  }
});

/** Completions that are wrong although the gold's number is in them. */
const WRONG: readonly (readonly [gold: string, completion: string])[] = [
  ["3", "The answer is 3 or 4."],
  ["3", "It is 3 or 4."],
  ["3", "\\boxed{3} or \\boxed{4}"],
  ["3", "\\boxed{3}. Wait, no: \\boxed{4}."],
  ["3", "The answer is not 3."],
  ["4", "What is 2 + 2?"],
  ["5", "We start with 5 apples and end with 7."],
  ["2", "The value is \\frac{1}{2}."],
  ["72", "#### 720"],
  ["2", "The roots are 1 and 2."],
  ["2", "The roots are 1,2."],
  ["3", "The roots are x = 2 and x = 3."],
  ["3", "The point is (3,4)."],
  ["(3,4)", "It is the interval [3, 4]."],
  ["1", "They raised 1,234 dollars."],
  ["7", "So it is negative 7."],
  ["4", "It cannot be 4."],
  ["5", "<think>so \\boxed{5}</think>The answer is \\boxed{6}."],
  ["5", "I cannot say."],
  ["\\frac{1}{2}", "The answer is $\\frac{1}{2}x$."],
  ["5", "\\boxed{}"],
];

for (const [gold, completion] of WRONG) {
  Deno.test(`judge() refuses ${JSON.stringify(completion)} for ${gold}`, () => {
    assertEquals(judge(gold, completion).correct, false);
  });
}

Deno.test("judge() says what decided", () => {
  const reasons: readonly (readonly [gold: string, answer: string, reason: string])[] = [
    ["18", "18", "the texts are equal"],
    ["\\frac{1}{2}", "0.5", "the numbers are equal"],
    ["x+1", "1+x", "the expressions are equal"],
    ["0.333", "1/3", "the numbers are equal as far as they are rounded"],
    ["18", "19", "19 is not 18"],
    ["5, 6", "5", "the answer has one item, the gold 2"],
    ["(1, 2)", "[1, 2]", "the brackets differ"],
    ["5 cm", "5 kg", "the units differ: cm, kg"],
    ["x = 3", "y = 3", "the answer is about another unknown"],
    ["(2, 3]", "2 < x < 3", "they are different sets of numbers"],
    ["\\text{(B)}", "(C)", "another choice was made"],
    ["5", "", "there is no answer"],
    ["", "5", "the gold is empty"],
  ];
  for (const [gold, answer, reason] of reasons) assertEquals(judge(gold, answer).reason, reason);
});

Deno.test("judge() never accepts anything but the same text for a gold that it cannot read", () => {
  const gold = "every $n$ with $\\mho(n) = 0$, where 5 divides $n$";
  assertEquals(judge(gold, gold).correct, true);
  for (const answer of ["5", "n", "\\boxed{5}", "0", ""]) {
    assertEquals(judge(gold, answer).correct, false, answer);
  }
  const { reason } = judge("\\unheardof{5}", "5");
  assertEquals(reason.startsWith("the gold is no mathematics"), true, reason);
});

Deno.test("judge() gives the same grade every time", () => {
  const grades = Array.from({ length: 3 }, () => judge("\\cot x", "\\frac{\\cos x}{\\sin x}"));
  assertEquals(new Set(grades.map((grade) => JSON.stringify(grade))).size, 1);
  assertNotEquals(grades[0]!.reason, "");
});
