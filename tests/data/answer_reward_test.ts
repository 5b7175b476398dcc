import { assertEquals } from "@std/assert";
import { finalAnswer, markedAnswer } from "../../lib/data/answer_reward.ts";

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
