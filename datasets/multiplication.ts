/**
 * Products of two numbers, worked by partial products.
 *
 * @module
 */
import { markedAnswerReward } from "../lib/data/answer_reward.ts";
import { checkOption, type Draft, generate, type GenerateOptions } from "../lib/data/generate.ts";
import type { Dataset } from "../lib/data/question.ts";
import { randomInteger } from "../lib/random.ts";

/** Options of {@linkcode multiplication}. */
export interface MultiplicationOptions extends GenerateOptions {
  /** Digits of either number, in `[1, 6]`; the split `ood` has one more. */
  readonly digits?: number;
}

/**
 * Products of two numbers of as many digits, the larger first, so that no split holds the mirror
 * image of another's question.
 *
 * A demonstration multiplies the first number by each digit of the second, from the right and with
 * its zeros, and adds each partial product to those before it.
 *
 * @param options `digits` 2, `size` 1000, `seed` 1 and `split` train unless told.
 * @throws {RangeError} When an option is out of range.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { multiplication } from "./multiplication.ts";
 *
 * const dataset = multiplication({ digits: 2, seed: 1 });
 * const question = dataset.question(0);
 *
 * assertEquals((await dataset.reward(question, question.demonstration!)).total, 1);
 * assertEquals((await dataset.reward(question, `the product is ${question.answer}`)).total, 0);
 * ```
 */
export function multiplication(options: MultiplicationOptions = {}): Dataset {
  const { digits = 2, size = 1000, seed = 1, split = "train" } = options;
  checkOption("multiplication", "digits", digits, 1, 6); // 7 digits squared are still exact
  const length = split === "ood" ? digits + 1 : digits;
  return generate({
    family: "multiplication",
    variant: digits,
    size,
    seed,
    split,
    draw(prng): Draft {
      const low = length === 1 ? 0 : 10 ** (length - 1);
      const drawn = [
        randomInteger(prng, low, 10 ** length),
        randomInteger(prng, low, 10 ** length),
      ];
      const [a, b] = [Math.max(...drawn), Math.min(...drawn)];
      return {
        prompt: `${a}*${b}=`,
        complete: () => ({
          answer: String(a * b),
          demonstration: `${partialProducts(a, String(b)).join(",")}#${a * b}`,
          metadata: { kind: `${length} by ${length} digits` },
        }),
      };
    },
    reward: markedAnswerReward,
  });
}

/** Multiplies as on paper: `47`, `23` give `47*3=141`, `47*20=940`, `141+940=1081`. */
function partialProducts(a: number, b: string): string[] {
  const steps: string[] = [];
  let total = 0;
  for (let place = 0; place < b.length; place++) {
    const part = Number(b[b.length - 1 - place]) * 10 ** place;
    steps.push(`${a}*${part}=${a * part}`);
    if (place > 0) steps.push(`${total}+${a * part}=${total + a * part}`);
    total += a * part;
  }
  return steps;
}
