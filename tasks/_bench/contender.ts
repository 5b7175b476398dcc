/**
 * One of our contenders: `deno run -A contender.ts SPEC`. Tells when it is ready, and answers each
 * line of JSON with one, see {@linkcode start}.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  ADAMW_DEFAULTS,
  binaryReward,
  charTokenizer,
  createPolicy,
  type Dataset,
  type DeviceOptions,
  findBlas,
  forward,
  loadPolicy,
  logits,
  modelConfig,
  openDevice,
  openedGpu,
  packedSequences,
  PLAIN_SAMPLING,
  type Policy,
  type Question,
  randomInteger,
  randomKey,
  randomSeeded,
  type Reward,
  rl,
  rollout,
  savePolicy,
  supervisedStep,
  type TrainingRow,
  trainingState,
} from "../../mod.ts";
import { grade } from "./grading.ts";
import { jaxKernels, type Kernel, ourKernels } from "./kernels.ts";
import { linesOf, type Reply, type Request, type Spec } from "./process.ts";
import { profileKernels } from "./profile.ts";

/** What a kind of contender does once it is ready. */
interface Job {
  readonly ready?: Readonly<Record<string, unknown>>;
  repeat(request: Request): Promise<Reply> | Reply;
}

/** The device a spec names. */
async function open({ device }: Spec): Promise<string> {
  const { description } = await openDevice(device as DeviceOptions);
  return description;
}

/** Milliseconds of a call that ends when all it started has. */
async function timed(run: () => Promise<unknown> | unknown): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** Makes the policy that every contender of a size loads, the questions, and scores to check by. */
async function policy({ folder, config, seed }: Spec): Promise<Job> {
  await openDevice({ prefer: "wasm" });
  const shape = modelConfig(config);
  const characters = Array.from(
    { length: shape.vocab_size - 2 },
    (_, id) => String.fromCharCode(32 + id), // printable ASCII first: the questions need it
  );
  const tokenizer = charTokenizer(characters.join(""));
  const policy = createPolicy(shape, tokenizer, seed as number);
  const questions = Array.from({ length: 512 }, (_, i) => {
    const prompt = `${10 + i % 90}+${10 + i % 70}=AB`;
    return { id: String(i), prompt, answer: "", tokens: tokenizer.encode(prompt) };
  });
  const random = randomSeeded(seed as number, "bench", "check");
  const tokens = [1, 2].map(() =>
    Array.from({ length: 8 }, () => randomInteger(random, 0, shape.vocab_size))
  );
  const hidden = forward(
    policy,
    tf.tensor1d(tokens.flat(), "int32"),
    packedSequences(tokens.map((row) => row.length)),
  );
  const scores = await logits(policy, hidden).data<"float32">();
  await savePolicy(policy, folder as string, {
    "questions.json": JSON.stringify(questions),
    "check.json": JSON.stringify({ tokens }),
  });
  await Deno.writeFile(`${folder}/check.bin`, new Uint8Array(scores.slice().buffer));
  const parameters = Object.values(policy.weights).reduce((sum, { size }) => sum + size, 0);
  return { ready: { parameters }, repeat: () => ({ ms: 0 }) };
}

/** A policy that never ends a completion early. */
async function endless(folder: unknown): Promise<Policy> {
  const policy = await loadPolicy(folder as string);
  return { ...policy, tokenizer: { ...policy.tokenizer, eosTokenId: -1 } };
}

async function questionsIn(folder: unknown): Promise<Question[]> {
  return JSON.parse(await Deno.readTextFile(`${folder}/questions.json`));
}

/** The `wasm` backend's memory, which its type leaves out. */
interface Heap {
  readonly wasm: { readonly HEAPU8: Uint8Array };
}

/** What the device holds after a repeat. */
function memory(): Record<string, number> {
  const { numTensors, numBytes, ...more } = tf.memory() as tf.MemoryInfo & {
    numBytesAllocatedInGPU?: number;
  };
  const deviceBytes = tf.getBackend() === "wasm"
    ? (tf.backend() as unknown as Heap).wasm.HEAPU8.buffer.byteLength
    : more.numBytesAllocatedInGPU;
  return { tensors: numTensors, tensorBytes: numBytes, deviceBytes: deviceBytes ?? numBytes };
}

