/**
 * The heap of tfjs's `wasm` backend, with kernels of our own on it.
 *
 * The backend's module is made to use shared memory while it starts, and that memory is given to a
 * second module, built from `wasm/` by `deno task build:kernels`, here and on further threads.
 * Tensors are passed by their byte address: no copies.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Blas, findBlas } from "./blas_library.ts";
import { type Gemm, PACKING_BYTES, type WasmKernels } from "./gemm.ts";
import type { Attributes } from "./kernels.ts";
import { type JobName, startThreads } from "./threads.ts";

/** The heap and what runs on it. */
export interface Heap {
  /** Run on this thread alone. */
  readonly kernels: WasmKernels;
  /** Threads that a job can be split among. */
  readonly threads: number;
  /** Byte address of a tensor's first number; it stays when the heap grows. */
  at(tensor: tf.TensorInfo): number;
  /** A new tensor; its numbers are whatever the heap held. */
  output(shape: readonly number[], dtype?: "float32" | "int32"): tf.TensorInfo;
  /** A tensor's numbers, as a view that is valid until the heap grows. */
  floats(tensor: tf.TensorInfo): Float32Array;
  /**
   * Byte address of room for `bytes`, valid until the next call: a kernel asks once and divides
   * what it got.
   */
  scratch(bytes: number): number;
  /**
   * Splits `count` units of work among threads and waits for all.
   *
   * @param least Units that are worth a thread of their own, > 0.
   * @param numbersOf The job's numbers for units `from` to `to` (excluded); `part` counts from 0.
   */
  split(
    job: JobName,
    count: number,
    least: number,
    numbersOf: (from: number, to: number, part: number) => number[],
  ): void;
  /** A product, split among threads where it is large enough. */
  readonly gemm: Gemm;
}

let memory: WebAssembly.Memory | undefined;
let heap: OpenHeap | undefined;

/** The heap, and what only who opens it may change. */
interface OpenHeap extends Heap {
  readonly blas: Blas | undefined;
  useBlas(on: boolean): void;
  useThreads(most: number): Promise<void>;
}

