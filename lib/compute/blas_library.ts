/**
 * The fastest BLAS library of this machine: OpenBLAS, BLIS, MKL or Accelerate.
 *
 * Where several can be loaded, a short trial picks one, and a file in the user's cache folder
 * remembers which, until their versions or numbers of threads change.
 *
 * Left out are libraries of Python's wheels, which no loader knows by name, and those with 64-bit
 * dimensions (`libopenblas64_`). BLIS starts with one thread unless its environment variables say
 * otherwise; its threads are made anew in every call, which small products cannot afford.
 *
 * @module
 */

/** A BLAS library found on this machine. */
export interface Blas {
  /** For instance `OpenBLAS 0.3.21`. */
  readonly name: string;
  /** The name its loader knows, for {@linkcode openBlas}. */
  readonly library: string;
  /** What the library tells of itself: version, build, and the kind of processor it computes for. */
  readonly details: string;
  /** Threads of one product; undefined when the library does not tell. */
  readonly threads?: number;
  /** The library's own function; all matrices row-major, float32, given by address. */
  readonly sgemm: Sgemm;
}

/**
 * `cblas_sgemm`: C = alpha op(A) op(B) + beta C.
 *
 * Addresses are `bigint`, as for anything else Deno 2.9 leaves its fast path, which costs about 200
 * ns a call instead of 5. An address is cheap as `base + BigInt(offset)` with an offset that is an
 * integer, and from a place in the source that calls one library only.
 */
export type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: bigint,
  lda: number,
  b: bigint,
  ldb: number,
  beta: number,
  c: bigint,
  ldc: number,
) => void;

const SGEMM = {
  // deno-fmt-ignore
  parameters: [
    "i32", "i32", "i32", "i32", "i32", "i32", "f32",
    "u64", "i32", "u64", "i32", "f32", "u64", "i32",
  ],
  result: "void",
} as const;

/** How a library is opened. */
export interface BlasOptions {
  /**
   * Threads of one product, for every caller in this process; as the library likes unless given. 1
   * is right where several threads of the program multiply side by side.
   */
  readonly threads?: number;
}

/** A kind of library: where each system keeps it, by the names its loader knows. */
interface Kind {
  readonly libraries: Partial<Record<typeof Deno.build.os, readonly string[]>>;
  /** @throws When it is not there, may not be opened, or lacks a function. */
  open(library: string, threads: number | undefined): Omit<Blas, "library">;
}

/** In the order of the trial: MKL's threads look for work 0.2 s on, and would slow the next one. */
const KINDS: readonly Kind[] = [
  {
    libraries: {
      // Fedora's libopenblas.so.0 has one thread, libopenblasp.so.0 has more.
      linux: ["libopenblasp.so.0", "libopenblas.so.0", "libopenblas.so"],
      windows: ["libopenblas.dll", "openblas.dll"],
    },
    open: openOpenBlas,
  },
  { libraries: { linux: ["libblis.so.4", "libblis.so"] }, open: openBlis },
  {
    libraries: {
      linux: ["libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"],
      windows: ["mkl_rt.3.dll", "mkl_rt.2.dll", "mkl_rt.dll"],
    },
    open: openMkl,
  },
  {
    libraries: { darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"] },
    open: openAccelerate,
  },
];

/**
 * Looks for BLAS libraries and picks the fastest. Never asks for a permission: without `ffi` there
 * is none, and without `env`, `read` and `write` the trial is repeated at each start.
 *
 * The trial takes every core: call this on one thread, and {@linkcode openBlas} on the others.
 *
 * @returns The library, or undefined when none can be loaded.
 */
export function findBlas(options: BlasOptions = {}): Blas | undefined {
  const found: Blas[] = [];
  for (const { libraries } of KINDS) {
    for (const library of libraries[Deno.build.os] ?? []) {
      try {
        found.push(openBlas(library, options));
        break;
      } catch {
        // not installed under this name
      }
    }
  }
  return chooseOnce(found, memoryFile());
}

/**
 * Opens a library that {@linkcode findBlas} found, on another thread or in another process.
 *
 * @param library The name its loader knows.
 * @throws {RangeError} When it is not one of the names looked for.
 * @throws {Error} When it cannot be loaded.
 */
export function openBlas(library: string, { threads }: BlasOptions = {}): Blas {
  const kind = KINDS.find(({ libraries }) => libraries[Deno.build.os]?.includes(library));
  if (!kind) {
    throw new RangeError(
      `Cannot open a BLAS as its name must be known: current value is ${library}`,
    );
  }
  return { library, ...kind.open(library, threads) };
}

/** `Deno.dlopen`, but without `--allow-ffi` it fails rather than asks. */
function load<const T extends Deno.ForeignLibraryInterface>(
  library: string,
  symbols: T,
): Deno.DynamicLibrary<T>["symbols"] {
  if (!isGranted({ name: "ffi", path: library })) {
    throw new Deno.errors.NotCapable(`Cannot open ${library} as --allow-ffi is needed`);
  }
  keepLoaded(library);
  return Deno.dlopen(library, symbols).symbols;
}

/**
 * Keeps a library in memory when Deno closes it, at the end of each test file or worker: OpenBLAS
 * has been seen to corrupt the C library's memory when it is unloaded and loaded again.
 */
function keepLoaded(library: string): void {
  if (Deno.build.os !== "linux") return;
  const [RTLD_NOW, RTLD_NODELETE] = [2, 0x1000];
  const parameters = ["buffer", "i32"] as const;
  try {
    const libc = Deno.dlopen("libc.so.6", { dlopen: { parameters, result: "pointer" } });
    libc.symbols.dlopen(new TextEncoder().encode(`${library}\0`), RTLD_NOW | RTLD_NODELETE);
  } catch {
    // another C library: Deno's own way of opening will do
  }
}

const GET_TEXT = { parameters: [], result: "pointer" } as const;
const GET_I32 = { parameters: [], result: "i32" } as const;
const SET_I32 = { parameters: ["i32"], result: "void" } as const;

function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}

