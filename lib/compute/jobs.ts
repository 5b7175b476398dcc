/**
 * Parts of kernels that are more than one call of a function of `wasm/kernels.wasm`: what a thread
 * is asked for by name.
 *
 * @module
 */
import type { Job } from "./threads.ts";

/** A product; the first two numbers tell which operands are transposed, the rest as in `Gemm`. */
const product: Job = ({ gemm }, transposeA, transposeB, ...rest) =>
  gemm(
    !!transposeA,
    !!transposeB,
    ...rest as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ],
  );

/** Every job of this kind. */
export const JOBS = { product };
