/**
 * Matrix products on the heap, each on the thread that asks for it.
 *
 * @module
 */
import type { Blas } from "./blas_library.ts";
import type { instantiate } from "./wasm/kernels.d.ts";

/** The functions of `wasm/kernels.wasm`; all operands are byte addresses. */
export type WasmKernels = Awaited<ReturnType<typeof instantiate>>;

/**
 * C = alpha op(A) op(B) + beta C, row-major float32. `m`, `n` and `k` are those of op(A) `[m, k]` and
 * op(B) `[k, n]`; addresses are in bytes, leading dimensions in numbers. With beta 0, what C held
 * before does not matter.
 */
export type Gemm = (
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
) => void;

/** Room that {@linkcode ownGemm} packs panels in, in bytes: at least `gemmScratch` of any size. */
export const PACKING_BYTES = 2 ** 20;

/** Products by our own kernel, which packs panels at address `packing`. */
export function ownGemm(kernels: WasmKernels, packing: number): Gemm {
  return (tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) =>
    kernels.gemm(+tA, +tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, packing);
}

const ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112; // enum values of cblas.h

/** Products by a BLAS library; without an inner dimension, where libraries differ, by `own`. */
export function blasGemm({ sgemm }: Blas, memory: WebAssembly.Memory, own: Gemm): Gemm {
  // Shared memory is reserved whole, so it does not move when it grows.
  const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  return (transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    if (k === 0) return own(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    sgemm(
      ROW_MAJOR,
      transposeA ? TRANSPOSE : NO_TRANSPOSE,
      transposeB ? TRANSPOSE : NO_TRANSPOSE,
      m,
      n,
      k,
      alpha,
      base + BigInt(a),
      lda,
      base + BigInt(b),
      ldb,
      beta,
      base + BigInt(c),
      ldc,
    );
  };
}
