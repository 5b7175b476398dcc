import { assert, assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { findBlas } from "../../lib/compute/blas.ts";
import { openDevice } from "../../lib/compute/device.ts";
import { assertClose, eachDevice, take, wave } from "../_devices.ts";

const WASM = { devices: ["wasm", "wasm with BLAS"] };
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
): Promise<number[]> {
  const [x, y] = [await a.data(), await b.data()];
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const n = transposeB ? rowsB : columnsB;
  const [batchA, batchB] = [x.length / (m * k), y.length / (k * n)];
  const out: number[] = [];
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
        out.push(sum);
      }
    }
  }
  return out;
}

/** Checks all four transpose forms of `[...batchA, m, k] × [...batchB, k, n]`. */
async function checkForms(
  batchA: number[],
  batchB: number[],
  [m, k, n]: readonly [number, number, number],
): Promise<void> {
  for (const form of FORMS) {
    const [a, b] = [operand(batchA, m, k, form[0]), operand(batchB, k, n, form[1])];
    const product = tf.matMul(a, b, ...form);
    const longer = batchA.reduce((x, y) => x * y, 1) > 1 ? batchA : batchB;
    assertEquals(product.shape, [...longer, m, n]);
    assertClose(await take(product), await reference(a, b, form), 1e-5);
    tf.dispose([a, b]);
  }
}

eachDevice("matMul() agrees with double precision in all four transpose forms", async () => {
  for (
    const sides of [[1, 1, 1], [2, 3, 4], [7, 5, 3], [1, 9, 4], [5, 1, 6], [33, 65, 17]] as const
  ) {
    await checkForms([], [], sides);
  }
}, WASM);

eachDevice("matMul() multiplies each pair of a batch", async () => {
  await checkForms([3], [3], [5, 7, 2]);
  await checkForms([3], [3], [1, 4, 1]);
  await checkForms([2, 3], [2, 3], [3, 2, 5]);
}, WASM);

eachDevice("matMul() lets one matrix serve a batch, on either side", async () => {
  await checkForms([3], [1], [5, 7, 2]);
  await checkForms([1], [3], [5, 7, 2]);
  await checkForms([2, 2], [1, 1], [3, 4, 5]);
}, WASM);

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
  WASM,
);

eachDevice("matMul() reads the values that an operand has now", async () => {
  const x = tf.tensor2d([[1, 2]]);
  const weight = tf.tidy(() => tf.variable(tf.tensor2d([[3], [4]])));
  assertEquals(await take(tf.matMul(x, weight)), new Float32Array([11])); // 1 × 3 + 2 × 4
  const next = tf.tensor2d([[5], [6]]);
  weight.assign(next);
  assertEquals(await take(tf.matMul(x, weight)), new Float32Array([17])); // 1 × 5 + 2 × 6
  tf.dispose([x, weight, next]);
}, WASM);

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
  const backend = tf.backend() as BackendWasm;
  for (const [m, k, n] of [[3, 4, 5], [1, 4, 1]] as const) { // a vector needs no transpose
    const [a, b] = [operand([2], m, k, true), operand([2], k, n, true)];
    const before = backend.numDataIds();
    await take(tf.matMul(a, b, true, true));
    assertEquals(backend.numDataIds(), before);
    assertClose(await a.data(), await take(wave([2, k, m], m)), 0); // nor does it change them
    tf.dispose([a, b]);
  }
}, WASM);

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
}, WASM);

eachDevice("matMul() rejects shapes that do not agree and names them", async () => {
  const multiply = (a: number[], b: number[], form: readonly [boolean, boolean]) => () =>
    tf.tidy(() => tf.matMul(tf.zeros(a), tf.zeros(b), ...form));
  const [upright, turned] = [[false, false], [true, false]] as const;
  assertThrows(multiply([2, 3], [4, 5], upright), Error, "[2,3] and [4,5]");
  assertThrows(multiply([2, 3], [3, 5], turned), Error, "[2,3] transposed and [3,5]");
  assertThrows(multiply([2, 2, 3], [3, 3, 5], upright), Error, "[2,2,3] and [3,3,5]");
  await Promise.resolve();
}, WASM);

Deno.test({
  name: "findBlas() finds nothing where libraries may not be opened, and wasm does without",
  permissions: { ffi: false },
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(): Promise<void> {
    assertEquals(findBlas(), undefined);
    const device = await openDevice({ prefer: "wasm" });
    assertEquals(device, { name: "wasm", description: "wasm without BLAS" });
    assertEquals(await take(tf.matMul([[1, 2]], [[3], [4]])), new Float32Array([11]));
  },
});
