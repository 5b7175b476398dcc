import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import {
  rotaryPeriods,
  rotaryTable,
  rotate,
  type RotateOptions,
  rotateReference,
} from "../../../lib/compute/ops/rotary.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame } from "../_check_op.ts";

const int32 = (values: number[]) => tf.tensor1d(values, "int32");

eachDevice("rotate() agrees with double precision in value and gradient", async () => {
  const [heads, headDim, columns, theta, offset] = [2, 6, 15, 100, 4];
  const at = [0, 1, 7, 3, 50, 2];
  const positions = int32(at), table = rotaryTable(60, rotaryPeriods(headDim, theta));
  await checkOp(
    (x) => rotate(x as tf.Tensor2D, positions, table, { heads, headDim, offset }),
    (x) =>
      x.map((value, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        if (column >= heads * headDim) return value;
        const j = column % headDim, pair = j % 3; // dimension j turns with j ± 3
        const angle = (at[row]! + offset) / theta ** (2 * pair / headDim);
        const across = j < 3 ? -x[i + 3]! : x[i - 3]!;
        return value * Math.cos(angle) + across * Math.sin(angle);
      }),
    [wave([6, columns])],
  );
  tf.dispose([positions, table]);
});

eachDevice("rotate() turns a pair by its position in radians", async () => {
  // With headDim 2 the only pair turns by `position / theta^0` = 1; theta plays no part.
  const x = tf.tensor2d([[3, 4]]),
    positions = int32([1]),
    table = rotaryTable(2, rotaryPeriods(2, 10_000));
  // (3 cos 1 - 4 sin 1, 4 cos 1 + 3 sin 1)
  const turned = rotate(x, positions, table, { heads: 1, headDim: 2 });
  assertClose(await take(turned), [-1.744977, 4.685622], 1e-6);
  tf.dispose([x, positions, table]);
});

eachDevice("rotate() by position 0 is the identity, and so is its gradient", async () => {
  const x = wave([3, 10]), dy = wave([3, 10], 5);
  const positions = int32([0, 0, 0]), table = rotaryTable(1, rotaryPeriods(4, 10_000));
  const op = (x: tf.Tensor) => rotate(x as tf.Tensor2D, positions, table, { heads: 2, headDim: 4 });
  assertEquals(await take(tf.grad(op)(x, dy)), await dy.data());
  assertEquals(await take(op(x)), await x.data());
  tf.dispose([x, dy, positions, table]);
});

eachDevice("rotate() makes dot products depend on the distance of positions alone", async () => {
  const headDim = 8;
  const [query, key] = [wave([1, headDim]), wave([1, headDim], 4)] as tf.Tensor2D[];
  const positions = int32([0]), table = rotaryTable(128, rotaryPeriods(headDim, 1000));
  const product = async (m: number, n: number): Promise<number> => {
    const turn = (x: tf.Tensor2D, offset: number) =>
      rotate(x, positions, table, { heads: 1, headDim, offset });
    const dot = tf.tidy(() => tf.sum(tf.mul(turn(query!, m), turn(key!, n))));
    return (await take(dot))[0]!;
  };
  const near = await product(3, 1);
  assertClose([await product(13, 11), await product(102, 100)], [near, near], 1e-5);
  assertEquals(Math.abs(await product(4, 1) - near) > 1e-3, true); // another distance shows
  tf.dispose([query!, key!, positions, table]);
});

eachDevice("rotate() agrees with plain operations at any width", async () => {
  const shapes = [
    { rows: 1, heads: 1, headDim: 2, rest: 0 },
    { rows: 5, heads: 3, headDim: 10, rest: 7 },
    { rows: 67, heads: 3, headDim: 16, rest: 32 }, // vectors of four
    { rows: 9, heads: 2, headDim: 16, rest: 6 }, // a width that ends within a vector
    { rows: 9, heads: 2, headDim: 12, rest: 4 }, // halves that do
    { rows: 3, heads: 0, headDim: 4, rest: 5 },
    { rows: 301, heads: 12, headDim: 16, rest: 50 }, // enough for threads
    { rows: 0, heads: 2, headDim: 4, rest: 3 },
  ];
  for (const { rows, heads, headDim, rest } of shapes) {
    const positions = int32(Array.from({ length: rows }, (_, row) => row * 7 % 20));
    const table = rotaryTable(40, rotaryPeriods(headDim, 50));
    const options: RotateOptions = { heads, headDim, offset: 3 };
    await checkSame(
      (x) => rotate(x as tf.Tensor2D, positions, table, options),
      (x) => rotateReference(x as tf.Tensor2D, positions, table, options),
      [wave([rows, heads * headDim + rest])],
    );
    tf.dispose([positions, table]);
  }
});

Deno.test("rotate() needs rows that hold their heads", () => {
  tf.tidy(() => {
    assertThrows(
      () => rotate(tf.ones([1, 7]), int32([0]), tf.ones([1, 4]), { heads: 2, headDim: 4 }),
      TypeError,
      "current value is 7 columns",
    );
  });
});
