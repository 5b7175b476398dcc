/**
 * Single kernels, ours and those of jax-js, on the same numbers.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { attention, gatedLinearUnit, packedSequences, rmsNorm, tokenLogProbs } from "../../mod.ts";

/** A kernel whose operands are on the device. */
export interface Kernel {
  /** Runs it, and waits for the last. */
  run(times: number): Promise<void>;
  /** Mean absolute value of what it gives, to compare libraries by. */
  size(): Promise<number>;
}

/** Kernels by name; each puts its operands on the device when it is asked for. */
export type Kernels = Readonly<Record<string, () => Promise<Kernel>>>;

/** What the kernels compute: 4,096 tokens of the 10 M policy, in 64 sequences. */
const [TOKENS, SEQ, WIDTH, INNER, HEADS, HEAD_DIM, VOCAB] = [4096, 64, 384, 1024, 12, 32, 512];

/** Names of the kernels, as the tables show them. */
export const KERNEL_NAMES = [
  "matmul 1024³",
  "linear 4096 x 384 x 1024",
  "rms norm 4096 x 384",
  "gated linear unit 4096 x 1024",
  "causal attention 64 x 64 x 12 x 32",
  "log-probabilities 4096 x 512",
] as const;

/** Numbers that look random and are the same for every library. */
function wave(size: number, phase: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(1 + phase + 1.7 * i));
}

/** Mean absolute value, by the host: so no library sums its own. */
function meanSize(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum / values.length;
}

/** Target of a row, for log-probabilities. */
const target = (row: number) => (37 * row) % VOCAB;

/** Our kernels, or tfjs's own on a plain device. */
export function ourKernels(): Kernels {
  const matrix = (rows: number, columns: number, phase: number) =>
    tf.tensor2d(wave(rows * columns, phase), [rows, columns]);
  const kernel = (make: () => tf.Tensor): Promise<Kernel> => {
    const once = () => tf.tidy(make);
    return Promise.resolve({
      async run(times): Promise<void> {
        for (let i = 1; i < times; i++) once().dispose();
        const last = once();
        const one = tf.tidy(() => last.flatten().slice([0], [1]));
        await one.data();
        tf.dispose([last, one]);
      },
      async size(): Promise<number> {
        const result = once();
        const values = await result.data();
        result.dispose();
        return meanSize(values);
      },
    });
  };
  return named([
    () => {
      const [a, b] = [matrix(1024, 1024, 0), matrix(1024, 1024, 1)];
      return kernel(() => tf.matMul(a, b));
    },
    () => {
      const [x, weight] = [matrix(TOKENS, WIDTH, 0), matrix(INNER, WIDTH, 1)];
      return kernel(() => tf.matMul(x, weight, false, true));
    },
    () => {
      const [x, gain] = [matrix(TOKENS, WIDTH, 0), tf.tensor1d(wave(WIDTH, 1))];
      return kernel(() => rmsNorm(x, gain, 1e-6));
    },
    () => {
      const x = matrix(TOKENS, 2 * INNER, 0);
      return kernel(() => gatedLinearUnit(x, "silu"));
    },
    () => {
      const qkv = matrix(TOKENS, 3 * HEADS * HEAD_DIM, 0);
      const sequences = packedSequences(Array.from({ length: TOKENS / SEQ }, () => SEQ));
      const shape = { heads: HEADS, keyValueHeads: HEADS, headDim: HEAD_DIM };
      return kernel(() => attention(qkv, sequences, shape));
    },
    () => {
      const [hidden, output] = [matrix(TOKENS, WIDTH, 0), matrix(VOCAB, WIDTH, 1)];
      const targets = tf.tensor1d(Array.from({ length: TOKENS }, (_, row) => target(row)), "int32");
      return kernel(() => tokenLogProbs(hidden, output, targets).logProbs);
    },
  ]);
}

/** The same by jax-js, compiled where that is its way. */
export async function jaxKernels(device: "wasm" | "webgpu"): Promise<Kernels> {
  const { blockUntilReady, defaultDevice, init, jit, nn, numpy: np } = await import(
    "npm:@jax-js/jax@0.1.25"
  );
  await init(device);
  defaultDevice(device);
  type Jax = ReturnType<typeof np.array>;
  const array = (phase: number, ...shape: number[]) =>
    np.array(wave(shape.reduce((product, side) => product * side, 1), phase), { shape });
  const kernel = async (formula: (...operands: Jax[]) => Jax, ...operands: Jax[]) => {
    const compiled = jit(formula);
    const once = () => compiled(...operands.map((operand) => operand.ref)) as Jax;
    await blockUntilReady(once());
    return {
      async run(times: number): Promise<void> {
        for (let i = 1; i < times; i++) once().dispose();
        const last = once();
        await blockUntilReady(last.ref);
        last.dispose();
      },
      size: async () => meanSize(await once().data()),
    };
  };
  return named([
    () => kernel((a, b) => np.matmul(a, b), array(0, 1024, 1024), array(1, 1024, 1024)),
    () =>
      kernel(
        (x, weight) => np.matmul(x, weight.transpose()),
        array(0, TOKENS, WIDTH),
        array(1, INNER, WIDTH),
      ),
    () =>
      kernel(
        (x, gain) => {
          const square = np.mean(np.square(x.ref), -1, { keepdims: true });
          return x.mul(np.reciprocal(np.sqrt(square.add(1e-6)))).mul(gain);
        },
        array(0, TOKENS, WIDTH),
        array(1, WIDTH),
      ),
    () =>
      kernel((x) => {
        const [gate, up] = np.split(x, 2, 1) as [Jax, Jax];
        return nn.silu(gate).mul(up);
      }, array(0, TOKENS, 2 * INNER)),
    () =>
      kernel((qkv) => {
        const [q, k, v] = np.split(
          qkv.reshape([TOKENS / SEQ, SEQ, 3 * HEADS, HEAD_DIM]),
          3,
          2,
        ) as [Jax, Jax, Jax];
        return nn.dotProductAttention(q, k, v, { isCausal: true });
      }, array(0, TOKENS, 3 * HEADS * HEAD_DIM)),
    () =>
      kernel(
        (hidden, output) => {
          const all = nn.logSoftmax(np.matmul(hidden, output.transpose()));
          const targets = np.array(Array.from({ length: TOKENS }, (_, row) => target(row)), {
            dtype: np.int32,
          });
          return np.sum(all.mul(nn.oneHot(targets, VOCAB)), -1);
        },
        array(0, TOKENS, WIDTH),
        array(1, VOCAB, WIDTH),
      ),
  ]);
}

function named(kernels: readonly (() => Promise<Kernel>)[]): Kernels {
  return Object.fromEntries(KERNEL_NAMES.map((name, i) => [name, kernels[i]!]));
}
