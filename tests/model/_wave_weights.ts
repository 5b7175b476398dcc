import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../lib/model/config.ts";
import { type Weights, weightShapes } from "../../lib/model/transformer.ts";
import { wave } from "../_devices.ts";

/** Weights that a formula gives, so that other libraries can be given the same. */
export function waveWeights(config: ModelConfig): Weights {
  const entries = Object.entries(weightShapes(config)).map(([name, shape], index) =>
    [
      name,
      tf.tidy(() =>
        tf.variable(tf.add(wave(shape, index, 0.3), name.endsWith("norm.weight") ? 1 : 0))
      ),
    ] as const
  );
  return Object.fromEntries(entries);
}
