import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { embedding, embeddingReference } from "../../../lib/compute/ops/embedding.ts";
import { MAX_GROUPS } from "../../../lib/compute/wgsl/embedding.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame } from "../_check_op.ts";

const int32 = (values: number[]) => tf.tensor1d(values, "int32");

/** Checks the gradient that reaches a table against sums in float32, in the order of `ids`. */
async function checkTableGradient(
  vocab: number,
  width: number,
  ids: number[],
  dy: Float32Array,
): Promise<void> {
  const expected = new Float32Array(vocab * width);
  dy.forEach((value, i) => expected[ids[Math.floor(i / width)]! * width + i % width]! += value);
  const gradient = tf.tidy(() => {
    const index = int32(ids);
    return tf.grad((table) => embedding(table as tf.Tensor2D, index))(
      tf.zeros([vocab, width]),
      tf.tensor2d(dy, [ids.length, width]),
    );
  });
  assertClose(await take(gradient), expected, 0);
}

/** Numbers whose sum depends on the order in which they are added. */
function uneven(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i) * 10 ** (i % 7));
}

eachDevice("embedding() takes the rows its ids name", async () => {
  const table = tf.tensor2d([[1, 2], [3, 4], [5, 6]]), ids = int32([2, 0, 2]);
  assertEquals(await take(embedding(table, ids)), new Float32Array([5, 6, 1, 2, 5, 6]));
  tf.dispose([table, ids]);
});

eachDevice("embedding() agrees with double precision in value and gradient", async () => {
  const rows = [3, 0, 3, 4, 1, 3], width = 3, ids = int32(rows);
  await checkOp(
    (table) => embedding(table as tf.Tensor2D, ids),
    (table) => rows.flatMap((row) => table.slice(row * width, (row + 1) * width)),
    [wave([5, width])],
  );
  ids.dispose();
});

eachDevice("embedding() agrees with plain operations at any width", async () => {
  const shapes = [[1, 1, 1], [9, 7, 40], [300, 64, 7], [5, 300, 70], [900, 81, 1700]] as const;
  for (const [vocab, width, rows] of shapes) { // the last is enough for threads
    const ids = int32(Array.from({ length: rows }, (_, i) => i * i % vocab));
    await checkSame(
      (table) => embedding(table as tf.Tensor2D, ids),
      (table) => embeddingReference(table as tf.Tensor2D, ids),
      [wave([vocab, width])],
    );
    ids.dispose();
  }
});

eachDevice("embedding() adds up the gradients of an id that repeats", async () => {
  // Row 1 was read first and last: (1, 2) + (16, 32); row 3 once; rows 0 and 2 never.
  const dy = new Float32Array([1, 2, 4, 8, 16, 32]);
  await checkTableGradient(4, 2, [1, 3, 1], dy);
});

eachDevice("embedding() adds up in the order of positions where all ids are one", async () => {
  const rows = 2100; // more than are marked at a time
  await checkTableGradient(3, 4, new Array(rows).fill(1), uneven(4 * rows));
});

eachDevice("embedding() has the gradient of a row that each id takes once", async () => {
  const rows = 4200; // 11 and 4200 share no factor: all rows, in another order
  const ids = Array.from({ length: rows }, (_, i) => 11 * i % rows);
  await checkTableGradient(rows, 5, ids, uneven(5 * rows));
});

eachDevice("embedding() has the gradient of a vocabulary of 151,936", async () => {
  const vocab = 151_936; // of Qwen2
  // Both ends, both sides of the middle, ids that share a workgroup on a GPU, and repeats.
  const shared = [5, 5 + MAX_GROUPS, 5 + 2 * MAX_GROUPS, 5, 5 + MAX_GROUPS];
  const ids = [0, vocab - 1, 65_535, 65_536, ...shared, vocab / 2 - 1, vocab / 2, vocab - 1];
  await checkTableGradient(vocab, 4, ids, uneven(4 * ids.length));
  await checkTableGradient(vocab, 1, ids, uneven(ids.length));
});

eachDevice("embedding() of no rows has a gradient of zeros", async () => {
  await checkTableGradient(3, 4, [], new Float32Array(0));
});
