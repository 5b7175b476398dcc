import { assert, assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { openedGpu } from "../../../lib/compute/gpu.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";

const WASM = { devices: ["wasm", "wasm with BLAS"] };
const WEBGPU = { devices: ["webgpu"] };
const FAST = { devices: [...WASM.devices, ...WEBGPU.devices] };
const FORMS = [[false, false], [false, true], [true, false], [true, true]] as const;

/** One side of a product: `batch` matrices of rows × columns, stored transposed when asked. */
function operand(batch: number[], rows: number, columns: number, transposed: boolean): tf.Tensor {
  return wave([...batch, ...(transposed ? [columns, rows] : [rows, columns])], rows);
}

/** Products in double precision, by the definition; a batch of one serves the other's batch. */
async function reference(
  a: tf.Tensor,
  b: tf.Tensor,
  [transposeA, transposeB]: readonly [boolean, boolean],
): Promise<Float64Array> {
  const [x, y] = [await a.data(), await b.data()];
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const n = transposeB ? rowsB : columnsB;
  const [batchA, batchB] = [x.length / (m * k), y.length / (k * n)];
  const out = new Float64Array(Math.max(batchA, batchB) * m * n);
  let at = 0;
  for (let batch = 0; batch < Math.max(batchA, batchB); batch++) {
    const atA = batchA === 1 ? 0 : batch * m * k;
    const atB = batchB === 1 ? 0 : batch * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          sum += x[atA + (transposeA ? l * m + i : i * k + l)]! *
            y[atB + (transposeB ? j * k + l : l * n + j)]!;
        }
        out[at++] = sum;
      }
    }
  }
  return out;
}

/** Checks transpose forms of `[...batchA, m, k] × [...batchB, k, n]`, all four unless given. */
async function checkForms(
  batchA: number[],
  batchB: number[],
  [m, k, n]: readonly [number, number, number],
  forms: readonly (readonly [boolean, boolean])[] = FORMS,
): Promise<void> {
  for (const form of forms) {
    const [a, b] = [operand(batchA, m, k, form[0]), operand(batchB, k, n, form[1])];
    const product = tf.matMul(a, b, ...form);
    const longer = batchA.reduce((x, y) => x * y, 1) > 1 ? batchA : batchB;
    assertEquals(product.shape, [...longer, m, n]);
    const tolerance = k < 1000 ? 1e-5 : 1e-4; // more terms, more rounding
    assertClose(await take(product), await reference(a, b, form), tolerance);
    tf.dispose([a, b]);
  }
}

eachDevice("matMul() agrees with double precision in all four transpose forms", async () => {
  for (
    const sides of [[1, 1, 1], [2, 3, 7], [3, 9, 5], [4, 132, 12], [33, 65, 17]] as const
  ) {
    await checkForms([], [], sides);
  }
}, FAST);

eachDevice("matMul() agrees with double precision whatever its size asks for", async () => {
  const [plain, first, second] = [FORMS[0], FORMS[2], FORMS[1]].map((form) => [form]);
  await checkForms([], [], [7, 12, 8], plain); // few rows
  await checkForms([], [], [16, 12, 8], plain);
  await checkForms([], [], [1, 2, 524_304], plain); // many workgroups
  await checkForms([], [], [36, 40, 52], second); // tiles of 32
  await checkForms([], [], [516, 5, 518], first); // of 64, 9 × 9
  await checkForms([], [], [2050, 8, 2052], second); // of 128, 17 × 17
  await checkForms([], [], [3, 1030, 9], plain); // an inner dimension to be divided
  await checkForms([], [], [34, 1100, 40], first);
}, FAST);

eachDevice("matMul() multiplies each pair of a batch", async () => {
  await checkForms([3], [3], [5, 7, 2]);
  await checkForms([3], [3], [1, 4, 1]);
  await checkForms([2, 3], [2, 3], [3, 2, 5]);
}, FAST);

eachDevice("matMul() lets one matrix serve a batch, on either side", async () => {
  await checkForms([3], [1], [5, 7, 2]);
  await checkForms([1], [3], [5, 7, 2]);
  await checkForms([2, 2], [1, 1], [3, 4, 5]);
}, FAST);

eachDevice(
  "matMul() of matrices without columns is 0, also where memory was used before",
  async () => {
    for (const form of FORMS) {
      tf.fill([2, 3, 4], 5).dispose(); // what the product may get to overwrite
      const [a, b] = [operand([2], 3, 0, form[0]), operand([2], 0, 4, form[1])];
      assertEquals(await take(tf.matMul(a, b, ...form)), new Float32Array(24));
      tf.dispose([a, b]);
    }
  },
  FAST,
);

eachDevice("matMul() reads the values that an operand has now", async () => {
  const x = tf.tensor2d([[1, 2]]);
  const weight = tf.tidy(() => tf.variable(tf.tensor2d([[3], [4]])));
  assertEquals(await take(tf.matMul(x, weight)), new Float32Array([11])); // 1 × 3 + 2 × 4
  const next = tf.tensor2d([[5], [6]]);
  weight.assign(next);
  assertEquals(await take(tf.matMul(x, weight)), new Float32Array([17])); // 1 × 5 + 2 × 6
  tf.dispose([x, weight, next]);
}, FAST);

