import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { openedGpu } from "../../../lib/compute/gpu.ts";
import { runKernel, runKernels } from "../../../lib/compute/kernels.ts";
import { linear, linearReference } from "../../../lib/compute/ops/linear.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame, type Float64Op, type TensorOp } from "../_check_op.ts";

/** Rows, their width, that of each projection, and what is added. */
interface Case {
  readonly rows: number;
  readonly width: number;
  readonly outs: readonly number[];
  readonly biased?: boolean;
  readonly residual?: boolean;
}

/** The operation on `[x, ...weights, ...biases, residual]`, by `compute`. */
function opOf({ outs, biased, residual }: Case, compute = linear): TensorOp {
  return (x, ...rest) =>
    compute(x as tf.Tensor2D, rest.slice(0, outs.length) as tf.Tensor2D[], {
      biases: biased ? rest.slice(outs.length, 2 * outs.length) as tf.Tensor1D[] : [],
      residual: residual ? rest.at(-1) as tf.Tensor2D : undefined,
    });
}

function inputsOf({ rows, width, outs, biased, residual }: Case): tf.Tensor[] {
  const total = outs.reduce((sum, out) => sum + out, 0);
  return [
    wave([rows, width]),
    ...outs.map((out, i) => wave([out, width], i)),
    ...(biased ? outs.map((out, i) => wave([out], 5 + i)) : []),
    ...(residual ? [wave([rows, total], 9)] : []),
  ];
}

/** The definition, in double precision. */
function referenceOf({ rows, width, outs, biased, residual }: Case): Float64Op {
  return (x, ...rest) =>
    Array.from(
      { length: rows },
      (_, row) =>
        outs.flatMap((out, which) =>
          Array.from({ length: out }, (_, column) => {
            let sum = biased ? rest[outs.length + which]![column]! : 0;
            for (let i = 0; i < width; i++) {
              sum += x[row * width + i]! * rest[which]![column * width + i]!;
            }
            return sum;
          })
        ),
    ).flat().map((y, i) => residual ? y + rest.at(-1)![i]! : y);
}

eachDevice("linear() agrees with double precision in value and gradient", async () => {
  const cases: Case[] = [
    { rows: 1, width: 3, outs: [2] },
    { rows: 5, width: 3, outs: [3, 1, 2], biased: true, residual: true },
    { rows: 18, width: 4, outs: [4, 8], biased: true },
    { rows: 3, width: 2, outs: [2, 1, 3, 2], biased: true, residual: true },
  ];
  for (const each of cases) await checkOp(opOf(each), referenceOf(each), inputsOf(each));
});

eachDevice("linear() agrees with its reference beyond one workgroup", async () => {
  const cases: Case[] = [
    { rows: 67, width: 36, outs: [40, 12, 20], biased: true, residual: true },
    { rows: 1100, width: 36, outs: [36, 4], residual: true }, // gradients over many rows
    { rows: 3, width: 1028, outs: [18, 6], biased: true, residual: true },
  ];
  for (const each of cases) {
    await checkSame(opOf(each), opOf(each, linearReference), inputsOf(each), 1e-4);
  }
});

eachDevice("linear() of no rows is no rows, and the gradient of its weights is 0", async () => {
  const each: Case = { rows: 0, width: 3, outs: [2, 4], biased: true, residual: true };
  const inputs = inputsOf(each), dy = tf.zeros([0, 6]);
  const [y, grads] = tf.tidy(() => {
    const op = opOf(each);
    return [op(...inputs), tf.grads(op)(inputs, dy)] as const;
  });
  assertEquals(y.shape, [0, 6]);
  assertEquals((await take(y)).length, 0);
  assertEquals(grads.map(({ shape }) => shape), inputs.map(({ shape }) => shape));
  for (const gradient of grads) {
    assertEquals(await take(gradient), new Float32Array(gradient.size));
  }
  tf.dispose([...inputs, dy]);
});

