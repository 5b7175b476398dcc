import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  answerReward,
  finalAnswer,
  markedAnswer,
  sameAnswer,
} from "../../lib/data/answer_reward.ts";

Deno.test("markedAnswer() wants one mark and a text without blanks after it", () => {
  assertEquals(markedAnswer("a b#c"), "c");
  for (const text of ["", "c", "#", "a#b#c", "a#b c", "a#c\n", "a# c"]) {
    assertEquals(markedAnswer(text), undefined);
  }
});

Deno.test("finalAnswer() takes what follows the last mark, or everything", () => {
  assertEquals(finalAnswer("a #b\n#### 1,080 \n"), "1,080");
  assertEquals(finalAnswer(" 18\n"), "18");
  assertEquals(finalAnswer("18#"), "");
});

Deno.test("sameAnswer() compares numbers as numbers and all else as text", () => {
  const same = [
    ["4", "4.0"],
    ["4", "4."],
    ["4", "+04"],
    ["0", "-0.00"],
    ["0.5", ".50"],
    ["1000", "1,000"],
    ["-1234567.25", "-1,234,567.250"],
    [" Paris", "Paris "],
  ];
  const different = [
    ["4", "-4"],
    ["4", "4.01"],
    ["40", "4"],
    ["1000", "1,00,0"],
    ["1000", "10,00"],
    ["4", ""],
    ["4", "."],
    ["4", "4 apples"],
    ["16", "0x10"],
    ["9007199254740993", "9007199254740992"],
    ["Paris", "paris"],
    ["NaN", "nan"],
  ];
  for (const [gold, given] of same as [string, string][]) assert(sameAnswer(gold, given));
  for (const [gold, given] of different as [string, string][]) {
    assertFalse(sameAnswer(gold, given), `${gold} ${given}`);
  }
});

Deno.test("answerReward() judges only the end of a completion", () => {
  const question = { id: "0", prompt: "7+5=", answer: "12" };
  const of = (completion: string): [number, number | undefined] => {
    const { total, parts } = answerReward(question, completion);
    return [total, parts.format];
  };
  assertEquals(of("7+5 is #12"), [1, 1]);
  assertEquals(of("12"), [1, 0]);
  assertEquals(of("#12 or #13"), [0, 1]);
  assertEquals(of("12 or 13"), [0, 0]);
  assertEquals(of("12".repeat(50_000)), [0, 0]);
  assertEquals(of("#1" + "0".repeat(100_000) + "1"), [0, 1]);
  assertEquals(of("#12." + "0".repeat(100_000)), [1, 1]);
});
