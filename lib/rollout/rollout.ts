/**
 * Sampling completions: a group for each question, batched, with a cache of keys and values.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Question } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import { forward, type KvCache, logits } from "../model/transformer.ts";
import type { Prng } from "../random.ts";
import { checkSampling, sampleToken, type SamplingOptions } from "./sampling.ts";

/** Why a completion ended: the policy said so (EOS), or it ran out of tokens. */
export type FinishReason = "stop" | "length";

/** One sampled answer. */
export interface Completion {
  /** Ids as sampled; ends in EOS when the finish reason is `stop`. */
  readonly tokens: readonly number[];
  /** `tokens` as text, without EOS. */
  readonly text: string;
  /** Of each token under the policy itself, nats. */
  readonly logProbs: readonly number[];
  /** Of each token under the distribution it was drawn from, nats. */
  readonly samplingLogProbs: readonly number[];
  /** Mean over tokens of the policy's entropy when each was drawn, nats. */
  readonly entropy: number;
  readonly finishReason: FinishReason;
}

/** A question and the completions sampled for it. */
export interface Rollout {
  readonly question: Question;
  readonly prompt: readonly number[];
  readonly completions: readonly Completion[];
}

/** How a set of questions is rolled out. */
export interface RolloutOptions extends SamplingOptions {
  /** G, completions for each question; at least 1. */
  readonly groupSize: number;
  /** Tokens a completion may have, EOS included. */
  readonly maxNewTokens: number;
  /** Completions decoded side by side, but never less than one group; 512 unless given. */
  readonly maxRows?: number;
  /** The random stream of each completion, by the index of its question and its place in the group. */
  readonly random: (question: number, sample: number) => Prng;
}

/** Prompts are padded on the left to a multiple of this, so that few buffer sizes occur on a GPU. */
const PROMPT_BUCKET = 8;

/**
 * Samples `groupSize` completions for every question.
 *
 * A prompt is read once for its whole group. Completions that have ended are taken out of the batch
 * when a quarter of it is done. Each completion draws from a stream of its own, so what is sampled
 * does not depend on which others share its batch.
 *
 * @returns One rollout for each question, in order.
 * @throws {RangeError} When an option is out of range or a prompt leaves no room for a completion.
 */
export async function rollout(
  policy: Policy,
  questions: readonly Question[],
  options: RolloutOptions,
): Promise<Rollout[]> {
  const { groupSize, maxNewTokens, maxRows = 512 } = options;
  checkSampling(options);
  for (const [name, value] of Object.entries({ groupSize, maxNewTokens, maxRows })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot roll out as ${name} must be a whole number > 0: current value is ${value}`,
      );
    }
  }
  const prompts = questions.map((question) => encodePrompt(policy, question, maxNewTokens));
  const perBatch = Math.max(1, Math.floor(maxRows / groupSize));
  const results: Rollout[] = [];
  for (let start = 0; start < questions.length; start += perBatch) {
    const batch = prompts.slice(start, start + perBatch);
    const random = (row: number) =>
      options.random(start + Math.floor(row / groupSize), row % groupSize);
    const completions = await decode(policy, batch, options, random);
    batch.forEach((prompt, i) =>
      results.push({
        question: questions[start + i]!,
        prompt,
        completions: completions.slice(i * groupSize, (i + 1) * groupSize),
      })
    );
  }
  return results;
}

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
  const prompt = encodePart(policy, question, "prompt");
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
 * The ids of a text of a question.
 *
 * @throws {RangeError} When the vocabulary cannot spell it; names the question.
 */
export function encodePart(
  { tokenizer }: Policy,
  question: Question,
  part: "prompt" | "demonstration",
): number[] {
  try {
    return tokenizer.encode(question[part]!);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot use the ${part} of question ${question.id}: ${error.message}`);
  }
}

/** A completion being written. */
interface Draft {
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly samplingLogProbs: number[];
  entropy: number;
  done: boolean;
  readonly prng: Prng;
}

