/**
 * Sampling completions: a group for each question, batched, with a cache of keys and values.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Question } from "../data/question.ts";
import { bucket, stepsPerRead } from "../compute/device.ts";
import { storesHalves } from "../compute/gpu.ts";
import { embedding } from "../compute/ops/embedding.ts";
import { checkSampling, sampleTokens, type SamplingOptions } from "../compute/ops/sample.ts";
import { disposeCache, type KvCache, kvCache, readNext, readPrompts } from "../model/kv_cache.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Policy } from "../model/policy.ts";
import type { RandomKey } from "../random.ts";
import { encodePrompt } from "./encode.ts";

/** Why a completion ended: the policy said so (EOS or another stop token), or it ran out of tokens. */
export type FinishReason = "stop" | "length";

/** One sampled answer. */
export interface Completion {
  /** Ids as sampled; ends in a stop token when the finish reason is `stop`. */
  readonly tokens: readonly number[];
  /** What it starts from and `tokens` as text, without that. */
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
  /** Ids that were read before the first was drawn: the prompt and what completions start from. */
  readonly prompt: readonly number[];
  readonly completions: readonly Completion[];
}

/** How a set of questions is rolled out. */
export interface RolloutOptions extends SamplingOptions {
  /** G, completions for each question; at least 1. */
  readonly groupSize: number;
  /** Tokens a completion may have, EOS and what it starts from included. */
  readonly maxNewTokens: number;
  /**
   * Completions decoded side by side, but never less than one group; unless given, as many as 1 GiB
   * of keys and values hold, and at most 512.
   */
  readonly maxRows?: number;
  /** What each completion draws with, by the index of its question and its place in the group. */
  readonly random: (question: number, sample: number) => RandomKey;
  /** Ids that the completions of each question start from, read and not drawn; none unless given. */
  readonly starts?: readonly (readonly number[])[];
}

/**
 * Samples `groupSize` completions for every question.
 *
 * A prompt is read once for its whole group, and its keys and values are shared. Completions that
 * have ended leave the batch at once; when enough have, further questions take their place. Each
 * completion draws from a stream of its own, so what is sampled does not depend on which others
 * share its batch.
 *
 * @returns One rollout for each question, in order.
 * @throws {RangeError} When an option is out of range, or a prompt or a start leaves no room for a
 * completion.
 */
