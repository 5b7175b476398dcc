import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { embedding } from "../../lib/compute/ops/embedding.ts";
import { rmsNorm } from "../../lib/compute/ops/rms_norm.ts";
import { type RotaryTables, rotaryTables, rotate } from "../../lib/compute/ops/rotary.ts";
import { swiglu } from "../../lib/compute/ops/swiglu.ts";
import { assertClose, eachDevice, take, wave } from "../_devices.ts";

/** An operation in double precision: flat inputs to flat output. */
type Reference = (...inputs: number[][]) => number[];

/**
 * Checks an operation's value against `reference`, and the gradient of `Σ output × w` for uneven w
 * against central differences of `reference`: no rounding of float32 is in the way.
 */
async function checkOp(
  op: (...inputs: tf.Tensor[]) => tf.Tensor,
  reference: Reference,
  inputs: tf.Tensor[],
): Promise<void> {
  const plain = await Promise.all(inputs.map(async (x) => [...await x.data()]));
  const expected = reference(...plain);
  const [value, gradients] = tf.tidy(() => {
    const value = op(...inputs);
    return [value, tf.grads(op)(inputs, wave(value.shape, 3))] as const;
  });
  assertClose(await take(value), expected, 1e-5);

  const uneven = expected.map((_, i) => Math.sin(4 + 1.7 * i)); // what wave(shape, 3) holds
  const weighted = () =>
    reference(...plain).reduce((sum, output, i) => sum + output * uneven[i]!, 0);
  for (const [which, gradient] of gradients.entries()) {
    const at = plain[which]!;
    const slopes = at.map((x, i) => {
      const [up, down] = [1e-5, -1e-5].map((step) => {
        at[i] = x + step;
        return weighted();
      });
      at[i] = x;
      return (up! - down!) / 2e-5;
    });
    assertClose(await take(gradient), slopes, 2e-5);
  }
  tf.dispose(inputs);
}

eachDevice("rmsNorm() agrees with double precision in value and gradient", async () => {
  const [rows, width, epsilon] = [5, 6, 0.01];
  await checkOp(
    (x, gain) => rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, epsilon),
    (x, gain) =>
      x.map((value, i) => {
        const row = x.slice(i - i % width, i - i % width + width);
        const meanSquare = row.reduce((sum, z) => sum + z * z, 0) / width;
        return value / Math.sqrt(meanSquare + epsilon) * gain[i % width]!;
      }),
    [wave([rows, width], 0, 2), wave([width], 1)],
  );
});

eachDevice("rmsNorm() of a row of zeros is zeros with a finite gradient", async () => {
  const x = tf.zeros([1, 4]), gain = tf.ones([4]), ones = tf.ones([1, 4]);
  const [dx, dGain] = tf.grads((x, gain) => rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, 0.0001))(
    [x, gain],
    ones,
  ) as [tf.Tensor, tf.Tensor];
  assertClose(await take(dx), [100, 100, 100, 100], 1e-5); // 1 / sqrt(0.0001)
  assertClose(await take(dGain), [0, 0, 0, 0], 0);
  tf.dispose([x, gain, ones]);
});

eachDevice("swiglu() agrees with double precision in value and gradient", async () => {
  await checkOp(
    (gate, up) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D),
    (gate, up) => gate.map((z, i) => z / (1 + Math.exp(-z)) * up[i]!),
    [wave([3, 5], 0, 4), wave([3, 5], 2)],
  );
});

eachDevice("swiglu() stays finite where its gate is far open or far shut", async () => {
  const gate = tf.tensor2d([[100, -100, 0]]), up = tf.tensor2d([[2, 2, 2]]);
  const ones = tf.ones([1, 3]);
  const [dGate, dUp] = tf.grads((gate, up) => swiglu(gate as tf.Tensor2D, up as tf.Tensor2D))(
    [gate, up],
    ones,
  ) as [tf.Tensor, tf.Tensor];
  assertClose(await take(swiglu(gate, up)), [200, 0, 0], 1e-6);
  assertClose(await take(dGate), [2, 0, 1], 1e-6); // slope of silu: 1, 0 and sigmoid(0) = 1/2
  assertClose(await take(dUp), [100, 0, 0], 1e-6);
  tf.dispose([gate, up, ones]);
});

const freeTables = ({ cos, sin, turn }: RotaryTables): void => tf.dispose([cos, sin, turn]);

