declare namespace __AdaptedExports {
  /**
   * rms_norm/rmsNorm
   * @param x `usize`
   * @param gain `usize`
   * @param y `usize`
   * @param scale `usize`
   * @param rows `i32`
   * @param width `i32`
   * @param epsilon `f32`
   */
  export function rmsNorm(x: number, gain: number, y: number, scale: number, rows: number, width: number, epsilon: number): void;
  /**
   * rms_norm/rmsNormGrad
   * @param dy `usize`
   * @param x `usize`
   * @param gain `usize`
   * @param scale `usize`
   * @param dx `usize`
   * @param dGain `usize`
   * @param rows `i32`
   * @param width `i32`
   */
  export function rmsNormGrad(dy: number, x: number, gain: number, scale: number, dx: number, dGain: number, rows: number, width: number): void;
  /**
   * linear/addToRows
   * @param bias `usize`
   * @param y `usize`
   * @param rows `i32`
   * @param width `i32`
   * @param stride `i32`
   * @param adds `i32`
   */
  export function addToRows(bias: number, y: number, rows: number, width: number, stride: number, adds: number): void;
  /**
   * linear/copyNumbers
   * @param to `usize`
   * @param from `usize`
   * @param count `i32`
   */
  export function copyNumbers(to: number, from: number, count: number): void;
  /**
   * attention/attentionScratch
   * @param tokens `usize`
   * @param headDim `usize`
   * @returns `usize`
   */
  export function attentionScratch(tokens: number, headDim: number): number;
  /**
   * attention/attentionSoftmax
   * @param p `usize`
   * @param row `usize`
   * @param first `usize`
   * @param rows `usize`
   * @param keys `usize`
   * @param headDim `usize`
   * @param lse `usize`
   * @param lseRow `usize`
   */
  export function attentionSoftmax(p: number, row: number, first: number, rows: number, keys: number, headDim: number, lse: number, lseRow: number): void;
  /**
   * attention/attentionSoftmaxGrad
   * @param p `usize`
   * @param ds `usize`
   * @param row `usize`
   * @param first `usize`
   * @param rows `usize`
   * @param keys `usize`
   * @param headDim `usize`
   * @param lse `usize`
   * @param lseRow `usize`
   * @param dOut `usize`
   * @param out `usize`
   * @param outRow `usize`
   */
  export function attentionSoftmaxGrad(p: number, ds: number, row: number, first: number, rows: number, keys: number, headDim: number, lse: number, lseRow: number, dOut: number, out: number, outRow: number): void;
  /**
   * attention/attentionEnd
   * @param ends `usize`
   * @param token `usize`
   * @returns `usize`
   */
  export function attentionEnd(ends: number, token: number): number;
  /**
   * attention/attention
   * @param qkv `usize`
   * @param ends `usize`
   * @param out `usize`
   * @param lse `usize`
   * @param heads `usize`
   * @param keyValueHeads `usize`
   * @param headDim `usize`
   * @param token `usize`
   * @param head `usize`
   * @param units `usize`
   * @param scratch `usize`
   */
  export function attention(qkv: number, ends: number, out: number, lse: number, heads: number, keyValueHeads: number, headDim: number, token: number, head: number, units: number, scratch: number): void;
  /**
   * attention/attentionGrad
   * @param dOut `usize`
   * @param qkv `usize`
   * @param ends `usize`
   * @param out `usize`
   * @param lse `usize`
   * @param dqkv `usize`
   * @param heads `usize`
   * @param keyValueHeads `usize`
   * @param headDim `usize`
   * @param token `usize`
   * @param head `usize`
   * @param units `usize`
   * @param scratch `usize`
   */
  export function attentionGrad(dOut: number, qkv: number, ends: number, out: number, lse: number, dqkv: number, heads: number, keyValueHeads: number, headDim: number, token: number, head: number, units: number, scratch: number): void;
  /**
   * embedding/embedding
   * @param table `usize`
   * @param ids `usize`
   * @param y `usize`
   * @param rows `i32`
   * @param width `i32`
   */
  export function embedding(table: number, ids: number, y: number, rows: number, width: number): void;
  /**
   * embedding/embeddingGrad
   * @param dy `usize`
   * @param ids `usize`
   * @param dTable `usize`
   * @param rows `i32`
   * @param first `i32`
   * @param last `i32`
   * @param width `i32`
   */
  export function embeddingGrad(dy: number, ids: number, dTable: number, rows: number, first: number, last: number, width: number): void;
  /**
   * gated_linear_unit/gatedLinearUnit
   * @param gateUp `usize`
   * @param y `usize`
   * @param rows `i32`
   * @param inner `i32`
   * @param linear `f32`
   * @param cubic `f32`
   * @param limit `f32`
   */
  export function gatedLinearUnit(gateUp: number, y: number, rows: number, inner: number, linear: number, cubic: number, limit: number): void;
  /**
   * gated_linear_unit/gatedLinearUnitGrad
   * @param dy `usize`
   * @param gateUp `usize`
   * @param dGateUp `usize`
   * @param rows `i32`
   * @param inner `i32`
   * @param linear `f32`
   * @param cubic `f32`
   * @param limit `f32`
   */
  export function gatedLinearUnitGrad(dy: number, gateUp: number, dGateUp: number, rows: number, inner: number, linear: number, cubic: number, limit: number): void;
  /**
   * rotary/rotate
   * @param x `usize`
   * @param positions `usize`
   * @param table `usize`
   * @param y `usize`
   * @param rows `i32`
   * @param columns `i32`
   * @param heads `i32`
   * @param headDim `i32`
   * @param offset `i32`
   * @param sign `f32`
   */
  export function rotate(x: number, positions: number, table: number, y: number, rows: number, columns: number, heads: number, headDim: number, offset: number, sign: number): void;
  /**
   * adamw/sumsOfSquares
   * @param x `usize`
   * @param size `i32`
   * @param block `i32`
   * @param sums `usize`
   */
  export function sumsOfSquares(x: number, size: number, block: number, sums: number): void;
  /**
   * adamw/adamw
   * @param weight `usize`
   * @param gradient `usize`
   * @param m `usize`
   * @param v `usize`
   * @param size `i32`
   * @param clip `f32`
   * @param beta1 `f32`
   * @param rest1 `f32`
   * @param beta2 `f32`
   * @param rest2 `f32`
   * @param keep `f32`
   * @param stepSize `f32`
   * @param scale `f32`
   * @param epsilon `f32`
   */
  export function adamw(weight: number, gradient: number, m: number, v: number, size: number, clip: number, beta1: number, rest1: number, beta2: number, rest2: number, keep: number, stepSize: number, scale: number, epsilon: number): void;
  /**
   * gemm/gemmScratch
   * @param m `i32`
   * @param n `i32`
   * @param k `i32`
   * @returns `i32`
   */
  export function gemmScratch(m: number, n: number, k: number): number;
  /**
   * gemm/gemm
   * @param transposeA `i32`
   * @param transposeB `i32`
   * @param m `i32`
   * @param n `i32`
   * @param k `i32`
   * @param alpha `f32`
   * @param a `usize`
   * @param lda `i32`
   * @param b `usize`
   * @param ldb `i32`
   * @param beta `f32`
   * @param c `usize`
   * @param ldc `i32`
   * @param scratch `usize`
   */
  export function gemm(transposeA: number, transposeB: number, m: number, n: number, k: number, alpha: number, a: number, lda: number, b: number, ldb: number, beta: number, c: number, ldc: number, scratch: number): void;
  /**
   * token_log_probs/tokenLogProbs
   * @param logits `usize`
   * @param targets `usize`
   * @param logProbs `usize`
   * @param entropies `usize`
   * @param max `usize`
   * @param sums `usize`
   * @param rows `i32`
   * @param columns `i32`
   * @param start `i32`
   * @param first `bool`
   * @param last `bool`
   */
  export function tokenLogProbs(logits: number, targets: number, logProbs: number, entropies: number, max: number, sums: number, rows: number, columns: number, start: number, first: boolean, last: boolean): void;
  /**
   * token_log_probs/tokenLogProbsGrad
   * @param logits `usize`
   * @param targets `usize`
   * @param dLogProbs `usize`
   * @param dEntropies `usize`
   * @param entropies `usize`
   * @param max `usize`
   * @param logSums `usize`
   * @param rows `i32`
   * @param columns `i32`
   * @param start `i32`
   */
  export function tokenLogProbsGrad(logits: number, targets: number, dLogProbs: number, dEntropies: number, entropies: number, max: number, logSums: number, rows: number, columns: number, start: number): void;
  /**
   * decode_attention/cachePrompts
   * @param x `usize`
   * @param positions `usize`
   * @param cache `usize`
   * @param rows `i32`
   * @param stride `i32`
   * @param width `i32`
   */
  export function cachePrompts(x: number, positions: number, cache: number, rows: number, stride: number, width: number): void;
  /**
   * decode_attention/decodeAttention
   * @param qkv `usize`
   * @param prompts `usize`
   * @param completions `usize`
   * @param rows `usize`
   * @param y `usize`
   * @param scores `usize`
   * @param count `i32`
   * @param allRows `i32`
   * @param step `i32`
   * @param heads `i32`
   * @param keyValueHeads `i32`
   * @param headDim `i32`
   * @param promptCapacity `i32`
   * @param completionCapacity `i32`
   */
  export function decodeAttention(qkv: number, prompts: number, completions: number, rows: number, y: number, scores: number, count: number, allRows: number, step: number, heads: number, keyValueHeads: number, headDim: number, promptCapacity: number, completionCapacity: number): void;
  /**
   * sample/sampleScratch
   * @param vocab `i32`
   * @returns `i32`
   */
  export function sampleScratch(vocab: number): number;
  /**
   * sample/sampleTokens
   * @param scores `usize`
   * @param keys `usize`
   * @param positions `usize`
   * @param offset `i32`
   * @param tokens `usize`
   * @param drawn `usize`
   * @param stride `i32`
   * @param rows `i32`
   * @param vocab `i32`
   * @param temperature `f32`
   * @param topK `i32`
   * @param topP `f64`
   * @param scratch `usize`
   */
  export function sampleTokens(scores: number, keys: number, positions: number, offset: number, tokens: number, drawn: number, stride: number, rows: number, vocab: number, temperature: number, topK: number, topP: number, scratch: number): void;
}
/** Instantiates the compiled WebAssembly module with the given imports. */
export declare function instantiate(module: WebAssembly.Module, imports: {
}): Promise<typeof __AdaptedExports>;
