// deno task bench --quick
// deno-lint-ignore-file no-console
import { fileURLToPath } from "node:url";
import {
  adamwState,
  charTokenizer,
  createPolicy,
  DEVICE_NAMES,
  type DeviceName,
  disposeAdamw,
  disposePolicy,
  findAdapter,
  findBlas,
  type ModelConfig,
  modelConfig,
  openDevice,
  randomInteger,
  randomSeeded,
  rollout,
  supervisedStep,
  type TrainingRow,
} from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";

const command = {
  name: "bench",
  about: "measures training steps and generation, beside PyTorch's where a Python has it.",
  flags: {
    quick: { kind: "switch", help: "Fewer repeats, and only the sizes that take seconds" },
    device: {
      kind: "choice",
      choices: ["all", ...DEVICE_NAMES],
      default: "all",
      help: "Devices to measure; all takes those found, and cpu and software WebGPU only by name",
    },
    python: {
      kind: "text",
      value: "FILE",
      help: "Python to look for PyTorch in; python3 and the system's own unless given",
    },
    json: { kind: "switch", help: "Print the rows as JSON" },
  },
  examples: ["deno task bench --quick", "deno task bench --json"],
} as const satisfies Command<Record<string, Flag>>;

/** A model and the size of its batches. */
interface Size {
  readonly name: string;
  readonly config: ModelConfig;
  readonly batch: number;
  readonly seq: number;
}

const VOCAB = 64;

const size = (name: string, width: number, layers: number, batch: number): Size => ({
  name,
  batch,
  seq: 64,
  config: modelConfig({
    vocab_size: VOCAB,
    hidden_size: width,
    intermediate_size: Math.round(width * 8 / 3 / 8) * 8,
    num_hidden_layers: layers,
    num_attention_heads: width / 32,
    max_position_embeddings: 256,
  }),
});

const SIZES = [size("0.3M", 96, 3, 64), size("0.8M", 128, 4, 64), size("10M", 384, 6, 16)];

/** How PyTorch's rows begin. */
const PYTORCH = "PyTorch CPU";

/** One line of the result. */
interface Row {
  readonly what: "train step" | "generate";
  readonly size: string;
  readonly device: string;
  readonly medianMs: number;
  readonly tokensPerSecond: number;
}

/** Something that takes one repeat and says how long it took, in milliseconds. */
interface Contender {
  readonly what: Row["what"];
  readonly device: string;
  /** Tokens of one repeat. */
  readonly tokens: number;
  repeat(): Promise<number>;
  close(): Promise<void>;
}

async function main(flags: Values<typeof command.flags>): Promise<void> {
  const rows: Row[] = [];
  const repeats = flags.quick ? 5 : 15;
  const python = await findTorch(flags.python);
  if (!python) console.error("PyTorch is not measured: no Python with torch was found (--python)");
  for (const size of flags.quick ? SIZES.slice(0, 2) : SIZES) {
    const contenders: Contender[] = [];
    for (const device of await devices(flags.device)) {
      contenders.push(await trainStep(size, device), await generation(size, device));
    }
    // With small products, more threads can be slower: PyTorch is judged by its better setting.
    const threads = new Set([1, navigator.hardwareConcurrency]);
    if (python) contenders.push(...[...threads].map((count) => torchStep(python, size, count)));
    rows.push(...await measure(contenders, size, repeats));
  }
  if (flags.json) console.log(JSON.stringify({ rows }));
  else printTable(rows);
}

/** A device to open, and how the table calls it. */
interface Choice {
  readonly name: string;
  readonly open: () => Promise<unknown>;
}

async function devices(wanted: string): Promise<Choice[]> {
  const wasm = (blas: boolean) => ({
    name: blas ? `wasm + ${findBlas()!.name.split(" ")[0]}` : "wasm",
    open: () => openDevice({ prefer: "wasm", blas }),
  });
  const named = (name: DeviceName) => ({ name, open: () => openDevice({ prefer: name }) });
  const adapter = await findAdapter();
  const wasms = [...(findBlas() ? [wasm(true)] : []), wasm(false)];
  if (wanted === "wasm") return wasms;
  if (wanted !== "all") return [named(wanted as DeviceName)];
  return [...wasms, ...(adapter && !adapter.software ? [named("webgpu")] : [])];
}

/** A training step: forward, backward, clip and AdamW on random tokens. */
async function trainStep({ config, batch, seq }: Size, device: Choice): Promise<Contender> {
  await device.open();
  const policy = createPolicy(config, charTokenizer(letters(VOCAB - 2)), 1);
  const optimizer = adamwState(policy.weights);
  const random = randomSeeded(1, "bench");
  const token = () => randomInteger(random, 0, VOCAB);
  const rows: TrainingRow[] = Array.from({ length: batch }, () => ({
    prompt: [token()],
    completion: Array.from({ length: seq }, token),
    advantage: 0,
  }));
  const settings = {
    entropyCoefficient: 0,
    learningRate: { peak: 1e-4, warmupSteps: 0, shape: "constant" },
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
    maxTokens: batch * seq,
  } as const;
  return {
    what: "train step",
    device: device.name,
    tokens: batch * seq,
    async repeat(): Promise<number> {
      await device.open();
      const started = performance.now();
      await supervisedStep(policy, rows, optimizer, 1e-4, settings); // ends with a read
      return performance.now() - started;
    },
    async close(): Promise<void> {
      await device.open();
      disposePolicy(policy);
      disposeAdamw(optimizer);
    },
  };
}

