/**
 * The part of `@std/assert` this project uses, for where the JSR registry cannot be reached.
 *
 * Differences from `@std/assert` 1.x:
 * 1. A failure shows its values on lines of their own, in `node:assert`'s words.
 * 2. Errors, array buffers and boxed values are compared by what they hold, not by their keys.
 *
 * @module
 */
import { AssertionError as NodeAssertionError } from "node:assert";
import { inspect, stripVTControlCharacters } from "node:util";
import { equal } from "./_equal.ts";

export { equal };

// deno-lint-ignore no-explicit-any
type Class<T> = new (...args: any[]) => T;
// deno-lint-ignore no-explicit-any
type AnyClass = abstract new (...args: any[]) => any;

/**
 * What every failed assertion throws.
 *
 * @example Usage
 * ```ts
 * import { AssertionError, assertThrows, fail } from "./mod.ts";
 *
 * assertThrows(() => fail("not yet"), AssertionError, "Failed assertion: not yet");
 * ```
 */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/**
 * Asserts that a value is truthy, and narrows its type.
 *
 * @example Usage
 * ```ts
 * import { assert, assertThrows } from "./mod.ts";
 *
 * assert("hello".includes("ello"));
 * assertThrows(() => assert(0, "zero"), Error, "zero");
 * ```
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** A value that is as good as false. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/**
 * Asserts that a value is falsy, and narrows its type.
 *
 * @example Usage
 * ```ts
 * import { assertFalse } from "./mod.ts";
 *
 * assertFalse("hello".includes("world"));
 * ```
 */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/**
 * Asserts that two values are alike in depth, as {@linkcode equal} tells.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "./mod.ts";
 *
 * assertEquals({ a: [1, 2] }, { a: [1, 2] });
 * assertThrows(() => assertEquals({ a: 1 }, { a: 2 }), Error, "+   a: 1\n-   a: 2");
 * ```
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw failure("Values are not equal", msg, difference(actual, expected));
}

/**
 * Asserts that two values are not alike in depth, as {@linkcode equal} tells.
 *
 * @example Usage
 * ```ts
 * import { assertNotEquals } from "./mod.ts";
 *
 * assertNotEquals([1, 2], [2, 1]);
 * ```
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw failure("Expected values that differ, both were", msg, inspect(actual));
}

/**
 * Asserts that two values are the same one, as `Object.is` tells, and narrows the first's type.
 *
 * @example Usage
 * ```ts
 * import { assertStrictEquals, assertThrows } from "./mod.ts";
 *
 * assertStrictEquals(NaN, NaN);
 * assertThrows(() => assertStrictEquals([], []), Error, "alike but not the same");
 * ```
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw inspect(actual) === inspect(expected)
    ? failure("Values are alike but not the same", msg, inspect(actual))
    : failure(
      "Values are not strictly equal",
      msg,
      difference(actual, expected),
    );
}

/**
 * Asserts that two numbers differ by a tolerance at most.
 *
 * The tolerance is 1e-7 of the expected number unless told: none for zero, and 1e-7 for what is
 * not finite.
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals, assertThrows } from "./mod.ts";
 *
 * assertAlmostEquals(0.1 + 0.2, 0.3);
 * assertAlmostEquals(0.01, 0.02, 0.1);
 * assertThrows(() => assertAlmostEquals(1e-9, 0));
 * ```
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
): void {
  const difference = Math.abs(actual - expected);
  if (Object.is(actual, expected) || difference <= tolerance) return;
  throw failure(
    `Expected ${actual} to be close to ${expected}: they differ by ${difference}, more than ${tolerance}`,
    msg,
  );
}

/**
 * Asserts that a function throws, an error of some class and text if told, and returns it.
 *
 * @param ErrorClass Descendants will do.
 * @param msgIncludes What the error's message must contain; colours do not count.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertThrows } from "./mod.ts";
 *
 * const error = assertThrows(() => JSON.parse("{"), SyntaxError, "JSON");
 * assertEquals(error.name, "SyntaxError");
 * ```
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checkThrown(error, classOrMsg, msgIncludes, msg);
  }
  throw failure(
    "Expected function to throw",
    typeof classOrMsg === "string" ? classOrMsg : msg,
  );
}

/**
 * Asserts that a promise rejects, with an error of some class and text if told, and resolves to it.
 *
 * A function that throws before it returns a promise does not count.
 *
 * @param ErrorClass Descendants will do.
 * @param msgIncludes What the error's message must contain; colours do not count.
 *
 * @example Usage
 * ```ts
 * import { assertRejects } from "./mod.ts";
 *
 * await assertRejects(() => Promise.reject(new RangeError("too far")), RangeError, "far");
 * ```
 */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const ownMsg = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw failure(
      "Function throws when expected to reject",
      ownMsg,
      inspect(error),
    );
  }
  if (typeof promise?.then !== "function") {
    throw failure(
      "Expected function to return a promise",
      ownMsg,
      inspect(promise),
    );
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, classOrMsg, msgIncludes, msg);
  }
  throw failure("Expected function to reject", ownMsg);
}

