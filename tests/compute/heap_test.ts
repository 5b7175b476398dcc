import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { eachDevice, take } from "../_devices.ts";

eachDevice("a tensor for which the heap has no room is refused in words", async () => {
  for (const [rows, size] of [[2 ** 20 - 1, 4096], [2 ** 20, 4096], [2 ** 21, 8192]] as const) {
    assertThrows(
      () => tf.fill([rows, 2 ** 10], 0),
      RangeError,
      `Cannot hold ${size} MiB more as all tensors on wasm must fit into 4096 MiB: current size is `,
    );
  }
  assertEquals([...await take(tf.tidy(() => tf.fill([2], 3).sum()))], [6]);
}, { devices: ["wasm", "wasm with BLAS"] });