eachDevice("matMul() finds its operands after the heap has grown and moved", async () => {
  const [a, b] = [wave([5, 7]), wave([7, 3])];
  const expected = await reference(a, b, [false, false]);
  const backend = tf.backend() as BackendWasm;
  const heapSize = () => backend.typedArrayFromHeap(a).buffer.byteLength;
  assertClose(await take(tf.matMul(a, b)), expected, 1e-5);

  const before = heapSize();
  const ballast: tf.Tensor[] = [];
  while (heapSize() === before) ballast.push(tf.zeros([1024, 1024])); // 4 MiB each
  assertClose(await take(tf.matMul(a, b)), expected, 1e-5);

  // And when it is the product itself that makes it grow.
  const full = heapSize();
  const side = Math.ceil(Math.sqrt(full / 4)); // a product as large as all of the heap
  const [column, row] = [wave([side, 1]), wave([1, side], 3)];
  const [c, r] = [await column.data(), await row.data()];
  const product = tf.matMul(column, row);
  assert(heapSize() > full);
  const values = await take(product);
  for (const [i, j] of [[0, 0], [1, side - 1], [side - 1, 1], [side - 1, side - 1]] as const) {
    assertEquals(values[i * side + j], Math.fround(c[i]! * r[j]!));
  }
  assertClose(await take(tf.matMul(a, b)), expected, 1e-5);
  tf.dispose([a, b, column, row, ...ballast]);
}, WASM);

eachDevice("matMul() frees the transposes it makes", async () => {
  const backend = tf.backend() as tf.KernelBackend;
  for (const [m, k, n] of [[3, 4, 5], [1, 4, 1], [40, 1024, 3]] as const) { // a vector needs no transpose
    const [a, b] = [operand([2], m, k, true), operand([2], k, n, true)];
    const before = backend.numDataIds();
    await take(tf.matMul(a, b, true, true));
    assertEquals(backend.numDataIds(), before);
    assertClose(await a.data(), await take(wave([2, k, m], m)), 0); // nor does it change them
    tf.dispose([a, b]);
  }
}, FAST);

eachDevice("matMul() does not take the bits of whole numbers for fractions", async () => {
  const [a, b] = [tf.tensor2d([[1, 2]], [1, 2], "int32"), tf.tensor2d([[3], [4]], [2, 1], "int32")];
  let product: ArrayLike<number>;
  try {
    product = await take(tf.matMul(a, b));
  } catch {
    product = [11]; // a clear refusal, such as tfjs's own, will do
  }
  assertEquals(Array.from(product), [11]); // 1 × 3 + 2 × 4
  tf.dispose([a, b]);
}, FAST);

eachDevice("matMul() rejects shapes that do not agree and names them", async () => {
  const multiply = (a: number[], b: number[], form: readonly [boolean, boolean]) => () =>
    tf.tidy(() => tf.matMul(tf.zeros(a), tf.zeros(b), ...form));
  const [upright, turned] = [[false, false], [true, false]] as const;
  assertThrows(multiply([2, 3], [4, 5], upright), Error, "[2,3] and [4,5]");
  assertThrows(multiply([2, 3], [3, 5], turned), Error, "[2,3] transposed and [3,5]");
  assertThrows(multiply([2, 2, 3], [3, 3, 5], upright), Error, "[2,2,3] and [3,3,5]");
  await Promise.resolve();
}, FAST);

eachDevice("matMul() gives the same bits again", async () => {
  for (const [m, k, n] of [[3, 1500, 70], [70, 1500, 70]] as const) {
    const [a, b] = [operand([], m, k, true), operand([], k, n, false)];
    const [first, again] = [tf.matMul(a, b, true), tf.matMul(a, b, true)];
    assertEquals(await take(first), await take(again));
    tf.dispose([a, b]);
  }
}, FAST);

eachDevice("matMul() keeps an infinity within its row", async () => {
  for (const [m, k, n] of [[3, 3, 5], [3, 4, 8], [20, 3, 35], [20, 4, 36]] as const) {
    const [a, b] = [operand([], m, k, false), operand([], k, n, false)];
    const values = await a.data();
    values[k] = Infinity; // row 1, beside the last number of row 0
    const x = tf.tensor(values, [m, k]);
    const [expected, product] = [await reference(a, b, FORMS[0]), await take(tf.matMul(x, b))];
    assertClose(product.subarray(0, n), expected.subarray(0, n), 1e-5);
    assertClose(product.subarray(2 * n), expected.subarray(2 * n), 1e-5);
    assertEquals(product.subarray(n, 2 * n).some(Number.isFinite), false);
    tf.dispose([a, b, x]);
  }
}, FAST);

/** Programs that the GPU is given for a product of zeros. */
function launches(a: number[], b: number[]): number {
  return tf.tidy(() => {
    const [x, y] = [tf.zeros(a), tf.zeros(b)];
    const before = openedGpu().launches;
    tf.matMul(x, y);
    return openedGpu().launches - before;
  });
}

eachDevice("matMul() is one launch, and two where the inner dimension is divided", async () => {
  assertEquals(launches([40, 100], [100, 40]), 1);
  assertEquals(launches([3, 40, 100], [100, 40]), 1);
  assertEquals(launches([40, 1024], [1024, 40]), 2);
  await Promise.resolve();
}, WEBGPU);
