import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { useKernels } from "../../../lib/compute/kernels.ts";
import type { HeadShape } from "../../../lib/compute/ops/attention.ts";
import {
  cachePrompts,
  type CacheRows,
  type CacheSize,
  decodeAttention,
  decodeAttentionReference,
  type LayerCache,
  layerCache,
} from "../../../lib/compute/ops/decode_attention.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";

/** Queries, keys and values of a token. */
type Token = readonly number[];

/** A row of the batch, with a list of its own of all its tokens. */
interface Row {
  readonly slot: number;
  readonly promptSlot: number;
  readonly prompt: readonly Token[];
  readonly completion: Token[];
}

/** What the last of `tokens` reads from all of them, in double precision. */
function attend(tokens: readonly Token[], shape: HeadShape): number[] {
  const { heads, keyValueHeads, headDim } = shape;
  const partOf = (token: Token, part: number) => token.slice(part * headDim, (part + 1) * headDim);
  return Array.from({ length: heads }, (_, head) => {
    const shared = heads + Math.floor(head / (heads / keyValueHeads));
    const query = partOf(tokens.at(-1)!, head);
    const keys = tokens.map((token) => partOf(token, shared));
    const values = tokens.map((token) => partOf(token, shared + keyValueHeads));
    const scores = keys.map((key) =>
      query.reduce((sum, x, i) => sum + x * key[i]!, 0) / Math.sqrt(headDim)
    );
    const highest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return query.map((_, i) =>
      values.reduce((sum, value, t) => sum + weights[t]! / total * value[i]!, 0)
    );
  }).flat();
}

const columnsOf = ({ heads, keyValueHeads, headDim }: HeadShape): number =>
  (heads + 2 * keyValueHeads) * headDim;

/** Rows of a matrix. */
async function rowsOf(matrix: tf.Tensor): Promise<number[][]> {
  const [rows, columns] = matrix.shape as [number, number];
  const values = [...await matrix.data()];
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}

/** Caches prompts of the given lengths, and gives their tokens. */
async function prompted(
  cache: LayerCache,
  lengths: readonly number[],
  slots: readonly number[],
  shape: HeadShape,
  phase: number,
): Promise<Token[][]> {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const qkv = wave([total, columnsOf(shape)], phase, 2) as tf.Tensor2D;
  cachePrompts(cache, qkv, { lengths }, slots);
  const tokens = await rowsOf(qkv);
  qkv.dispose();
  return lengths.map((length) => tokens.splice(0, length));
}

const place = (rows: readonly Row[]): CacheRows =>
  tf.tensor2d(
    [
      rows.map(({ slot }) => slot),
      rows.map(({ promptSlot }) => promptSlot),
      rows.map(({ prompt }) => prompt.length),
      rows.map(({ completion }) => completion.length),
    ],
    [4, rows.length],
    "int32",
  );

/** Decodes a block of steps and checks each against all that its rows have read so far. */
async function checkBlock(
  cache: LayerCache,
  rows: readonly Row[],
  steps: number,
  shape: HeadShape,
  phase: number,
): Promise<void> {
  const places = place(rows);
  for (let step = 0; step < steps; step++) {
    const qkv = wave([rows.length, columnsOf(shape)], phase + 0.37 * step, 2) as tf.Tensor2D;
    (await rowsOf(qkv)).forEach((token, i) => rows[i]!.completion.push(token));
    const y = decodeAttention(qkv, cache, places, step, shape);
    assertEquals(y.shape, [rows.length, shape.heads * shape.headDim]);
    const expected = rows.flatMap(({ prompt, completion }) =>
      attend([...prompt, ...completion], shape)
    );
    assertClose(await take(y), expected, 2e-5);
    qkv.dispose();
  }
  places.dispose();
}

const free = (cache: LayerCache): void => tf.dispose([cache.prompts, cache.completions]);

eachDevice("decodeAttention() weighs values by hand", async () => {
  const shape = { heads: 2, keyValueHeads: 1, headDim: 2 };
  const cache = layerCache(shape, {
    promptSlots: 1,
    promptCapacity: 2,
    completionSlots: 1,
    completionCapacity: 1,
  });
  const prompt = tf.tensor2d([[9, 9, 9, 9, 0, 0, 0, 8]]); // key (0, 0), value (0, 8)
  cachePrompts(cache, prompt, { lengths: [1] }, [0]);
  const rows = tf.tensor2d([[0], [0], [1], [0]], [4, 1], "int32");
  // Its key is (1, 0): the first query scores ln 3 against 0, the second 0 against 0.
  const token = tf.tensor2d([[Math.SQRT2 * Math.log(3), 0, 0, 5, 1, 0, 4, 0]]);
  const y = await take(decodeAttention(token, cache, rows, 0, shape));
  assertClose(y, [3, 2, 2, 4], 1e-6); // 1/4 (0, 8) + 3/4 (4, 0), then halves of both
  tf.dispose([prompt, rows, token]), free(cache);
});

