/**
 * Sums of two numbers, worked column by column with the carry written out.
 *
 * @module
 */
import { markedAnswerReward } from "../lib/data/answer_reward.ts";
import {
  checkOption,
  type Draft,
  generate,
  type GenerateOptions,
  type QuestionBody,
} from "../lib/data/generate.ts";
import type { Dataset } from "../lib/data/question.ts";
import { randomInteger } from "../lib/random.ts";

/** Options of {@linkcode addition}. */
export interface AdditionOptions extends GenerateOptions {
  /** Digits of either number, in `[1, 12]`; the split `ood` has one more. */
  readonly digits?: number;
}

/**
 * Sums of two numbers of as many digits, the larger first, so that no split holds the mirror image
 * of another's question.
 *
 * A demonstration adds the columns from the right, each as `digit+digit+carry=` and the two digits
 * of its sum: the next carry and the digit to write down. The kind tells the digits and carries.
 *
 * @param options `digits` 2, `size` 1000, `seed` 1 and `split` train unless told.
 * @throws {RangeError} When an option is out of range.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { addition } from "./addition.ts";
 *
 * const dataset = addition({ digits: 2, seed: 1 });
 * const question = dataset.question(0);
 *
 * assertEquals((await dataset.reward(question, question.demonstration!)).total, 1);
 * assertEquals((await dataset.reward(question, `the sum is ${question.answer}`)).total, 0);
 * ```
 */
export function addition(options: AdditionOptions = {}): Dataset {
  const { digits = 2, size = 1000, seed = 1, split = "train" } = options;
  checkOption("addition", "digits", digits, 1, 12);
  const columns = split === "ood" ? digits + 1 : digits;
  return generate({
    family: "addition",
    variant: digits,
    size,
    seed,
    split,
    draw(prng): Draft {
      const low = columns === 1 ? 0 : 10 ** (columns - 1);
      const drawn = [
        randomInteger(prng, low, 10 ** columns),
        randomInteger(prng, low, 10 ** columns),
      ];
      const [a, b] = [Math.max(...drawn), Math.min(...drawn)];
      return {
        prompt: `${a}+${b}=`,
        complete(): QuestionBody {
          const { steps, carries } = columnSteps(String(a), String(b));
          return {
            answer: String(a + b),
            demonstration: `${steps.join(",")}#${a + b}`,
            metadata: {
              kind: `${columns} digits, ${carries} ${carries === 1 ? "carry" : "carries"}`,
            },
          };
        },
      };
    },
    reward: markedAnswerReward,
  });
}

/** Adds two numbers of equal length as on paper: `47`, `85` give `7+5+0=12`, `4+8+1=13`. */
function columnSteps(a: string, b: string): { steps: string[]; carries: number } {
  const steps: string[] = [];
  let carry = 0, carries = 0;
  for (let column = a.length - 1; column >= 0; column--) {
    const sum = Number(a[column]) + Number(b[column]) + carry;
    steps.push(`${a[column]}+${b[column]}+${carry}=${String(sum).padStart(2, "0")}`);
    carry = sum >= 10 ? 1 : 0;
    carries += carry;
  }
  return { steps, carries };
}