function openOpenBlas(library: string, threads: number | undefined): Omit<Blas, "library"> {
  const symbols = load(library, {
    cblas_sgemm: SGEMM,
    openblas_get_config: GET_TEXT,
    openblas_get_num_threads: GET_I32,
    openblas_set_num_threads: SET_I32,
  });
  if (threads !== undefined) symbols.openblas_set_num_threads(threads);
  const details = textAt(symbols.openblas_get_config()); // OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell …
  return {
    name: details.split(" ").slice(0, 2).join(" "),
    details,
    threads: symbols.openblas_get_num_threads(),
    sgemm: symbols.cblas_sgemm,
  };
}

function openBlis(library: string, threads: number | undefined): Omit<Blas, "library"> {
  const symbols = load(library, {
    cblas_sgemm: SGEMM,
    bli_info_get_version_str: GET_TEXT,
    bli_arch_query_id: GET_I32,
    bli_arch_string: { parameters: ["i32"], result: "pointer" },
    bli_thread_get_num_threads: { parameters: [], result: "i64" },
    bli_thread_set_num_threads: { parameters: ["i64"], result: "void" },
  });
  if (threads !== undefined) symbols.bli_thread_set_num_threads(BigInt(threads));
  const name = `BLIS ${textAt(symbols.bli_info_get_version_str())}`;
  return {
    name,
    details: `${name} ${textAt(symbols.bli_arch_string(symbols.bli_arch_query_id()))}`,
    threads: Math.max(1, Number(symbols.bli_thread_get_num_threads())), // -1 where none were set
    sgemm: symbols.cblas_sgemm,
  };
}

/** MKL's layers of threads, best first: the number, the part of MKL, and the runtime it needs. */
const MKL_LAYERS = [
  { id: 0, part: "mkl_intel_thread", runtimes: ["libiomp5.so", "libiomp5md.dll"] },
  { id: 3, part: "mkl_gnu_thread", runtimes: ["libgomp.so.1"] },
  { id: 1, part: "mkl_sequential", runtimes: [] },
] as const;

/**
 * `mkl_rt` loads its parts at the first call, and ends the process when one is not there: they are
 * looked for before.
 */
function openMkl(library: string, threads: number | undefined): Omit<Blas, "library"> {
  const partIsThere = (part: string) => isThere(library.replace("mkl_rt", part));
  const layer = MKL_LAYERS.find(({ part, runtimes }) =>
    partIsThere(part) && (runtimes.length === 0 || threads !== 1 && runtimes.some(isThere))
  );
  if (!partIsThere("mkl_core") || !layer) {
    throw new Error(`Cannot open ${library} as all its parts are needed: some are not there`);
  }
  const symbols = load(library, {
    cblas_sgemm: SGEMM,
    MKL_Set_Interface_Layer: { parameters: ["i32"], result: "i32" },
    MKL_Set_Threading_Layer: { parameters: ["i32"], result: "i32" },
    MKL_Get_Version_String: { parameters: ["buffer", "i32"], result: "void" },
    MKL_Get_Max_Threads: GET_I32,
    MKL_Set_Num_Threads: SET_I32,
  });
  symbols.MKL_Set_Interface_Layer(0); // dimensions of 32 bits, whatever MKL_INTERFACE_LAYER says
  symbols.MKL_Set_Threading_Layer(layer.id);
  if (threads !== undefined) symbols.MKL_Set_Num_Threads(threads);
  const text = new Uint8Array(200);
  symbols.MKL_Get_Version_String(text, text.length); // … Version 2026.2-Product Build 20260915 for …
  const details = new TextDecoder().decode(text).replace(/[\0 ]+$/, "");
  return {
    name: `MKL ${/Version ([\d.]+)/.exec(details)?.[1] ?? ""}`.trim(),
    details,
    threads: symbols.MKL_Get_Max_Threads(),
    sgemm: symbols.cblas_sgemm,
  };
}

/** Whether the loader finds a library, even one that needs another's functions to work. */
function isThere(library: string): boolean {
  try {
    load(library, {});
    return true;
  } catch (error) {
    return /undefined symbol/.test((error as Error).message);
  }
}

