import * as tf from "@tensorflow/tfjs";

/**
 * The gated activation of Llama's feed-forward layer (arXiv:2002.05202, §2): `silu(gate) * up`,
 * where `silu(z) = z * sigmoid(z)`.
 *
 * @param gate `[rows, width]`.
 * @param up `[rows, width]`.
 * @returns `[rows, width]`.
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const activation = tf.customGrad((gate, up, save) => {
    const open = tf.sigmoid(gate as tf.Tensor);
    const silu = tf.mul(gate as tf.Tensor, open);
    (save as tf.GradSaveFunc)([open, silu, up as tf.Tensor]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [open, silu, up] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      // d silu / d gate = open + silu * (1 - open)
      const slope = tf.add(open, tf.sub(silu, tf.mul(silu, open)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
    };
    return { value: tf.mul(silu, up as tf.Tensor), gradFunc };
  });
  return activation(gate, up) as tf.Tensor2D;
}
