import { assertEquals, assertThrows } from "@std/assert";
import { markedAnswerReward } from "../../lib/data/answer_reward.ts";
import { generate, type Recipe } from "../../lib/data/generate.ts";
import { questionsOf, type Split, splitOf } from "../../lib/data/question.ts";
import { randomInteger } from "../../lib/random.ts";

const recipe: Recipe = {
  family: "letter",
  variant: 1,
  size: 20,
  seed: 1,
  split: "train",
  draw: (prng) => ({
    prompt: `${randomInteger(prng, 0, 1000)}:`,
    complete: () => ({ answer: "x" }),
  }),
  reward: markedAnswerReward,
};

Deno.test("generate() completes only what it keeps", () => {
  let completed = 0;
  const dataset = generate({
    ...recipe,
    split: "ood",
    draw: (prng) => ({
      ...recipe.draw(prng)!,
      complete: () => {
        completed++;
        return { answer: "x" };
      },
    }),
  });
  completed = 0;
  for (const { prompt } of questionsOf(dataset)) assertEquals(splitOf(prompt), "ood");
  assertEquals(completed, 20);
});

Deno.test("generate() gives up with an error when no draw is a question of the split", () => {
  const other = (["train", "validation"] as Split[]).find((split) => split !== splitOf("a:"))!;
  const draw: Recipe["draw"] = () => ({ prompt: "a:", complete: () => ({ answer: "a" }) });
  const message = "must leave a question";
  assertThrows(() => generate({ ...recipe, split: other, draw }), RangeError, message);
  assertThrows(() => generate({ ...recipe, draw: () => undefined }), RangeError, message);
});
