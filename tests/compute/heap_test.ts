import { assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { eachDevice } from "../_devices.ts";

eachDevice(
  "a tensor for which the heap has no room is refused in words, and others go on",
  async () => {
    assertThrows(
      () => tf.fill([2 ** 29, 2], 0), // 4 GiB
      RangeError,
      "Cannot hold 4096 MiB more as all tensors on wasm must fit into 4096 MiB: current size is ",
    );
    const sum = tf.tidy(() => tf.fill([2], 3).sum());
    assertThrows(() => tf.fill([2 ** 28, 3], 0), RangeError);
    if ((await sum.data())[0] !== 6) throw new Error("the heap is broken");
    sum.dispose();
  },
  { devices: ["wasm", "wasm with BLAS"] },
);
