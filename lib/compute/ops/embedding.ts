import * as tf from "@tensorflow/tfjs";

/** Rows of the table whose gradient is made at once: bounds the one-hot matrix in memory. */
const CHUNK = 4096;

/**
 * Rows of `table` chosen by `ids`.
 *
 * The gradient is a product with one-hot rows: exact, and added up in the same order on every run,
 * as an atomic scatter on a GPU is not.
 *
 * @param table `[vocab, width]`.
 * @param ids `[rows]`, int32 in `[0, vocab)`.
 * @returns `[rows, width]`.
 */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const [vocab, width] = table.shape;
  const lookUp = tf.customGrad((table, save) => {
    (save as tf.GradSaveFunc)([ids]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const chunks: tf.Tensor[] = [];
      for (let start = 0; start < vocab; start += CHUNK) {
        const rows = Math.min(CHUNK, vocab - start);
        // Ids outside [0, rows) give a row of zeros.
        const chosen = tf.oneHot(tf.sub(saved[0]!, tf.scalar(start, "int32")) as tf.Tensor1D, rows);
        chunks.push(tf.matMul(chosen.cast("float32"), dy as tf.Tensor2D, true)); // [rows, width]
      }
      return tf.concat(chunks).reshape([vocab, width]);
    };
    return { value: tf.gather(table as tf.Tensor, ids), gradFunc };
  });
  return lookUp(table) as tf.Tensor2D;
}
