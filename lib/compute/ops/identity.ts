import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { kernelsInUse } from "../kernels.ts";

let installed = false;

/**
 * Replaces the `Identity` kernel of the `wasm` backend, once: tfjs's copies the numbers, and the
 * gradient tape clones every tensor that it saves. Here a clone shares them, as on other backends.
 */
export function installIdentity(): void {
  if (installed) return;
  installed = true;
  const { kernelFunc: plain } = tf.getKernel("Identity", "wasm");
  tf.unregisterKernel("Identity", "wasm");
  tf.registerKernel({
    kernelName: "Identity",
    backendName: "wasm",
    kernelFunc: (call) => {
      if (!kernelsInUse()) return plain(call);
      const { dataId, shape, dtype } = call.inputs.x!;
      (call.backend as BackendWasm).incRef(dataId);
      return { dataId, shape, dtype };
    },
  });
}