/** Programs launched on the GPU so far; 0 on other devices. */
const launches = () => tf.getBackend() === "webgpu" ? openedGpu().launches : 0;

/** Training steps on random tokens, `batch` rows of `seq`: forward, backward, clip and AdamW. */
async function train(spec: Spec): Promise<Job> {
  const description = await open(spec);
  const policy = await loadPolicy(spec.folder as string);
  const state = trainingState();
  const random = randomSeeded(spec.seed as number, "bench");
  const token = () => randomInteger(random, 0, policy.config.vocab_size);
  const profile = spec.profile ? profileKernels(tf.getBackend()) : undefined;
  return {
    ready: { description, ...memory() },
    async repeat({ batch, seq }): Promise<Reply> {
      const rows = Array.from({ length: batch as number }, (): TrainingRow => ({
        prompt: [token()],
        completion: Array.from({ length: seq as number }, token),
        advantage: 1,
      }));
      const settings = {
        entropyCoefficient: 0,
        learningRate: { peak: 1e-4, warmupSteps: 0, shape: "constant" },
        adamw: ADAMW_DEFAULTS,
        rate: 1e-4,
      } as const;
      const learner = { policy, state, config: { maxTokens: (batch as number) * (seq as number) } };
      const before = launches();
      profile?.reset();
      const ms = await timed(() => supervisedStep(learner, rows, settings));
      return {
        ms,
        launches: launches() - before,
        ...memory(),
        ...(profile ? { kernels: profile.kernels() } : {}),
      };
    },
  };
}

/** Completions of `newTokens` tokens for `batch` rows, `groupSize` of each question. */
async function generate(spec: Spec): Promise<Job> {
  const description = await open(spec);
  const policy = await endless(spec.folder);
  const questions = await questionsIn(spec.folder);
  const groupSize = spec.groupSize as number;
  return {
    ready: { description },
    async repeat({ batch, newTokens }): Promise<Reply> {
      const asked = questions.slice(0, (batch as number) / groupSize);
      const options = {
        ...PLAIN_SAMPLING,
        groupSize,
        maxNewTokens: newTokens as number,
        random: (question: number, sample: number) =>
          randomKey(spec.seed as number, "bench", question, sample),
      };
      const before = launches();
      const ms = await timed(() => rollout(policy, asked, options));
      return { ms, launches: launches() - before };
    },
  };
}

/**
 * The questions of a folder, and a reward of 0 or 1 that about one completion in twelve earns, so
 * that about half of the groups have no signal, as those of a real run.
 */
function evenStart(questions: readonly Question[]): Dataset {
  return {
    name: "even-start",
    size: questions.length,
    question: (index) => questions[index]!,
    reward: (_, completion): Reward => binaryReward(/^[02468]/.test(completion)), // as in bench_peers.py
  };
}

/** GRPO steps: rollouts of `questions` x `groupSize` completions that end when they like, rewards, and one update. */
async function policyGradient(spec: Spec): Promise<Job> {
  const description = await open(spec);
  const policy = await loadPolicy(spec.folder as string);
  const { questions, groupSize, newTokens, seed } = spec as unknown as Record<string, number>;
  const steps = rl(policy, evenStart(await questionsIn(spec.folder)), {
    ...rl.config,
    clip: { low: 0.2, high: 0.2, dual: null }, // TRL's, as the next
    reduction: "constant-length",
    seed: seed!,
    steps: 1e6,
    groupSize: groupSize!,
    questionsPerStep: questions!,
    maxNewTokens: newTokens!,
    optimizerSteps: 1,
    learningRate: { peak: 1e-6, warmupSteps: 0, shape: "constant" }, // TRL's default
    maxTokens: questions! * groupSize! * (newTokens! + 32),
  });
  return {
    ready: { description },
    async repeat(): Promise<Reply> {
      const started = performance.now();
      const { value } = await steps.next();
      const ms = performance.now() - started;
      return { ms, rolloutMs: 1000 * value["time/rollout_s"], live: value["groups/live"] };
    },
  };
}

