/**
 * Matrix products of tfjs's `wasm` backend, made fast.
 *
 * tfjs sends a product to its quick kernel (XNNPACK) only when neither operand is transposed and
 * there is one matrix in the batch; anything else, hence every gradient and all attention, runs in
 * a naive loop. Here the `BatchMatMul` kernel is replaced: by `cblas_sgemm` of a BLAS library
 * called on the backend's own heap, without a copy, where one is found; otherwise by explicit
 * transposes and XNNPACK, one matrix at a time.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";

/** A BLAS library found on this machine. */
export interface Blas {
  /** For instance `OpenBLAS 0.3.21`. */
  readonly name: string;
  /** Threads it uses; undefined when the library does not tell. */
  readonly threads?: number;
  /** The library's own function; all matrices row-major, float32, given by address. */
  readonly sgemm: Sgemm;
}

/** `cblas_sgemm`: C = alpha op(A) op(B) + beta C. */
export type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: bigint,
  lda: number,
  b: bigint,
  ldb: number,
  beta: number,
  c: bigint,
  ldc: number,
) => void;

const ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112; // enum values of cblas.h

const SGEMM = {
  // deno-fmt-ignore
  parameters: [
    "i32", "i32", "i32", "i32", "i32", "i32", "f32",
    "u64", "i32", "u64", "i32", "f32", "u64", "i32",
  ],
  result: "void",
} as const;

/** Where each system keeps a BLAS, by the name its loader knows. */
const LIBRARIES: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  linux: ["libopenblas.so.0", "libopenblas.so"],
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"],
};

/**
 * Looks for OpenBLAS (Linux) or Accelerate (macOS).
 *
 * @returns The library, or undefined when none can be loaded.
 */
export function findBlas(): Blas | undefined {
  for (const path of LIBRARIES[Deno.build.os] ?? []) {
    let sgemm: Sgemm;
    try {
      sgemm = Deno.dlopen(path, { cblas_sgemm: SGEMM }).symbols.cblas_sgemm as Sgemm;
    } catch {
      continue; // not installed under this name
    }
    return { ...describe(path), sgemm };
  }
  return undefined;
}

/** The library's name, version and thread count, as far as it tells. */
function describe(path: string): { name: string; threads?: number } {
  if (Deno.build.os === "darwin") return { name: "Accelerate" };
  try {
    const { symbols } = Deno.dlopen(path, {
      openblas_get_config: { parameters: [], result: "pointer" },
      openblas_get_num_threads: { parameters: [], result: "i32" },
    });
    const config = symbols.openblas_get_config();
    const text = config === null ? "OpenBLAS" : new Deno.UnsafePointerView(config).getCString();
    return {
      name: text.split(" ").slice(0, 2).join(" "),
      threads: symbols.openblas_get_num_threads(),
    };
  } catch {
    return { name: path };
  }
}

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

interface KernelCall {
  readonly inputs: { readonly a: tf.TensorInfo; readonly b: tf.TensorInfo };
  readonly backend: BackendWasm;
  readonly attrs: { readonly transposeA: boolean; readonly transposeB: boolean };
}

/** Fills a tensor on the heap with 0. */
function zeros(out: tf.TensorInfo, backend: BackendWasm): tf.TensorInfo {
  backend.typedArrayFromHeap(out).fill(0);
  return out;
}

/** A `BatchMatMul` kernel that calls `sgemm` on the wasm heap. */
function blasKernel(sgemm: Sgemm): (call: KernelCall) => tf.TensorInfo {
  return ({ inputs: { a, b }, backend, attrs: { transposeA, transposeB } }) => {
    const { batch, m, n, k, strideA, strideB, shape } = productOf(a, b, transposeA, transposeB);
    const out = backend.makeOutput(shape, "float32");
    if (k === 0) return zeros(out, backend); // sgemm leaves C as it found it
    // The heap moves when it grows: its address holds for this call only, after makeOutput.
    const bytes = new Uint8Array(backend.typedArrayFromHeap(out).buffer as ArrayBuffer);
    const heap = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
    const [atA, atB, atC] = [a, b, out].map((x) =>
      heap + BigInt(backend.getMemoryOffset(x.dataId))
    );
    const [lda, ldb] = [transposeA ? m : k, transposeB ? k : n];
    const [flagA, flagB] = [transposeA, transposeB].map((t) => t ? TRANSPOSE : NO_TRANSPOSE);
    // One weight matrix for every row of a batch is one large product.
    const folds = strideB === 0 && !transposeA;
    const [products, rows] = folds ? [1, batch * m] : [batch, m];
    for (let i = 0; i < products; i++) {
      sgemm(
        ROW_MAJOR,
        flagA!,
        flagB!,
        rows,
        n,
        k,
        1,
        atA! + BigInt(4 * i * strideA),
        lda,
        atB! + BigInt(4 * i * strideB),
        ldb,
        0,
        atC! + BigInt(4 * i * m * n),
        n,
      );
    }
    return out;
  };
}