/** Writes a group for each prompt, all side by side. */
async function decode(
  policy: Policy,
  prompts: readonly (readonly number[])[],
  options: RolloutOptions,
  random: (row: number) => Prng,
): Promise<Completion[]> {
  const { groupSize, maxNewTokens } = options;
  const { tokenizer: { eosTokenId } } = policy;
  const drafts: Draft[] = Array.from({ length: prompts.length * groupSize }, (_, row) => ({
    tokens: [],
    logProbs: [],
    samplingLogProbs: [],
    entropy: 0,
    done: false,
    prng: random(row),
  }));
  let rows = drafts.map((_, row) => row); // which draft each row of the batch writes
  let [scores, cache] = readPrompts(policy, prompts, groupSize);
  for (let length = 1;; length++) {
    const values = await scores.data<"float32">();
    const vocab = scores.shape[1];
    scores.dispose();
    rows.forEach((row, at) => {
      const draft = drafts[row]!;
      if (draft.done) return; // still in the batch, until enough others are done too
      const drawn = sampleToken(
        values.subarray(at * vocab, (at + 1) * vocab),
        options,
        draft.prng,
      );
      draft.tokens.push(drawn.token);
      draft.logProbs.push(drawn.logProb);
      draft.samplingLogProbs.push(drawn.samplingLogProb);
      draft.entropy += drawn.entropy;
      draft.done = drawn.token === eosTokenId;
    });
    const live = rows.flatMap((row, at) => drafts[row]!.done ? [] : [at]);
    if (live.length === 0 || length === maxNewTokens) break;
    if (live.length <= 0.75 * rows.length) {
      cache = takeRows(cache, live);
      rows = live.map((at) => rows[at]!);
    }
    const last = rows.map((row) => drafts[row]!.tokens.at(-1)!);
    [scores, cache] = readNext(policy, last, cache);
  }
  tf.dispose(cache.layers.flatMap(({ k, v }) => [k, v]));
  return drafts.map(({ tokens, logProbs, samplingLogProbs, entropy, done }) => ({
    tokens,
    text: policy.tokenizer.decode(tokens),
    logProbs,
    samplingLogProbs,
    entropy: entropy / tokens.length,
    finishReason: done ? "stop" : "length",
  }));
}

/** Reads every prompt once; returns the scores of its first new token, `groupSize` rows for each. */
function readPrompts(
  { weights, config, tokenizer }: Policy,
  prompts: readonly (readonly number[])[],
  groupSize: number,
): [tf.Tensor2D, KvCache] {
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const width = Math.ceil(longest / PROMPT_BUCKET) * PROMPT_BUCKET;
  const padding = prompts.map((prompt) => width - prompt.length);
  const padded = prompts.map((prompt, i) => [
    ...Array.from({ length: padding[i]! }, () => tokenizer.padTokenId),
    ...prompt,
  ]);
  const copies = prompts.flatMap((_, i) => Array.from({ length: groupSize }, () => i));
  const [scores, cache] = keepStep(() => {
    const { hidden, cache } = forward(weights, config, tf.tensor2d(padded, undefined, "int32"), {
      padding,
      layers: [],
    });
    const last = tf.tensor1d(prompts.map((_, i) => (i + 1) * width - 1), "int32");
    const scores = logits(weights, config, tf.gather(hidden, last));
    return [tf.gather(scores, tf.tensor1d(copies, "int32")), cache];
  });
  return [scores, takeRows(cache, copies)];
}

/** Reads one more token of each row; frees the cache it was given. */
function readNext(
  { weights, config }: Policy,
  tokens: readonly number[],
  cache: KvCache,
): [tf.Tensor2D, KvCache] {
  const next = keepStep(() => {
    const column = tf.tensor2d([...tokens], [tokens.length, 1], "int32");
    const { hidden, cache: grown } = forward(weights, config, column, cache);
    return [logits(weights, config, hidden), grown];
  });
  tf.dispose(cache.layers.flatMap(({ k, v }) => [k, v]));
  return next;
}

/** Runs a step inside `tf.tidy` and keeps its scores and its cache. */
function keepStep(step: () => [tf.Tensor2D, KvCache]): [tf.Tensor2D, KvCache] {
  let result: [tf.Tensor2D, KvCache];
  tf.tidy(() => {
    result = step();
    tf.keep(result[0]);
    for (const { k, v } of result[1].layers) tf.keep(k), tf.keep(v);
  });
  return result!;
}

/** The given rows of a cache, in the given order; frees the cache it was given. */
function takeRows(cache: KvCache, rows: readonly number[]): KvCache {
  const index = tf.tensor1d([...rows], "int32");
  const layers = cache.layers.map(({ k, v }) => {
    const taken = { k: tf.gather(k, index), v: tf.gather(v, index) };
    tf.dispose([k, v]);
    return taken;
  });
  index.dispose();
  return { padding: rows.map((row) => cache.padding[row]!), layers };
}
