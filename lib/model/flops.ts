/**
 * Floating-point operations of the transformer, counted from shapes: two for each multiply-add of a
 * matrix product. Norms, rotations, activations, softmax and the optimizer are left out (below 1 %
 * at the sizes of language models), and so is what a kernel computes twice to save memory.
 *
 * @module
 */
import type { LoraConfig } from "./adapter.ts";
import type { ModelConfig } from "./config.ts";
import { adapterShapes } from "./lora.ts";

/**
 * Operations of reading tokens at positions `[start, end)` of a sequence whose earlier keys and
 * values are cached, without scores of the vocabulary.
 *
 * @param lora Of the policy's adapter, if it has one.
 *
 * @example Two tokens by a policy of width 2, one layer and one head
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { modelConfig } from "./config.ts";
 * import { readingFlops } from "./flops.ts";
 *
 * const config = modelConfig({
 *   vocab_size: 8, hidden_size: 2, intermediate_size: 3, num_hidden_layers: 1,
 *   num_attention_heads: 1,
 * });
 * // projections q, k, v, o: 4 x 2 x 2; gate, up, down: 3 x 2 x 3: 34 weights, 68 operations a token
 * // attention: 4 x 2 operations for each position read: 1 of the first token, 2 of the second
 * assertEquals(readingFlops(config, 0, 2), 2 * 68 + 8 * (1 + 2));
 * assertEquals(readingFlops(config, 1, 2), 68 + 8 * 2);
 * ```
 */
export function readingFlops(
  config: ModelConfig,
  start: number,
  end: number,
  lora?: LoraConfig,
): number {
  return projectionFlops(config, end - start) + adapterFlops(config, end - start, lora) +
    attentionFlops(config, start, end);
}

/** Operations of the projections of tokens. */
function projectionFlops(config: ModelConfig, tokens: number): number {
  const { hidden_size, intermediate_size, num_hidden_layers, head_dim } = config;
  const queries = config.num_attention_heads * head_dim;
  const keys = config.num_key_value_heads * head_dim;
  const weights = hidden_size * (2 * queries + 2 * keys + 3 * intermediate_size);
  return num_hidden_layers * 2 * weights * tokens;
}

/** Operations of an adapter's matrices on tokens. */
function adapterFlops(config: ModelConfig, tokens: number, lora?: LoraConfig): number {
  if (!lora) return 0;
  const shapes = Object.values(adapterShapes(config, lora));
  return 2 * tokens * shapes.reduce((sum, [rows, columns]) => sum + rows! * columns!, 0);
}

/** Operations of attention by the tokens at positions `[start, end)`. */
function attentionFlops(config: ModelConfig, start: number, end: number): number {
  const queries = config.num_attention_heads * config.head_dim;
  const read = (end * (end + 1) - start * (start + 1)) / 2; // positions seen by all the tokens
  return config.num_hidden_layers * 4 * queries * read;
}

/** Operations of scoring the vocabulary after `count` tokens. */
export function scoringFlops(config: ModelConfig, count: number): number {
  return 2 * config.hidden_size * config.vocab_size * count;
}

/** Operations of sampling a group: the prompt is read once, then each token of each completion. */
export function samplingFlops(
  config: ModelConfig,
  promptTokens: number,
  completionTokens: readonly number[],
  lora?: LoraConfig,
): number {
  return completionTokens.reduce(
    (sum, tokens) =>
      sum + readingFlops(config, promptTokens, promptTokens + tokens - 1, lora) +
      scoringFlops(config, tokens),
    readingFlops(config, 0, promptTokens, lora),
  );
}

/**
 * Operations of a forward and backward pass over one row. Backward costs twice forward, but where
 * an adapter learns the frozen matrices get no gradient of their own, and cost it once.
 */
export function trainingFlops(
  config: ModelConfig,
  promptTokens: number,
  completionTokens: number,
  lora?: LoraConfig,
): number {
  const read = promptTokens + completionTokens - 1;
  const matrices = projectionFlops(config, read) + scoringFlops(config, completionTokens);
  const rest = attentionFlops(config, 0, read) + adapterFlops(config, read, lora);
  return (lora ? 2 : 3) * matrices + 3 * rest;
}

/** Operations of scoring one row's completion, without learning from it. */
export function rowFlops(
  config: ModelConfig,
  promptTokens: number,
  completionTokens: number,
  lora?: LoraConfig,
): number {
  const read = readingFlops(config, 0, promptTokens + completionTokens - 1, lora);
  return read + scoringFlops(config, completionTokens);
}
