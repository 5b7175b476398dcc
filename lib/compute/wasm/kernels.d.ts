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
}
/** Instantiates the compiled WebAssembly module with the given imports. */
export declare function instantiate(module: WebAssembly.Module, imports: {
}): Promise<typeof __AdaptedExports>;
