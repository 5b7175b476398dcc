import type { Gemm, WasmKernels } from "./gemm.ts";

/** What a thread computes with, alone. */
export interface Thread {
  readonly kernels: WasmKernels;
  readonly gemm: Gemm;
  /** Whether a BLAS library multiplies. */
  readonly blas: boolean;
}

/** A part of the work of a kernel, told by numbers alone. */
export type Job = (thread: Thread, ...numbers: number[]) => void;
