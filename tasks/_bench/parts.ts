/**
 * The parts of the benchmark, each a function of its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a benchmark of an hour tells how far it is
import { findAdapter, findBlas } from "../../mod.ts";
import { KERNEL_NAMES } from "./kernels.ts";
import { forgetPeak, OURS, type Program, residentBytes, type Spec, start } from "./process.ts";
import { type Contender, describe, type Limits, race, type Row } from "./race.ts";
import { llama, type Size } from "./sizes.ts";

/** A device of ours, and how the tables call it. */
export interface Choice {
  readonly name: string;
  readonly options: {
    readonly prefer: "webgpu" | "wasm" | "cpu";
    readonly blas?: boolean;
    readonly plain?: boolean;
  };
}

/** Frameworks in Python, and what they run on. */
export interface Peers {
  readonly program: Program;
  readonly versions: Readonly<Record<string, string>>;
  /** Name of a CUDA device, where PyTorch has one. */
  readonly cuda: string | null;
}

/** What every part needs. */
export interface Setup {
  /** Fewer repeats and points, and only the smallest size. */
  readonly quick: boolean;
  readonly sizes: readonly Size[];
  readonly devices: readonly Choice[];
  readonly peers?: Peers;
  /** The folder of a policy of this size, the same for all contenders. */
  folderOf(size: Pick<Size, "name" | "shape">): Promise<string>;
}

/** Where all random numbers start. */
export const SEED = 1;

/** Completions of a question; new tokens of each. */
const [GROUP_SIZE, NEW_TOKENS] = [8, 64];

/** Devices to measure: all takes those found, but `cpu` and software WebGPU only by name. */
export async function choicesOf(wanted: string): Promise<Choice[]> {
  const adapter = await findAdapter();
  const wasm = (blas: boolean): Choice => ({
    name: blas ? "wasm with BLAS" : "wasm",
    options: { prefer: "wasm", blas },
  });
  const wasms = [...(findBlas() ? [wasm(true)] : []), wasm(false)];
  const webgpu: Choice = { name: "webgpu", options: { prefer: "webgpu" } };
  switch (wanted) {
    case "cpu":
      return [{ name: "cpu", options: { prefer: "cpu" } }];
    case "wasm":
      return wasms;
    case "webgpu":
      return [webgpu];
    default:
      return [...wasms, ...(adapter && !adapter.software ? [webgpu] : [])];
  }
}

/** A device as tfjs computes on it without a kernel of ours. */
function plain({ options: { prefer } }: Choice): Choice {
  return { name: `plain tfjs ${prefer}`, options: { prefer, plain: true } };
}

/** Devices, each kind of backend once more as tfjs comes. */
function withPlain(devices: readonly Choice[]): Choice[] {
  const kinds = new Map(devices.map((device) => [device.options.prefer, device]));
  return [...devices, ...[...kinds.values()].map(plain)];
}

function ours(choices: readonly Choice[], kind: string, more: Omit<Spec, "kind">): Contender[] {
  return choices.map(({ name, options }) => ({
    name,
    program: OURS,
    spec: { kind, seed: SEED, device: options, ...more },
  }));
}

/** With small products, more threads can be slower: a peer is judged by its better setting. */
function theirs(
  { peers }: Setup,
  name: string,
  kind: string,
  more: Omit<Spec, "kind">,
  threads: readonly number[] = [1, navigator.hardwareConcurrency],
): Contender[] {
  if (!peers) return [];
  const on = (where: string, options: Omit<Spec, "kind">): Contender => ({
    name: `${name}, ${where}`,
    program: peers.program,
    spec: { kind, seed: SEED, ...more, ...options },
  });
  return [
    ...[...new Set(threads)].map((threads) =>
      on(`${threads} thread${threads === 1 ? "" : "s"}`, { threads, device: "cpu" })
    ),
    ...(peers.cuda ? [on("cuda", { device: "cuda" })] : []),
  ];
}

const ALL_THREADS = [navigator.hardwareConcurrency];

function limitsOf({ quick }: Setup, { apart }: Pick<Size, "apart">): Limits {
  return quick ? { repeats: 3, seconds: 5, apart } : { repeats: 15, seconds: 60, apart };
}

