/**
 * Chains of arithmetic on two-digit numbers, worked step by step: the default questions.
 *
 * Numbers are pairs of digits that `+` and `-` treat one by one modulo 10, without carry, so that
 * a lucky guess is right once in a hundred and a small policy learns the steps in minutes. Six
 * *practised* operators and two *new* ones are each worked out through two such steps: `a@b` is
 * `a+b`, then `+b`. The base policy has practised everything but the new ones, from an unreliable
 * source: what it knows, RL can polish; what `@` and `&` mean, only a demonstration can tell.
 *
 * @module
 */
import { markedAnswerReward } from "../lib/data/answer_reward.ts";
import { type Draft, generate, type GenerateOptions } from "../lib/data/generate.ts";
import type { Dataset, Question, Split } from "../lib/data/question.ts";
import { type Prng, randomChoice, randomInteger } from "../lib/random.ts";

/** The two primitive steps of an operator: `x ∘ y` with x, y among the operands and the result. */
type Rule = readonly [first: "a+b" | "a-b" | "b-a", second: "+a" | "-a" | "+b" | "-b"];

/** How each operator is worked out. */
const RULES: Readonly<Record<string, Rule>> = {
  p: ["a+b", "+a"],
  q: ["a+b", "-a"],
  r: ["a-b", "+a"],
  s: ["b-a", "+b"],
  t: ["b-a", "-b"],
  u: ["a-b", "+b"],
  "@": ["a+b", "+b"], // a + 2b
  "&": ["a-b", "-b"], // a - 2b
};

const PRIMITIVE = ["+", "-"], PRACTISED = ["p", "q", "r", "s", "t", "u"], NEW = ["@", "&"];

/** What a question asks for: shown in its metadata as `kind`. */
export type OperatorsKind = "chain" | "long" | "practised" | "new";

/** How many operations and which operators a kind draws from. */
const KINDS: Readonly<
  Record<OperatorsKind, { lengths: readonly [number, number]; operators: readonly string[] }>
> = {
  chain: { lengths: [1, 4], operators: PRIMITIVE },
  long: { lengths: [5, 6], operators: PRIMITIVE },
  practised: { lengths: [1, 2], operators: PRACTISED },
  new: { lengths: [1, 2], operators: NEW },
};

type Shares = Readonly<Partial<Record<OperatorsKind, number>>>;

/** Shares of the kinds, by split. */
const SHARES: Readonly<Record<Split, Shares>> = {
  train: { chain: 0.65, long: 0.1, new: 0.25 },
  validation: { chain: 0.65, long: 0.1, new: 0.25 },
  ood: { long: 0.5, new: 0.5 },
};

/** What a base policy is pretrained on. */
const PRACTICE: Shares = { chain: 0.5, practised: 0.5 };

/** Options of {@linkcode operatorsPractice}. */
export interface PracticeOptions extends Omit<GenerateOptions, "split"> {
  /** Probability that a worked step is wrong, by its sign; the work goes on from the wrong result. */
  readonly noise?: { readonly plus: number; readonly minus: number };
}

/** `a ± b`, digit by digit modulo 10. */
function combine(a: string, sign: string, b: string): string {
  const digit = (i: number) => (Number(a[i]) + (sign === "+" ? 1 : 9) * Number(b[i])) % 10;
  return `${digit(0)}${digit(1)}`;
}

/** A number as two digits. */
const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** A chain: its first number, then operators and numbers in turn. */
interface Chain {
  readonly start: string;
  readonly links: readonly { readonly operator: string; readonly operand: string }[];
}

function promptOf({ start, links }: Chain): string {
  return start + links.map(({ operator, operand }) => operator + operand).join("") + ":";
}

/** May change the result of a primitive step. */
type Slip = (sign: string, result: string) => string;

/** How a chain is worked out. */
interface Manner {
  readonly slip?: Slip;
  /** Whether each step is followed by its check: `37+58=85,85-58=37`. */
  readonly checks?: boolean;
}

/** Works a chain out. */
function work(
  { start, links }: Chain,
  { slip = (_sign, result) => result, checks = false }: Manner,
): { steps: string; answer: string } {
  const steps: string[] = [];
  const step = (x: string, sign: string, y: string): string => {
    const result = slip(sign, combine(x, sign, y));
    steps.push(`${x}${sign}${y}=${result}`);
    if (checks) steps.push(`${result}${sign === "+" ? "-" : "+"}${y}=${x}`);
    return result;
  };
  let value = start;
  for (const { operator, operand } of links) {
    const rule = RULES[operator];
    if (!rule) {
      value = step(value, operator, operand);
      continue;
    }
    const [a, b] = [value, operand];
    const [first, second] = rule;
    const middle = step(first[0] === "a" ? a : b, first[1]!, first[2] === "a" ? a : b);
    value = step(middle, second[0]!, second[1] === "a" ? a : b);
  }
  return { steps: steps.join(","), answer: value };
}

