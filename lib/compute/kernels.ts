/**
 * Kernels of our own on the backends of tfjs, registered as tfjs registers its own: by name and
 * backend. An operation asks whether the current device has its kernel and otherwise runs its
 * reference, plain tfjs operations.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** Numbers and the like that a kernel takes beside its tensors. */
export type Attributes = Readonly<Record<string, unknown>>;

let enabled = true;

/** Switches the kernels of all operations on or off: off leaves tfjs as it comes. */
export function useKernels(on: boolean): void {
  enabled = on;
}

/** Whether kernels are switched on. */
export function kernelsInUse(): boolean {
  return enabled;
}

/** Whether the current device has a kernel of this name, and kernels are switched on. */
export function hasKernel(name: string): boolean {
  return enabled && tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel with one output on the current device. Nothing is recorded for gradients. */
export function runKernel<T extends tf.Tensor>(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Attributes = {},
): T {
  return tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap) as T;
}

/** Runs a kernel with several outputs on the current device. Nothing is recorded for gradients. */
export function runKernels(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Attributes = {},
): tf.Tensor[] {
  const outputs = tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap);
  return outputs as unknown as tf.Tensor[];
}

/** `tf.customGrad`, without its cost where no gradient is being recorded: in generation. */
export const customGrad: typeof tf.customGrad = (f) => {
  const recorded = tf.customGrad(f);
  const engine = tf.engine() as unknown as { isTapeOn(): boolean }; // private to its type
  return (...inputs) => {
    if (engine.isTapeOn()) return recorded(...inputs);
    const call = f as unknown as (...call: unknown[]) => { value: tf.Tensor };
    return tf.tidy(() => call(...inputs, () => {}).value) as ReturnType<typeof recorded>;
  };
};
