import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import {
  checkSampling,
  PLAIN_SAMPLING,
  sampleToken,
  sampleTokens,
  type SamplingOptions,
} from "../../../lib/compute/ops/sample.ts";
import { philox4x32, type RandomKey, randomKey } from "../../../lib/random.ts";
import { assertClose, eachDevice, take } from "../../_devices.ts";

/** Scores of four tokens with probabilities 1/8, 1/4, 1/2 and 1/8. */
const SCORES = [1, 2, 4, 1].map((weight) => Math.log(weight) + 5);
const KEY: RandomKey = [7, 11];

const withOptions = (options: Partial<SamplingOptions>) => ({ ...PLAIN_SAMPLING, ...options });

/**
 * The distribution that tokens are drawn from, read off the drawn tokens' log-probabilities; a token
 * that no position of many draws has 0.
 */
function distribution(scores: readonly number[], options: Partial<SamplingOptions>): number[] {
  const result = scores.map(() => 0);
  for (let i = 0; i <= 1000; i++) {
    const drawn = sampleToken(scores, withOptions(options), KEY, i);
    result[drawn.token] = Math.exp(drawn.samplingLogProb);
  }
  return result;
}

function assertDistribution(
  actual: readonly number[],
  weights: readonly number[],
): void {
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  actual.forEach((p, id) => assertAlmostEquals(p, weights[id]! / mass, 1e-12));
}

Deno.test("sampleToken() takes the highest score with its Gumbel number", () => {
  for (const position of [0, 1, 2, 3, 4, 5]) {
    const words = philox4x32([0, position, 0, 3], KEY);
    const values = SCORES.map((score, id) =>
      score - Math.log(-Math.log(((words[id]! >>> 9) + 0.5) / 2 ** 23))
    );
    const { token } = sampleToken(SCORES, PLAIN_SAMPLING, KEY, position);
    assertEquals(token, values.indexOf(Math.max(...values)));
  }
});

Deno.test("sampleToken() tells the policy's log-probability and entropy", () => {
  const drawn = sampleToken(SCORES, PLAIN_SAMPLING, KEY, 0);
  const logProb = Math.log([1 / 8, 1 / 4, 1 / 2, 1 / 8][drawn.token]!);
  assertAlmostEquals(drawn.logProb, logProb, 1e-12);
  assertAlmostEquals(drawn.samplingLogProb, logProb, 1e-12);
  // 1/8 × 3 bits + 1/4 × 2 + 1/2 × 1 + 1/8 × 3 = 1.75 bits
  assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
});

Deno.test("sampleToken() divides scores by the temperature", () => {
  assertDistribution(distribution(SCORES, { temperature: 0.5 }), [1, 4, 16, 1]); // squares
  assertDistribution(distribution(SCORES, { temperature: 2 }), [1, Math.SQRT2, 2, 1]); // roots
});

Deno.test("sampleToken() keeps the policy's own log-probability whatever it draws from", () => {
  const options = withOptions({ temperature: 0.5, topK: 2, topP: 0.9 });
  const seen = new Set<number>();
  for (let position = 0; position < 100; position++) {
    const drawn = sampleToken(SCORES, options, KEY, position);
    const two = drawn.token === 2; // 16 : 4 of tokens 2 and 1; 16 / 20 does not reach 0.9
    assertAlmostEquals(drawn.logProb, Math.log(two ? 1 / 2 : 1 / 4), 1e-12);
    assertAlmostEquals(drawn.samplingLogProb, Math.log(two ? 16 / 20 : 4 / 20), 1e-12);
    assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
    seen.add(drawn.token);
  }
  assertEquals(seen, new Set([2, 1]));
});

Deno.test("sampleToken() keeps the topK most probable tokens, of equals those of lower id", () => {
  assertDistribution(distribution(SCORES, { topK: 1 }), [0, 0, 4, 0]);
  assertDistribution(distribution(SCORES, { topK: 2 }), [0, 2, 4, 0]);
  assertDistribution(distribution(SCORES, { topK: 3 }), [1, 2, 4, 0]); // 0 and 3 tie
  assertDistribution(distribution(SCORES, { topK: 4 }), [1, 2, 4, 1]);
  assertDistribution(distribution(SCORES, { topK: 9 }), [1, 2, 4, 1]); // more than there are
});

