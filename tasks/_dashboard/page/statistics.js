// @ts-check
/**
 * Curves of runs, and of groups of runs.
 *
 * @module
 */

/** @typedef {readonly (number | null)[]} Column A metric by record; null where there is none. */
/** @typedef {{ x: number[], y: number[], at: number[] }} Curve `at`: the record of each point. */
/**
 * @typedef {object} Band
 * @property {number[]} x
 * @property {number[]} mean
 * @property {number[]} low
 * @property {number[]} high
 * @property {number[]} n Runs at each x.
 * @property {boolean} between Whether runs were read between their points.
 */

/** What can be on the x axis: the metric it is made of, and what it is called. */
export const AXES = [
  { id: "step", column: "step", title: "step" },
  { id: "time", column: "time/step_s", title: "training time, s" },
  { id: "rollouts", column: "budget/rollouts", title: "rollouts" },
  { id: "optimizer", column: "budget/optimizer_steps", title: "optimizer steps" },
  { id: "flops", column: "budget/flops", title: "FLOPs" },
  { id: "demonstrations", column: "demonstrations/used", title: "demonstrations used" },
];

/** Points of a band whose runs are not at the same x. */
const GRID = 200;

/**
 * Running sums; null stays null and adds nothing.
 *
 * @param {Column} values
 * @returns {Column}
 */
export function sums(values) {
  let sum = 0;
  return values.map((value) => value === null ? null : sum += value);
}

/**
 * The mean of the last `window` values at each value; null stays null and counts for nothing.
 *
 * @param {Column} values
 * @param {number} window
 * @returns {Column}
 */
export function smooth(values, window) {
  if (window <= 1) return values;
  /** @type {number[]} */
  const last = [];
  return values.map((value) => {
    if (value === null) return null;
    last.push(value);
    if (last.length > window) last.shift();
    return last.reduce((sum, each) => sum + each, 0) / last.length;
  });
}

/**
 * The points of a run that have both coordinates.
 *
 * @param {Column} x
 * @param {Column} y
 * @returns {Curve}
 */
export function curveOf(x, y) {
  /** @type {Curve} */
  const curve = { x: [], y: [], at: [] };
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const [right, up] = [x[i], y[i]];
    if (right === null || right === undefined || up === null || up === undefined) continue;
    curve.x.push(right);
    curve.y.push(up);
    curve.at.push(i);
  }
  return curve;
}

/**
 * Mean over runs at each x, with the least and the greatest value or one standard deviation to both
 * sides (0 of one run).
 *
 * Runs whose points are not at the same x (of time, or of a metric that only some steps have) are
 * read on the straight lines between their points, at 200 x from the first to the last of all.
 * Nothing is drawn where less than half of the runs are.
 *
 * @param {readonly Curve[]} curves
 * @param {string} kind `range` or `deviation`.
 * @returns {Band}
 */
export function bandOf(curves, kind) {
  const between = !meet(curves);
  /** @type {Band} */
  const band = { x: [], mean: [], low: [], high: [], n: [], between };
  for (const [x, values] of between ? onGrid(curves) : atSameX(curves)) {
    if (values.length < curves.length / 2) continue;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
    band.x.push(x);
    band.mean.push(mean);
    band.low.push(kind === "range" ? Math.min(...values) : mean - deviation);
    band.high.push(kind === "range" ? Math.max(...values) : mean + deviation);
    band.n.push(values.length);
  }
  return band;
}

/**
 * Whether each curve has, from its first to its last x, every x that another has.
 *
 * @param {readonly Curve[]} curves
 * @returns {boolean}
 */
function meet(curves) {
  const all = [...new Set(curves.flatMap(({ x }) => x))].sort((a, b) => a - b);
  return curves.every(({ x }) => {
    const from = all.indexOf(x[0] ?? NaN);
    return from === -1 || all[from + x.length - 1] === x.at(-1);
  });
}

/**
 * @param {readonly Curve[]} curves
 * @returns {[number, number[]][]}
 */
function atSameX(curves) {
  /** @type {Map<number, number[]>} */
  const values = new Map();
  for (const { x, y } of curves) {
    x.forEach((at, i) => {
      const there = values.get(at);
      if (there) there.push(y[i] ?? NaN);
      else values.set(at, [y[i] ?? NaN]);
    });
  }
  return [...values].sort(([a], [b]) => a - b);
}

/**
 * @param {readonly Curve[]} curves
 * @returns {[number, number[]][]}
 */
function onGrid(curves) {
  const drawn = curves.filter(({ x }) => x.length > 0);
  if (drawn.length === 0) return [];
  const first = Math.min(...drawn.map(({ x }) => x[0] ?? NaN));
  const last = Math.max(...drawn.map(({ x }) => x.at(-1) ?? NaN));
  const points = first === last ? 1 : GRID;
  return Array.from({ length: points }, (_, i) => {
    // Exactly the last at the end, whatever rounding does to the others.
    const at = i === points - 1 ? last : first + (i / (points - 1)) * (last - first);
    return /** @type {[number, number[]]} */ ([
      at,
      drawn.map((curve) => valueAt(curve, at)).filter((value) => value !== null),
    ]);
  });
}

/**
 * The value of a curve at x, on the straight line between its neighbours; null outside the curve.
 *
 * @param {Curve} curve x must not decrease.
 * @param {number} at
 * @returns {number | null}
 */
export function valueAt({ x, y }, at) {
  let low = 0, high = x.length - 1;
  const [first, last] = [x[low], x[high]];
  if (first === undefined || last === undefined || at < first || at > last) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? NaN) <= at) low = middle;
    else high = middle;
  }
  const [x0, x1, y0, y1] = [x[low] ?? NaN, x[high] ?? NaN, y[low] ?? NaN, y[high] ?? NaN];
  return x1 === x0 ? y1 : y0 + ((at - x0) / (x1 - x0)) * (y1 - y0);
}
