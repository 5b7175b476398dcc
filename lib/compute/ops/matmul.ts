/**
 * Matrix products of tfjs, made fast: the `BatchMatMul` kernel replaced on each backend.
 *
 * tfjs's `wasm` backend sends a product to its quick kernel (XNNPACK) only when neither operand is
 * transposed and there is one matrix in the batch; anything else, hence every gradient, runs in a
 * naive loop. Here every form is one call of {@linkcode Heap.gemm}.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { kernelsInUse } from "../kernels.ts";

/** The shape of `a × b` and of each operand, checked as tfjs checks them. */
interface Product {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Elements from one matrix of the batch to the next; 0 when one matrix serves the whole batch. */
  readonly strideA: number;
  readonly strideB: number;
  readonly shape: number[];
}

function productOf(a: tf.TensorInfo, b: tf.TensorInfo, tA: boolean, tB: boolean): Product {
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw new TypeError(
      `Cannot multiply matrices as both must be float32: current types are ${a.dtype} and ${b.dtype}`,
    );
  }
  const [m, kA] = tA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
  const [kB, n] = tB ? [b.shape.at(-1)!, b.shape.at(-2)!] : [b.shape.at(-2)!, b.shape.at(-1)!];
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batchA = tf.util.sizeFromShape(outerA);
  const batchB = tf.util.sizeFromShape(outerB);
  const sameBatch = outerA.join() === outerB.join() || batchA === 1 || batchB === 1;
  if (kA !== kB || !sameBatch) {
    throw new TypeError(
      `Cannot multiply matrices as their shapes must agree: current shapes are [${a.shape}]` +
        `${tA ? " transposed" : ""} and [${b.shape}]${tB ? " transposed" : ""}`,
    );
  }
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  return {
    batch: Math.max(batchA, batchB),
    m,
    n,
    k: kA,
    strideA: batchA === 1 ? 0 : m * kA,
    strideB: batchB === 1 ? 0 : n * kA,
    shape: [...outer, m, n],
  };
}

interface Forms {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function wasmMatMul(heap: Heap, a: tf.TensorInfo, b: tf.TensorInfo, forms: Forms): tf.TensorInfo {
  const { transposeA, transposeB } = forms;
  const { batch, m, n, k, strideA, strideB, shape } = productOf(a, b, transposeA, transposeB);
  const out = heap.output(shape);
  // One weight matrix for every row of a batch is one large product.
  const folds = strideB === 0 && !transposeA;
  const [products, rows] = folds ? [1, batch * m] : [batch, m];
  const [atA, atB, atC] = [a, b, out].map((x) => heap.at(x)) as [number, number, number];
  if (k === 0) heap.floats(out).fill(0); // a BLAS may leave C as it found it
  else {
    for (let i = 0; i < products; i++) {
      heap.gemm(
        transposeA,
        transposeB,
        rows,
        n,
        k,
        1,
        atA + 4 * i * strideA,
        transposeA ? rows : k,
        atB + 4 * i * strideB,
        transposeB ? k : n,
        0,
        atC + 4 * i * m * n,
        n,
      );
    }
  }
  return out;
}

const replaced = new Set<string>();

/** Replaces the `BatchMatMul` kernel of the current backend, once; plain tfjs keeps its own. */
export function installMatMul(): void {
  const device = tf.getBackend();
  if (replaced.has(device)) return;
  replaced.add(device);
  const plain = tf.getKernel("BatchMatMul", device).kernelFunc;
  if (device === "wasm") {
    registerWasmKernel("BatchMatMul", (heap, inputs, attrs) => {
      if (kernelsInUse()) return wasmMatMul(heap, inputs.a!, inputs.b!, attrs);
      return plain({ inputs, attrs, backend: tf.backend() });
    });
  }
}