Deno.test("sampleToken() keeps the fewest tokens that reach topP", () => {
  assertDistribution(distribution(SCORES, { topP: 0.001 }), [0, 0, 4, 0]); // always one
  assertDistribution(distribution(SCORES, { topP: 0.49 }), [0, 0, 4, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.51 }), [0, 2, 4, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.76 }), [1, 2, 4, 0]); // 0 and 3 tie
  assertDistribution(distribution(SCORES, { topP: 0.88 }), [1, 2, 4, 1]);
});

Deno.test("sampleToken() stops at topP when it is reached exactly", () => {
  // Four equal tokens: two of them are half of the mass, with no rounding anywhere.
  assertDistribution(distribution([0, 0, 0, 0], { topP: 0.5 }), [1, 1, 0, 0]);
});

Deno.test("sampleToken() applies temperature, then topK, then topP to what is left", () => {
  // At T = 2 token 2 has 2 / 5.41 = 0.37 of the mass; at T = 1 it alone would reach 0.45.
  assertDistribution(distribution(SCORES, { temperature: 2, topP: 0.45 }), [0, Math.SQRT2, 2, 0]);
  // Of two tokens, 2 has 4/6 of the mass and reaches 0.6; of all four it has 4/8 and does not.
  assertDistribution(distribution(SCORES, { topK: 2, topP: 0.6 }), [0, 0, 1, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.6 }), [0, 2, 4, 0]);
});

Deno.test("sampleToken() never draws a token that was cut, whatever the rounding", () => {
  const scores = Array.from({ length: 50 }, (_, id) => Math.sin(id) * 3);
  for (const options of [{ topK: 7 }, { topP: 0.5 }, { temperature: 0.7, topK: 20, topP: 0.9 }]) {
    const kept = distribution(scores, options);
    for (const position of [2000, 2001, 2002]) {
      const drawn = sampleToken(scores, withOptions(options), KEY, position);
      assert(kept[drawn.token]! > 0 && Number.isFinite(drawn.samplingLogProb));
    }
  }
});

Deno.test("sampleToken() draws from probabilities that sum to 1, however they were cut", () => {
  for (
    const options of [{}, { temperature: 0.6 }, { topK: 3 }, { topP: 0.8 }, {
      temperature: 1.5,
      topK: 3,
      topP: 0.7,
    }]
  ) {
    const total = distribution(SCORES, options).reduce((sum, p) => sum + p, 0);
    assertAlmostEquals(total, 1, 1e-12);
  }
});

Deno.test("sampleToken() is greedy at temperature 0", () => {
  const drawn = sampleToken(SCORES, withOptions({ temperature: 0 }), KEY, 0);
  assertEquals(drawn.token, 2);
  assertAlmostEquals(drawn.logProb, Math.log(1 / 2), 1e-12);
  assertEquals(drawn.samplingLogProb, 0);
  assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
  assertEquals(sampleToken([1, 3, 3], withOptions({ temperature: 0 }), KEY, 0).token, 1); // a tie
});

Deno.test("sampleToken() stays finite with scores far apart", () => {
  for (const scores of [[1e4, -1e4, 0], [-1e30, 0, -1e30], [0, -Infinity, -Infinity]]) {
    for (const temperature of [1e-6, 1, 1e6]) {
      const drawn = sampleToken(scores, withOptions({ temperature }), KEY, 0);
      assert([drawn.logProb, drawn.samplingLogProb, drawn.entropy].every(Number.isFinite));
    }
  }
});

Deno.test("sampleToken() draws tokens as often as they are probable", () => {
  const draws = 20_000;
  for (
    const [options, weights] of [
      [{}, [1, 2, 4, 1]],
      [{ temperature: 0.5 }, [1, 4, 16, 1]],
      [{ topK: 2 }, [0, 2, 4, 0]],
      [{ topP: 0.76 }, [1, 2, 4, 0]],
    ] as const
  ) {
    const mass = weights.reduce<number>((sum, weight) => sum + weight, 0);
    const counts = SCORES.map(() => 0);
    for (let i = 0; i < draws; i++) {
      counts[sampleToken(SCORES, withOptions(options), randomKey(1, i), i % 7).token]!++;
    }
    counts.forEach((count, id) => {
      const p = weights[id]! / mass;
      const deviation = Math.sqrt(draws * p * (1 - p));
      assert(Math.abs(count - draws * p) <= 4 * deviation, `token ${id}: ${count} of ${draws * p}`);
    });
  }
});

