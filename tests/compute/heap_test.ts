import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { eachDevice, take } from "../_devices.ts";

// Each file of tests has a heap of its own, which the second test breaks.
const GIB = 2 ** 28; // numbers

/** A tensor that nothing is written to, so that no memory is really taken. */
const empty = (numbers: number) => (tf.backend() as BackendWasm).makeOutput([numbers], "float32");

eachDevice("a tensor that cannot be on the heap is refused, and others go on", async () => {
  for (const [numbers, size] of [[2 * GIB, 8192 / 4], [4 * GIB, 4096], [8 * GIB, 8192]] as const) {
    assertThrows(() => empty(numbers), RangeError, `Cannot hold ${size} MiB more on wasm as one`);
  }
  assertEquals([...await take(tf.tidy(() => tf.fill([2], 3).sum()))], [6]);
}, { devices: ["wasm"] });

eachDevice("a full heap is told, and nothing is put on it any more", () => {
  const held = [1.5 * GIB, 1.5 * GIB].map(empty);
  assertThrows(() => empty(1.5 * GIB), RangeError, "current size is 3");
  for (const { dataId } of held) (tf.backend() as BackendWasm).disposeData(dataId);
  assertThrows(() => tf.fill([2], 3), RangeError, "this process must be started again");
  return Promise.resolve();
}, { devices: ["wasm"] });
