// deno task bench --quick
// deno-lint-ignore-file no-console
import { DEVICE_NAMES, writeWhole } from "../mod.ts";
import { PARTS, QUICK_PARTS } from "./_bench/parts.ts";
import { OURS, peersIn, start } from "./_bench/process.ts";
import { describeRun, type Part, readResults, type Results } from "./_bench/results.ts";
import { choicesOf, type Peers, SEED, type Setup } from "./_bench/setup.ts";
import { type Size, SIZES } from "./_bench/sizes.ts";
import { page, section } from "./_bench/tables.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";

const PART_NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[];

const command = {
  name: "bench",
  about:
    "measures training, generation, GRPO steps, memory, the device's limits and grading, beside " +
    "plain tfjs, jax-js, PyTorch, Hugging Face and TRL.",
  flags: {
    quick: {
      kind: "switch",
      help: "A minute: few repeats of train, generate and grpo at 0.8M, and nothing is written",
    },
    only: { kind: "choice", choices: PART_NAMES, help: "One part; all of them unless given" },
    size: {
      kind: "choice",
      choices: ["all", ...SIZES.map(({ name }) => name)],
      default: "all",
      help: "Policy to measure, by its parameters",
    },
    device: {
      kind: "choice",
      choices: ["all", ...DEVICE_NAMES],
      default: "all",
      help: "Devices to measure; all takes those found, and cpu and software WebGPU only by name",
    },
    python: {
      kind: "text",
      value: "FILE",
      help: "Python with tasks/bench_requirements.txt: PyTorch, Hugging Face and TRL are measured",
    },
    json: { kind: "switch", help: "Print the results as JSON instead of tables" },
    out: {
      kind: "text",
      value: "DIR",
      help: "Where bench.json, its tables and pictures go; parts not run are kept " +
        "(default results/bench, with --quick none)",
    },
  },
  examples: [
    "deno task bench --quick",
    "deno task bench --only train --size 10M --python .venv/bin/python",
  ],
} as const satisfies Command<Record<string, Flag>>;

async function main(flags: Values<typeof command.flags>): Promise<void> {
  const { quick } = flags;
  const out = flags.out ?? (quick ? undefined : "results/bench");
  const kept = out ? await readResults(out) : {};
  const peers = flags.python ? await findPeers(flags.python) : undefined;
  if (!peers) {
    console.error("PyTorch, Hugging Face and TRL are not measured: --python is not given");
  }
  const about = await describeRun(peers?.versions ?? {}, quick);
  const wanted = flags.size === "all"
    ? SIZES.slice(0, quick ? 1 : undefined)
    : SIZES.filter(({ name }) => name === flags.size);
  const measured: Record<string, Part> = {};
  const temporary = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const setup: Setup = {
      quick,
      sizes: wanted,
      devices: await choicesOf(flags.device),
      peers,
      folderOf: policiesIn(temporary),
    };
    for (const name of flags.only ? [flags.only] : quick ? QUICK_PARTS : PART_NAMES) {
      measured[name] = { about, rows: await PARTS[name](setup) };
      if (out) await save(out, { ...kept, ...measured }); // a later part may fail, or be stopped
      if (!flags.json) console.log(section(name, measured[name]) + "\n");
    }
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
  if (flags.json) console.log(JSON.stringify(measured, null, 2));
}

/** Makes the policy of a size once, for all its contenders. */
function policiesIn(temporary: string): Setup["folderOf"] {
  const made = new Set<string>();
  return async ({ name, shape }: Pick<Size, "name" | "shape">): Promise<string> => {
    const folder = `${temporary}/${name.replaceAll(" ", "_")}`;
    if (!made.has(name)) {
      const spec = { kind: "policy", folder, config: shape, seed: SEED };
      await (await start(OURS, spec)).close();
    }
    made.add(name);
    return folder;
  };
}

/**
 * What a Python has to measure.
 *
 * @throws {Error} When it cannot be started or lacks PyTorch.
 */
async function findPeers(python: string): Promise<Peers> {
  const program = peersIn(python);
  try {
    const probe = await start(program, { kind: "probe" });
    await probe.close();
    const { versions, cuda } = probe.ready as Pick<Peers, "versions" | "cuda">;
    return { program, versions, cuda };
  } catch (error) {
    throw new Error(
      `Cannot measure PyTorch as ${python} must be a Python that has it: ${
        (error as Error).message
      }`,
    );
  }
}

/** Writes the results, their tables and their pictures. */
async function save(folder: string, results: Results): Promise<void> {
  const { drawFigures } = await import("./_bench/figures.ts"); // loads all of plotly.js
  await Deno.mkdir(folder, { recursive: true });
  await writeWhole(`${folder}/bench.json`, JSON.stringify(results, null, 1) + "\n");
  await writeWhole(`${folder}/README.md`, page(results, await drawFigures(results, folder)));
}

if (import.meta.main) await runTask(command, main);
