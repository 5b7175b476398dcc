/**
 * The heap of tfjs's `wasm` backend, with kernels of our own on it.
 *
 * The backend's memory is captured while it starts and given to a second WebAssembly module, built
 * from `wasm/` by `deno task build:kernels`. Tensors are passed by their byte address: no copies.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { Blas } from "./blas.ts";
import type { Attributes } from "./kernels.ts";
import type { instantiate } from "./wasm/kernels.d.ts";

/** The functions of `wasm/kernels.wasm`; all operands are byte addresses. */
export type WasmKernels = Awaited<ReturnType<typeof instantiate>>;

/** The heap and what runs on it. */
export interface Heap {
  readonly kernels: WasmKernels;
  /** Byte address of a tensor's first number. Heap addresses stay valid when the heap grows. */
  at(tensor: tf.TensorInfo): number;
  /** A new tensor; its numbers are whatever the heap held. */
  output(shape: readonly number[], dtype?: "float32" | "int32"): tf.TensorInfo;
  /** A tensor's numbers, as a view that is valid until the heap grows. */
  floats(tensor: tf.TensorInfo): Float32Array;
  /** An int32 tensor's numbers, as a view that is valid until the heap grows. */
  integers(tensor: tf.TensorInfo): Int32Array;
  /**
   * Byte address of room for `bytes`, valid until the next call: a kernel asks once and divides
   * what it got.
   */
  scratch(bytes: number): number;
  /**
   * C = alpha op(A) op(B) + beta C, row-major float32, by BLAS where there is one. `m`, `n` and `k`
   * are those of op(A) `[m, k]` and op(B) `[k, n]`; addresses in bytes, leading dimensions in
   * numbers. With beta 0, what C held before does not matter.
   */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    beta: number,
    c: number,
    ldc: number,
  ): void;
  /** The same by `wasm/gemm.ts`, without BLAS. */
  readonly ownGemm: Heap["gemm"];
}

let heap: Heap | undefined;
let memory: WebAssembly.Memory | undefined;

/** Runs `start`, which starts the backend, and keeps the memory that its module exports. */
export async function capturingMemory(start: () => Promise<void>): Promise<void> {
  const { instantiate } = WebAssembly;
  // deno-lint-ignore no-explicit-any -- both of its overloads pass through
  WebAssembly.instantiate = (async (...call: any) => {
    const started = await (instantiate as (...call: unknown[]) => Promise<unknown>)(...call);
    const { exports } = (started as WebAssembly.WebAssemblyInstantiatedSource).instance;
    memory = Object.values(exports).find((each) => each instanceof WebAssembly.Memory);
    return started;
  }) as typeof instantiate;
  try {
    await start();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

/**
 * Puts our kernels on the heap of the running backend, or only changes what multiplies.
 *
 * @param blas Takes the matrix products; undefined for our own.
 */
export async function openHeap(backend: BackendWasm, blas: Blas | undefined): Promise<void> {
  heap ??= await loadHeap(backend, memory!);
  heap = { ...heap, gemm: blas ? blasGemm(blas, memory!) : heap.ownGemm };
}

async function loadHeap(backend: BackendWasm, memory: WebAssembly.Memory): Promise<Heap> {
  const bytes = await (await fetch(new URL("./wasm/kernels.wasm", import.meta.url))).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const kernels = instance.exports as unknown as WasmKernels;
  // The module's type leaves these out; tfjs's own kernels use them the same way.
  const { _malloc, _free } = backend.wasm as unknown as {
    _malloc: (bytes: number) => number;
    _free: (address: number) => void;
  };
  const room = () => {
    let [address, size] = [0, 0];
    return (bytes: number): number => {
      if (bytes > size) {
        if (address) _free(address);
        [address, size] = [_malloc(bytes) >>> 0, bytes]; // signed where it is above 2 GiB
      }
      return address;
    };
  };
  const packing = room(); // a product may run while its caller uses its own scratch
  const own: Heap["gemm"] = (tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    const scratch = packing(kernels.gemmScratch(m, n, k));
    kernels.gemm(+tA, +tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, scratch);
  };
  return {
    kernels,
    at: ({ dataId }) => backend.getMemoryOffset(dataId),
    output: (shape, dtype = "float32") => backend.makeOutput([...shape], dtype),
    floats: (tensor) => backend.typedArrayFromHeap(tensor) as Float32Array,
    integers: (tensor) => backend.typedArrayFromHeap(tensor) as Int32Array,
    scratch: room(),
    gemm: own,
    ownGemm: own,
  };
}

const ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112; // enum values of cblas.h

/** Products of a BLAS library on the heap, which moves when it grows. */
function blasGemm({ sgemm }: Blas, memory: WebAssembly.Memory): Heap["gemm"] {
  let [buffer, base] = [undefined as ArrayBuffer | undefined, 0];
  return (transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    if (memory.buffer !== buffer) {
      buffer = memory.buffer as ArrayBuffer;
      base = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer))));
    }
    sgemm(
      ROW_MAJOR,
      transposeA ? TRANSPOSE : NO_TRANSPOSE,
      transposeB ? TRANSPOSE : NO_TRANSPOSE,
      m,
      n,
      k,
      alpha,
      base + a,
      lda,
      base + b,
      ldb,
      beta,
      base + c,
      ldc,
    );
  };
}

/** A kernel on the heap. */
export type WasmKernel = (
  heap: Heap,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  // deno-lint-ignore no-explicit-any -- as in tfjs, each kernel knows its own
  attributes: any,
) => tf.TensorInfo | tf.TensorInfo[];

/** Registers a kernel of the `wasm` backend, replacing one of the same name. */
export function registerWasmKernel(kernelName: string, kernel: WasmKernel): void {
  if (tf.getKernel(kernelName, "wasm")) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }) =>
      kernel(heap!, inputs as Record<string, tf.TensorInfo>, attrs as Attributes),
  });
}
