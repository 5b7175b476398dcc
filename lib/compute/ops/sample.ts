/**
 * Choosing the next token: on the host, and on the device for many completions at once.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { philox4x32, type RandomKey } from "../../random.ts";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { hasKernel, runKernels } from "../kernels.ts";
import { SAMPLE_TOKENS } from "../wgsl/sample.ts";

/** How completions are drawn from a policy. */
export interface SamplingOptions {
  /** T > 0 divides the scores before softmax; 0 always takes the most probable token. */
  readonly temperature: number;
  /** Keep the fewest tokens whose probability reaches this, in `(0, 1]`; 1 keeps all. */
  readonly topP: number;
  /** Keep this many most probable tokens; 0 keeps all. */
  readonly topK: number;
}

/** Sampling as RL trains: the policy's own distribution. */
export const PLAIN_SAMPLING: SamplingOptions = { temperature: 1, topP: 1, topK: 0 };

/**
 * Checks sampling options.
 *
 * @throws {RangeError} When one is out of range.
 */
export function checkSampling({ temperature, topP, topK }: SamplingOptions): void {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(
      `Cannot sample as temperature must be >= 0: current value is ${temperature}`,
    );
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RangeError(`Cannot sample as topP must be in (0, 1]: current value is ${topP}`);
  }
  if (!(Number.isInteger(topK) && topK >= 0)) {
    throw new RangeError(
      `Cannot sample as topK must be a whole number >= 0: current value is ${topK}`,
    );
  }
}

/** A token and how likely it was. */
export interface SampledToken {
  readonly token: number;
  /** Under the policy itself (temperature 1, nothing cut), nats: what objectives use. */
  readonly logProb: number;
  /** Under the distribution it was drawn from, nats. */
  readonly samplingLogProb: number;
  /** Entropy of the policy's own distribution here, nats. */
  readonly entropy: number;
}

/**
 * Draws one token by the Gumbel-max trick: of the scores, each with a random number added, the
 * highest (arXiv:1611.00712, §2). The number of a token is a function of key, position and id
 * alone, so every device and batch draws the same.
 *
 * Temperature first, then top-k, then top-p on what is left, as Hugging Face's and vLLM's samplers
 * do; of equally probable tokens the one with the lower id ranks first.
 *
 * @param scores `[vocab]`, unnormalized.
 * @param key The completion's.
 * @param position Tokens that the completion has.
 *
 * @example Greedy decoding and its log-probability
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { sampleToken } from "./sample.ts";
 *
 * const greedy = { temperature: 0, topP: 1, topK: 0 };
 * const drawn = sampleToken([Math.log(1), Math.log(3)], greedy, [0, 0], 0);
 * assertEquals(drawn.token, 1);
 * assertAlmostEquals(drawn.logProb, Math.log(3 / 4), 1e-12);
 * assertEquals(drawn.samplingLogProb, 0); // nothing else could be drawn
 * ```
 */
export function sampleToken(
  scores: ArrayLike<number>,
  options: SamplingOptions,
  key: RandomKey,
  position: number,
): SampledToken {
  const { temperature, topP, topK } = options;
  const vocab = scores.length;
  let best = 0;
  for (let id = 1; id < vocab; id++) if (scores[id]! > scores[best]!) best = id;
  const highest = scores[best]!;
  let [total, weighted] = [0, 0]; // of exp(score - highest)
  for (let id = 0; id < vocab; id++) {
    const shifted = scores[id]! - highest, weight = Math.exp(shifted);
    total += weight;
    if (weight > 0) weighted += weight * shifted;
  }
  const logTotal = Math.log(total);
  const entropy = logTotal - weighted / total;
  const logProb = (id: number) => scores[id]! - highest - logTotal;
  if (temperature === 0) {
    return { token: best, logProb: logProb(best), samplingLogProb: 0, entropy };
  }

  const heat = (id: number) => (scores[id]! - highest) / temperature;
  const weights = new Float64Array(vocab);
  for (let id = 0; id < vocab; id++) weights[id] = Math.exp(heat(id));
  if (topK > 0 || topP < 1) cut(weights, topK, topP);
  let [token, top] = [best, -Infinity];
  let words: readonly number[] = [];
  for (let id = 0; id < vocab; id++) {
    if (id % 4 === 0) words = philox4x32([id / 4, position, 0, GUMBEL], key);
    if (weights[id] === 0) continue; // cut, or too improbable to be drawn
    const uniform = ((words[id % 4]! >>> 9) + 0.5) / 2 ** 23; // in (0, 1)
    const value = heat(id) - Math.log(-Math.log(uniform));
    if (value > top) [token, top] = [id, value];
  }
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    token,
    logProb: logProb(token),
    samplingLogProb: heat(token) - Math.log(mass),
    entropy,
  };
}

/** Last word of the counters that sampling uses: other uses of a key have another. */
const GUMBEL = 3;

