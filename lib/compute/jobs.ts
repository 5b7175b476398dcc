/**
 * Parts of kernels that are more than one call of a function of `wasm/kernels.wasm`: what a thread
 * is asked for by name.
 *
 * @module
 */
import type { Gemm, WasmKernels } from "./gemm.ts";
import { attend, attendGrad } from "./ops/attention_job.ts";

/** What a thread computes with, alone. */
export interface Thread {
  readonly kernels: WasmKernels;
  readonly gemm: Gemm;
  /** Whether a BLAS library multiplies. */
  readonly blas: boolean;
}

/** A part of the work of a kernel, told by numbers alone. */
export type Job = (thread: Thread, ...numbers: number[]) => void;

/** What `Gemm` takes beside the two forms. */
type Numbers = Parameters<Gemm> extends [boolean, boolean, ...infer Rest] ? Rest : never;

/** A product; the first two numbers tell which operands are transposed, the rest as in `Gemm`. */
const product: Job = ({ gemm }, transposeA, transposeB, ...rest) =>
  gemm(!!transposeA, !!transposeB, ...rest as Numbers);

/** Every job of this kind. */
export const JOBS = { product, attend, attendGrad };
