/**
 * Reading with a memory: prompts once, then one token of each completion at a time.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { attention, packedSequences } from "../compute/ops/attention.ts";
import {
  cachePrompts,
  type CacheRows,
  type CacheSize,
  decodeAttention,
  type LayerCache,
  layerCache,
} from "../compute/ops/decode_attention.ts";
import { embedding } from "../compute/ops/embedding.ts";
import { bucket } from "../compute/device.ts";
import type { Policy } from "./policy.ts";
import { ropeTable } from "./rope.ts";
import { headShape, logits, placesIn, runLayers } from "./transformer.ts";

/** Room for the keys and values of prompts and completions, allocated once and written in place. */
export interface KvCache {
  readonly layers: readonly LayerCache[];
  /** See {@linkcode ropeTable}. */
  readonly table: tf.Tensor2D;
}

/** An empty cache, owned by the caller. */
export function kvCache({ config }: Policy, size: CacheSize): KvCache {
  const shape = headShape(config);
  return {
    layers: Array.from({ length: config.num_hidden_layers }, () => layerCache(shape, size)),
    table: ropeTable(config, size.promptCapacity + size.completionCapacity),
  };
}

/** Frees a cache. */
export function disposeCache({ layers, table }: KvCache): void {
  tf.dispose([table, ...layers.flatMap(({ prompts, completions }) => [prompts, completions])]);
}

/**
 * Reads prompts into slots of the cache.
 *
 * @param slots One for each prompt.
 * @returns Scores of the first token of their completions, `[prompts, vocab]`.
 */
export function readPrompts(
  policy: Policy,
  cache: KvCache,
  prompts: readonly (readonly number[])[],
  slots: readonly number[],
): tf.Tensor2D {
  return tf.tidy(() => {
    const lengths = prompts.map((prompt) => prompt.length);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const spare = Array.from({ length: bucket(total) - total }, () => 0); // nobody reads them
    const tokens = [...prompts.flat(), ...spare.map(() => policy.tokenizer.padTokenId)];
    const sequences = packedSequences(spare.length > 0 ? [...lengths, spare.length] : lengths);
    const hidden = runLayers(policy, {
      tokens: tf.tensor1d(tokens, "int32"),
      positions: tf.tensor1d([...placesIn(lengths), ...spare], "int32"),
      table: cache.table,
      attend(layer, qkv): tf.Tensor2D {
        cachePrompts(cache.layers[layer]!, qkv, sequences, slots);
        return attention(qkv, sequences, headShape(policy.config));
      },
    });
    let end = 0;
    const last = lengths.map((length) => (end += length) - 1);
    return logits(policy, embedding(hidden, tf.tensor1d(last, "int32")));
  });
}

/**
 * Reads one token of each row.
 *
 * @param tokens `[rows]`, int32.
 * @param rows Where each row is in the cache.
 * @param positions `[rows]`, int32: tokens of the row's prompt and completion before the block.
 * @param step Tokens read since the block of steps began.
 * @returns Scores of the next token, `[rows, vocab]`.
 */
export function readNext(
  policy: Policy,
  cache: KvCache,
  tokens: tf.Tensor1D,
  rows: CacheRows,
  positions: tf.Tensor1D,
  step: number,
): tf.Tensor2D {
  return tf.tidy(() => {
    const hidden = runLayers(policy, {
      tokens,
      positions,
      offset: step,
      table: cache.table,
      attend: (layer, qkv) =>
        decodeAttention(qkv, cache.layers[layer]!, rows, step, headShape(policy.config)),
    });
    return logits(policy, hidden);
  });
}
