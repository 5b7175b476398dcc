import * as tf from "@tensorflow/tfjs";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { ModelConfig } from "./config.ts";
import { initialWeights, type Model, type Weights } from "./transformer.ts";

/** A language model that can be sampled and trained. */
export interface Policy extends Model {
  readonly tokenizer: Tokenizer;
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

/** What training changes: the adapter where there is one, else all weights. */
export function learnedWeights({ weights, adapter }: Policy): Weights {
  return adapter?.weights ?? weights;
}

/** Frees a policy's weights, and its adapter. */
export function disposePolicy({ weights, adapter }: Policy): void {
  tf.dispose([weights, adapter?.weights ?? {}]);
}

/** Numbers a policy holds, those of an adapter aside; tied embeddings count once. */
export function parameterCount(policy: Policy): number {
  return Object.values(policy.weights).reduce((sum, weight) => sum + weight.size, 0);
}
