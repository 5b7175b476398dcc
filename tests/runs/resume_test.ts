/** A run that is killed again and again and resumed each time ends as the run that never was. */
import { assert, assertEquals } from "@std/assert";
import type { Metrics } from "../../lib/methods/training.ts";
import { eachDevice } from "../_devices.ts";
import { STEPS } from "./_tiny_run.ts";

const SCRIPT = new URL("./_tiny_run.ts", import.meta.url).pathname;

/** When to kill: before the n-th time something is done to a file, or after so many steps. */
type Moment = readonly [operation: string, file: string, time: number] | number;

/** In this order; each run goes on from what the kill before it left. */
const MOMENTS: readonly Moment[] = [
  ["write", "checkpoint.tmp/state.json", 2], // half a checkpoint beside that of step 0
  ["rename", "checkpoint.tmp", 1], // no checkpoint at all, but the old one and the new beside it
  ["remove", "checkpoint.old", 1], // the new checkpoint in place, the old one still there
  ["rename", "metrics.csv", 2], // a step in metrics.jsonl that is neither in the table ...
  ["rename", "samples.jsonl", 1], // ... nor in the samples nor in a checkpoint
  10,
  15,
];

/** Runs until the end, or until the moment of its death. */
async function run(
  device: string,
  method: string,
  folder: string,
  moment?: Moment,
): Promise<void> {
  const fate = typeof moment === "number" ? ["stay"] : (moment ?? []).map(String);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, device, method, folder, ...fate],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const done = text.trimEnd().split("\n").map(Number);
    if (typeof moment === "number" && done.some((steps) => steps >= moment)) {
      child.kill("SIGKILL");
      break; // a second signal would find no process
    }
  }
  const { success, signal } = await child.status;
  assertEquals(signal, moment === undefined ? null : "SIGKILL");
  assertEquals(success, moment === undefined);
}

/** The metrics that do not depend on the clock. */
async function metricsOf(folder: string): Promise<Metrics[]> {
  const lines = (await Deno.readTextFile(`${folder}/metrics.jsonl`)).trimEnd().split("\n");
  return lines.map((line) =>
    Object.fromEntries(
      Object.entries(JSON.parse(line) as Metrics)
        .filter(([name]) => !/^(time|throughput)\//.test(name)),
    )
  );
}

/**
 * Runs a method to its end, once left alone and once killed at some moments; fails unless both left
 * the same files. Gives the metrics of each step.
 */
async function compareKilled(
  device: string,
  method: string,
  moments: readonly Moment[],
): Promise<Metrics[]> {
  const folder = await Deno.makeTempDir();
  const [alone, killed] = [`${folder}/alone`, `${folder}/killed`];
  try {
    const left = run(device, method, alone);
    const done = (async () => {
      for (const moment of [...moments, undefined]) await run(device, method, killed, moment);
    })();
    await Promise.allSettled([left, done]); // no process writes to the folder any more
    await Promise.all([left, done]);
    const metrics = await metricsOf(alone);
    assertEquals(metrics.map(({ step }) => step), Array.from({ length: STEPS }, (_, i) => i));
    assertEquals(await metricsOf(killed), metrics);

    const files = [...Deno.readDirSync(`${alone}/checkpoint`)].map(({ name }) => name).sort();
    assert(files.includes("optimizers.safetensors"));
    for (const name of ["config.json", "samples.jsonl", ...files.map((f) => `checkpoint/${f}`)]) {
      const [one, two] = await Promise.all(
        [alone, killed].map((path) => Deno.readFile(`${path}/${name}`)),
      );
      const same = one!.length === two!.length && one!.every((byte, at) => byte === two![at]);
      const texts = [one, two].map((bytes) => new TextDecoder().decode(bytes!.slice(0, 500)));
      assert(same, `${name} differs: ${texts.join("\nand ")}`);
    }
    const table = (await Deno.readTextFile(`${killed}/metrics.csv`)).trimEnd().split("\n");
    assertEquals(table.length, 1 + STEPS);
    return metrics;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

eachDevice(
  "a run killed at any moment and resumed is bit for bit the one left alone",
  async (device) => {
    const metrics = await compareKilled(device, "relift", MOMENTS);
    assert(metrics.at(-1)!["sft/events"]! >= 3);
    assert(metrics.some((step) => step["rl/optimizer_steps"] === 2));
  },
);

// A sequence in either of its phases; draws of a number that depends on luck; a schedule.
for (const method of ["sft-rl", "rl-sft", "dapo", "prefix-rft"]) {
  eachDevice(
    `a run of ${method} killed and resumed is bit for bit the one left alone`,
    async () => {
      const metrics = await compareKilled("wasm", method, [5, 14]); // resumes at 3 and 12
      assert(metrics.at(-1)!["budget/optimizer_steps"]! >= 10);
    },
    { devices: ["wasm"] },
  );
}
