/**
 * Which device runs the tensors.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { openedGpu, openGpu } from "./gpu.ts";
import { openHeap, sharingMemory } from "./heap.ts";
import { useKernels } from "./kernels.ts";
import { installIdentity } from "./ops/identity.ts";
import { installMatMul } from "./ops/matmul.ts";

/** The backends of tfjs that this toolkit uses. */
export type DeviceName = "webgpu" | "wasm" | "cpu";

/** Every device, in the order of preference. */
export const DEVICE_NAMES: readonly DeviceName[] = ["webgpu", "wasm", "cpu"];

/** The device that runs the tensors from now on. */
export interface Device {
  readonly name: DeviceName;
  /** What stands behind it, for people: adapter, BLAS and threads. */
  readonly description: string;
}

/** A WebGPU adapter, as Deno describes it. */
export interface Adapter {
  readonly description: string;
  /** Whether a processor imitates it, many times slower than tfjs's `wasm`. */
  readonly software: boolean;
}

/** Looks for a WebGPU adapter; undefined when the system offers none. */
export async function findAdapter(): Promise<Adapter | undefined> {
  // Mesa, which is asked first on Linux, complains on stderr when this names no folder.
  if (Deno.build.os === "linux" && !Deno.env.get("XDG_RUNTIME_DIR")) {
    Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  }
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return undefined;
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const text = description || [vendor, architecture, device].filter(Boolean).join(" ");
  return {
    description: text || "unnamed adapter",
    software: isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render/i.test(text),
  };
}

/** What {@linkcode openDevice} may choose from. */
export interface DeviceOptions {
  /** `auto`: `webgpu` when a hardware adapter is there, else `wasm`, else `cpu`. */
  readonly prefer?: DeviceName | "auto";
  /** Whether `wasm` may use a BLAS library of this machine. */
  readonly blas?: boolean;
  /**
   * Threads that `wasm` uses at most, a whole number >= 1; one for each core, up to 16, unless given.
   * Sums that are divided among threads are rounded differently: with 1, results do not depend on
   * how many cores a machine has.
   */
  readonly threads?: number;
  /**
   * Whether `webgpu` reads the weights of projections, and keeps keys and values, as 16-bit floats:
   * half of what decoding reads. The weights that are trained and saved, and all sums, stay float32.
   * Other devices, and `plain`, compute as without.
   */
  readonly half?: boolean;
  /** Whether tfjs computes as it comes, without a kernel of ours: slow, for comparison. */
  readonly plain?: boolean;
}

/**
 * Starts a device and makes it the one that tfjs computes on.
 *
 * A device asked for by name is opened or the call fails; a software WebGPU adapter is used only
 * then.
 *
 * @throws {TypeError} When the device asked for cannot be started; the message says why.
 * @throws {RangeError} When `threads` is not a whole number >= 1.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { prefer = "auto", blas = true, plain = false, threads = Infinity } = options;
  if (threads !== Infinity && !(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(
      `Cannot open a device as threads must be a whole number >= 1: current value is ${threads}`,
    );
  }
  const half = !plain && (options.half ?? false);
  useKernels(!plain);
  if (prefer === "webgpu") return await openWebGpu(half);
  if (prefer === "wasm") return await openWasm(blas, threads);
  if (prefer === "cpu") return await openCpu();
  const adapter = await findAdapter();
  if (adapter && !adapter.software) return await openWebGpu(half);
  try {
    return await openWasm(blas, threads);
  } catch {
    return await openCpu();
  }
}

async function openWebGpu(half: boolean): Promise<Device> {
  const adapter = await findAdapter();
  if (!adapter) {
    throw new TypeError(
      "Cannot open webgpu as a Vulkan, Metal or Direct3D 12 adapter is needed: current value is none",
    );
  }
  await openGpu();
  openedGpu().half = half;
  await start("webgpu");
  installMatMul();
  const kind = adapter.software ? " (software)" : "";
  const storage = half ? ", 16-bit weights and cache" : "";
  return { name: "webgpu", description: `webgpu on ${adapter.description}${kind}${storage}` };
}

async function openWasm(wantBlas: boolean, most: number): Promise<Device> {
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  const entry = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(fileURLToPath(new URL("./", entry)));
  await sharingMemory(() => start("wasm"));
  const { blas, threads } = await openHeap(tf.backend() as BackendWasm, wantBlas, most);
  installMatMul();
  installIdentity();
  const cores = `${threads} thread${threads === 1 ? "" : "s"}`;
  return {
    name: "wasm",
    description: `wasm with${blas ? ` ${blas.name}` : "out BLAS"}, ${cores}`,
  };
}

async function openCpu(): Promise<Device> {
  await start("cpu");
  return { name: "cpu", description: "cpu (plain JavaScript, for checks only)" };
}

async function start(name: DeviceName): Promise<void> {
  tf.enableProdMode(); // else tfjs advertises its Node.js build
  const started = await tf.setBackend(name);
  if (!started) {
    throw new TypeError(`Cannot open ${name} as its tfjs backend must start: it did not`);
  }
  await tf.ready();
}

/**
 * Rounds a number of rows up to one of few sizes, four to each doubling, on `webgpu`: tfjs keeps its
 * freed buffers by their exact size, so that every new length would keep memory of its own.
 * Elsewhere rows are not padded.
 */
export function bucket(rows: number): number {
  if (tf.getBackend() !== "webgpu" || rows <= 16) return rows;
  const step = 2 ** Math.floor(Math.log2(rows - 1)) / 4;
  return Math.ceil(rows / step) * step;
}

/** Decode steps between two reads of what was sampled: reading makes the host wait for a GPU. */
export function stepsPerRead(): number {
  return tf.getBackend() === "webgpu" ? 8 : 1;
}
