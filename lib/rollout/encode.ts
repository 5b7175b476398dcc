/**
 * Questions and their demonstrations as ids.
 *
 * @module
 */
import type { Question } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";

/**
 * The ids of a question's prompt.
 *
 * @throws {RangeError} When it is empty, or longer than the policy reads with the completion.
 */
export function encodePrompt(
  policy: Policy,
  question: Question,
  maxNewTokens: number,
): readonly number[] {
  const prompt = promptIds(policy, question);
  const room = policy.config.max_position_embeddings - maxNewTokens;
  if (room < 1) {
    throw new RangeError(
      `Cannot ask as new tokens must leave room in the ${policy.config.max_position_embeddings} ` +
        `positions of the policy: current value is ${maxNewTokens}`,
    );
  }
  if (prompt.length < 1 || prompt.length > room) {
    throw new RangeError(
      `Cannot ask question ${question.id} as its prompt must have 1 to ${room} tokens: ` +
        `current value is ${prompt.length}`,
    );
  }
  return prompt;
}

/**
 * The ids of a question's prompt, however many.
 *
 * @throws {RangeError} When the vocabulary cannot spell it; names the question.
 */
export function promptIds({ tokenizer }: Policy, question: Question): number[] {
  return naming("prompt", question, () => tokenizer.encodePrompt(question.prompt));
}

/**
 * The ids of a question's demonstration, as it goes on from a prompt: where that ends with
 * `<think>` already, the demonstration's own is left out.
 *
 * @param prompt Ids, from {@linkcode promptIds}.
 * @throws {RangeError} When the vocabulary cannot spell it; names the question.
 */
export function demonstrationIds(
  { tokenizer }: Policy,
  question: Question,
  prompt: readonly number[],
): number[] {
  const text = goingOn(tokenizer.decode(prompt), question.demonstration!);
  return naming("demonstration", question, () => tokenizer.encode(text));
}

/** A demonstration less the `<think>` that the prompt ends with, and less the blank after it. */
function goingOn(prompt: string, demonstration: string): string {
  const opened = /<think>(\s*)$/.exec(prompt);
  if (!opened) return demonstration;
  const blankIsThere = opened[1] !== "";
  return demonstration.replace(blankIsThere ? /^\s*<think>\s*/ : /^\s*<think>/, "");
}

/** Has errors of the tokenizer name the question. */
function naming<T>(part: string, { id }: Question, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot use the ${part} of question ${id}: ${error.message}`);
  }
}