/** Completions of 64 tokens for a batch of prompts. */
async function generation({ config, batch }: Size, device: Choice): Promise<Contender> {
  await device.open();
  const tokenizer = { ...charTokenizer(letters(VOCAB - 2)), eosTokenId: -1 }; // never ends early
  const policy = { ...createPolicy(config, charTokenizer(letters(VOCAB - 2)), 1), tokenizer };
  const questions = Array.from({ length: batch / 8 }, (_, id) => ({
    id: String(id),
    prompt: "abcdefgh",
    answer: "",
  }));
  const options = { groupSize: 8, maxNewTokens: 64, temperature: 1, topP: 1, topK: 0 };
  return {
    what: "generate",
    device: device.name,
    tokens: batch * options.maxNewTokens,
    async repeat(): Promise<number> {
      await device.open();
      const started = performance.now();
      await rollout(policy, questions, {
        ...options,
        random: (question, sample) => randomSeeded(1, "bench", question, sample),
      });
      return performance.now() - started;
    },
    async close(): Promise<void> {
      await device.open();
      disposePolicy(policy);
    },
  };
}

/** Characters for a vocabulary that is never read. */
const letters = (count: number): string =>
  String.fromCharCode(...Array.from({ length: count }, (_, i) => 60 + i));

/** The Python that has PyTorch. */
async function findTorch(given: string | undefined): Promise<string | undefined> {
  for (const python of given ? [given] : ["python3", "/usr/bin/python3"]) {
    try {
      const args = ["-c", "import torch"];
      const { success } = await new Deno.Command(python, { args, stderr: "null" }).output();
      if (success) return python;
    } catch {
      continue; // no such program
    }
  }
}

/** PyTorch's own training step, in a process that takes one step for each line it reads. */
function torchStep(python: string, { config, batch, seq }: Size, threads: number): Contender {
  const shape = { ...config, batch, seq, threads };
  const script = new URL("bench_torch.py", import.meta.url);
  const process = new Deno.Command(python, {
    args: [fileURLToPath(script), JSON.stringify(shape)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let [text, greeted] = ["", false];
  const line = async (): Promise<string> => {
    while (!text.includes("\n")) {
      const { value, done } = await output.read();
      if (done) throw new RangeError("Cannot measure PyTorch as its process must go on: it ended");
      text += value;
    }
    const [first, ...rest] = text.split("\n");
    text = rest.join("\n");
    return first!;
  };
  return {
    what: "train step",
    device: `${PYTORCH}, ${threads} thread${threads === 1 ? "" : "s"}`,
    tokens: batch * seq,
    async repeat(): Promise<number> {
      if (!greeted) console.error(await line());
      greeted = true;
      await input.write(new TextEncoder().encode("\n"));
      return Number(await line());
    },
    async close(): Promise<void> {
      await input.close();
      await output.cancel();
      await process.status;
    },
  };
}

/** Repeats all contenders in turn, so that a machine that slows down slows them alike. */
async function measure(
  contenders: readonly Contender[],
  { name }: Size,
  repeats: number,
): Promise<Row[]> {
  const times = contenders.map((): number[] => []);
  for (let repeat = -1; repeat < repeats; repeat++) {
    for (const [i, contender] of contenders.entries()) {
      const time = await contender.repeat();
      if (repeat >= 0) times[i]!.push(time); // the first warms up
    }
  }
  for (const contender of contenders) await contender.close();
  return contenders.map(({ what, device, tokens }, i) => {
    const medianMs = times[i]!.toSorted((a, b) => a - b)[Math.floor(repeats / 2)]!;
    return { what, size: name, device, medianMs, tokensPerSecond: 1000 * tokens / medianMs };
  });
}

function printTable(rows: readonly Row[]): void {
  console.log(
    "what        size   device                  median ms   tokens/s   time / PyTorch's best",
  );
  for (const { what, size, device, medianMs, tokensPerSecond } of rows) {
    const torch = rows
      .filter((row) => row.what === what && row.size === size && row.device.startsWith(PYTORCH))
      .map((row) => row.medianMs);
    console.log([
      what.padEnd(11),
      size.padEnd(6),
      device.padEnd(22),
      medianMs.toFixed(1).padStart(10),
      tokensPerSecond.toFixed(0).padStart(10),
      (torch.length > 0 ? (medianMs / Math.min(...torch)).toFixed(2) : "-").padStart(10),
    ].join(" "));
  }
}

if (import.meta.main) await runTask(command, main);
