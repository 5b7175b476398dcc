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

/** Whether a tensor is a weight that does not learn: no gradient of it is computed. */
export function isFrozen(tensor: tf.Tensor): boolean {
  return tensor instanceof tf.Variable && !tensor.trainable;
}

/** Runs a kernel with one output on the current device; gradients flow if one is registered for it. */
export function runKernel<T extends tf.Tensor>(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Attributes = {},
): T {
  return tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap) as T;
}

/** {@linkcode runKernel} for a kernel with several outputs. */
export function runKernels(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Attributes = {},
): tf.Tensor[] {
  const outputs = tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap);
  return outputs as unknown as tf.Tensor[];
}

/**
 * `tf.customGrad`, without its cost where no gradient is being recorded, as in generation; and what
 * was saved is freed as soon as its gradient is done, not at the end of the whole tape.
 */
export function customGrad(
  f: Parameters<typeof tf.customGrad<tf.Tensor>>[0],
): (...inputs: tf.Tensor[]) => tf.Tensor {
  const call = f as unknown as (...call: unknown[]) => ReturnType<typeof f>;
  const recorded = tf.customGrad((...inputs) => {
    const { value, gradFunc } = call(...inputs);
    const freeing: typeof gradFunc = (dy, saved) => {
      const gradients = gradFunc(dy, saved);
      tf.dispose(saved);
      return gradients;
    };
    return { value, gradFunc: freeing };
  });
  const engine = tf.engine() as unknown as { isTapeOn(): boolean }; // private to its type
  return (...inputs) =>
    engine.isTapeOn() ? recorded(...inputs) : tf.tidy(() => call(...inputs, () => {}).value);
}
