/**
 * Matrix products of tfjs, made fast: the `BatchMatMul` kernel replaced on each backend.
 *
 * tfjs's `wasm` backend sends a product to its quick kernel (XNNPACK) only when neither operand is
 * transposed and there is one matrix in the batch; anything else, hence every gradient, runs in a
 * naive loop. Here every form is one call of {@linkcode Heap.gemm}. On `webgpu` every form runs in
 * programs that are written for it, see `wgsl/matmul.ts`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { kernelsInUse } from "../kernels.ts";
import {
  FEW_ROWS_COLUMNS,
  fewRows,
  type Form,
  sumOfParts,
  type Tile,
  tiled,
} from "../wgsl/matmul.ts";

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

/** `C = op(A) op(B) + biases + residual`, where op(A) is `[m, k]` and op(B) `[k, n]`. */
export interface GpuProduct {
  readonly a: tf.TensorInfo;
  /** Matrices of one width, which together are B, one below the other. */
  readonly b: readonly tf.TensorInfo[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Products of the same shape, 1 unless given; then B and C are one tensor each. */
  readonly batch?: number;
  /** Numbers from one product's matrix to the next; 0 unless given: one serves the batch. */
  readonly strideA?: number;
  readonly strideB?: number;
  /** Shapes of the matrices of one width that together are C, one below the other. */
  readonly shapes: readonly (readonly number[])[];
  /** One for each matrix of B, which must be transposed; none for no biases. */
  readonly biases?: readonly tf.TensorInfo[];
  /** `[m, n]`. */
  readonly residual?: tf.TensorInfo;
  /** Whether B is read as 16-bit floats, from copies that are kept: see {@linkcode Gpu.halved}. */
  readonly halfB?: boolean;
}

/** 256 invocations, all of 16 KiB: the fewest reads. */
const LARGE: Tile = { size: [128, 128], each: [8, 8], depth: 16 };
/** 64 invocations, 8 KiB. */
const MEDIUM: Tile = { size: [64, 64], each: [8, 8], depth: 16 };
/** 64 invocations, 8 KiB: the most workgroups. */
const SMALL: Tile = { size: [32, 32], each: [4, 4], depth: 32 };
/** Rows of C up to which reading B takes longer than multiplying. */
const FEW_ROWS = 16;
/** Workgroups that keep a GPU busy. */
const BUSY = 64;
/** Inner steps that may be divided, and those that are worth a part. */
const LONG = 1024, PART = 256;

/** How a product is divided among workgroups. */
interface Plan {
  /** Undefined where C has few rows. */
  readonly tile: Tile | undefined;
  /** Rows and columns of C that a workgroup makes. */
  readonly size: Tile["size"];
  /** Pieces of that size in C. */
  readonly tiles: number;
  /** Stretches of the inner dimension, and how long each is. */
  readonly parts: number;
  readonly lengthK: number;
}

function planOf(m: number, n: number, k: number, batch: number): Plan {
  const tilesOf = ([height, width]: Tile["size"]) =>
    batch * Math.ceil(m / height) * Math.ceil(n / width);
  const mostParts = batch === 1 && k >= LONG ? Math.floor(k / PART) : 1;
  const fitting = (): Tile => {
    if (Math.min(m, n) <= SMALL.size[0]) return SMALL;
    if (tilesOf(LARGE.size) >= 4 * BUSY) return LARGE;
    return tilesOf(MEDIUM.size) * mostParts >= BUSY ? MEDIUM : SMALL;
  };
  const tile = m <= FEW_ROWS ? undefined : fitting();
  const size = tile?.size ?? [m <= 4 ? 4 : m <= 8 ? 8 : FEW_ROWS, FEW_ROWS_COLUMNS] as const;
  const tiles = tilesOf(size);
  const wanted = tiles < BUSY ? Math.min(mostParts, Math.ceil(2 * BUSY / tiles)) : 1;
  const lengthK = 32 * Math.ceil(k / wanted / 32);
  return { tile, size, tiles, parts: Math.ceil(k / lengthK) || 1, lengthK }; // 1 also of no steps
}

/** Multiplies on the GPU, in one launch or, where one would leave much of it idle, in two. */
export function multiplyOnGpu(gpu: Gpu, product: GpuProduct): tf.TensorInfo[] {
  const { a, b, transposeA, transposeB, m, n, k, batch = 1, strideA = 0, strideB = 0 } = product;
  const { shapes, biases = [], residual, halfB = false } = product;
  const { tile, size, tiles, parts, lengthK } = planOf(m, n, k, batch);
  const form: Form = {
    transposeA,
    transposeB,
    wideA: (transposeA ? m : k) % 4 === 0,
    wideB: (transposeB ? k : n) % 4 === 0,
    wideC: n % 4 === 0,
    countB: b.length,
    countC: shapes.length,
    biases: biases.length > 0,
    residual: residual !== undefined,
    halfB,
  };
  const ends = rowEnds(b.length > 1 ? b.map(({ shape }) => shape) : shapes);
  const kept = halfB ? b.map((matrix) => gpu.halved(matrix)) : b;
  const multiply = (form: Form, tensors: Readonly<Record<string, tf.TensorInfo>>) =>
    gpu.launch(
      tile ? tiled(form, tile) : fewRows(form, size[0]),
      { a0: a, ...named("b", kept), ...tensors },
      {
        m,
        n,
        k,
        tilesM: Math.ceil(m / size[0]),
        tilesN: Math.ceil(n / size[1]),
        tiles: tiles * parts,
        strideA,
        strideB,
        strideK: parts > 1 ? lengthK : 0,
        lengthK,
        ...ends,
      },
      spread(tiles * parts),
    );
  const c = shapes.map((shape) => gpu.output(shape));
  const finish = {
    ...named("bias", biases),
    ...(residual ? { residual } : {}),
    ...named("c", c),
  };
  if (parts === 1) {
    multiply(form, finish);
    return c;
  }
  const sums = gpu.output([parts, m, n]);
  multiply({ ...form, countC: 1, biases: false, residual: false }, { c0: sums });
  gpu.launch(
    sumOfParts(form),
    { parts: sums, ...finish },
    { m, n, count: parts, ...ends },
    spread(Math.ceil(m * Math.ceil(n / 4) / 64)),
  );
  gpu.backend.disposeData(sums.dataId);
  return c;
}

/** `{ name0, name1, … }`, as programs call their buffers. */
function named<T>(name: string, all: readonly T[]): Record<string, T> {
  return Object.fromEntries(all.map((each, i) => [`${name}${i}`, each]));
}

/** Where each of several matrices that stand below one another ends, but for the last. */
function rowEnds(shapes: readonly (readonly number[])[]): Record<string, number> {
  let end = 0;
  return named("end", shapes.slice(0, -1).map(([rows]) => end += rows!));
}

function gpuMatMul(gpu: Gpu, a: tf.TensorInfo, b: tf.TensorInfo, forms: Forms): tf.TensorInfo {
  const { transposeA, transposeB } = forms;
  const { batch, m, shape, ...rest } = productOf(a, b, transposeA, transposeB);
  // One weight matrix for every row of a batch is one large product.
  const folds = rest.strideB === 0 && !transposeA;
  const [products, rows] = folds ? [1, batch * m] : [batch, m];
  const product = { ...rest, a, b: [b], transposeA, transposeB, batch: products, m: rows };
  return multiplyOnGpu(gpu, { ...product, shapes: [shape] })[0]!;
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
  } else if (device === "webgpu") {
    registerGpuKernel("BatchMatMul", (gpu, inputs, attrs) => {
      const { a, b } = inputs as Record<"a" | "b", tf.TensorInfo>;
      const floats = a.dtype === "float32" && b.dtype === "float32";
      if (kernelsInUse() && floats) return gpuMatMul(gpu, a, b, attrs);
      return plain({ inputs, attrs, backend: tf.backend() });
    });
  }
}
