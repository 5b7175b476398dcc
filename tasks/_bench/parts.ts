/**
 * The parts of the benchmark, each a function of its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what is left out is told
import { findBlas } from "../../mod.ts";
import { ANSWERS, HOSTILE } from "./answers.ts";
import { KERNEL_NAMES } from "./kernels.ts";
import { growth, memory } from "./memory.ts";
import { OURS, start } from "./process.ts";
import { type Contender, type Limits, type Race, race, type Row } from "./race.ts";
import { ALL_THREADS, anyWebGpu, ours, plainOf, type Setup, theirs } from "./setup.ts";
import { llama, type Size, SIZES } from "./sizes.ts";

/** Completions of a question; new tokens of each. */
const [GROUP_SIZE, NEW_TOKENS] = [8, 64];

function limitsOf({ quick }: Setup, { apart }: Pick<Size, "apart">): Limits {
  return quick ? { repeats: 3, seconds: 5, apart } : { repeats: 7, seconds: 10, apart };
}

/** Sizes at which every contender takes less than a minute, whatever it is asked. */
const isSmall = ({ name }: Size) => ["0.8M", "10M"].includes(name);

/** Training steps at each size. */
export async function train(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of setup.sizes) {
    const folder = await setup.folderOf(size);
    const plain = size === SIZES[0] ? plainOf(setup.devices) : []; // at 10M a step takes a minute
    const devices = [...setup.devices, ...plain];
    const contenders = [
      ...ours(devices, "train", { folder }),
      ...theirs(setup, "PyTorch eager", "train", { folder }),
      ...theirs(setup, "PyTorch compiled", "train", { folder, compile: true }, ALL_THREADS),
    ];
    const what = {
      what: "train step",
      size: size.name,
      contenders,
      points: [size.train],
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
    const compare = (contenders: Contender[], batches: readonly number[]) =>
      race({
        what: "generate",
        size: size.name,
        contenders,
        points: batches.map((batch) => ({ batch, newTokens: NEW_TOKENS })),
      }, limitsOf(setup, size));
    const contenders = [
      ...ours(setup.devices, "generate", more),
      ...theirs(setup, "Hugging Face generate", "generate", more),
    ];
    const batches = size.generate.slice(0, setup.quick ? 1 : undefined);
    rows.push(...await compare(contenders, batches));
    if (size === SIZES[0] && !setup.quick) { // it takes a minute
      const plain = ours(plainOf(setup.devices), "generate", more);
      rows.push(...await compare(plain, [size.generate[0]!]));
    }
  }
  return rows;
}

/** Whole GRPO steps: rollouts, rewards and one update. */
export async function grpo(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const point = { questions: 8, groupSize: GROUP_SIZE, newTokens: NEW_TOKENS };
  for (const size of setup.sizes.filter(isSmall)) {
    const more = { folder: await setup.folderOf(size), ...point };
    const contenders = [
      ...ours(setup.devices, "grpo", more),
      ...theirs(setup, "TRL", "grpo", { ...more, defaults: false }),
      ...theirs(setup, "TRL by default", "grpo", { ...more, defaults: true }, ALL_THREADS),
    ];
    const what = { what: "GRPO step", size: size.name, contenders, points: [point] };
    rows.push(...await race(what, limitsOf(setup, size)));
  }
  return rows;
}

/** How the cost of steps and of generation grows with the batch and with the length. */
export async function cost(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const { quick, devices } = setup;
  const runs = { repeats: quick ? 2 : 7, seconds: quick ? 4 : 20, apart: false };
  const doublings = (least: number, most: number) =>
    Array.from({ length: Math.log2(most / least) + 1 }, (_, i) => least * 2 ** i);
  const mostRows = quick ? 64 : 256;
  const [seq, newTokens] = [64, NEW_TOKENS];
  for (const size of setup.sizes.filter(isSmall)) {
    const more = { folder: await setup.folderOf(size), groupSize: GROUP_SIZE };
    const steps = [
      ...ours(devices, "train", more),
      ...theirs(setup, "PyTorch eager", "train", more, ALL_THREADS),
    ];
    const generators = [
      ...ours(devices, "generate", more),
      ...theirs(setup, "Hugging Face generate", "generate", more, ALL_THREADS),
    ];
    const sweeps: Pick<Race, "what" | "contenders" | "points">[] = [{
      what: "train step by batch",
      contenders: steps,
      points: doublings(4, mostRows).map((batch) => ({ batch, seq })),
    }, {
      what: "train step by seq",
      contenders: steps,
      points: doublings(64, quick ? 256 : 2048).map((seq) => ({ batch: 4, seq })),
    }, {
      what: "generate by batch",
      contenders: generators,
      points: doublings(16, mostRows).map((batch) => ({ batch, newTokens })),
    }, {
      what: "generate by newTokens",
      contenders: generators,
      points: doublings(32, quick ? 64 : 512).map((newTokens) => ({ batch: 64, newTokens })),
    }];
    for (const sweep of sweeps) rows.push(...await race({ ...sweep, size: size.name }, runs));
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
      contenders: [...ours([...devices, ...plainOf(devices)], "kernel", {}), jax],
      points: KERNEL_NAMES.map((kernel) => ({ kernel, times: setup.quick ? 2 : 10 })),
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
  const webgpu = await anyWebGpu();
  if (webgpu.length === 0) console.error("launches are not counted: no WebGPU adapter was found");
  const rows: Row[] = [];
  const once = { repeats: 1, seconds: 60, apart: false };
  for (const layers of [2, 4]) {
    const size = { name: `${layers} layers`, shape: llama(128, layers, 64) };
    const folder = await setup.folderOf(size);
    const count = (what: string, kind: string, points: Record<string, number>[]) =>
      race({
        what,
        size: size.name,
        contenders: ours(webgpu, kind, { folder, groupSize: GROUP_SIZE }),
        points,
      }, once);
    rows.push(...await count("launches of a train step", "train", [{ batch: 8, seq: 64 }]));
    // The first token comes with the prompts: 16 and 32 decode steps.
    const lengths = [17, 33].map((newTokens) => ({ batch: 64, newTokens }));
    rows.push(...await count("launches of a generation", "generate", lengths));
  }
  return rows;
}

/** Grading of answers, all cores at once, and of hostile texts. */
export function grading(setup: Setup): Promise<Row[]> {
  const grader: Contender = { name: "grader", program: OURS, spec: { kind: "grading" } };
  const count = setup.quick ? 2_000 : 20_000;
  const what = {
    what: "grading",
    size: "answers",
    contenders: [grader],
    points: [
      ...Object.keys(ANSWERS).map((answers) => ({ answers, count })),
      ...Object.keys(HOSTILE).map((hostile) => ({ hostile })),
    ],
  };
  return race(what, limitsOf(setup, { apart: false }));
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
  grading,
} as const;

/** The name of a part. */
export type PartName = keyof typeof PARTS;

/** What a quick run takes unless told otherwise. */
export const QUICK_PARTS: readonly PartName[] = ["train", "generate", "grpo"];
