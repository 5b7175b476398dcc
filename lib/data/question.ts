/**
 * The seam between questions and everything that learns from them.
 *
 * @module
 */
import { hashText } from "../random.ts";

/** A question with a verifiable answer. */
export interface Question {
  /** Names the question inside its dataset; buffers, strata and samples refer to it. */
  readonly id: string;
  /** Text the policy continues. */
  readonly prompt: string;
  /** What a verifier compares a completion with. */
  readonly answer: string;
  /** A worked solution that earns full reward; absent when nobody has written one. */
  readonly demonstration?: string;
  /** Anything else known of it, such as its `kind` or further columns of its file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a completion earned. */
export interface Reward {
  /** The number the policy gradient sees. */
  readonly total: number;
  /** Whether the answer is right: what accuracy, strata and ReLIFT's gate count. */
  readonly correct: boolean;
  /** Named parts, for the log; each in `[0, 1]`. */
  readonly parts: Readonly<Record<string, number>>;
  /** What the completion answers, for majority votes; what follows its last `#` unless given. */
  readonly answer?: string;
}

/** A virtual list of questions and the verifier that grades their completions. */
export interface Dataset {
  /** Shown in logs and run names. */
  readonly name: string;
  /** How many questions it holds. */
  readonly size: number;
  /**
   * The question at `index`, a pure function of the dataset's options.
   *
   * @throws {RangeError} When `index` is not in `[0, size)`.
   */
  question(index: number): Question;
  /** Grades a completion, here or in a worker: bad text earns 0, a bug throws. */
  reward(question: Question, completion: string): Reward | Promise<Reward>;
  /** Asks for a demonstration of a question that has none; absent where nobody can be asked. */
  want?(question: Question): void;
}

/** Which part of a question space a dataset draws from. */
export type Split = "train" | "validation" | "ood";

/** The reward of a completion that is right or wrong and nothing between. */
export function binaryReward(correct: boolean, parts: Record<string, number> = {}): Reward {
  return { total: correct ? 1 : 0, correct, parts: { ...parts, correct: correct ? 1 : 0 } };
}

/**
 * The split a prompt belongs to, decided by its text alone, so that no two splits of a generated
 * family can share a prompt whatever their seeds and sizes: 80 % train, 10 % validation, 10 % ood.
 */
export function splitOf(prompt: string): Split {
  const bucket = hashText(prompt) % 10;
  return bucket < 8 ? "train" : bucket === 8 ? "validation" : "ood";
}

/** Every question of a dataset, in order. */
export function questionsOf(dataset: Dataset): Question[] {
  return Array.from({ length: dataset.size }, (_, index) => dataset.question(index));
}

/**
 * Checks an index before a generator uses it.
 *
 * @throws {RangeError} When it is not a whole number in `[0, size)`.
 */
export function checkIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new RangeError(
      `Cannot take a question as the index must be in [0, ${size}): current value is ${index}`,
    );
  }
}
