/**
 * Floating-point operations of the transformer, counted from shapes: two for each multiply-add of a
 * matrix product. Norms, rotations, activations, softmax and the optimizer are left out (below 1 %
 * at the sizes of language models), and so is what a kernel computes twice to save memory.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";

/**
 * Operations of reading tokens at positions `[start, end)` of a sequence whose earlier keys and
 * values are cached, without scores of the vocabulary.
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
export function readingFlops(config: ModelConfig, start: number, end: number): number {
  const { hidden_size, intermediate_size, num_hidden_layers, head_dim } = config;
  const queries = config.num_attention_heads * head_dim;
  const keys = config.num_key_value_heads * head_dim;
  const weights = hidden_size * (2 * queries + 2 * keys + 3 * intermediate_size);
  const read = (end * (end + 1) - start * (start + 1)) / 2; // positions seen by all the tokens
  return num_hidden_layers * (2 * weights * (end - start) + 4 * queries * read);
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
): number {
  return completionTokens.reduce(
    (sum, tokens) =>
      sum + readingFlops(config, promptTokens, promptTokens + tokens - 1) +
      scoringFlops(config, tokens),
    readingFlops(config, 0, promptTokens),
  );
}

/** Operations of a forward and backward pass over one row; backward costs twice forward. */
export function trainingFlops(
  config: ModelConfig,
  promptTokens: number,
  completionTokens: number,
): number {
  const read = readingFlops(config, 0, promptTokens + completionTokens - 1);
  return 3 * (read + scoringFlops(config, completionTokens));
}