/** One kernel after another, `kernel` of {@linkcode ourKernels} or jax-js's, `times` times. */
async function kernel(spec: Spec): Promise<Job> {
  const description = spec.library === "jax-js" ? undefined : await open(spec);
  const kernels = spec.library === "jax-js"
    ? await jaxKernels((spec.device as DeviceOptions).prefer as "wasm" | "webgpu")
    : ourKernels();
  const made = new Map<string, Kernel>();
  return {
    ready: { description },
    async repeat({ kernel: name, times }): Promise<Reply> {
      if (!made.has(name as string)) made.set(name as string, await kernels[name as string]!());
      const { run, size } = made.get(name as string)!;
      const ms = await timed(() => run(times as number)) / (times as number);
      return { ms, size: await size() };
    },
  };
}

/** A product of `n` by `n` on the machine's BLAS, with as many threads as that library takes. */
function blas(): Job {
  const found = findBlas()!;
  return {
    ready: { description: found.details },
    async repeat({ n }): Promise<Reply> {
      const size = n as number;
      const numbers = new Float32Array(3 * size * size).fill(1);
      const a = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(numbers)));
      const [b, c] = [a + BigInt(4 * size * size), a + BigInt(8 * size * size)];
      const [rowMajor, plain] = [101, 111]; // of cblas.h
      const multiply = () =>
        found.sgemm(rowMajor, plain, plain, size, size, size, 1, a, size, b, size, 0, c, size);
      return { ms: Math.min(await timed(multiply), await timed(multiply)) };
    },
  };
}

/** A product of `n` by `n` and a copy of `bytes` on the device. */
async function product(spec: Spec): Promise<Job> {
  const description = await open(spec);
  return {
    ready: { description },
    async repeat({ n, bytes }): Promise<Reply> {
      const multiply = async () => {
        const a = tf.ones<tf.Rank.R2>([n as number, n as number]);
        await a.data(); // it is there
        const ms = await timed(() => {
          const c = tf.matMul(a, a);
          const corner = c.slice([0, 0], [1, 1]);
          tf.dispose(c);
          return corner.data().finally(() => corner.dispose());
        });
        a.dispose();
        return ms;
      };
      const ms = Math.min(await multiply(), await multiply(), await multiply());
      return { ms, copyMs: Math.min(await copy(bytes as number), await copy(bytes as number)) };
    },
  };
}

/** Milliseconds to copy `bytes` on the current device. */
async function copy(bytes: number): Promise<number> {
  if (tf.getBackend() !== "webgpu") {
    const [source, target] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes).fill(2)];
    return timed(() => target.set(source));
  }
  const { device } = openedGpu();
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [source, target] = [1, 2].map(() => device.createBuffer({ size: bytes, usage }));
  const once = () => {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source!, 0, target!, 0, bytes);
    device.queue.submit([encoder.finish()]);
    return device.queue.onSubmittedWorkDone();
  };
  await once(); // the buffers are there
  const ms = await timed(once);
  for (const buffer of [source!, target!]) buffer.destroy();
  return ms;
}

const KINDS: Readonly<Record<string, (spec: Spec) => Promise<Job> | Job>> = {
  policy,
  train,
  generate,
  grpo: policyGradient,
  kernel,
  blas,
  product,
  grading: () => ({ repeat: grade }),
};

if (import.meta.main) {
  const tell = (answer: unknown) =>
    Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(answer) + "\n"));
  const spec: Spec = JSON.parse(Deno.args[0]!);
  const { ready = {}, repeat } = await KINDS[spec.kind]!(spec);
  tell(ready);
  for await (const line of linesOf(Deno.stdin.readable)) tell(await repeat(JSON.parse(line)));
  Deno.exit(); // a WebGPU device would keep the process
}
