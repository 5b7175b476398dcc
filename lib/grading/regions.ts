/**
 * Sets of real numbers, given as intervals, sets, unions or inequalities of one unknown: equal when
 * no point tells them apart. The points are the ends of both, a point between each two ends and
 * beyond them, and seeded ones.
 *
 * @module
 */
import { randomSeeded } from "../random.ts";
import { agree, type Complex, isKnown, isReal, real } from "./complex.ts";
import { evaluate, type Point } from "./evaluate.ts";
import {
  type Expression,
  keyOf,
  type List,
  type Relation,
  some,
  unknownsOf,
} from "./expression.ts";

/** A set of reals. */
interface Region {
  contains(x: Complex): boolean;
  /** Where it may begin or end. */
  readonly ends: readonly Complex[];
}

/** Whether two expressions are the same set of reals; undefined when one is none. */
export function sameRegion(gold: Expression, answer: Expression): boolean | undefined {
  const [a, b] = [regionOf(gold), regionOf(answer)];
  if (!a || !b) return undefined;
  return testPoints([...a.ends, ...b.ends]).every((x) => a.contains(x) === b.contains(x));
}

function testPoints(ends: readonly Complex[]): Complex[] {
  const sorted = ends.map(({ re }) => re).sort((a, b) => a - b);
  const [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const between = sorted.slice(1).map((end, i) => (end + sorted[i]!) / 2);
  const random = randomSeeded(1, "grading", "region");
  const spread = Array.from({ length: 24 }, () => low - 4 + (high - low + 8) * random());
  const inner = between.filter((x) => !ends.some((end) => agree(end, real(x)))); // two equal ends
  const outer = [low - 1, high + 1, low - 1000, high + 1000];
  return [...ends, ...[...inner, ...outer, ...spread].map((x) => real(x))];
}

function regionOf(expression: Expression): Region | undefined {
  switch (expression.kind) {
    case "bracket":
      return interval(expression.open, expression.items, expression.close);
    case "set": {
      const points = expression.items.map(constant);
      if (points.some((point) => point === undefined)) return undefined;
      const ends = points as Complex[];
      return { ends, contains: (x) => ends.some((end) => agree(end, x)) };
    }
    case "symbol":
      if (expression.name === "reals") return { ends: [], contains: () => true };
      return expression.name === "empty" ? { ends: [], contains: () => false } : undefined;
    case "sets": {
      const [a, b] = expression.items.map(regionOf);
      if (!a || !b) return undefined;
      const ends = [...a.ends, ...b.ends];
      const contains = {
        union: (x: Complex) => a.contains(x) || b.contains(x),
        intersection: (x: Complex) => a.contains(x) && b.contains(x),
        difference: (x: Complex) => a.contains(x) && !b.contains(x),
      }[expression.operator];
      return { ends, contains };
    }
    case "sum": { // \mathbb{R} - \{3\}
      const [all, ...rest] = expression.items;
      const [taken] = rest;
      const isWithout = all!.kind === "symbol" && all!.name === "reals" && rest.length === 1 &&
        taken!.kind === "product" && taken!.items.length === 2;
      return isWithout
        ? regionOf({ kind: "sets", operator: "difference", items: [all!, taken!.items[1]!] })
        : undefined;
    }
    case "list":
      return ofList(expression);
    case "relation":
      return ofRelation(expression);
    default:
      return undefined;
  }
}

/** Inequalities side by side: all of them where they can be, and "or" does not join them. */
function ofList({ items, alternatives }: List): Region | undefined {
  const parts = items.map(regionOf).filter((part) => part !== undefined);
  if (parts.length < items.length || items.some(({ kind }) => kind !== "relation")) {
    return undefined;
  }
  const ends = parts.flatMap((part) => part.ends);
  const inAll = (x: Complex) => parts.every((part) => part.contains(x));
  const isOfAll = !alternatives && testPoints(ends).some(inAll);
  const contains = isOfAll ? inAll : (x: Complex) => parts.some((part) => part.contains(x));
  return { ends, contains };
}

const NOWHERE: Point = () => ({ re: NaN, im: 0, error: Infinity });

/** The real number that an expression is, if it is one. */
function constant(expression: Expression): Complex | undefined {
  const value = evaluate(expression, NOWHERE);
  return isKnown(value) && isReal(value) ? value : undefined;
}

/** Infinity with its sign; 0 for what is finite. */
function infinite(expression: Expression): number {
  if (expression.kind === "symbol") return expression.name === "infinity" ? Infinity : 0;
  if (expression.kind !== "product") return 0;
  const [sign, rest] = expression.items;
  const isMinus = expression.items.length === 2 && sign!.kind === "number" &&
    sign.value.numerator === -1n;
  return isMinus && infinite(rest!) === Infinity ? -Infinity : 0;
}

function interval(open: string, items: readonly Expression[], close: string): Region | undefined {
  if (items.length !== 2 || open === "<") return undefined;
  const [first, second] = items as [Expression, Expression];
  const [from, to] = [
    infinite(first) ? undefined : constant(first),
    infinite(second) ? undefined : constant(second),
  ];
  if (!from && infinite(first) !== -Infinity || !to && infinite(second) !== Infinity) {
    return undefined;
  }
  return {
    ends: [from, to].filter((end) => end !== undefined),
    contains(x): boolean {
      if (from && agree(from, x)) return open === "[" && !(to && to.re < from.re);
      if (to && agree(to, x)) return close === "]" && !(from && to.re < from.re);
      return (!from || from.re < x.re) && (!to || x.re < to.re);
    },
  };
}

/** What a relation is about: its one unknown, or the one term that is not a constant. */
function ofRelation(relation: Relation): Region | undefined {
  const { terms, operators } = relation;
  if (operators.includes("approx") || operators.includes("~")) return undefined;
  const isSet = (i: number) => operators[i - 1] === "in" || operators[i - 1] === "notin";
  const numbers = terms.filter((_, i) => !isSet(i));
  const isFree = numbers.some((term) => some(term, isUnevaluated));
  const unknowns = unknownsOf(...numbers);
  const texts = new Set(
    numbers.filter((term) => unknownsOf(term).length > 0).map(keyOf),
  );
  if (isFree ? texts.size !== 1 : unknowns.length !== 1) return undefined;
  const subject = isFree ? [...texts][0]! : undefined;
  const valueAt = (term: Expression, x: Complex): Complex =>
    subject !== undefined && keyOf(term) === subject ? x : evaluate(term, () => x);
  const tests = operators.map((operator, i): Test | undefined => {
    if (operator !== "in" && operator !== "notin") {
      return { operator, left: terms[i]!, right: terms[i + 1]! };
    }
    const region = regionOf(terms[i + 1]!);
    return region && { operator, left: terms[i]!, region };
  });
  if (tests.some((test) => test === undefined)) return undefined;
  const holds = (x: Complex) => tests.every((test) => isTrue(test!, x, valueAt));
  const regions = tests.flatMap((test) => test!.region?.ends ?? []);
  return { ends: [...regions, ...roots(tests as Test[], valueAt)], contains: holds };
}

/** Functions that nobody defined have no value to test. */
const isUnevaluated = (expression: Expression) =>
  expression.kind === "opaque" || expression.kind === "call" && expression.name.startsWith("of ");

interface Test {
  readonly operator: string;
  readonly left: Expression;
  readonly right?: Expression;
  readonly region?: Region;
}

type ValueAt = (term: Expression, x: Complex) => Complex;

function isTrue({ operator, left, right, region }: Test, x: Complex, valueAt: ValueAt): boolean {
  const a = valueAt(left, x);
  if (region) return isReal(a) && region.contains(a) === (operator === "in");
  const b = valueAt(right!, x);
  const [below, above] = [infinite(left), infinite(right!)];
  if (below || above) { // -\infty < x
    const apart = (below || a.re) - (above || b.re);
    return operator.startsWith("<") ? apart < 0 : operator.startsWith(">") && apart > 0;
  }
  if (!isKnown(a) || !isKnown(b) || !isReal(a) || !isReal(b)) return false;
  if (agree(a, b)) return operator === "=" || operator === "<=" || operator === ">=";
  if (operator === "=") return false;
  if (operator === "!=") return true;
  return operator.startsWith("<") ? a.re < b.re : a.re > b.re;
}

/** Where the two sides of a test meet: by sign changes on a grid, halved to the last bit. */
function roots(tests: readonly Test[], valueAt: ValueAt): Complex[] {
  const found: Complex[] = [];
  for (const { left, right } of tests) {
    if (!right) continue;
    for (const side of [left, right]) {
      const value = unknownsOf(side).length === 0 ? constant(side) : undefined;
      if (value) found.push(value);
    }
    const gap = (x: number) => {
      const [a, b] = [valueAt(left, real(x)), valueAt(right, real(x))];
      return isKnown(a) && isKnown(b) && isReal(a) && isReal(b) ? a.re - b.re : NaN;
    };
    for (let i = -GRID; i < GRID; i++) {
      const [from, to] = [gridAt(i), gridAt(i + 1)];
      if (gap(from) * gap(to) < 0) found.push(real(bisected(gap, from, to)));
      else if (gap(from) === 0) found.push(real(from));
    }
  }
  return found;
}

const GRID = 100;

/** Denser about zero: quarters to ±10, then on to ±1,000,000. */
const gridAt = (i: number) =>
  Math.sign(i) * (Math.abs(i) <= 40 ? Math.abs(i) / 4 : 10 * 10 ** ((Math.abs(i) - 40) / 12));

function bisected(gap: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  const sign = Math.sign(gap(low));
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (Math.sign(gap(middle)) === sign) low = middle;
    else high = middle;
  }
  return high;
}