/** Training steps at each size. */
export async function train(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of setup.sizes) {
    const folder = await setup.folderOf(size);
    const devices = size.apart ? setup.devices : withPlain(setup.devices);
    const contenders = [
      ...ours(devices, "train", { folder }),
      ...theirs(setup, "PyTorch eager", "train", { folder }),
      ...theirs(setup, "PyTorch compiled", "train", { folder, compile: true }, ALL_THREADS),
    ];
    const tokensOf = () => size.train.batch * size.train.seq;
    const what = {
      what: "train step",
      size: size.name,
      contenders,
      points: [size.train],
      tokensOf,
    };
    rows.push(...await race(what, limitsOf(setup, size)));
  }
  return rows;
}

/** Generation of 64 tokens at each size, and what plain tfjs takes at the smallest. */
export async function generate(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of setup.sizes) {
    const more = { folder: await setup.folderOf(size), groupSize: GROUP_SIZE };
    const race1 = async (contenders: Contender[], batches: readonly number[]) =>
      rows.push(
        ...await race({
          what: "generate",
          size: size.name,
          contenders,
          points: batches.map((batch) => ({ batch, newTokens: NEW_TOKENS })),
          tokensOf: ({ batch, newTokens }) => Number(batch) * Number(newTokens),
        }, limitsOf(setup, size)),
      );
    await race1([
      ...ours(setup.devices, "generate", more),
      ...theirs(setup, "Hugging Face generate", "generate", more),
    ], setup.quick ? [size.generate[0]!] : size.generate);
    const slow = withPlain(setup.devices).slice(setup.devices.length);
    if (size.name === "0.8M" && !setup.quick) await race1(ours(slow, "generate", more), [64]);
  }
  return rows;
}

/** Whole GRPO steps: rollouts, rewards and one update. */
export async function grpo(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const point = { questions: 8, groupSize: GROUP_SIZE, newTokens: NEW_TOKENS };
  for (const size of setup.sizes.filter(({ name }) => ["0.8M", "10M"].includes(name))) {
    const more = { folder: await setup.folderOf(size), ...point };
    const contenders = [
      ...ours(setup.devices, "grpo", more),
      ...theirs(setup, "TRL", "grpo", { ...more, defaults: false }),
      ...theirs(setup, "TRL by default", "grpo", { ...more, defaults: true }, ALL_THREADS),
    ];
    const tokensOf = () => point.questions * point.groupSize * point.newTokens;
    const what = { what: "GRPO step", size: size.name, contenders, points: [point], tokensOf };
    rows.push(...await race(what, limitsOf(setup, size)));
  }
  return rows;
}

/** How the cost of steps and of generation grows with the batch and with the length. */
export async function cost(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const upTo = (least: number, most: number, factor = 2) => {
    const values = [least];
    while (values.at(-1)! * factor <= most) values.push(values.at(-1)! * factor);
    return values;
  };
  const [most, factor] = setup.quick ? [64, 2] : [256, 2];
  const runs = setup.quick ? { repeats: 2, seconds: 4 } : { repeats: 7, seconds: 20 };
  for (const size of setup.sizes.filter(({ name }) => ["0.8M", "10M"].includes(name))) {
    const folder = await setup.folderOf(size);
    const limits = { ...runs, apart: false };
    const sweep = async (
      what: string,
      axis: string,
      contenders: Contender[],
      points: Record<string, number>[],
      tokensOf: (point: Record<string, number>) => number,
    ) => {
      const results = await race({
        what: `${what} by ${axis}`,
        size: size.name,
        contenders,
        points,
        tokensOf: (point) => tokensOf(point as Record<string, number>),
      }, limits);
      rows.push(...results);
    };
    const steps = [
      ...ours(setup.devices, "train", { folder }),
      ...theirs(setup, "PyTorch eager", "train", { folder }, ALL_THREADS),
    ];
    const tokens = ({ batch, seq }: Record<string, number>) => batch! * seq!;
    const batches = upTo(4, most, factor).map((batch) => ({ batch, seq: 64 }));
    const seqs = upTo(64, setup.quick ? 256 : 2048, factor).map((seq) => ({ batch: 4, seq }));
    await sweep("train step", "batch", steps, batches, tokens);
    await sweep("train step", "seq", steps, seqs, tokens);

    const more = { folder, groupSize: GROUP_SIZE };
    const generators = [
      ...ours(setup.devices, "generate", more),
      ...theirs(setup, "Hugging Face generate", "generate", more, ALL_THREADS),
    ];
    const made = ({ batch, newTokens }: Record<string, number>) => batch! * newTokens!;
    const sides = upTo(16, most, factor).map((batch) => ({ batch, newTokens: 64 }));
    const lengths = upTo(32, setup.quick ? 64 : 512, factor)
      .map((newTokens) => ({ batch: 64, newTokens }));
    await sweep("generate", "batch", generators, sides, made);
    await sweep("generate", "newTokens", generators, lengths, made);
  }
  return rows;
}

