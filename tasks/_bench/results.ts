/**
 * What was measured, when and on what, as it is kept.
 *
 * @module
 */
import { cpus, totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs";
import type { Row } from "./race.ts";
import { SEED } from "./setup.ts";

/** What a part's rows stand on. */
export interface About {
  readonly date: string;
  /** Of the project; ends in `+` where files differed from it. */
  readonly commit: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Variables that BLAS libraries and threads listen to, where they are set. */
  readonly environment: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly quick: boolean;
}

/** One part of the benchmark. */
export interface Part {
  readonly about: About;
  readonly rows: readonly Row[];
}

/** The benchmark, by the names of its parts. */
export type Results = Readonly<Record<string, Part>>;

/** Describes the machine and the software of this run. */
export async function describeRun(
  peers: Readonly<Record<string, string>>,
  quick: boolean,
): Promise<About> {
  const [first] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: `${first?.model ?? Deno.build.arch}, ${navigator.hardwareConcurrency} cores, ` +
      `${gigabytes} GiB, ${Deno.build.os}`,
    versions: { Deno: Deno.version.deno, "TensorFlow.js": tf.version["tfjs-core"]!, ...peers },
    environment: Object.fromEntries(
      Object.entries(Deno.env.toObject()).filter(([name]) => LISTENED_TO.test(name)),
    ),
    seed: SEED,
    quick,
  };
}

const LISTENED_TO = /^(OPENBLAS|BLIS|MKL|VECLIB|OMP|GOMP|KMP|TORCH)_/;

async function commit(): Promise<string> {
  const git = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("git", { args, cwd: import.meta.dirname }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  try {
    const changed = await git("status", "--porcelain", "--untracked-files=no");
    return `${await git("rev-parse", "--short", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return "unknown"; // no git
  }
}

/** The results that a folder holds; none where there are none. */
export async function readResults(folder: string): Promise<Results> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/bench.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}