const SHAPES: readonly HeadShape[] = [
  { heads: 4, keyValueHeads: 4, headDim: 32 },
  { heads: 3, keyValueHeads: 1, headDim: 24 },
  { heads: 4, keyValueHeads: 2, headDim: 14 },
  { heads: 1, keyValueHeads: 1, headDim: 2 },
];

eachDevice("decodeAttention() gives what attention over the whole sequence gives", async () => {
  for (const shape of SHAPES) {
    const cache = layerCache(shape, {
      promptSlots: 3,
      promptCapacity: 9,
      completionSlots: 5,
      completionCapacity: 11,
    });
    const [long, short] = await prompted(cache, [9, 1], [2, 0], shape, 0) as [Token[], Token[]];
    const row = (slot: number, promptSlot: number, prompt: Token[]): Row => ({
      slot,
      promptSlot,
      prompt,
      completion: [],
    });
    const [a, b, c] = [row(3, 2, long), row(0, 0, short), row(1, 2, long)] as [Row, Row, Row];
    await checkBlock(cache, [a, b, c], 5, shape, 1); // a and c share a prompt
    await checkBlock(cache, [c, a], 3, shape, 2); // b has left
    const [middle] = await prompted(cache, [5], [0], shape, 3) as [Token[]];
    const d = row(0, 0, middle); // in the slots that b had
    await checkBlock(cache, [d, c], 3, shape, 4); // c ends at the end of its slot
    await checkBlock(cache, [row(4, 1, []), d], 1, shape, 5); // no prompt at all
    free(cache);
  }
});

eachDevice("decodeAttention() reads hundreds of positions", async () => {
  const shape = { heads: 4, keyValueHeads: 2, headDim: 8 };
  const cache = layerCache(shape, {
    promptSlots: 2,
    promptCapacity: 300,
    completionSlots: 3,
    completionCapacity: 4,
  });
  const prompts = await prompted(cache, [127, 300], [1, 0], shape, 0);
  const rows = [0, 1, 0].map((prompt, slot): Row => ({
    slot,
    promptSlot: 1 - prompt,
    prompt: prompts[prompt]!,
    completion: [],
  }));
  await checkBlock(cache, rows, 3, shape, 1);
  free(cache);
});

const SMALL: HeadShape = { heads: 2, keyValueHeads: 1, headDim: 6 };
const ROOM: CacheSize = {
  promptSlots: 2,
  promptCapacity: 3,
  completionSlots: 4,
  completionCapacity: 2,
};
const WIDTH = 2 * SMALL.keyValueHeads * SMALL.headDim;

eachDevice("decodeAttention() writes new keys and values in place, and nothing else", async () => {
  const cache = layerCache(SMALL, ROOM);
  const [prompt] = await prompted(cache, [3], [1], SMALL, 0) as [Token[]];
  const prompts = await cache.prompts.data();
  assertEquals([...prompts], [
    ...Array.from({ length: 3 * WIDTH }, () => 0),
    ...prompt.flatMap((token) => token.slice(-WIDTH)),
  ]);
  const expected: number[] = Array.from(await cache.completions.data());
  assertEquals(expected, Array.from({ length: 4 * 2 * WIDTH }, () => 0));
  const rows = place([3, 1].map((slot) => ({ slot, promptSlot: 1, prompt, completion: [] })));
  for (const step of [0, 1, 2, 7]) { // past the end, the last position is written
    const qkv = wave([2, columnsOf(SMALL)], step) as tf.Tensor2D;
    const y = await take(decodeAttention(qkv, cache, rows, step, SMALL));
    assertEquals(y.every(Number.isFinite), true);
    (await rowsOf(qkv)).forEach((token, i) => {
      const position = [3, 1][i]! * 2 + Math.min(step, 1);
      expected.splice(position * WIDTH, WIDTH, ...token.slice(-WIDTH));
    });
    assertEquals([...await cache.completions.data()], expected);
    qkv.dispose();
  }
  assertEquals(await cache.prompts.data(), prompts);
  rows.dispose(), free(cache);
});

eachDevice("decodeAttention() keeps rows apart from those that share a slot", async () => {
  const cache = layerCache(SMALL, ROOM);
  const [prompt] = await prompted(cache, [2], [0], SMALL, 0) as [Token[]];
  const rows = [3, 0, 3, 3].map((slot): Row => ({ slot, promptSlot: 0, prompt, completion: [] }));
  const places = place(rows), qkv = wave([4, columnsOf(SMALL)], 1) as tf.Tensor2D;
  const [y, token] = [
    await take(decodeAttention(qkv, cache, places, 0, SMALL)),
    (await rowsOf(qkv))[1]!,
  ];
  assertClose(y.subarray(12, 24), attend([...prompt, token], SMALL), 1e-5);
  tf.dispose([places, qkv]), free(cache);
});

