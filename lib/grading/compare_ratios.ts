/**
 * Ratios `a : b : c`, and times of day.
 *
 * @module
 */
import { exactValue } from "./exact.ts";
import { type Expression, some, withParts } from "./expression.ts";
import { isNumeric, sameNumber } from "./numbers.ts";
import { type Grade, no, yes } from "./grade.ts";

/** Compares ratios; a fraction is one of two parts. */
export function compareRatios(gold: Expression, answer: Expression): Grade {
  const isLabelled = [gold, answer].map((one) => some(one, ({ kind }) => kind === "quantity"));
  const [asked, given] = isLabelled[0] === isLabelled[1]
    ? [partsOfRatio(gold), partsOfRatio(answer)]
    : [partsOfRatio(unlabelled(gold)), partsOfRatio(unlabelled(answer))];
  if (!asked || !given || asked.length !== given.length) return no("one of them is no such ratio");
  const terms = asked.map((part, i) => [part, given[i]!] as const);
  if (terms.some(([a, b]) => labelOf(a) !== labelOf(b))) return no("the labels differ"); // AM, PM
  if (terms.every(([a, b]) => sameNumber(a, b))) return yes("the ratios are equal");
  if (isTime(gold) && isTime(answer)) return no("the times differ");
  const [[first, other]] = terms as [readonly [Expression, Expression]];
  const proportional =
    terms.slice(1).every(([a, b]) =>
      sameNumber({ kind: "product", items: [first, b] }, { kind: "product", items: [a, other] })
    ) && terms.every(([a, b]) => !isZero(a) && !isZero(b));
  return proportional ? yes("the ratios are equal") : no("the ratios differ");
}

const labelOf = (expression: Expression) =>
  expression.kind === "quantity" ? expression.unit : undefined;

/** `3:45 PM` without its label. */
const unlabelled = (expression: Expression): Expression =>
  expression.kind === "quantity" ? expression.value : withParts(expression, unlabelled);

function partsOfRatio(expression: Expression): readonly Expression[] | undefined {
  if (expression.kind === "ratio") {
    return expression.items.every(isNumeric) ? expression.items : undefined;
  }
  if (expression.kind === "quotient") return [expression.top, expression.bottom];
  if (expression.kind !== "number") return undefined;
  const part = (numerator: bigint): Expression => ({
    kind: "number",
    value: { numerator, denominator: 1n },
  });
  return [part(expression.value.numerator), part(expression.value.denominator)];
}

const isZero = (expression: Expression) => exactValue(expression)?.numerator === 0n;

/** `12:30` is a time of day, or may be. */
function isTime(expression: Expression): boolean {
  if (expression.kind !== "ratio" || expression.items.length !== 2) return false;
  const [hours, minutes] = expression.items.map((item) =>
    Number(exactValue(item)?.numerator ?? -1n)
  );
  return hours! >= 0 && hours! <= 24 && minutes! >= 10 && minutes! < 60;
}
