/**
 * Parts of kernels that are more than one call of a function of `wasm/kernels.wasm`: what a thread
 * is asked for by name.
 *
 * @module
 */
import type { Gemm } from "./gemm.ts";
import { attend, attendGrad } from "./ops/attention_job.ts";
import type { Job } from "./thread.ts";

/** What `Gemm` takes beside the two forms. */
type Numbers = Parameters<Gemm> extends [boolean, boolean, ...infer Rest] ? Rest : never;

/** A product; the first two numbers tell which operands are transposed, the rest as in `Gemm`. */
const product: Job = ({ gemm }, transposeA, transposeB, ...rest) =>
  gemm(!!transposeA, !!transposeB, ...rest as Numbers);

/** Every job of this kind. */
export const JOBS = { product, attend, attendGrad };
