/**
 * Making, freezing and merging of adapters (LoRA, arXiv:2106.09685).
 *
 * Differences from PEFT's: no dropout, no bias learns, one rank and α for all projections.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { randomSeeded } from "../random.ts";
import { type Adapter, type LoraConfig, matricesOf } from "./adapter.ts";
import type { ModelConfig } from "./config.ts";
import type { Policy } from "./policy.ts";
import { type Weights, weightShapes } from "./transformer.ts";

/** The projections of a layer that an adapter can learn for. */
export const LORA_TARGETS: readonly string[] = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
];

/**
 * Checks how an adapter is made.
 *
 * @throws {RangeError} When the rank, α or a target is out of range.
 */
export function checkLora({ r, lora_alpha, target_modules }: LoraConfig): void {
  if (!(Number.isInteger(r) && r >= 1)) {
    throw new RangeError(
      `Cannot make an adapter as its rank must be a whole number > 0: current value is ${r}`,
    );
  }
  if (!(lora_alpha > 0 && lora_alpha < Infinity)) {
    throw new RangeError(
      `Cannot make an adapter as its alpha must be > 0: current value is ${lora_alpha}`,
    );
  }
  const stranger = target_modules.find((name) => !LORA_TARGETS.includes(name));
  if (stranger !== undefined || target_modules.length === 0) {
    throw new RangeError(
      `Cannot make an adapter as its targets must be some of ${LORA_TARGETS.join(", ")}: ` +
        `current value is ${stranger ?? "none"}`,
    );
  }
}

/** Every matrix of an adapter for a model of this shape: name and `[r, in]` or `[out, r]`. */
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  for (const [name, [out, width]] of Object.entries(weightShapes(config))) {
    const projection = /^(.*\.(\w+_proj))\.weight$/.exec(name);
    if (!projection || !lora.target_modules.includes(projection[2]!)) continue;
    shapes[`${projection[1]}.lora_A.weight`] = [lora.r, width!];
    shapes[`${projection[1]}.lora_B.weight`] = [out!, lora.r];
  }
  return shapes;
}

/** What an adapter is made for. */
export interface AdapterOptions {
  /** Where the policy is that it is made for. */
  readonly base: string;
  /** Names its random stream; whole number >= 0. */
  readonly seed: number;
}

/**
 * A fresh adapter, as PEFT makes it: A uniform within `±1 / √in` and B 0, so that it changes nothing
 * yet.
 *
 * @throws {RangeError} See {@linkcode checkLora}.
 */
export function createAdapter(
  config: ModelConfig,
  lora: LoraConfig,
  { base, seed }: AdapterOptions,
): Adapter {
  checkLora(lora);
  const weights: Record<string, tf.Variable> = {};
  for (const [name, shape] of Object.entries(adapterShapes(config, lora))) {
    const values = new Float32Array(shape[0]! * shape[1]!);
    if (name.endsWith(".lora_A.weight")) {
      const random = randomSeeded(seed, "adapter", name), bound = 1 / Math.sqrt(shape[1]!);
      for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random() - 1);
    }
    weights[name] = tf.tidy(() => tf.variable(tf.tensor(values, shape)));
  }
  return { config: lora, base, weights };
}

/** A policy that learns through an adapter alone: its own weights are frozen. It owns both. */
export function withAdapter(policy: Policy, adapter: Adapter): Policy {
  for (const weight of Object.values(policy.weights)) weight.trainable = false;
  return { ...policy, adapter };
}

/**
 * The policy that an adapter began from, with the same weights in memory: the reference of a KL
 * term. Not to be disposed of.
 *
 * @throws {TypeError} When the policy has no adapter: its weights are no longer those it began with.
 */
export function basePolicy({ adapter, ...base }: Policy): Policy {
  if (adapter) return base;
  throw new TypeError("Cannot take a policy's base as it must have an adapter: it has none");
}

/** The weights with the adapter's part added, `W + (α / r) B A`: new tensors, owned by the caller. */
export function mergedWeights({ weights, adapter }: Policy): Weights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => {
      const pair = matricesOf(adapter, name.replace(/\.weight$/, ""));
      const merged = tf.tidy(() => {
        if (!pair) return tf.variable(weight);
        const { r, lora_alpha } = adapter!.config;
        const added = tf.matMul(
          pair.b as tf.Tensor as tf.Tensor2D,
          pair.a as tf.Tensor as tf.Tensor2D,
        );
        return tf.variable(tf.add(weight, tf.mul(added, lora_alpha / r)));
      });
      return [name, merged];
    }),
  );
}
