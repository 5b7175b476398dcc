/**
 * JSON whose writer may be at it, or may have been stopped.
 *
 * @module
 */

/** How the fault of a file ends whose last line is not whole. */
export const CUT_OFF = "ends in a line cut off";

/** The fault of a file with lines that are not what they must be; none without such lines. */
export function leftOut(file: string, what: string, lines: readonly number[]): string[] {
  const [first, ...others] = lines;
  if (first === undefined) return [];
  const count = others.length;
  const more = count === 0 ? "" : `, nor ${count === 1 ? "is another" : `are ${count} others`}`;
  return [`${file}:${first} is no ${what}${more}: left out`];
}

/** A text's value; undefined when it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object with names. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number as it is; `otherwise` for whatever is none, or not finite. */
export function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