Deno.test("checkSampling() accepts the ends of every range and rejects what is outside", () => {
  for (const good of [{}, { temperature: 0 }, { temperature: 9 }, { topP: 1e-9 }, { topK: 1 }]) {
    checkSampling(withOptions(good));
  }
  for (
    const [name, values] of [
      ["temperature", [-0.1, NaN, Infinity]],
      ["topP", [0, -1, 1.01, NaN]],
      ["topK", [-1, 0.5, NaN, Infinity]],
    ] as const
  ) {
    for (const value of values) {
      const error = assertThrows(() => checkSampling(withOptions({ [name]: value })), RangeError);
      assert(error.message.includes(`${name} must`) && error.message.endsWith(String(value)));
    }
  }
});

/** Draws on the device and on the host, and compares. */
async function checkDevice(
  scores: number[][],
  options: Partial<SamplingOptions>,
): Promise<void> {
  const [rows, vocab] = [scores.length, scores[0]!.length];
  const own = scores.map((row) => Float32Array.from(row));
  const keys = own.map((_, row) => randomKey(3, row));
  const positions = own.map((_, row) => row % 50);
  const { tokens, drawn } = tf.tidy(() => ({
    ...sampleTokens(
      tf.tensor2d(scores, [rows, vocab]),
      tf.tensor2d(keys.map(([a, b]) => [a | 0, b | 0]), [rows, 2], "int32"),
      tf.tensor1d(positions, "int32"),
      5,
      withOptions(options),
    ),
  }));
  assertEquals([tokens.shape, drawn.shape], [[rows], [4, rows]]);
  const [ids, values] = [await take(tokens), await take(drawn)];
  let different = 0;
  own.forEach((row, at) => {
    const expected = sampleToken(row, withOptions(options), keys[at]!, positions[at]! + 5);
    assertEquals(values[at], ids[at]);
    // Where two tokens are as good as equal, rounding may choose the other.
    if (ids[at] !== expected.token) return different++;
    const { logProb, samplingLogProb, entropy } = expected;
    const actual = [1, 2, 3].map((part) => values[part * rows + at]!);
    assertClose(actual, [logProb, samplingLogProb, entropy], 1e-5);
  });
  assert(different <= rows / 200, `${different} of ${rows} rows drew another token`);
}

/** Rows of scores that look random. */
const spread = (rows: number, vocab: number, scale: number) =>
  Array.from(
    { length: rows },
    (_, row) => Array.from({ length: vocab }, (_, id) => scale * Math.sin(row + 1.7 * id * id)),
  );

eachDevice("sampleTokens() draws what sampleToken() draws", async () => {
  for (const [rows, vocab] of [[400, 14], [3, 1], [5, 3], [7, 5], [40, 64], [9, 1001]] as const) {
    await checkDevice(spread(rows, vocab, 2), {});
  }
});

eachDevice("sampleTokens() divides by the temperature, or is greedy", async () => {
  for (const temperature of [0, 0.6, 2]) await checkDevice(spread(200, 33, 3), { temperature });
  await checkDevice([[1, 3, 3, 2, 3]], { temperature: 0 }); // the first of equals
});

eachDevice("sampleTokens() cuts as sampleToken() does, ties included", async () => {
  const ties = spread(200, 37, 2).map((row) => row.map((score) => Math.round(score)));
  for (const scores of [spread(200, 300, 3), ties]) {
    for (
      const options of [
        { topK: 1 },
        { topK: 9 },
        { topK: 1000 },
        { topP: 0.01 },
        { topP: 0.7 },
        { temperature: 0.7, topK: 12, topP: 0.8 },
      ]
    ) await checkDevice(scores, options);
  }
});

eachDevice("sampleTokens() copes with scores far apart and with impossible tokens", async () => {
  await checkDevice([[1e4, -1e4, 0, 9999], [-3e4, 0, 1e4, 1e4]], {});
  await checkDevice([[0, -Infinity, 1, -Infinity, 0.5]], {});
  await checkDevice([[0, -Infinity, 1, -Infinity, 0.5]], { topK: 4, topP: 0.99 });
});

eachDevice("sampleTokens() takes no rows", async () => {
  const { tokens, drawn } = tf.tidy(() => ({
    ...sampleTokens(
      tf.zeros([0, 5]),
      tf.zeros([0, 2], "int32"),
      tf.zeros([0], "int32"),
      0,
      PLAIN_SAMPLING,
    ),
  }));
  assertEquals([tokens.shape, drawn.shape], [[0], [4, 0]]);
  tf.dispose([tokens, drawn]);
  await Promise.resolve();
});
