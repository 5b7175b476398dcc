/** How a cost grows. */
export interface Growth {
  /** `cost` is about `scale * n ** exponent`. */
  readonly exponent: number;
  readonly scale: number;
  /** Share of the variance of `log cost` that the fit explains, in `[0, 1]`. */
  readonly rSquared: number;
}

/**
 * Fits a power law by least squares between logarithms.
 *
 * @param points `[n, cost]`, both > 0; at least two different `n`.
 *
 * @example A square
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { fitPowerLaw } from "./fit.ts";
 *
 * const { exponent, scale } = fitPowerLaw([[1, 3], [2, 12], [4, 48]]);
 * assertAlmostEquals(exponent, 2);
 * assertAlmostEquals(scale, 3);
 * ```
 */
export function fitPowerLaw(points: readonly (readonly [n: number, cost: number])[]): Growth {
  const logs = points.map(([n, cost]) => [Math.log(n), Math.log(cost)] as const);
  const mean = (of: (point: readonly [number, number]) => number) =>
    logs.reduce((sum, point) => sum + of(point), 0) / logs.length;
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)];
  const xx = mean((point) => (point[0] - x) ** 2);
  const xy = mean((point) => (point[0] - x) * (point[1] - y));
  const yy = mean((point) => (point[1] - y) ** 2);
  const exponent = xy / xx;
  return {
    exponent,
    scale: Math.exp(y - exponent * x),
    rSquared: yy === 0 ? 1 : xy ** 2 / (xx * yy),
  };
}