eachDevice(
  "linear() gives x and the residual their gradient where weights are frozen",
  async () => {
    for (const outs of [[3, 4], [3, 1, 2, 2]]) {
      const each: Case = { rows: 5, width: 3, outs, biased: true, residual: true };
      const [x, ...rest] = inputsOf(each) as [tf.Tensor, ...tf.Tensor[]];
      const residual = rest.pop()!;
      const frozen = rest.map((tensor) => tf.variable(tensor, false));
      const before = tf.engine().backend.numDataIds();
      const gradients = (given: readonly tf.Tensor[]) =>
        tf.tidy(() => {
          const op: TensorOp = (x, residual) => opOf(each)(x!, ...given, residual!);
          return tf.grads(op)([x, residual], wave(residual.shape, 3));
        });
      const [some, all] = [gradients(frozen), gradients(rest)];
      for (const [i, gradient] of some.entries()) {
        assertClose(await take(gradient), await take(all[i]!), 0);
      }
      assertEquals(tf.engine().backend.numDataIds(), before);
      tf.dispose([x, residual, ...rest, ...frozen]);
    }
  },
);

eachDevice("linear() of frozen weights is one launch, and its gradient is one", async () => {
  const [x, dy] = [wave([40, 12]), wave([40, 8])];
  const weight0 = wave([8, 12]);
  const start = openedGpu().launches;
  const [dx] = runKernels("LinearGrad", { dy, x, weight0 }, { frozen: true });
  assertEquals(openedGpu().launches - start, 1);
  tf.dispose([x, dy, weight0, dx!]);
  await Promise.resolve();
}, { devices: ["webgpu"] });

eachDevice("linear() keeps an infinity within its row", async () => {
  const x = tf.tensor2d([[1, 2, 3], [4, 5, Infinity], [6, 7, 8]]);
  const weights = [tf.tensor2d([[1, 0, 1]]), tf.tensor2d([[1, 1, 1], [0, 1, 2]])];
  const y = await take(tf.tidy(() => linear(x, weights)));
  // Row 0: 1 + 3, 1 + 2 + 3, 2 + 2 × 3; row 2: 6 + 8, 6 + 7 + 8, 7 + 2 × 8
  assertEquals([...y.subarray(0, 3), ...y.subarray(6)], [4, 6, 8, 14, 21, 23]);
  assertEquals(y.subarray(3, 6).some(Number.isFinite), false);
  tf.dispose([x, ...weights]);
});

eachDevice("linear() of large numbers is finite where its value is", async () => {
  const x = tf.fill([2, 2], 1e19) as tf.Tensor2D, weight = tf.tensor2d([[1e19, 1e19], [1, 1]]);
  assertClose(await take(tf.tidy(() => linear(x, [weight]))), [2e38, 2e19, 2e38, 2e19], 1e-6);
  tf.dispose([x, weight]);
});

eachDevice("linear() is one launch, and its gradient is two", async () => {
  const each: Case = { rows: 40, width: 12, outs: [8, 4, 12], biased: true, residual: true };
  const [x, weight0, weight1, weight2, bias0, bias1, bias2, residual] = inputsOf(each) as [
    tf.Tensor,
    ...tf.Tensor[],
  ];
  const weights = { weight0, weight1, weight2 } as Record<string, tf.Tensor>;
  const biases = { bias0, bias1, bias2, residual } as Record<string, tf.Tensor>;
  const dy = wave([40, 24]);
  const start = openedGpu().launches;
  const y = runKernel("Linear", { x, ...weights, ...biases });
  const middle = openedGpu().launches;
  const grads = runKernels("LinearGrad", { dy, x, ...weights });
  assertEquals([middle - start, openedGpu().launches - middle], [1, 2]);
  tf.dispose([x, dy, y, weights, biases, grads]);
  await Promise.resolve();
}, { devices: ["webgpu"] });

eachDevice("linear() leaves nothing behind where it joins many weights", async () => {
  const each: Case = { rows: 5, width: 3, outs: [3, 1, 2, 2], biased: true };
  const inputs = inputsOf(each);
  const before = tf.engine().backend.numDataIds();
  const [value, ...grads] = tf.tidy(() => {
    const value = opOf(each)(...inputs);
    return [value, ...tf.grads(opOf(each))(inputs, wave(value.shape))];
  });
  for (const tensor of [value!, ...grads]) await take(tensor);
  assertEquals(tf.engine().backend.numDataIds(), before);
  tf.dispose(inputs);
});