/** Single kernels, beside plain tfjs and jax-js on the same device. */
export async function kernels(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  for (const prefer of ["wasm", "webgpu"] as const) {
    const devices = setup.devices.filter(({ options }) => options.prefer === prefer);
    if (devices.length === 0) continue;
    const jax: Contender = {
      name: `jax-js ${prefer}`,
      program: OURS,
      spec: { kind: "kernel", library: "jax-js", device: { prefer } },
    };
    const what = {
      what: "kernel",
      size: prefer,
      contenders: [...ours(withPlain(devices), "kernel", {}), jax],
      points: KERNEL_NAMES.map((kernel) => ({ kernel, times: setup.quick ? 2 : 10 })),
      tokensOf: () => 0,
    };
    rows.push(...await race(what, limitsOf(setup, { apart: false })));
  }
  return rows;
}

/** Large products and copies, which are the device's limits, and where a step's time goes. */
export async function limits(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const runs = { repeats: setup.quick ? 2 : 7, seconds: 30, apart: true };
  const [n, bytes] = [2048, 2 ** 28];
  const blas: Contender = { name: "BLAS", program: OURS, spec: { kind: "blas" } };
  const contenders = [
    ...(findBlas() ? [blas] : []),
    ...ours(setup.devices, "product", {}),
    ...theirs(setup, "PyTorch", "product", {}, ALL_THREADS),
  ];
  const what = {
    what: "limit",
    size: "machine",
    contenders,
    points: [{ n, bytes }],
    tokensOf: () => 0,
  };
  rows.push(...await race(what, runs));
  rows.push(await copyByAllCores(bytes));
  for (const size of setup.sizes) {
    const folder = await setup.folderOf(size);
    const steps = {
      what: "profile",
      size: size.name,
      contenders: ours(setup.devices, "train", { folder, profile: true }),
      points: [size.train],
      tokensOf: () => size.train.batch * size.train.seq,
    };
    rows.push(...await race(steps, { ...runs, repeats: setup.quick ? 1 : 5 }));
  }
  return rows;
}

/** A copy on every core at once: what reads and writes of memory can reach together. */
async function copyByAllCores(bytes: number): Promise<Row> {
  const cores = navigator.hardwareConcurrency;
  const spec = { kind: "product", device: { prefer: "wasm" } };
  const all = await Promise.all(Array.from({ length: cores }, () => start(OURS, spec)));
  const replies = await Promise.all(all.map((each) => each.repeat({ n: 8, bytes })));
  await Promise.all(all.map((each) => each.close()));
  const bytesPerMs = replies.reduce((sum, { copyMs }) => sum + bytes / (copyMs as number), 0);
  return {
    what: "limit",
    size: "machine",
    contender: `copy on ${cores} cores`,
    point: { bytes },
    tokens: 0,
    repeats: 1,
    seen: { copyMs: bytes / bytesPerMs },
  };
}

/** Programs that webgpu launches in a training step and in a decode step, by layers. */
export async function launches(setup: Setup): Promise<Row[]> {
  if (!await findAdapter()) {
    console.error("launches are not counted: no WebGPU adapter was found");
    return [];
  }
  const rows: Row[] = [];
  const webgpu: Choice = { name: "webgpu", options: { prefer: "webgpu" } };
  const once = { repeats: 1, seconds: 60, apart: false };
  for (const layers of [2, 4]) {
    const size = { name: `${layers} layers`, shape: llama(128, layers, 64) };
    const folder = await setup.folderOf(size);
    const count = (what: string, kind: string, points: Record<string, number>[]) =>
      race({
        what,
        size: size.name,
        contenders: ours([webgpu], kind, { folder, groupSize: GROUP_SIZE }),
        points,
        tokensOf: () => 0,
      }, once);
    rows.push(...await count("launches of a train step", "train", [{ batch: 8, seq: 64 }]));
    // The first token comes with the prompts: 16 and 32 decode steps.
    const lengths = [17, 33].map((newTokens) => ({ batch: 64, newTokens }));
    rows.push(...await count("launches of a generation", "generate", lengths));
  }
  return rows;
}