export async function rollout(
  policy: Policy,
  questions: readonly Question[],
  options: RolloutOptions,
): Promise<Rollout[]> {
  const { groupSize, maxNewTokens, maxRows, starts = [] } = options;
  checkSampling(options);
  for (const [name, value] of Object.entries({ groupSize, maxNewTokens, maxRows: maxRows ?? 1 })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot roll out as ${name} must be a whole number > 0: current value is ${value}`,
      );
    }
  }
  if (questions.length === 0) return [];
  const prompts = questions.map((question, i) => [
    ...encodePrompt(policy, question, maxNewTokens),
    ...checkStart(starts[i] ?? [], question, maxNewTokens),
  ]);
  const completions = await decode(policy, prompts, options);
  return questions.map((question, i) => ({
    question,
    prompt: prompts[i]!,
    completions: completions.slice(i * groupSize, (i + 1) * groupSize),
  }));
}

/** Checks that what completions start from leaves them room. */
function checkStart(
  start: readonly number[],
  { id }: Question,
  maxNewTokens: number,
): readonly number[] {
  if (start.length < maxNewTokens) return start;
  throw new RangeError(
    `Cannot go on with question ${id} as what its completions start from must have fewer than ` +
      `${maxNewTokens} tokens: current value is ${start.length}`,
  );
}

/** Rows whose keys and values, of so many tokens each, fit into 1 GiB; at most 512. */
export function rowsThatFit(config: ModelConfig, tokens: number): number {
  const { num_hidden_layers, num_key_value_heads, head_dim } = config;
  const numbers = 2 * num_hidden_layers * num_key_value_heads * head_dim * tokens;
  return Math.min(512, Math.floor(2 ** 30 / (numbers * (storesHalves() ? 2 : 4))));
}

/** A completion being written. */
interface Draft {
  /** The question's place among those rolled out. */
  readonly question: number;
  readonly key: RandomKey;
  /** Tokens it may have. */
  readonly limit: number;
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly samplingLogProbs: number[];
  entropy: number;
  done: boolean;
  /** Where its keys and values are; meaningless once it is done. */
  readonly completionSlot: number;
  readonly promptSlot: number;
}

/** Writes a group for each prompt. */
async function decode(
  policy: Policy,
  prompts: readonly (readonly number[])[],
  options: RolloutOptions,
): Promise<Completion[]> {
  const { groupSize, maxNewTokens, random, starts = [] } = options;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const maxRows = options.maxRows ?? rowsThatFit(
    policy.config,
    maxNewTokens + 2 * longest / groupSize, // there are slots for twice as many prompts as groups
  );
  const groups = Math.max(1, Math.min(prompts.length, Math.floor(maxRows / groupSize)));
  const [rows, spare] = [groups * groupSize, groups * groupSize];
  // Groups whose last completions are still being written keep their prompt while others start.
  const promptSlots = Math.min(prompts.length, 2 * groups);
  const [freeRows, freePrompts] = [rows, promptSlots].map((length) =>
    Array.from({ length }, (_, slot) => slot)
  ) as [number[], number[]];
  const cache = kvCache(policy, {
    promptSlots,
    promptCapacity: longest,
    completionSlots: rows + 1, // the last is for rows that only fill a buffer up
    completionCapacity: maxNewTokens,
  });
  const drafts: Draft[] = [];
  let active: Draft[] = [];
  const finish = () => {
    const done = active.filter((draft) => draft.done);
    active = active.filter((draft) => !draft.done);
    freeRows.push(...done.map(({ completionSlot }) => completionSlot));
    for (const slot of new Set(done.map(({ promptSlot }) => promptSlot))) {
      if (!active.some(({ promptSlot }) => promptSlot === slot)) freePrompts.push(slot);
    }
  };
  while (drafts.length < prompts.length * groupSize || active.length > 0) {
    const first = drafts.length / groupSize;
    const fit = Math.min(
      prompts.length - first,
      Math.floor(freeRows.length / groupSize),
      freePrompts.length,
    );
    // Prompts are read some at a time, not one by one as rows come free.
    if (fit > 0 && freeRows.length >= rows / 4) {
      const asked = Array.from({ length: fit }, (_, i) => ({
        question: first + i,
        promptSlot: freePrompts.shift()!,
      }));
      const started = asked.flatMap(({ question, promptSlot }) =>
        Array.from({ length: groupSize }, (_, sample): Draft => ({
          question,
          key: random(question, sample),
          limit: maxNewTokens - (starts[question] ?? []).length,
          tokens: [],
          logProbs: [],
          samplingLogProbs: [],
          entropy: 0,
          done: false,
          completionSlot: freeRows.shift()!,
          promptSlot,
        }))
      );
      const scores = tf.tidy(() => {
        const read = asked.map(({ question }) => prompts[question]!);
        const scores = readPrompts(policy, cache, read, asked.map(({ promptSlot }) => promptSlot));
        const copies = started.map((_, row) => Math.floor(row / groupSize));
        return embedding(scores, tf.tensor1d(copies, "int32"));
      });
      await draw(policy, started, options, scores);
      drafts.push(...started);
      active.push(...started);
    } else {
      const longest = Math.max(...active.map(({ limit, tokens }) => limit - tokens.length));
      await decodeBlock(policy, cache, active, prompts, spare, options, longest);
    }
    finish();
  }
  disposeCache(cache);
  return drafts.map(({ question, tokens, logProbs, samplingLogProbs, entropy }) => ({
    tokens,
    text: policy.tokenizer.decode([...starts[question] ?? [], ...tokens]),
    logProbs,
    samplingLogProbs,
    entropy: entropy / tokens.length,
    finishReason: policy.tokenizer.stopTokenIds.includes(tokens.at(-1)!) ? "stop" : "length",
  }));
}

/** Writes up to a few more tokens of each completion, with one read from the device. */
async function decodeBlock(
  policy: Policy,
  cache: KvCache,
  active: readonly Draft[],
  prompts: readonly (readonly number[])[],
  spareSlot: number,
  options: RolloutOptions,
  longest: number,
): Promise<void> {
  const fill = Array.from({ length: bucket(active.length) - active.length });
  const column = (of: (draft: Draft) => number, spare: number) => [
    ...active.map(of),
    ...fill.map(() => spare),
  ];
  const promptTokens = ({ question }: Draft) => prompts[question]!.length;
  const cached = ({ tokens }: Draft) => tokens.length - 1; // all but the last, which is read next
  const [rows, positions] = tf.tidy(() => [
    tf.tensor2d(
      [
        column(({ completionSlot }) => completionSlot, spareSlot),
        column(({ promptSlot }) => promptSlot, 0),
        column(promptTokens, 0),
        column(cached, 0),
      ],
      undefined,
      "int32",
    ),
    tf.tensor1d(column((draft) => promptTokens(draft) + cached(draft), 0), "int32"),
  ]);
  const read = (tokens: tf.Tensor1D, step: number) =>
    readNext(policy, cache, tokens, rows, positions, step);
  const last = tf.tensor1d(column((draft) => draft.tokens.at(-1)!, 0), "int32");
  const scores = read(last, 0);
  await draw(policy, active, options, scores, { steps: Math.min(stepsPerRead(), longest), read });
  tf.dispose([rows, positions, last]);
}

/** Further tokens to draw before anything is read from the device. */
interface Block {
  /** Tokens to draw in all. */
  readonly steps: number;
  /** Scores after the tokens of the step before. */
  read(tokens: tf.Tensor1D, step: number): tf.Tensor2D;
}

/**
 * Draws tokens for completions and adds them, in one read from the device.
 *
 * @param scores Of the first token, `[drafts or more, vocab]`; freed here.
 * @param block When more than one token is to be drawn.
 */
async function draw(
  policy: Policy,
  drafts: readonly Draft[],
  options: RolloutOptions,
  scores: tf.Tensor2D,
  block?: Block,
): Promise<void> {
  const [rows, steps] = [scores.shape[0], block?.steps ?? 1];
  // Rows that only fill a buffer up draw as the first does.
  const all = Array.from({ length: rows }, (_, row) => drafts[row] ?? drafts[0]!);
  const [keys, counts] = tf.tidy(() => [
    tf.tensor2d(all.map(({ key }) => [key[0] | 0, key[1] | 0]), [rows, 2], "int32"),
    tf.tensor1d(all.map(({ tokens }) => tokens.length), "int32"),
  ]) as [tf.Tensor2D, tf.Tensor1D];
  const results: tf.Tensor2D[] = [];
  for (let step = 0; step < steps; step++) {
    const { tokens, drawn } = sampleTokens(scores, keys, counts, step, options);
    results.push(drawn);
    scores.dispose();
    if (step + 1 < steps) scores = block!.read(tokens, step + 1);
    tokens.dispose();
  }
  const drawn = tf.stack(results); // [steps, 4, rows]
  const values = await drawn.data<"float32">();
  tf.dispose([...results, keys, counts, drawn]);
  for (let step = 0; step < steps; step++) {
    drafts.forEach((draft, row) => {
      if (draft.done) return; // decoded on until the block's end
      const [token, logProb, samplingLogProb, entropy] = [0, 1, 2, 3].map((part) =>
        values[(4 * step + part) * rows + row]!
      ) as [number, number, number, number];
      draft.tokens.push(token);
      draft.logProbs.push(logProb);
      draft.samplingLogProbs.push(samplingLogProb);
      draft.entropy += entropy;
      draft.done = policy.tokenizer.stopTokenIds.includes(token) ||
        draft.tokens.length === draft.limit;
    });
  }
}
