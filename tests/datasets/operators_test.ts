import { assert, assertEquals } from "@std/assert";
import { operators, operatorsChecked } from "../../datasets/operators.ts";
import { questionsOf } from "../../lib/data/question.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";

const SPLITS = ["train", "validation", "ood"] as const;

Deno.test("operatorsChecked() asks the questions of operators() and shows the same steps, checked", () => {
  for (const split of SPLITS) {
    const [own, checked] = [operators({ split }), operatorsChecked({ split })];
    for (let index = 0; index < 200; index++) {
      const [one, two] = [own.question(index), checked.question(index)];
      assertEquals([two.prompt, two.answer, two.id], [one.prompt, one.answer, one.id]);
      const [steps, answer] = two.demonstration!.split("#") as [string, string];
      const kept = steps.split(",").filter((_, i) => i % 2 === 0);
      assertEquals(`${kept.join(",")}#${answer}`, one.demonstration);
    }
  }
});

Deno.test("operatorsChecked() undoes each step by the inverse operation", () => {
  // digit by digit without carry: 37+58 = 85, and 85-58 = 37
  for (const { demonstration } of questionsOf(operatorsChecked({ size: 50 }))) {
    const steps = demonstration!.split("#")[0]!.split(",");
    for (let i = 0; i < steps.length; i += 2) {
      const [x, sign, y, z] = /^(\d\d)([+-])(\d\d)=(\d\d)$/.exec(steps[i]!)!.slice(1);
      assertEquals(steps[i + 1], `${z}${sign === "+" ? "-" : "+"}${y}=${x}`);
    }
  }
});

Deno.test("operatorsChecked() earns full reward for its demonstrations, which fit 128 tokens", async () => {
  const tokenizer = charTokenizer();
  let longest = 0;
  for (const split of SPLITS) {
    const dataset = operatorsChecked({ split });
    for (const question of questionsOf(dataset)) {
      assert((await dataset.reward(question, question.demonstration!)).correct);
      longest = Math.max(longest, tokenizer.encode(question.demonstration!).length + 1);
    }
  }
  assertEquals(longest, 111); // six steps and their checks: 12 x 9 - 1, `#`, two digits, EOS
});
