import * as tf from "@tensorflow/tfjs";
import { type Gpu, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { customGrad, hasKernel, runKernel } from "../kernels.ts";
import { embeddingGradProgram, embeddingProgram, MAX_GROUPS } from "../wgsl/embedding.ts";

/**
 * Rows of `table` chosen by `ids`: tokens of a vocabulary, or some positions of a batch.
 *
 * The gradient of a row read several times is added up in the order of `ids`, so that every run
 * gives the same bits, as an atomic scatter on a GPU does not.
 *
 * @param table `[vocab, width]`.
 * @param ids `[rows]`, int32 in `[0, vocab)`; any of them may repeat.
 * @returns `[rows, width]`.
 */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  if (!hasKernel("Embedding")) return embeddingReference(table, ids);
  const vocab = table.shape[0];
  const fused = customGrad((...call) => {
    const [table, save] = call as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([ids]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      runKernel("EmbeddingGrad", { dy, ids: saved[0]! }, { vocab });
    return { value: runKernel("Embedding", { table, ids }), gradFunc };
  });
  return fused(table) as tf.Tensor2D;
}

/** {@linkcode embedding} in plain tfjs operations. */
export function embeddingReference(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const shape = table.shape;
  // The gradient of tf.gather needs UnsortedSegmentSum, which `wasm` lacks.
  const gather = tf.customGrad((...call) => {
    const [table, save] = call as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([ids]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      tf.scatterND(tf.expandDims(saved[0]!, 1), dy, shape);
    return { value: tf.gather(table, ids), gradFunc };
  });
  return gather(table) as tf.Tensor2D;
}

type Inputs = Readonly<Record<"table" | "ids" | "dy", tf.TensorInfo>>;

/** Numbers that are worth a thread. */
const GRAIN = 2 ** 16;

registerWasmKernel("Embedding", (heap: Heap, inputs) => {
  const { table, ids } = inputs as Inputs;
  const [rows, width] = [ids.shape[0]!, table.shape[1]!];
  const y = heap.output([rows, width]);
  const [atTable, atIds, atY] = [heap.at(table), heap.at(ids), heap.at(y)];
  heap.split("embedding", rows, Math.ceil(GRAIN / width), (from, to) => [
    atTable,
    atIds + 4 * from,
    atY + 4 * from * width,
    to - from,
    width,
  ]);
  return y;
});

registerWasmKernel("EmbeddingGrad", (heap: Heap, inputs, { vocab }) => {
  const { dy, ids } = inputs as Inputs;
  const [rows, width] = dy.shape as [number, number];
  const dTable = heap.output([vocab, width]);
  const [atDy, atIds, atDTable] = [heap.at(dy), heap.at(ids), heap.at(dTable)];
  const share = Math.ceil(GRAIN * vocab / (width * (vocab + rows))); // of the table, for a thread
  heap.split("embeddingGrad", vocab, share, (from, to) => [
    atDy,
    atIds,
    atDTable,
    rows,
    from,
    to,
    width,
  ]);
  return dTable;
});

registerGpuKernel("Embedding", (gpu: Gpu, inputs) => {
  const { table, ids } = inputs as Inputs;
  const [rows, width] = [ids.shape[0]!, table.shape[1]!];
  const lanes = width % 4 === 0 ? 4 : 1;
  const size = rows * width / lanes;
  const y = gpu.output([rows, width]);
  gpu.launch(
    embeddingProgram(lanes),
    { table, ids, y },
    { size, width: width / lanes },
    spread(Math.ceil(size / 64)),
  );
  return y;
});

registerGpuKernel("EmbeddingGrad", (gpu: Gpu, inputs, { vocab }) => {
  const { dy, ids } = inputs as Inputs;
  const [rows, width] = dy.shape as [number, number];
  const lanes = width % 4 === 0 ? 4 : 1;
  const dTable = gpu.output([vocab, width]);
  gpu.launch(
    embeddingGradProgram(lanes),
    { dy, ids, dTable },
    { rows, vocab, width: width / lanes },
    [Math.min(vocab, MAX_GROUPS), 1, 1],
  );
  return dTable;
});