eachDevice("decodeAttention() agrees with its reference, bit for bit with itself", async () => {
  const shape = { heads: 3, keyValueHeads: 1, headDim: 10 }, count = 250; // rows for two threads
  const size = { promptSlots: 7, promptCapacity: 6, completionSlots: count, completionCapacity: 3 };
  const [cache, other] = [layerCache(shape, size), layerCache(shape, size)];
  const lengths = Array.from({ length: 7 }, (_, i) => i), slots = [6, 5, 4, 3, 2, 1, 0];
  const prompts = await prompted(cache, lengths, slots, shape, 0);
  try {
    useKernels(false);
    await prompted(other, lengths, slots, shape, 0);
  } finally {
    useKernels(true);
  }
  assertEquals(await cache.prompts.data(), await other.prompts.data());
  const rows = place(Array.from({ length: count }, (_, i) => ({
    slot: (i * 3) % count,
    promptSlot: i % 7,
    prompt: prompts[6 - i % 7]!,
    completion: [],
  })));
  for (let step = 0; step < 4; step++) {
    const qkv = wave([count, columnsOf(shape)], step, 3) as tf.Tensor2D;
    const [y, again, expected] = [
      await take(decodeAttention(qkv, cache, rows, step, shape)),
      await take(decodeAttention(qkv, cache, rows, step, shape)),
      await take(decodeAttentionReference(qkv, other, rows, step, shape)),
    ];
    assertClose(y, expected, 1e-5);
    assertEquals(again, y);
    qkv.dispose();
  }
  assertEquals(await cache.completions.data(), await other.completions.data());
  rows.dispose(), free(cache), free(other);
});

eachDevice("decodeAttention() takes the highest score where scores are huge", async () => {
  const shape = { heads: 1, keyValueHeads: 1, headDim: 4 };
  const cache = layerCache(shape, ROOM);
  const prompt = tf.tensor2d([-1, 2, 1].map((x, i) => [0, 0, 0, 0, 1e4 * x, 0, 0, 0, i, 1, 2, 3]));
  cachePrompts(cache, prompt, { lengths: [3] }, [0]);
  const rows = tf.tensor2d([[0, 1], [0, 0], [3, 3], [0, 0]], [4, 2], "int32");
  const tokens = tf.tensor2d([1e4, -1e4].map((x) => [x, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7]));
  const y = await take(decodeAttention(tokens, cache, rows, 0, shape));
  assertClose(y, [1, 1, 2, 3, 0, 1, 2, 3], 1e-6); // the value of key 2e4, then that of -1e4
  tf.dispose([prompt, rows, tokens]), free(cache);
});

eachDevice("decodeAttention() of no rows is empty, and no prompts change nothing", async () => {
  const cache = layerCache(SMALL, ROOM);
  const none = tf.zeros<tf.Rank.R2>([0, columnsOf(SMALL)]), rows = place([]);
  cachePrompts(cache, none, { lengths: [] }, []);
  const y = decodeAttention(none, cache, rows, 0, SMALL);
  assertEquals(y.shape, [0, 12]);
  assertEquals((await take(y)).length, 0);
  assertEquals((await cache.prompts.data()).every((x) => x === 0), true);
  tf.dispose([none, rows]), free(cache);
});

eachDevice("cachePrompts() leaves out sequences without a slot", async () => {
  const cache = layerCache(SMALL, ROOM);
  const qkv = wave([9, columnsOf(SMALL)]) as tf.Tensor2D;
  cachePrompts(cache, qkv, { lengths: [2, 7] }, [1]);
  const kept = (await rowsOf(qkv)).slice(0, 2).flatMap((token) => token.slice(-WIDTH));
  const zeros = (tokens: number) => Array.from({ length: tokens * WIDTH }, () => 0);
  assertEquals([...await cache.prompts.data()], [...zeros(3), ...kept, ...zeros(1)]);
  qkv.dispose(), free(cache);
});

Deno.test("cachePrompts() refuses a prompt that does not fit", async () => {
  await tf.setBackend("cpu");
  const cache = layerCache(SMALL, ROOM);
  const qkv = tf.zeros<tf.Rank.R2>([4, columnsOf(SMALL)]);
  assertThrows(
    () => cachePrompts(cache, qkv, { lengths: [4] }, [0]),
    RangeError,
    "Cannot cache prompt 0 as it must have at most 3 tokens: current value is 4",
  );
  assertThrows(
    () => cachePrompts(cache, qkv, { lengths: [1, 1] }, [0, 2]),
    RangeError,
    "Cannot cache prompt 1 as its slot must be in [0, 2): current value is 2",
  );
  qkv.dispose(), free(cache);
});
