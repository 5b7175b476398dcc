/**
 * Where the time of tfjs's kernels goes, ours among them.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/** What one kernel did since the last reset. */
export interface KernelUse {
  readonly calls: number;
  /** Milliseconds, without those of kernels that it ran. */
  readonly ms: number;
  /** Bytes of the tensors it was given and gave. */
  readonly bytes: number;
}

/**
 * Puts a clock around every kernel of a backend, for good. Only a backend that computes in the call,
 * such as `wasm`, is timed truly.
 */
export function profileKernels(
  backendName: string,
): { reset(): void; kernels(): Record<string, KernelUse> } {
  const uses = new Map<string, KernelUse>();
  let inner = 0; // milliseconds of kernels inside the one that runs
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend(backendName)) {
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc(call): ReturnType<tf.KernelFunc> {
        const outer = inner;
        inner = 0;
        const started = performance.now();
        const result = kernelFunc(call);
        const ms = performance.now() - started;
        const { calls, ms: sum, bytes } = uses.get(kernelName) ?? { calls: 0, ms: 0, bytes: 0 };
        uses.set(kernelName, {
          calls: calls + 1,
          ms: sum + ms - inner,
          bytes: bytes + bytesOf(Object.values(call.inputs)) + bytesOf([result].flat()),
        });
        inner = outer + ms;
        return result;
      },
    });
  }
  return { reset: () => uses.clear(), kernels: () => Object.fromEntries(uses) };
}

function bytesOf(tensors: readonly (tf.TensorInfo | undefined)[]): number {
  return tensors.reduce(
    (sum, tensor) => sum + (tensor ? 4 * tf.util.sizeFromShape(tensor.shape) : 0),
    0,
  );
}