/** Accelerate chooses its threads itself. */
function openAccelerate(library: string): Omit<Blas, "library"> {
  const { cblas_sgemm } = load(library, { cblas_sgemm: SGEMM });
  return { name: "Accelerate", details: "Accelerate", sgemm: cblas_sgemm };
}

/**
 * Picks the only candidate, or the one remembered for just these candidates, or the fastest, which
 * is then remembered. A file that cannot be read, parsed or written is done without.
 *
 * @param memory The file that remembers; undefined for none.
 * @param time Milliseconds that a candidate takes.
 */
export function chooseOnce(
  candidates: readonly Blas[],
  memory: string | undefined,
  time: (candidate: Blas) => number = trialTime,
): Blas | undefined {
  if (candidates.length < 2) return candidates[0];
  const all = candidates.map(({ library, details, threads }) =>
    `${library} is ${details}, threads: ${threads}`
  ).join("; ");
  const choices = recall(memory);
  const remembered = candidates.find(({ library }) => library === choices[all]);
  if (remembered) return remembered;
  const fastest = chooseFastest(candidates, time);
  remember(memory, { ...choices, [all]: fastest.library });
  return fastest;
}

/**
 * The candidate that takes the least time; the first of several that take the same.
 *
 * @param candidates At least one.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { chooseFastest } from "./blas_library.ts";
 *
 * assertEquals(chooseFastest(["tortoise", "hare"], (name) => name === "hare" ? 1 : 5), "hare");
 * ```
 */
export function chooseFastest<T>(candidates: readonly T[], time: (candidate: T) => number): T {
  const times = candidates.map(time);
  return candidates[times.indexOf(Math.min(...times))]!;
}

/** The fastest library for each list of candidates there ever was. */
type Choices = Readonly<Record<string, unknown>>;

function recall(memory: string | undefined): Choices {
  if (!memory || !isGranted({ name: "read", path: memory })) return {};
  try {
    const choices = JSON.parse(Deno.readTextFileSync(memory));
    return typeof choices === "object" && !Array.isArray(choices) ? choices ?? {} : {};
  } catch {
    return {}; // none yet, or not ours
  }
}

/** Writes as plainly as can be: from a file that is cut off, nothing is recalled. */
function remember(memory: string | undefined, choices: Choices): void {
  if (!memory) return;
  const folder = memory.replace(/[\\/][^\\/]*$/, "");
  if (!isGranted({ name: "write", path: folder })) return;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(memory, JSON.stringify(choices, undefined, 2) + "\n");
  } catch {
    // a full disk, or a folder that is not the user's: the next start tries again
  }
}

/** Where the fastest library is remembered; undefined when the system does not say. */
function memoryFile(): string | undefined {
  const at = (base: string | undefined, path: string) => base && `${base}/${path}`;
  const folder = Deno.build.os === "windows"
    ? variable("LOCALAPPDATA")
    : Deno.build.os === "darwin"
    ? at(variable("HOME"), "Library/Caches")
    : variable("XDG_CACHE_HOME") || at(variable("HOME"), ".cache");
  return at(folder, "relift-lab/blas.json");
}

function variable(name: string): string | undefined {
  return isGranted({ name: "env", variable: name }) ? Deno.env.get(name) : undefined;
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

const ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112; // enum values of cblas.h

/** Milliseconds that a trial takes, but for its first pass. */
const TRIAL_MS = 40;

/**
 * Milliseconds for products as training has them: a layer on 512 tokens, the gradient of its
 * weights, and 64 tiles of attention, 17 million operations each. It is the best of several passes:
 * what else the machine does only adds time.
 *
 * @returns Infinity for a library that multiplies wrong.
 */
function trialTime({ sgemm }: Blas): number {
  const [tokens, width, tiles, tile, depth] = [512, 128, 64, 64, 32];
  const [operand, result] = [tokens * width, tiles * tile * tile];
  const numbers = new Float32Array(2 * operand + result).fill(1);
  const a = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(numbers)));
  const b = a + BigInt(4 * operand), c = b + BigInt(4 * operand);
  const multiply = (flagA: number, flagB: number, m: number, n: number, k: number, i = 0) => {
    const lda = flagA === TRANSPOSE ? m : k, ldb = flagB === TRANSPOSE ? k : n;
    sgemm(ROW_MAJOR, flagA, flagB, m, n, k, 1, a, lda, b, ldb, 0, c + BigInt(4 * m * n * i), n);
  };
  const pass = () => {
    multiply(NO_TRANSPOSE, TRANSPOSE, tokens, width, width);
    multiply(TRANSPOSE, NO_TRANSPOSE, width, width, tokens);
    for (let i = 0; i < tiles; i++) multiply(NO_TRANSPOSE, TRANSPOSE, tile, tile, depth, i);
  };
  pass(); // wakes the library's threads
  let best = Infinity;
  const end = performance.now() + TRIAL_MS;
  do {
    const start = performance.now();
    pass();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  // Every factor is 1, so the tiles, which are written last, hold the length of their sums.
  return numbers.subarray(-result).every((product) => product === depth) ? best : Infinity;
}
