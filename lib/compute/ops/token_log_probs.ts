import * as tf from "@tensorflow/tfjs";
import { type Gpu, type Program, registerGpuKernel, spread } from "../gpu.ts";
import { type Heap, registerWasmKernel } from "../heap.ts";
import { type Attributes, hasKernel, isFrozen, runKernels } from "../kernels.ts";
import * as wgsl from "../wgsl/token_log_probs.ts";

/** What a policy says of each row's target. */
export interface TokenLogProbs {
  /** `[rows]`, nats. */
  readonly logProbs: tf.Tensor1D;
  /** `[rows]`, nats: entropy of the distribution over the whole vocabulary. */
  readonly entropy: tf.Tensor1D;
}

/** Logits that are held at once, in numbers: 16 MiB. */
const HELD = 2 ** 22;

/**
 * Log-probability of each row's target and entropy of the distribution it comes from, straight from
 * the hidden states: the logits `hidden outputᵀ` are computed for a part of the vocabulary at a
 * time, forgotten, and computed again for the gradient, as in arXiv:2411.09009, §4, so that memory
 * does not grow with rows times vocabulary. An output matrix that is frozen costs no gradient.
 *
 * @param hidden `[rows, width]`.
 * @param output `[vocab, width]`.
 * @param targets `[rows]`, int32 ids in `[0, vocab)`.
 * @param held Logits that may be held at once, in numbers; at least 128 a row are.
 *
 * @example A uniform policy over four tokens
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import * as tf from "@tensorflow/tfjs";
 * import { tokenLogProbs } from "./token_log_probs.ts";
 *
 * await tf.setBackend("cpu");
 * const targets = tf.tensor1d([3], "int32");
 * const { logProbs, entropy } = tokenLogProbs(tf.ones([1, 2]), tf.ones([4, 2]), targets);
 * assertAlmostEquals((await logProbs.data())[0]!, Math.log(1 / 4), 1e-6);
 * assertAlmostEquals((await entropy.data())[0]!, Math.log(4), 1e-6);
 * ```
 */
export function tokenLogProbs(
  hidden: tf.Tensor2D,
  output: tf.Tensor2D,
  targets: tf.Tensor1D,
  held: number = HELD,
): TokenLogProbs {
  if (!hasKernel("TokenLogProbs") || hidden.shape[0] === 0) {
    return tokenLogProbsReference(hidden, output, targets);
  }
  const inputs = { hidden, output, targets };
  const attributes = { held, frozen: isFrozen(output) };
  const [logProbs, entropy, scale] = runKernels("TokenLogProbs", inputs, attributes);
  scale!.dispose(); // the tape has its own clone
  return { logProbs: logProbs as tf.Tensor1D, entropy: entropy as tf.Tensor1D };
}

/** {@linkcode tokenLogProbs} in plain tfjs operations, which hold all logits. */
export function tokenLogProbsReference(
  hidden: tf.Tensor2D,
  output: tf.Tensor2D,
  targets: tf.Tensor1D,
): TokenLogProbs {
  return tf.tidy(() => {
    const all = tf.logSoftmax(tf.matMul(hidden, output, false, true)); // [rows, vocab]
    // tf.gatherND has no gradient in TensorFlow.js 4.22, and tf.oneHot refuses one token.
    const tokens = tf.range(0, output.shape[0], 1, "int32");
    const chosen = tf.equal(tf.expandDims(targets, 1), tokens).cast("float32"); // [rows, vocab]
    return {
      logProbs: tf.sum(tf.mul(all, chosen), -1) as tf.Tensor1D,
      entropy: tf.neg(tf.sum(tf.mul(tf.exp(all), all), -1)) as tf.Tensor1D,
    };
  });
}

/** Columns of `[rows, vocab]` that are held at once: all, or a multiple of 128. */
function columnsHeld(rows: number, vocab: number, held: number): number {
  if (rows * vocab <= held) return vocab;
  return Math.min(vocab, 128 * Math.max(1, Math.floor(held / rows / 128)));
}

// As tfjs registers its own gradients, because those of tf.customGrad have one output.
tf.registerGradient({
  kernelName: "TokenLogProbs",
  inputsToSave: ["hidden", "output", "targets"],
  outputsToSave: [false, true, true],
  gradFunc: (dy, saved, attributes) => {
    const [dLogProbs, dEntropy] = dy as tf.Tensor[];
    const [hidden, output, targets, entropy, scale] = saved as tf.Tensor[];
    const [dHidden, dOutput] = runKernels("TokenLogProbsGrad", {
      dLogProbs: dLogProbs!,
      dEntropy: dEntropy!,
      hidden: hidden!,
      output: output!,
      targets: targets!,
      entropy: entropy!,
      scale: scale!,
    }, attributes);
    return { hidden: () => dHidden!, output: () => dOutput! };
  },
});