/** A `BatchMatMul` kernel that gives tfjs's quick path only what it takes. */
function xnnpackKernel(backend: BackendWasm): (call: KernelCall) => tf.TensorInfo {
  const [number, array] = ["number", "array"]; // types of emscripten's calls
  // The module's type leaves out cwrap, which tfjs's own kernels call the same way.
  const { cwrap } = backend.wasm as unknown as {
    cwrap: (name: string, result: null, args: string[]) => (...args: unknown[]) => void;
  };
  const signature = [number, array, number, number, array, number, number, number, number];
  const multiply = cwrap("BatchMatMul", null, signature as string[]);
  const { registerTensor, disposeData } = backend.wasm.tfjs;
  const transpose = tf.getKernel("Transpose", "wasm").kernelFunc;
  // Ids for windows into the heap, far from those the backend counts up from 1.
  const [idA, idB, idC] = [2 ** 30, 2 ** 30 + 1, 2 ** 30 + 2];
  const shapeBytes = (...shape: number[]) => new Uint8Array(new Int32Array(shape).buffer);

  return ({ inputs, backend, attrs: { transposeA, transposeB } }) => {
    const { batch, m, n, k, strideA, strideB, shape } = productOf(
      inputs.a,
      inputs.b,
      transposeA,
      transposeB,
    );
    const upright = (x: tf.TensorInfo, transposed: boolean): tf.TensorInfo => {
      if (!transposed) return x;
      const axes = x.shape.map((_, axis) => axis);
      const perm = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
      return transpose({ inputs: { x }, backend, attrs: { perm } }) as tf.TensorInfo;
    };
    const out = backend.makeOutput(shape, "float32");
    if (k === 0) return zeros(out, backend); // XNNPACK refuses, and leaves what was there
    const [a, b] = [upright(inputs.a, transposeA), upright(inputs.b, transposeB)];
    const [atA, atB, atC] = [a, b, out].map((x) => backend.getMemoryOffset(x.dataId));
    const folds = strideB === 0 && !transposeA;
    const [products, rows] = folds ? [1, batch * m] : [batch, m];
    for (let i = 0; i < products; i++) {
      registerTensor(idA, rows * k, atA! + 4 * i * strideA);
      registerTensor(idB, k * n, atB! + 4 * i * strideB);
      registerTensor(idC, rows * n, atC! + 4 * i * m * n);
      multiply(
        idA,
        shapeBytes(1, rows, k),
        3,
        idB,
        shapeBytes(1, k, n),
        3,
        false,
        false,
        idC,
      );
      for (const id of [idA, idB, idC]) disposeData(id); // forgets the window, frees nothing
    }
    if (transposeA) backend.disposeData(a.dataId);
    if (transposeB) backend.disposeData(b.dataId);
    return out;
  };
}

/**
 * Replaces the `BatchMatMul` kernel of the `wasm` backend, which must be the current one.
 *
 * @param blas The library to call; undefined for XNNPACK.
 */
export function installMatMul(blas: Blas | undefined): void {
  const kernel = blas ? blasKernel(blas.sgemm) : xnnpackKernel(tf.backend() as BackendWasm);
  tf.unregisterKernel("BatchMatMul", "wasm");
  tf.registerKernel({
    kernelName: "BatchMatMul",
    backendName: "wasm",
    kernelFunc: kernel as unknown as tf.KernelFunc,
  });
}
