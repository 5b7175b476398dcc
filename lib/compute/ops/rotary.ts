import * as tf from "@tensorflow/tfjs";

/** Sines and cosines of a batch's positions, shared by every layer. */
export interface RotaryTables {
  /** `[batch or 1, seq, 1, headDim]`. */
  readonly cos: tf.Tensor4D;
  /** `[batch or 1, seq, 1, headDim]`. */
  readonly sin: tf.Tensor4D;
  /** `[headDim, headDim]`; `x × turn` is `x` with its halves swapped and the first negated. */
  readonly turn: tf.Tensor2D;
}

/**
 * Tables for {@linkcode rotate}: angle `position / theta^(2i / headDim)` for pair i.
 *
 * @param positions Rows of positions, `[batch or 1][seq]`; whole numbers >= 0.
 * @param headDim Even width of one attention head.
 * @param theta Base of the wavelengths (`rope_theta`).
 */
export function rotaryTables(
  positions: readonly (readonly number[])[],
  headDim: number,
  theta: number,
): RotaryTables {
  const [rows, seq, half] = [positions.length, positions[0]!.length, headDim / 2];
  const cos = new Float32Array(rows * seq * headDim);
  const sin = new Float32Array(rows * seq * headDim);
  positions.flat().forEach((position, at) => {
    for (let i = 0; i < half; i++) {
      const angle = position / theta ** (i / half);
      for (const j of [i, i + half]) {
        cos[at * headDim + j] = Math.cos(angle);
        sin[at * headDim + j] = Math.sin(angle);
      }
    }
  });
  const turn = new Float32Array(headDim * headDim);
  for (let i = 0; i < half; i++) {
    turn[(i + half) * headDim + i] = -1;
    turn[i * headDim + i + half] = 1;
  }
  return {
    cos: tf.tensor4d(cos, [rows, seq, 1, headDim]),
    sin: tf.tensor4d(sin, [rows, seq, 1, headDim]),
    turn: tf.tensor2d(turn, [headDim, headDim]),
  };
}

/**
 * Rotary position embedding (arXiv:2104.09864, eq. 34) in the half-split layout of Hugging Face's
 * Llama: dimension i turns with dimension i + headDim / 2, not with its neighbour.
 *
 * The halves are swapped by a product with a signed permutation, which is exact, runs at the speed
 * of matrix products and needs no slices, which tfjs's `wasm` backend makes element by element.
 *
 * @param x `[batch, seq, heads, headDim]`.
 * @returns `[batch, seq, heads, headDim]`.
 */
export function rotate(x: tf.Tensor4D, tables: RotaryTables): tf.Tensor4D {
  const swap = (x: tf.Tensor, turn: tf.Tensor, undo: boolean) =>
    tf.matMul(x.reshape([-1, turn.shape[0]!]), turn as tf.Tensor2D, false, undo).reshape(x.shape);
  const rotation = tf.customGrad((x, save) => {
    const { cos, sin, turn } = tables;
    // A gradient may use saved tensors only: others are gone when it runs.
    (save as tf.GradSaveFunc)([cos, sin, turn]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [cos, sin, turn] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.add(tf.mul(dy, cos), swap(tf.mul(dy, sin), turn, true));
    };
    const value = tf.add(
      tf.mul(x as tf.Tensor, cos),
      tf.mul(swap(x as tf.Tensor, turn, false), sin),
    );
    return { value, gradFunc };
  });
  return rotation(x) as tf.Tensor4D;
}