/** Runs `start`, which starts the backend, so that its memory is shared, and keeps it. */
export async function sharingMemory(start: () => Promise<void>): Promise<void> {
  const { instantiate } = WebAssembly;
  const patched = async (binary: ArrayBuffer, imports: WebAssembly.Imports) => {
    const started = await instantiate(withSharedMemory(new Uint8Array(binary)), imports);
    const exported = Object.values(started.instance.exports);
    memory = exported.find((each) => each instanceof WebAssembly.Memory);
    return started;
  };
  WebAssembly.instantiate = patched as typeof instantiate;
  try {
    await start();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

/** A module whose memory, which it must define with a maximum, is declared shared. */
function withSharedMemory(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [MEMORY_SECTION, HAS_MAXIMUM, SHARED_WITH_MAXIMUM] = [5, 1, 3];
  const result = module.slice();
  let at = 8; // after the magic number and the version
  const readNumber = () => { // unsigned LEB128
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = result[at++]!;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value;
  };
  while (at < result.length) {
    const section = result[at++], size = readNumber(), next = at + size;
    if (section === MEMORY_SECTION) {
      readNumber(); // how many memories: 1
      if (result[at] !== HAS_MAXIMUM) break;
      result[at] = SHARED_WITH_MAXIMUM;
      return result;
    }
    at = next;
  }
  throw new TypeError("Cannot share tfjs's heap as its module must define a memory with a maximum");
}

/** What computes on the heap. */
export interface HeapDevice {
  /** The library that multiplies; undefined for our own kernel. */
  readonly blas: Blas | undefined;
  readonly threads: number;
}

/**
 * Puts our kernels on the heap of the running backend, or only changes what multiplies and on how
 * many threads.
 *
 * @param wantsBlas Whether a BLAS library multiplies, where there is one.
 * @param most Threads to use where there are as many cores.
 */
export async function openHeap(
  backend: BackendWasm,
  wantsBlas: boolean,
  most: number,
): Promise<HeapDevice> {
  heap ??= await loadHeap(backend, memory!);
  await heap.useThreads(most);
  const blas = wantsBlas ? heap.blas : undefined;
  heap.useBlas(blas !== undefined);
  return { blas, threads: heap.threads };
}

/** Multiply-adds of a product that are worth a thread. */
const GEMM_GRAIN = 2 ** 17;

async function loadHeap(
  backend: BackendWasm,
  memory: WebAssembly.Memory,
): Promise<OpenHeap> {
  const bytes = await (await fetch(new URL("./wasm/kernels.wasm", import.meta.url))).arrayBuffer();
  const module = await WebAssembly.compile(bytes);
  // The module's type leaves these out; tfjs's own kernels use them the same way.
  const allocator = backend.wasm as unknown as Allocator;
  const cores = Math.min(navigator.hardwareConcurrency, MOST_THREADS);
  allocator._free(allocator._malloc(1)); // its first call puts another in its place
  const allocate = tellingOfFullHeap(allocator, memory);
  const packing = allocate(cores * PACKING_BYTES);
  const blas = findBlas({ threads: 1 }); // our own threads divide a product
  const threads = await startThreads({ memory, module, packing, library: blas?.library });
  let [room, roomBytes] = [0, 0];
  const split: Heap["split"] = (job, units, least, numbersOf) => {
    const parts = Math.max(1, Math.min(threads.count, Math.floor(units / least)));
    const border = (part: number) => Math.floor(units * part / parts);
    threads.run(
      job,
      Array.from({ length: parts }, (_, i) => numbersOf(border(i), border(i + 1), i)),
    );
  };
  return {
    kernels: threads.own.kernels,
    get threads(): number {
      return threads.count;
    },
    at: ({ dataId }) => backend.getMemoryOffset(dataId),
    output: (shape, dtype = "float32") => backend.makeOutput([...shape], dtype),
    floats: (tensor) => backend.typedArrayFromHeap(tensor) as Float32Array,
    scratch(bytes): number {
      if (bytes > roomBytes) {
        if (room) allocator._free(room);
        [room, roomBytes] = [allocate(bytes), bytes];
      }
      return room;
    },
    split,
    gemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc): void {
      const byRows = m >= n;
      const [units, others] = byRows ? [m, n] : [n, m];
      split("product", units, Math.ceil(GEMM_GRAIN / Math.max(1, others * k)), (from, to) => {
        const a4 = byRows ? a + 4 * from * (tA ? 1 : lda) : a;
        const b4 = byRows ? b : b + 4 * from * (tB ? ldb : 1);
        const c4 = c + 4 * from * (byRows ? ldc : 1);
        const [rows, columns] = byRows ? [to - from, n] : [m, to - from];
        return [+tA, +tB, rows, columns, k, alpha, a4, lda, b4, ldb, beta, c4, ldc];
      });
    },
    blas,
    useBlas: threads.useBlas,
    useThreads: (most) => threads.use(Math.min(most, cores)),
  };
}

/** What gives out tfjs's heap. */
interface Allocator {
  /** Byte address, signed where it is above 2 GiB; 0 when there is no room. */
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/**
 * Makes an allocator, for tfjs's own tensors too, throw when there is no room: at address 0 lies
 * what tfjs needs itself. After a request near 4 GiB has failed, tfjs's allocator gives out room that
 * is not there or is in use (seen with 4.22.0), so from then on every request throws.
 *
 * @returns Its byte addresses, unsigned.
 */
function tellingOfFullHeap(
  allocator: Allocator,
  memory: WebAssembly.Memory,
): (bytes: number) => number {
  const malloc = allocator._malloc;
  let isBroken = false;
  const allocate = (bytes: number): number => {
    const isTooLarge = bytes >= 2 ** 31; // more is signed to the allocator
    if (!isTooLarge && !isBroken) {
      const address = malloc(bytes) >>> 0;
      if (address > 0 && address + bytes <= memory.buffer.byteLength) return address;
      isBroken = true;
    }
    const [more, now] = [bytes, memory.buffer.byteLength].map((size) => Math.ceil(size / 2 ** 20));
    throw new RangeError(
      `Cannot hold ${more} MiB more on wasm as one tensor must be under 2048 MiB and all under 4096: ` +
        `current size is ${now} MiB${
          isBroken ? ", and this process must be started again" : ""
        }; ` +
        "fewer tokens at once (maxTokens, questionsPerStep, groupSize, maxNewTokens) need less",
    );
  };
  allocator._malloc = allocate;
  return allocate;
}

/** More threads than this are not started: memory would be the limit. */
const MOST_THREADS = 16;

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
