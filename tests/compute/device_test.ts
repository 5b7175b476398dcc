import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { DEVICE_NAMES, findAdapter, openDevice } from "../../lib/compute/device.ts";
import { packedSequences } from "../../lib/compute/ops/attention.ts";
import { tokenLogProbs } from "../../lib/compute/ops/token_log_probs.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { forward, initialWeights, outputMatrix } from "../../lib/model/transformer.ts";
import { eachDevice, TINY } from "../_devices.ts";

/** A test that may leave a device open. */
function deviceTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** Runs with an adapter of this description; null for a system that has none. */
async function withAdapter(info: object | null, body: () => Promise<void>): Promise<void> {
  const requestAdapter = () => Promise.resolve(info && { info });
  Object.defineProperty(navigator.gpu, "requestAdapter", {
    value: requestAdapter,
    configurable: true,
  });
  try {
    await body();
  } finally {
    Reflect.deleteProperty(navigator.gpu, "requestAdapter"); // the real one is on the prototype
  }
}

for (const name of DEVICE_NAMES) {
  eachDevice(`openDevice() makes tfjs compute on the device asked for by name`, async () => {
    const device = await openDevice({ prefer: name });
    assertEquals([device.name, tf.getBackend()], [name, name]);
    assert(device.description.startsWith(name), device.description);
  }, { devices: [name] });
}

deviceTest("openDevice() opens webgpu on its own only where the adapter is hardware", async () => {
  const adapter = await findAdapter();
  const device = await openDevice({ prefer: "auto" });
  assertEquals(device.name, adapter && !adapter.software ? "webgpu" : "wasm");
  assertEquals(tf.getBackend(), device.name);
});

deviceTest("openDevice() opens wasm on its own where there is no adapter", async () => {
  await withAdapter(null, async () => {
    assertEquals((await openDevice()).name, "wasm");
    assertEquals(await findAdapter(), undefined);
  });
});

deviceTest("openDevice() fails when webgpu is asked for and there is no adapter", async () => {
  await withAdapter(null, async () => {
    await assertRejects(() => openDevice({ prefer: "webgpu" }), TypeError, "Cannot open webgpu");
  });
});

deviceTest("openDevice() says which library multiplies matrices on wasm", async () => {
  const { description } = await openDevice({ prefer: "wasm", blas: false });
  assertMatch(description, /^wasm without BLAS, \d+ threads?$/);
});

deviceTest("findAdapter() tells software from hardware", async () => {
  for (
    const [info, software] of [
      [{ description: "NVIDIA H100", isFallbackAdapter: false }, false],
      [{ description: "Apple M2", isFallbackAdapter: false }, false],
      [{ description: "llvmpipe (LLVM 15.0.6, 256 bits)", isFallbackAdapter: false }, true],
      [{ description: "SwiftShader Device (Subzero)", isFallbackAdapter: false }, true],
      [{ description: "Microsoft Basic Render Driver", isFallbackAdapter: false }, true],
      [{ description: "anything", isFallbackAdapter: true }, true],
    ] as const
  ) {
    await withAdapter(info, async () => {
      assertEquals(await findAdapter(), { description: info.description, software });
    });
  }
});

/** Every bit of the loss and of all gradients of fresh weights. */
async function lossAndGradients(seed: number): Promise<Uint32Array[]> {
  const config = modelConfig({ ...TINY, vocab_size: 11 });
  const weights = initialWeights(config, seed);
  const [loss, gradients] = tf.tidy(() => {
    const tokens = tf.tensor1d([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], "int32");
    const targets = tf.tensor1d([1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9], "int32");
    const { value, grads } = tf.variableGrads(() => {
      const hidden = forward({ weights, config }, tokens, packedSequences([6, 6]));
      const { logProbs } = tokenLogProbs(hidden, outputMatrix({ weights, config }), targets);
      return tf.neg(tf.mean(logProbs)) as tf.Scalar;
    }, Object.values(weights));
    return [value, Object.values(weights).map(({ name }) => grads[name]!)] as const;
  });
  const tensors = [loss, ...gradients];
  const values = await Promise.all(tensors.map((tensor) => tensor.data<"float32">()));
  tf.dispose([tensors, weights]);
  return values.map((x) => new Uint32Array(x.slice().buffer));
}

eachDevice("openDevice() gives a device that repeats a step bit for bit", async () => {
  const first = await lossAndGradients(1);
  assertEquals(await lossAndGradients(1), first);
  assertNotEquals(await lossAndGradients(2), first); // and the seed does reach the numbers
});

deviceTest(
  "openDevice() computes on one thread alone when asked, and the same each time",
  async () => {
    const { description } = await openDevice({ prefer: "wasm", threads: 1 });
    assertMatch(description, /, 1 thread$/);
    const first = await lossAndGradients(1);
    const others = await openDevice({ prefer: "wasm" });
    const cores = Math.min(16, navigator.hardwareConcurrency);
    assertMatch(others.description, new RegExp(`, ${cores} threads?$`));
    await openDevice({ prefer: "wasm", threads: 1 });
    assertEquals(await lossAndGradients(1), first);
    assertMatch(
      (await openDevice({ prefer: "wasm", threads: 1000 })).description,
      / \d\d? threads?$/,
    );
  },
);

Deno.test("openDevice() takes no number of threads but a whole one >= 1", async () => {
  for (const threads of [0, 1.5, NaN]) {
    await assertRejects(() => openDevice({ threads }), RangeError, `current value is ${threads}`);
  }
});