/** Peak memory of a training step by sequence length, each in a process of its own. */
export async function memory(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const [size] = setup.sizes;
  const folder = await setup.folderOf(size!);
  const adapter = await findAdapter();
  const webgpu: Choice = { name: "webgpu", options: { prefer: "webgpu" } };
  // A software adapter is slow, but its memory is as any other's.
  const isMissing = adapter && !setup.devices.some(({ name }) => name === "webgpu");
  const devices = [...setup.devices, ...(isMissing ? [webgpu] : [])];
  const wasm = withPlain(devices).filter(({ options: { plain, prefer } }) =>
    plain && prefer === "wasm"
  );
  const contenders = [
    ...ours([...devices, ...wasm], "train", { folder }),
    ...theirs(setup, "PyTorch eager", "train", { folder }, ALL_THREADS),
  ];
  const seqs = setup.quick ? [256, 512] : [256, 512, 1024, 2048];
  for (const { name, program, spec } of contenders) {
    for (const seq of seqs) {
      const point = { batch: 4, seq };
      console.error(`memory, ${size!.name}, ${describe(point)}, ${name}`);
      rows.push(await memoryRow({ name, program, spec }, size!.name, point));
    }
  }
  return rows;
}

async function memoryRow(
  { name, program, spec }: Contender,
  size: string,
  point: { batch: number; seq: number },
): Promise<Row> {
  const tokens = point.batch * point.seq;
  const row = { what: "memory", size, contender: name, point, tokens, repeats: 1 };
  try {
    const running = await start(program, spec);
    forgetPeak(running.pid);
    const before = residentBytes(running.pid)?.now;
    const { ms, ...seen } = await running.repeat(point);
    const peak = residentBytes(running.pid)?.peak;
    await running.close();
    const deviceBytesBefore = running.ready.deviceBytes;
    const resident = before === undefined ? {} : { before, peak };
    return { ...row, ms, seen: { ...seen, deviceBytesBefore, ...resident } };
  } catch (error) {
    return { ...row, repeats: 0, error: (error as Error).message };
  }
}

/** Memory after each of 1,000 training steps of varying lengths. */
export async function growth(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const size = { name: "2 layers", shape: llama(64, 2, 64) };
  const folder = await setup.folderOf(size);
  const adapter = await findAdapter();
  const webgpu: Choice = { name: "webgpu", options: { prefer: "webgpu" } };
  const devices = [...setup.devices.slice(0, 1), ...(adapter ? [webgpu] : [])];
  const steps = setup.quick ? 50 : 1000;
  for (const { name, program, spec } of ours(devices, "train", { folder })) {
    console.error(`growth, ${steps} steps, ${name}`);
    const running = await start(program, spec);
    const seen: Record<string, number[]> = { tensors: [], deviceBytes: [], residentBytes: [] };
    for (let step = 0; step < steps; step++) {
      // Lengths that look random and are the same in every run.
      const seq = 16 + (step * 7919) % 241;
      const { tensors, deviceBytes } = await running.repeat({ batch: 4, seq });
      seen.tensors!.push(tensors as number);
      seen.deviceBytes!.push(deviceBytes as number);
      seen.residentBytes!.push(residentBytes(running.pid)?.now ?? 0);
    }
    await running.close();
    const point = { batch: 4, steps };
    rows.push({
      what: "growth",
      size: size.name,
      contender: name,
      point,
      tokens: 0,
      repeats: steps,
      seen,
    });
  }
  return rows;
}

/** The parts by name, in the order they run; all of them but in a quick run, which takes three. */
export const PARTS = {
  train,
  generate,
  grpo,
  cost,
  kernels,
  limits,
  launches,
  memory,
  growth,
} as const;

/** The name of a part. */
export type PartName = keyof typeof PARTS;

/** What a quick run takes unless told otherwise. */
export const QUICK_PARTS: readonly PartName[] = ["train", "generate", "grpo"];