type Inputs = Readonly<
  Record<
    "hidden" | "output" | "targets" | "dLogProbs" | "dEntropy" | "entropy" | "scale",
    tf.TensorInfo
  >
>;

/** Logits of a block on the heap, as they fit the caches of the cores that share them. */
const BLOCK = 2 ** 20;
/** Rows of a block where there are so many: a product is quickest when it is about square. */
const BLOCK_ROWS = 2 ** 10;
/** Logits that are worth a thread. */
const GRAIN = 2 ** 14;

/** A part of the logits: of some rows, for some of the vocabulary. */
interface Block {
  /** Byte address of `[rows, columns]`. */
  readonly logits: number;
  /** The first row, and how many. */
  readonly row: number;
  readonly rows: number;
  /** The first token, and how many. */
  readonly start: number;
  readonly columns: number;
}

/** Computes all logits, a block at a time in the same place: all rows before the next columns. */
function* blocksOf(heap: Heap, { hidden, output }: Inputs, held: number): Generator<Block> {
  const [count, width] = hidden.shape as [number, number];
  const vocab = output.shape[0]!;
  const block = Math.min(held, BLOCK);
  const mostColumns = columnsHeld(Math.min(count, BLOCK_ROWS), vocab, block);
  const mostRows = Math.min(count, Math.max(1, Math.floor(block / mostColumns)));
  const logits = heap.scratch(4 * mostRows * mostColumns);
  for (let start = 0; start < vocab; start += mostColumns) {
    const columns = Math.min(mostColumns, vocab - start);
    for (let row = 0; row < count; row += mostRows) {
      const rows = Math.min(mostRows, count - row);
      const [a, b] = [heap.at(hidden) + 4 * row * width, heap.at(output) + 4 * start * width];
      heap.gemm(false, true, rows, columns, width, 1, a, width, b, width, 0, logits, columns);
      yield { logits, row, rows, start, columns };
    }
  }
}

registerWasmKernel("TokenLogProbs", (heap: Heap, inputs, { held }) => {
  const { hidden, output, targets } = inputs as Inputs;
  const [count, vocab] = [hidden.shape[0]!, output.shape[0]!];
  const [logProbs, entropy, scale] = [
    heap.output([count]),
    heap.output([count]),
    heap.output([2, count]),
  ];
  const perRow = [targets, logProbs, entropy, scale].map(heap.at);
  perRow.push(heap.at(scale) + 4 * count);
  for (const { logits, row, rows, start, columns } of blocksOf(heap, inputs as Inputs, held)) {
    heap.split("tokenLogProbs", rows, Math.ceil(GRAIN / columns), (from, to) => [
      logits + 4 * from * columns,
      ...perRow.map((at) => at + 4 * (row + from)),
      to - from,
      columns,
      start,
      Number(start === 0),
      Number(start + columns === vocab),
    ]);
  }
  return [logProbs, entropy, scale];
});

registerWasmKernel("TokenLogProbsGrad", (heap: Heap, inputs, { held, frozen }) => {
  const { dLogProbs, dEntropy, hidden, output, targets, entropy, scale } = inputs as Inputs;
  const [count, width] = hidden.shape as [number, number];
  const dHidden = heap.output(hidden.shape);
  const dOutput = frozen ? undefined : heap.output(output.shape);
  const perRow = [targets, dLogProbs, dEntropy, entropy, scale].map(heap.at);
  perRow.push(heap.at(scale) + 4 * count);
  for (const { logits, row, rows, start, columns } of blocksOf(heap, inputs as Inputs, held)) {
    heap.split("tokenLogProbsGrad", rows, Math.ceil(GRAIN / columns), (from, to) => [
      logits + 4 * from * columns,
      ...perRow.map((at) => at + 4 * (row + from)),
      to - from,
      columns,
      start,
    ]);
    const [atRow, atStart] = [4 * row * width, 4 * start * width];
    heap.gemm(
      false,
      false,
      rows,
      width,
      columns,
      1,
      logits,
      columns,
      heap.at(output) + atStart,
      width,
      Number(start > 0),
      heap.at(dHidden) + atRow,
      width,
    );
    if (!dOutput) continue;
    heap.gemm(
      true,
      false,
      columns,
      width,
      rows,
      1,
      logits,
      columns,
      heap.at(hidden) + atRow,
      width,
      Number(row > 0),
      heap.at(dOutput) + atStart,
      width,
    );
  }
  return dOutput ? [dHidden, dOutput] : [dHidden];
});