eachDevice("rotate() agrees with double precision in value and gradient", async () => {
  const positions = [[0, 1, 7], [3, 50, 2]];
  const [heads, headDim, theta] = [2, 6, 100];
  const tables = rotaryTables(positions, headDim, theta);
  await checkOp(
    (x) => rotate(x as tf.Tensor4D, tables),
    (x) =>
      x.map((value, at) => {
        const j = at % headDim, pair = j % 3; // dimension j turns with j ± 3
        const position = positions.flat()[Math.floor(at / (heads * headDim))]!;
        const angle = position / theta ** (2 * pair / headDim);
        const across = j < 3 ? -x[at + 3]! : x[at - 3]!;
        return value * Math.cos(angle) + across * Math.sin(angle);
      }),
    [wave([2, 3, heads, headDim])],
  );
  freeTables(tables);
});

eachDevice("rotate() turns a pair by its position in radians", async () => {
  // With headDim 2 the only pair turns by `position / theta^0` = 1; theta plays no part.
  const tables = rotaryTables([[1]], 2, 10_000);
  const x = tf.tensor4d([3, 4], [1, 1, 1, 2]);
  // (3 cos 1 - 4 sin 1, 4 cos 1 + 3 sin 1)
  assertClose(await take(rotate(x, tables)), [-1.744977, 4.685622], 1e-6);
  x.dispose(), freeTables(tables);
});

eachDevice("rotate() by position 0 is the identity, and so is its gradient", async () => {
  const tables = rotaryTables([[0, 0]], 4, 10_000);
  const x = wave([3, 2, 2, 4]), dy = wave([3, 2, 2, 4], 5);
  const gradient = tf.grad((x) => rotate(x as tf.Tensor4D, tables))(x, dy);
  assertEquals(await take(rotate(x as tf.Tensor4D, tables)), await x.data());
  assertEquals(await take(gradient), await dy.data());
  tf.dispose([x, dy]), freeTables(tables);
});

eachDevice("rotate() makes dot products depend on the distance of positions alone", async () => {
  const headDim = 8;
  const [query, key] = [wave([1, 1, 1, headDim]), wave([1, 1, 1, headDim], 4)];
  const product = async (m: number, n: number): Promise<number> => {
    const [at, to] = [rotaryTables([[m]], headDim, 1000), rotaryTables([[n]], headDim, 1000)];
    const dot = tf.tidy(() =>
      tf.sum(tf.mul(rotate(query as tf.Tensor4D, at), rotate(key as tf.Tensor4D, to)))
    );
    freeTables(at), freeTables(to);
    return (await take(dot))[0]!;
  };
  const near = await product(3, 1);
  assertClose([await product(13, 11), await product(102, 100)], [near, near], 1e-5);
  assertEquals(Math.abs(await product(4, 1) - near) > 1e-3, true); // another distance shows
  tf.dispose([query, key]);
});

/** The gradient that reaches a table of `[vocab, 2]` from rows `dy` looked up by `ids`. */
async function tableGradient(vocab: number, ids: number[], dy: number[][]): Promise<number[][]> {
  const gradient = tf.tidy(() => {
    const index = tf.tensor1d(ids, "int32");
    return tf.grad((table) => embedding(table as tf.Tensor2D, index))(
      wave([vocab, 2]),
      tf.tensor2d(dy),
    );
  });
  const values = await take(gradient);
  return Array.from({ length: vocab }, (_, row) => [values[2 * row]!, values[2 * row + 1]!]);
}

eachDevice("embedding() takes the rows its ids name", async () => {
  const table = tf.tensor2d([[1, 2], [3, 4], [5, 6]]), ids = tf.tensor1d([2, 0, 2], "int32");
  assertEquals(await take(embedding(table, ids)), new Float32Array([5, 6, 1, 2, 5, 6]));
  tf.dispose([table, ids]);
});

eachDevice("embedding() adds up the gradients of an id that repeats", async () => {
  // Row 1 was read first and last: (1, 2) + (16, 32); row 3 once; rows 0 and 2 never.
  assertEquals(
    await tableGradient(4, [1, 3, 1], [[1, 2], [4, 8], [16, 32]]),
    [[0, 0], [17, 34], [0, 0], [4, 8]],
  );
});

eachDevice(
  "embedding() has the gradient of each row on either side of a chunk's border",
  async () => {
    const ids = [0, 4095, 4096, 4098, 4096];
    const gradient = await tableGradient(4100, ids, [[1, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
    const expected = Array.from({ length: 4100 }, () => [0, 0]);
    expected[0] = [1, 1];
    expected[4095] = [2, 3]; // the last row of the first chunk
    expected[4096] = [12, 14]; // the first of the second, read twice: (4, 5) + (8, 9)
    expected[4098] = [6, 7];
    assertEquals(gradient, expected);
  },
);