function checkThrown(
  error: unknown,
  classOrMsg: Class<Error> | string | undefined,
  includes = "",
  msg?: string,
): unknown {
  if (typeof classOrMsg !== "function") return error;
  if (!(error instanceof Error)) {
    throw failure("Expected an error", msg, inspect(error));
  }
  const { name } = error.constructor;
  if (!(error instanceof classOrMsg)) {
    throw failure(
      `Expected error to be instance of ${classOrMsg.name}, but was ${name}`,
      msg,
      inspect(error),
    );
  }
  if (
    !stripVTControlCharacters(error.message).includes(
      stripVTControlCharacters(includes),
    )
  ) {
    throw failure(
      `Expected error message to include ${JSON.stringify(includes)}, but got ${
        JSON.stringify(error.message)
      }`,
      msg,
    );
  }
  return error;
}

/**
 * Asserts that a text contains another.
 *
 * @example Usage
 * ```ts
 * import { assertStringIncludes } from "./mod.ts";
 *
 * assertStringIncludes("a 6-inch nail", "inch");
 * ```
 */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw failure(
    `Expected ${inspect(actual)} to contain ${inspect(expected)}`,
    msg,
  );
}

/**
 * Asserts that a text matches a pattern.
 *
 * @example Usage
 * ```ts
 * import { assertMatch } from "./mod.ts";
 *
 * assertMatch("step 12", /\d+$/);
 * ```
 */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw failure(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

/**
 * Asserts that a value is neither null nor undefined, and narrows its type.
 *
 * @example Usage
 * ```ts
 * import { assertExists } from "./mod.ts";
 *
 * assertExists("");
 * ```
 */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw failure(`Expected ${actual} to be neither null nor undefined`, msg);
}

/**
 * Asserts that `actual > expected`.
 *
 * @example Usage
 * ```ts
 * import { assertGreater } from "./mod.ts";
 *
 * assertGreater(2, 1);
 * ```
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) throw ordered(actual, ">", expected, msg);
}

/**
 * Asserts that `actual >= expected`.
 *
 * @example Usage
 * ```ts
 * import { assertGreaterOrEqual } from "./mod.ts";
 *
 * assertGreaterOrEqual(2, 2);
 * ```
 */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) throw ordered(actual, ">=", expected, msg);
}

/**
 * Asserts that `actual < expected`.
 *
 * @example Usage
 * ```ts
 * import { assertLess } from "./mod.ts";
 *
 * assertLess(1, 2);
 * ```
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) throw ordered(actual, "<", expected, msg);
}

/**
 * Asserts that `actual <= expected`.
 *
 * @example Usage
 * ```ts
 * import { assertLessOrEqual } from "./mod.ts";
 *
 * assertLessOrEqual(2, 2);
 * ```
 */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) throw ordered(actual, "<=", expected, msg);
}

/**
 * Asserts that a value is an instance of a class, and narrows its type.
 *
 * @example Usage
 * ```ts
 * import { assertInstanceOf } from "./mod.ts";
 *
 * assertInstanceOf(new RangeError(), Error);
 * ```
 */
export function assertInstanceOf<T extends AnyClass>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  throw failure(
    `Expected an instance of ${expectedType.name}`,
    msg,
    inspect(actual),
  );
}

/**
 * Fails, where nothing should arrive.
 *
 * @example Usage
 * ```ts
 * import { assertThrows, fail } from "./mod.ts";
 *
 * assertThrows(() => fail(), Error, "Failed assertion.");
 * ```
 */
export function fail(msg?: string): never {
  throw failure("Failed assertion", msg);
}

function failure(what: string, msg?: string, values = ""): AssertionError {
  return new AssertionError(
    `${what}${msg ? `: ${msg}` : "."}${values && `\n\n${values}`}`,
  );
}

function ordered(
  actual: unknown,
  sign: string,
  expected: unknown,
  msg?: string,
): AssertionError {
  return failure(
    `Expected ${inspect(actual)} ${sign} ${inspect(expected)}`,
    msg,
  );
}

/** Two values line by line, `+` before the lines of the first alone and `-` of the second. */
function difference(actual: unknown, expected: unknown): string {
  const { message } = new NodeAssertionError({
    actual,
    expected,
    operator: "deepStrictEqual",
  });
  return message.replace(/^.*\n+/, "").trimEnd(); // less a title
}
