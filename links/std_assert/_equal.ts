import { isDeepStrictEqual } from "node:util";

type Same = (x: unknown, y: unknown) => boolean;
/** A set has each value under itself. */
type Collection = Map<unknown, unknown> | Set<unknown>;

/** What `node:util` compares as we want it: by what it holds, not by its keys alone. */
const VALUES = [
  Date,
  RegExp,
  Error,
  ArrayBuffer,
  Boolean,
  String,
  BigInt,
  Symbol,
];

/**
 * Says whether two values are alike in depth.
 *
 * Numbers are equal as by `===`, but NaN equals itself. Objects are equal when their constructors
 * are the same and so are their enumerable own keys, symbols too, and the values there: a key that
 * holds undefined is not a missing key. An object without a prototype counts as a plain one. Maps
 * and sets are equal in any order. Values may contain themselves.
 *
 * @throws {TypeError} When both are weak maps or weak sets, as nobody can look inside.
 *
 * @example Usage
 * ```ts
 * import { assert, assertFalse, equal } from "./mod.ts";
 *
 * assert(equal({ a: [0, NaN] }, { a: [-0, NaN] }));
 * assertFalse(equal({ a: undefined }, {}));
 * ```
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

/** `assumed` pairs objects whose comparison is under way, or came out equal. */
function compare(
  a: unknown,
  b: unknown,
  assumed: Map<object, object>,
): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || constructorOf(a) !== constructorOf(b)) {
    return false;
  }
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(
      `Cannot compare values as they must show what they hold: current value is a ${a.constructor.name}`,
    );
  }
  if (a instanceof URL) return String(a) === String(b);
  if (VALUES.some((type) => a instanceof type)) return isDeepStrictEqual(a, b);
  if (assumed.get(a) === b) return true;
  assumed.set(a, b);
  const alike = compareInside(a, b, (x, y) => compare(x, y, assumed));
  if (!alike) assumed.delete(a);
  return alike;
}

function compareInside(a: object, b: object, same: Same): boolean {
  if (a instanceof Number) return same(Number(a), Number(b));
  if (a instanceof WeakRef && b instanceof WeakRef) {
    return same(a.deref(), b.deref());
  }
  if (a instanceof DataView || b instanceof DataView) {
    return isDeepStrictEqual(a, b);
  }
  if (ArrayBuffer.isView(a)) { // typed arrays, whose keys would be slow
    const [xs, ys] = [a, b] as ArrayLike<unknown>[];
    return xs!.length === ys!.length &&
      Array.prototype.every.call(xs, (x, i) => same(x, ys![i]));
  }
  if (isCollection(a) && isCollection(b)) return sameEntries(a, b, same);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  const keys = keysOf(a);
  const others = new Set(keysOf(b));
  return keys.length === others.size &&
    keys.every((key) => others.has(key) && same(Reflect.get(a, key), Reflect.get(b, key)));
}

/** Whether each entry of one has an entry of its own in the other. */
function sameEntries(a: Collection, b: Collection, same: Same): boolean {
  if (a.size !== b.size) return false;
  const left = new Map(b.entries());
  return [...a.entries()].every(([key, value]) => {
    if (left.has(key) && same(value, left.get(key))) return left.delete(key);
    for (const [otherKey, other] of left) {
      if (same(key, otherKey) && same(value, other)) {
        return left.delete(otherKey);
      }
    }
    return false;
  });
}

function isCollection(value: object): value is Collection {
  return value instanceof Map || value instanceof Set;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function constructorOf(value: object): unknown {
  return value.constructor ?? Object;
}

function keysOf(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}
