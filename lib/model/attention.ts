import * as tf from "@tensorflow/tfjs";

/** Added to a score that must not count; softmax turns it into an exact 0. */
const BLOCKED = -1e9;

/**
 * Scores' bias for rows that are padded on the left or not at all: 0 where a query may look, a very
 * negative number where it may not (a later position, or padding).
 *
 * @param queries Number of query positions: the last `queries` of the `keys`.
 * @param keys Number of key positions.
 * @param padding Tokens of padding at the left of each row, `[batch]`; one entry serves any batch.
 * @returns `[padding.length, 1, queries, keys]`.
 */
export function causalBias(queries: number, keys: number, padding: readonly number[]): tf.Tensor4D {
  const bias = new Float32Array(padding.length * queries * keys);
  padding.forEach((pad, row) => {
    for (let q = 0; q < queries; q++) {
      const at = (row * queries + q) * keys;
      bias.fill(BLOCKED, at, at + pad);
      bias.fill(BLOCKED, at + Math.max(pad, keys - queries + q + 1), at + keys);
    }
  });
  return tf.tensor4d(bias, [padding.length, 1, queries, keys]);
}

/**
 * Attention with grouped queries (arXiv:2305.13245): `softmax(q kᵀ / √headDim + bias) v`, where
 * each key and value head serves `heads / keyValueHeads` neighbouring query heads.
 *
 * @param q `[batch, seq, heads, headDim]`.
 * @param k `[batch, keyValueHeads, keys, headDim]`.
 * @param v `[batch, keyValueHeads, keys, headDim]`.
 * @param bias `[batch or 1, 1, seq, keys]`, from {@linkcode causalBias}.
 * @returns `[batch, seq, heads * headDim]`.
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  bias: tf.Tensor4D,
): tf.Tensor3D {
  const [batch, seq, heads, headDim] = q.shape;
  const [, keyValueHeads, keys] = k.shape;
  const rows = [batch * keyValueHeads, heads / keyValueHeads * seq];
  const scaled = tf.mul(q, 1 / Math.sqrt(headDim)); // before the product: fewer numbers
  const queries = tf.transpose(scaled, [0, 2, 1, 3]).reshape([...rows, headDim]) as tf.Tensor3D;
  const scores = tf.matMul(
    queries,
    k.reshape([rows[0]!, keys, headDim]) as tf.Tensor3D,
    false,
    true,
  );
  const weights = tf.softmax(tf.add(scores.reshape([batch, heads, seq, keys]), bias));
  const mixed = tf.matMul(
    weights.reshape([...rows, keys]) as tf.Tensor3D,
    v.reshape([rows[0]!, keys, headDim]) as tf.Tensor3D,
  ); // [batch * keyValueHeads, group * seq, headDim]
  return tf.transpose(mixed.reshape([batch, heads, seq, headDim]), [0, 2, 1, 3])
    .reshape([batch, seq, heads * headDim]);
}
