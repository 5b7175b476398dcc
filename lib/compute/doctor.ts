/**
 * What this machine offers, and what is missing.
 *
 * @module
 */
import { findBlas } from "./blas_library.ts";
import { findAdapter } from "./device.ts";

/** One thing that was looked for. */
export interface Finding {
  /** For instance `WebGPU adapter`. */
  readonly what: string;
  readonly found: boolean;
  /** What was found, or that nothing was. */
  readonly value: string;
  /** What it is good for. */
  readonly gain: string;
  /** How to get it; absent when it was found. */
  readonly remedy?: string;
}

/** The oldest Deno on which tfjs's WebGPU backend starts. */
const OLDEST_DENO = [2, 9];

/** How to install OpenBLAS, or why it is not needed. */
const BLAS_REMEDY: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "install OpenBLAS: apt install libopenblas0-pthread, dnf install openblas-threads",
  darwin: "Accelerate comes with macOS; check that --allow-ffi is given",
};

const ADAPTER_REMEDY =
  "install the GPU's Vulkan driver (in a container: NVIDIA_DRIVER_CAPABILITIES must include graphics); " +
  "for a software adapter, which is slow and only good for checks: apt install mesa-vulkan-drivers";

/** Looks for everything that makes a difference; changes nothing. */
export async function examine(): Promise<Finding[]> {
  const [major, minor] = Deno.version.deno.split(".").map(Number) as [number, number];
  const denoFits = major > OLDEST_DENO[0]! ||
    (major === OLDEST_DENO[0] && minor >= OLDEST_DENO[1]!);
  const adapter = await findAdapter();
  const blas = findBlas();
  const finding = (
    what: string,
    found: boolean,
    value: string,
    gain: string,
    remedy: string,
  ): Finding => ({ what, found, value, gain, ...(found ? {} : { remedy }) });
  return [
    finding(
      "Deno",
      denoFits,
      Deno.version.deno,
      "runs everything",
      `Deno ${OLDEST_DENO.join(".")} or newer is needed: npm install --global deno`,
    ),
    finding(
      "WebGPU adapter",
      adapter !== undefined && !adapter.software,
      adapter ? `${adapter.description}${adapter.software ? " (software)" : ""}` : "none",
      "device webgpu: tensors live on the GPU; `deno task bench` shows what that is worth",
      ADAPTER_REMEDY,
    ),
    finding(
      "BLAS library",
      blas !== undefined,
      blas?.details ?? "none", // with the kind of processor it computes for, which counts most
      "device wasm: matrix products at two to four times the speed of our own kernel",
      BLAS_REMEDY[Deno.build.os] ?? "none is known for this system",
    ),
  ];
}
