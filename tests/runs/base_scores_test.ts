import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Dataset } from "../../lib/data/question.ts";
import { dynamicsRows, questionRows, type Scores } from "../../lib/runs/base_scores.ts";

const SCORES: Scores = {
  b: { right: 1, samples: 4, tokens: 10, entropy: 0.1 },
  a: { right: 4, samples: 4, tokens: 30, entropy: 0.2 },
  c: { right: 0, samples: 4, tokens: 20, entropy: 0 },
};
const STRATA = { a: "hard", b: "hard", c: "hardest" } as const;

Deno.test("dynamicsRows() averages over the questions of each stratum that has any", () => {
  const rows = dynamicsRows(8, SCORES, STRATA);
  assertEquals(rows.map(({ stratum }) => stratum), ["hard", "hardest", "all"]);
  const [hard, hardest, all] = rows;
  assertEquals([hard!.step, hard!.questions, hard!.accuracy, hard!.tokens], [8, 2, 0.625, 20]);
  assertAlmostEquals(hard!.entropy, (10 * 0.1 + 30 * 0.2) / 40); // over tokens, not questions
  assertEquals([hardest!.accuracy, hardest!.entropy], [0, 0]);
  assertAlmostEquals(all!.accuracy, 5 / 12);
});

Deno.test("questionRows() sets each question's answers before and after side by side, in order", () => {
  const questions = ["c", "a"].map((id) => ({ id, prompt: id, answer: id }));
  const dataset = { size: 2, question: (index: number) => questions[index]! } as Dataset;
  const after = { ...SCORES, c: { right: 3, samples: 8, tokens: 25, entropy: 0 } };
  const rows = questionRows(dataset, { split: "ood", strata: STRATA, before: SCORES, after });
  assertEquals(rows.map(({ question }) => question), ["c", "a"]);
  assertEquals(rows[0], {
    split: "ood",
    question: "c",
    stratum: "hardest",
    baseRight: 0,
    baseSamples: 4,
    right: 3,
    samples: 8,
    tokens: 25,
  });
});
