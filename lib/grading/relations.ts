/**
 * Equations and inequalities of several unknowns: equal when one is the other times a constant.
 *
 * @module
 */
import { agree, type Complex, divide, isKnown, sizeOf } from "./complex.ts";
import { evaluate } from "./evaluate.ts";
import { type Expression, minus, type Relation, unknownsOf } from "./expression.ts";
import { type Pair, pairsOf } from "./named.ts";
import { pointAt, sameNumber } from "./numbers.ts";

/** Whether two chains of comparisons say the same, in any order. */
export function sameRelation(gold: Relation, answer: Relation): boolean {
  const [asked, given] = [pairsOf(gold), [...pairsOf(answer)]];
  if (asked.length !== given.length) return false;
  for (const pair of asked) {
    const match = given.findIndex((other) => samePair(pair, other));
    if (match < 0) return false;
    given.splice(match, 1);
  }
  return true;
}

const SYMMETRIC = new Set(["=", "!=", "~"]);

function samePair(gold: Pair, answer: Pair): boolean {
  if (gold.operator !== answer.operator) return false;
  const same = (a: Expression, b: Expression) => sameNumber(a, b);
  if (same(gold.left, answer.left) && same(gold.right, answer.right)) return true;
  if (gold.operator === "in" || gold.operator === "notin" || gold.operator === "~") return false;
  const factor = constantRatio(apart(gold), apart(answer));
  return factor !== undefined && (SYMMETRIC.has(gold.operator) || factor > 0);
}

const apart = ({ left, right }: Pair): Expression => ({ kind: "sum", items: [left, minus(right)] });

/** `a / b`, when it is the same real number other than 0 everywhere. */
function constantRatio(a: Expression, b: Expression): number | undefined {
  const [x, y] = [unknownsOf(a), unknownsOf(b)];
  if (x.length !== y.length || x.some((name) => !y.includes(name))) return undefined;
  let ratio: Complex | undefined;
  for (let [attempt, agreed] = [0, 0]; attempt < 40; attempt++) {
    const at = pointAt(attempt, false);
    const [top, bottom] = [evaluate(a, at), evaluate(b, at)];
    if (!isKnown(top) || !isKnown(bottom)) continue;
    const here = divide(top, bottom);
    if (!isKnown(here) || sizeOf(here) <= 8 * here.error || here.im !== 0) return undefined;
    if (ratio && !agree(ratio, here)) return undefined;
    ratio ??= here;
    if (++agreed === 8) return ratio.re;
  }
  return undefined;
}
