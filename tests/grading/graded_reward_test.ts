import { assertEquals } from "@std/assert";
import { questionsOf } from "../../lib/data/question.ts";
import { operators } from "../../datasets/operators.ts";
import { gradedReward } from "../../lib/grading/graded_reward.ts";

async function parts(answer: string, completion: string): Promise<[number, number]> {
  const { parts } = await gradedReward({ id: "0", prompt: "?", answer }, completion);
  return [parts["format"]!, parts["correct"]!];
}

Deno.test("gradedReward() says whether an answer is marked, and whether it is right", async () => {
  const cases: [string, string, [number, number]][] = [
    // gold, completion, [format, correct]
    ["12", "7+5 is \\boxed{12}", [1, 1]],
    ["12", "7+5=12\n#### 12", [1, 1]],
    ["12", "7+5=12\n#### 13", [1, 0]],
    ["1000", "Twice 500 is #1,000", [1, 1]],
    ["New York", "city#New York", [1, 1]],
    ["12", "work#12#13", [1, 0]],
    ["12", "# Sums\nIt is \\boxed{12}\n# Notes", [1, 1]], // a box counts before a heading does
    ["12", "12", [0, 1]],
    ["12", "", [0, 0]],
    ["12", "#", [0, 0]],
    ["12", "#1" + "0".repeat(100_000) + "1", [0, 0]],
  ];
  for (const [gold, completion, expected] of cases) {
    assertEquals(await parts(gold, completion), expected, completion.slice(0, 60));
  }
});

Deno.test("gradedReward() accepts the built-in families' demonstrations, so their files can be used", async () => {
  for (const { answer, demonstration } of questionsOf(operators({ size: 50 }))) {
    assertEquals(await parts(answer, demonstration!), [1, 1], demonstration);
  }
});
