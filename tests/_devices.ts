// deno-lint-ignore-file no-console -- a device that is skipped is told
/**
 * Tests that run on every device.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type DeviceOptions, findAdapter, openDevice } from "../lib/compute/device.ts";
import { findBlas } from "../lib/compute/blas_library.ts";

const SETTINGS: Readonly<Record<string, DeviceOptions>> = {
  "cpu": { prefer: "cpu" },
  "wasm": { prefer: "wasm", blas: false },
  "wasm with BLAS": { prefer: "wasm", blas: true },
  "webgpu": { prefer: "webgpu" },
};

/** Why a device cannot be tested here; undefined when it can. */
async function missing(device: string): Promise<string | undefined> {
  if (device === "wasm with BLAS" && !findBlas()) return "no BLAS library was found";
  if (device === "webgpu" && !await findAdapter()) return "no WebGPU adapter was found";
}

/**
 * Registers a test for each device. A device that is missing fails where `CI` is set; elsewhere the
 * test says so and passes.
 *
 * @param body Runs with the device open; must leave as many tensors as it found.
 */
export function eachDevice(
  name: string,
  body: (device: string) => Promise<void>,
  { devices = Object.keys(SETTINGS) }: { devices?: readonly string[] } = {},
): void {
  for (const device of devices) {
    Deno.test({
      name: `${name} (${device})`,
      sanitizeOps: false, // a WebGPU device has operations of its own in flight
      sanitizeResources: false,
      async fn(): Promise<void> {
        const reason = await missing(device);
        if (reason) {
          if (Deno.env.get("CI")) throw new Error(`${device} must be tested in CI: ${reason}`);
          console.warn(`skipped on ${device}: ${reason}`);
          return;
        }
        await openDevice(SETTINGS[device]);
        const before = tf.memory().numTensors;
        await body(device);
        const left = tf.memory().numTensors - before;
        if (left !== 0) throw new Error(`${left} tensors are left on ${device}`);
      },
    });
  }
}

/** The values of a tensor, which is then freed. */
export async function take(tensor: tf.Tensor): Promise<Float32Array> {
  const values = await tensor.data<"float32">();
  tensor.dispose();
  return values;
}

/** Numbers that look random and are the same everywhere: sines of a spread of angles. */
export function wave(shape: number[], phase = 0, scale = 1): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from(
    { length: size },
    (_, i) => scale * Math.sin(1 + phase + 1.7 * i),
  );
  return tf.tensor(values, shape);
}

/** Fails unless two lists of numbers agree within a tolerance, which also covers the relative error. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} numbers where ${expected.length} were expected`);
  }
  for (let i = 0; i < actual.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!);
    if (!(gap <= tolerance * Math.max(1, Math.abs(expected[i]!)))) {
      throw new Error(`number ${i} is ${actual[i]}, expected ${expected[i]} within ${tolerance}`);
    }
  }
}

/** A policy small enough for any device: two layers, four heads on two pairs of keys and values. */
export const TINY = {
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
} as const;
