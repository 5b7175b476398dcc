/**
 * Choosing the next token.
 *
 * @module
 */
import type { Prng } from "../random.ts";

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
 * Draws one token.
 *
 * Temperature first, then top-k, then top-p on what is left, as Hugging Face's and vLLM's samplers
 * do; of equally probable tokens the one with the lower id ranks first.
 *
 * @param scores `[vocab]`, unnormalized.
 * @param prng One number is drawn, none when greedy.
 *
 * @example Greedy decoding and its log-probability
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { sampleToken } from "./sampling.ts";
 *
 * const greedy = { temperature: 0, topP: 1, topK: 0 };
 * const drawn = sampleToken([Math.log(1), Math.log(3)], greedy, () => 0.5);
 * assertEquals(drawn.token, 1);
 * assertAlmostEquals(drawn.logProb, Math.log(3 / 4), 1e-12);
 * assertEquals(drawn.samplingLogProb, 0); // nothing else could be drawn
 * ```
 */
export function sampleToken(
  scores: ArrayLike<number>,
  options: SamplingOptions,
  prng: Prng,
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

  const weights = new Float64Array(vocab);
  for (let id = 0; id < vocab; id++) weights[id] = Math.exp((scores[id]! - highest) / temperature);
  if (topK > 0 || topP < 1) cut(weights, topK, topP);
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  let rest = prng() * mass;
  let token = best; // where rounding leaves a rest after the last token
  for (let id = 0; id < vocab; id++) {
    rest -= weights[id]!;
    if (rest < 0) {
      token = id;
      break;
    }
  }
  return {
    token,
    logProb: logProb(token),
    samplingLogProb: Math.log(weights[token]! / mass),
    entropy,
  };
}

/** Sets the weights to 0 that top-k and then top-p leave out. */
function cut(weights: Float64Array, topK: number, topP: number): void {
  const ranked = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b);
  const kept = topK > 0 ? ranked.slice(0, topK) : ranked;
  const mass = kept.reduce((sum, id) => sum + weights[id]!, 0);
  let [reached, count] = [0, 0];
  while (count < kept.length && reached < topP * mass) reached += weights[kept[count++]!]!;
  for (const id of ranked.slice(topP < 1 ? count : kept.length)) weights[id] = 0;
}
