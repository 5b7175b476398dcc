/**
 * What a run measures: devices, peers, and the processes of each.
 *
 * @module
 */
import { findAdapter, findBlas } from "../../mod.ts";
import { OURS, type Program, type Spec } from "./process.ts";
import type { Contender } from "./race.ts";
import type { Size } from "./sizes.ts";

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

const WEBGPU: Choice = { name: "webgpu", options: { prefer: "webgpu" } };

/** WebGPU on any adapter, for what is no matter of time: none where there is none. */
export async function anyWebGpu(): Promise<Choice[]> {
  return await findAdapter() ? [WEBGPU] : [];
}

/** Devices to measure: all takes those found, but `cpu` and software WebGPU only by name. */
export async function choicesOf(wanted: string): Promise<Choice[]> {
  const adapter = await findAdapter();
  const wasm = (blas: boolean): Choice => ({
    name: blas ? "wasm with BLAS" : "wasm",
    options: { prefer: "wasm", blas },
  });
  const wasms = [...(findBlas() ? [wasm(true)] : []), wasm(false)];
  switch (wanted) {
    case "cpu":
      return [{ name: "cpu", options: { prefer: "cpu" } }];
    case "wasm":
      return wasms;
    case "webgpu":
      return [WEBGPU];
    default:
      return [...wasms, ...(adapter && !adapter.software ? [WEBGPU] : [])];
  }
}

/** What tfjs computes on each backend among these without a kernel of ours. */
export function plainOf(devices: readonly Choice[]): Choice[] {
  const backends = new Set(devices.map(({ options: { prefer } }) => prefer));
  return [...backends].filter((prefer) => prefer !== "cpu") // which has none
    .map((prefer) => ({ name: `plain tfjs ${prefer}`, options: { prefer, plain: true } }));
}

/** Contenders of ours, one for each device. */
export function ours(
  choices: readonly Choice[],
  kind: string,
  more: Omit<Spec, "kind">,
): Contender[] {
  return choices.map(({ name, options }) => ({
    name,
    program: OURS,
    spec: { kind, seed: SEED, device: options, ...more },
  }));
}

/**
 * A peer, once for each number of threads: with small products more can be slower, and the better
 * setting counts.
 */
export function theirs(
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

/** For peers that gain by threads wherever they are asked. */
export const ALL_THREADS = [navigator.hardwareConcurrency];