/** Sets the weights to 0 that top-k and then top-p leave out. */
function cut(weights: Float64Array, topK: number, topP: number): void {
  const ranked = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b);
  const kept = topK > 0 ? ranked.slice(0, topK) : ranked;
  const mass = kept.reduce((sum, id) => sum + weights[id]!, 0);
  let [reached, count] = [0, 0];
  while (count < kept.length && reached < topP * mass) reached += weights[kept[count++]!]!;
  for (const id of ranked.slice(topP < 1 ? count : kept.length)) weights[id] = 0;
}

/** What was drawn for rows of scores, still on the device. */
export interface Sampled {
  /** `[rows]`, int32. */
  readonly tokens: tf.Tensor1D;
  /**
   * `[4, rows]`: the token once more (exact below 2^24), and {@linkcode SampledToken}'s `logProb`,
   * `samplingLogProb` and `entropy`.
   */
  readonly drawn: tf.Tensor2D;
}

/**
 * {@linkcode sampleToken} for many rows, on the device.
 *
 * @param scores `[rows, vocab]`, unnormalized.
 * @param keys `[rows, 2]`, int32 with the bits of each row's {@linkcode RandomKey}.
 * @param positions `[rows]`, int32: tokens that each completion has, less `offset`.
 */
export function sampleTokens(
  scores: tf.Tensor2D,
  keys: tf.Tensor2D,
  positions: tf.Tensor1D,
  offset: number,
  options: SamplingOptions,
): Sampled {
  const { temperature, topK, topP } = options;
  const attributes = { temperature, topK, topP, offset };
  const [tokens, drawn] = hasKernel("SampleTokens")
    ? runKernels("SampleTokens", { scores, keys, positions }, attributes)
    : sampleReference(scores, keys, positions, offset, options);
  return { tokens: tokens as tf.Tensor1D, drawn: drawn as tf.Tensor2D };
}

/** {@linkcode sampleTokens} by {@linkcode sampleToken}; reads the scores at once. */
function sampleReference(
  scores: tf.Tensor2D,
  keys: tf.Tensor2D,
  positions: tf.Tensor1D,
  offset: number,
  options: SamplingOptions,
): [tf.Tensor1D, tf.Tensor2D] {
  const [values, words, places] = [scores, keys, positions].map((tensor) => tensor.dataSync()) as [
    Float32Array,
    Int32Array,
    Int32Array,
  ];
  const [rows, vocab] = scores.shape;
  const all = Array.from({ length: rows }, (_, row) => {
    const key: RandomKey = [words[2 * row]! >>> 0, words[2 * row + 1]! >>> 0];
    const own = values.subarray(row * vocab, (row + 1) * vocab);
    return sampleToken(own, options, key, places[row]! + offset);
  });
  const tokens = all.map(({ token }) => token);
  const results = [
    tokens,
    all.map(({ logProb }) => logProb),
    all.map(({ samplingLogProb }) => samplingLogProb),
    all.map(({ entropy }) => entropy),
  ];
  return [tf.tensor1d(tokens, "int32"), tf.tensor2d(results.flat(), [4, rows])];
}

type Inputs = Readonly<Record<"scores" | "keys" | "positions", tf.TensorInfo>>;

registerWasmKernel("SampleTokens", (heap: Heap, inputs, attributes) => {
  const { scores, keys, positions } = inputs as Inputs;
  const { temperature, topK, topP, offset } = attributes as SamplingOptions & { offset: number };
  const [rows, vocab] = scores.shape as [number, number];
  const [tokens, drawn] = [heap.output([rows], "int32"), heap.output([4, rows])];
  const room = heap.kernels.sampleScratch(vocab);
  const scratch = heap.scratch(room * heap.threads);
  const [atScores, atKeys, atPositions, atTokens, atDrawn] = [
    scores,
    keys,
    positions,
    tokens,
    drawn,
  ].map(heap.at) as [number, number, number, number, number];
  const least = Math.max(1, Math.ceil(LEAST_SCORES / vocab));
  heap.split("sampleTokens", rows, least, (from, to, part) => [
    atScores + 4 * from * vocab,
    atKeys + 8 * from,
    atPositions + 4 * from,
    offset,
    atTokens + 4 * from,
    atDrawn + 4 * from,
    rows,
    to - from,
    vocab,
    temperature,
    topK,
    topP,
    scratch + part * room,
  ]);
  return [tokens, drawn];
});

/** Scores that are worth a thread. */
const LEAST_SCORES = 2048;

registerGpuKernel("SampleTokens", (gpu: Gpu, inputs, attributes) => {
  const { scores, keys, positions } = inputs as Inputs;
  const [rows, vocab] = scores.shape as [number, number];
  const [tokens, drawn] = [gpu.output([rows], "int32"), gpu.output([4, rows])];
  const tensors = { scores, keys, positions, tokens, drawn };
  gpu.launch(SAMPLE_TOKENS, tensors, { ...attributes, rows, vocab }, spread(rows));
  return [tokens, drawn];
});