function drawKind(prng: Prng, shares: Shares): OperatorsKind {
  const kinds = Object.entries(shares) as [OperatorsKind, number][];
  let rest = prng();
  const chosen = kinds.find(([, share]) => (rest -= share) < 0) ?? kinds.at(-1)!;
  return chosen[0];
}

function drawChain(prng: Prng, kind: OperatorsKind): Chain {
  const { lengths: [least, most], operators } = KINDS[kind];
  const operand = () => twoDigits(randomInteger(prng, 0, 100));
  const link = () => ({ operator: randomChoice(prng, operators), operand: operand() });
  const count = randomInteger(prng, least, most + 1);
  return { start: operand(), links: Array.from({ length: count }, link) };
}

/** A chain as a question; the worked steps are its demonstration. */
function questionOf(chain: Chain, kind: OperatorsKind, manner: Manner): Omit<Question, "id"> {
  const { steps, answer } = work(chain, manner);
  return {
    prompt: promptOf(chain),
    answer,
    demonstration: `${steps}#${answer}`,
    metadata: { kind },
  };
}

/**
 * The default questions: 65 % chains of 1 to 4 primitive operations, 10 % of 5 or 6, 25 % with new
 * operators. Out of distribution: half long chains, half new operators, from prompts of their own.
 *
 * @throws {RangeError} When an option is out of range.
 *
 * @example Usage
 * ```ts
 * import { assert } from "@std/assert";
 * import { operators } from "./operators.ts";
 *
 * const dataset = operators();
 * const question = dataset.question(0);
 * assert((await dataset.reward(question, question.demonstration!)).correct);
 * assert(!(await dataset.reward(question, "#")).correct);
 * ```
 */
export function operators(options: GenerateOptions = {}): Dataset {
  return chains("mixed", options, {});
}

/**
 * The questions of {@linkcode operators} with demonstrations in a style that is not the base
 * policy's own: each step is followed by its check, `37+58=85,85-58=37`, so that they are about
 * twice as long (up to 111 tokens) and none of it has been practised in that order. It stands for
 * demonstrations of another, wordier author, such as a large reasoning model.
 *
 * @throws {RangeError} When an option is out of range.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { operators, operatorsChecked } from "./operators.ts";
 *
 * const [own, checked] = [operators().question(0), operatorsChecked().question(0)];
 * assertEquals(checked.prompt, own.prompt);
 * assertEquals(checked.answer, own.answer);
 * assertEquals(checked.demonstration!.split(",").length, 2 * own.demonstration!.split(",").length);
 * ```
 */
export function operatorsChecked(options: GenerateOptions = {}): Dataset {
  return chains("checked", options, { checks: true });
}

function chains(variant: string, options: GenerateOptions, manner: Manner): Dataset {
  const { split = "train", size = split === "train" ? 1500 : 240, seed = 1 } = options;
  return generate({
    family: "operators",
    variant,
    size,
    seed,
    split,
    reward: markedAnswerReward,
    draw(prng): Draft {
      const kind = drawKind(prng, SHARES[split]);
      const chain = drawChain(prng, kind);
      return { prompt: promptOf(chain), complete: () => questionOf(chain, kind, manner) };
    },
  });
}

/**
 * What the base policy practises: chains of `+` and `-`, and the practised operators, never the new
 * ones, from prompts of the train split. With `noise` the source is unreliable: its worked steps
 * are sometimes wrong, and the stated answer is that of the wrong work.
 *
 * @throws {RangeError} When an option is out of range.
 */
export function operatorsPractice(options: PracticeOptions = {}): Dataset {
  const { size = 2 ** 31, seed = 1, noise = { plus: 0, minus: 0 } } = options;
  return generate({
    family: "operators-practice", // streams of its own
    variant: "mixed",
    size,
    seed,
    split: "train",
    reward: markedAnswerReward,
    draw(prng): Draft {
      const kind = drawKind(prng, PRACTICE);
      const chain = drawChain(prng, kind);
      const slip: Slip = (sign, result) => {
        const slips = prng() < (sign === "+" ? noise.plus : noise.minus);
        return slips ? twoDigits((Number(result) + randomInteger(prng, 1, 100)) % 100) : result;
      };
      return { prompt: promptOf(chain), complete: () => questionOf(chain, kind, { slip }) };
    },
  });
}