type Tensors = Readonly<Record<string, tf.TensorInfo>>;
type Params = Readonly<Record<string, number>>;

/** Runs a registered kernel of one output. */
function run(
  { backend }: Gpu,
  kernelName: string,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  attrs: Attributes,
): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel(kernelName, "webgpu");
  const call = { inputs, attrs, backend } as unknown as Parameters<tf.KernelFunc>[0];
  return kernelFunc(call) as tf.TensorInfo;
}

/** A matrix product. */
function multiply(
  gpu: Gpu,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
): tf.TensorInfo {
  return run(gpu, "BatchMatMul", { a, b }, { transposeA, transposeB });
}

/** A part of the vocabulary: its rows of the output matrix, and all rows' logits of it. */
interface Chunk {
  /** `[columns, width]`. */
  readonly output: tf.TensorInfo;
  /** `[rows, columns]`. */
  readonly logits: tf.TensorInfo;
  readonly start: number;
  readonly columns: number;
}

/** Computes all logits, a chunk at a time; each is freed when the next is asked for. */
function* chunksOf(gpu: Gpu, { hidden, output }: Inputs, held: number): Generator<Chunk> {
  const [vocab, width] = output.shape as [number, number];
  const most = columnsHeld(hidden.shape[0]!, vocab, held);
  for (let start = 0; start < vocab; start += most) {
    const columns = Math.min(most, vocab - start);
    const whole = columns === vocab;
    const size = { begin: [start, 0], size: [columns, width] };
    const part = whole ? output : run(gpu, "Slice", { x: output }, size);
    const logits = multiply(gpu, hidden, part, false, true);
    yield { output: part, logits, start, columns };
    gpu.backend.disposeData(logits.dataId);
    if (whole) return;
    gpu.backend.disposeData(part.dataId);
    submit(gpu); // else what is freed could not be used again for the next chunk
  }
}

function submit({ backend }: Gpu): void {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
}

registerGpuKernel("TokenLogProbs", (gpu: Gpu, inputs, { held }) => {
  const { hidden, output, targets } = inputs as Inputs;
  const [rows, vocab] = [hidden.shape[0]!, output.shape[0]!];
  const [logProbs, entropy, scale] = [
    gpu.output([rows]),
    gpu.output([rows]),
    gpu.output([2, rows]),
  ];
  for (const { logits, start, columns } of chunksOf(gpu, inputs as Inputs, held)) {
    const params = { rows, columns, start, last: Number(start + columns === vocab) };
    const tensors = { logits, targets, logProbs, entropy, scale };
    gpu.launch(wgsl.tokenLogProbs(columns > 1024 ? 256 : 64), tensors, params, spread(rows));
  }
  return [logProbs, entropy, scale];
});

registerGpuKernel("TokenLogProbsGrad", (gpu: Gpu, inputs, { held, frozen }) => {
  const { dLogProbs, dEntropy, hidden, output, targets, entropy, scale } = inputs as Inputs;
  const [rows, width] = hidden.shape as [number, number];
  const vocab = output.shape[0]!;
  const launch = (program: Program, size: number, tensors: Tensors, params: Params) =>
    gpu.launch(program, tensors, params, spread(Math.ceil(size / wgsl.INVOCATIONS)));
  let gradients: tf.TensorInfo[] | undefined;
  for (const chunk of chunksOf(gpu, inputs as Inputs, held)) {
    const { logits, start, columns } = chunk;
    launch(
      wgsl.TOKEN_LOG_PROBS_GRAD,
      rows * columns,
      { targets, dLogProbs, dEntropy, entropy, scale, logits },
      { rows, columns, start },
    );
    const parts = [multiply(gpu, logits, chunk.output, false, false)];
    if (!frozen) parts.push(multiply(gpu, logits, hidden, true, false));
    if (columns === vocab) {
      gradients = parts;
      continue;
    }
    gradients ??= [hidden, output].slice(0, parts.length).map(({ shape }) => gpu.output(shape));
    const [dHidden, dOutput] = gradients;
    const [partHidden, partOutput] = parts;
    const size = rows * width;
    const tensors = { part: partHidden!, total: dHidden! };
    launch(wgsl.ADD_PART, size, tensors, { size, first: Number(start === 0) });
    if (partOutput) {
      const size = columns * width;
      const tensors = { part: partOutput, total: dOutput! };
      launch(wgsl.PUT_PART, size, tensors, { size, offset: start * width });
    }
    for (const { dataId } of parts) gpu.backend.disposeData(dataId);
  }
  return gradients!;
});
