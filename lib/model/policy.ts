import * as tf from "@tensorflow/tfjs";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { ModelConfig } from "./config.ts";
import { initialWeights, type Weights } from "./transformer.ts";

/** A language model that can be sampled and trained. */
export interface Policy {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly weights: Weights;
}

/** A policy that knows nothing yet. */
export function createPolicy(config: ModelConfig, tokenizer: Tokenizer, seed: number): Policy {
  if (config.vocab_size !== tokenizer.vocabSize) {
    throw new RangeError(
      `Cannot create a policy as vocab_size must be the tokenizer's ${tokenizer.vocabSize}: ` +
        `current value is ${config.vocab_size}`,
    );
  }
  return { config, tokenizer, weights: initialWeights(config, seed) };
}

/** Frees a policy's weights. */
export function disposePolicy(policy: Policy): void {
  tf.dispose(policy.weights);
}

/** Numbers a policy holds; tied embeddings count once. */
export function parameterCount(policy: Policy): number {
  return Object.values(policy.weights).reduce((sum, weight) => sum + weight.size, 0);
}
