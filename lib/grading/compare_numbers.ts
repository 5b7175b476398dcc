/**
 * Numbers with their units, percent signs and bases.
 *
 * @module
 */
import { exactValue } from "./exact.ts";
import { type Expression, unknownsOf } from "./expression.ts";
import { sameNumber, sameRounded } from "./numbers.ts";
import { isSame } from "./rational.ts";
import { measureOf } from "./units.ts";
import { type Grade, no, show, yes } from "./grade.ts";

/** Numbers with what they count, and functions of unknowns. */
export function compareNumbers(gold: Expression, answer: Expression): Grade {
  if (gold.kind === "based" || answer.kind === "based") return compareBased(gold, answer);
  if (isResidue(gold) !== isResidue(answer)) {
    return compareNumbers(residue(gold), residue(answer)); // the modulus is left out
  }
  const [asked, given] = [measured(gold), measured(answer)];
  if (asked.unit && given.unit && RADIANS.test(asked.unit) !== RADIANS.test(given.unit)) {
    return sameNumber(gold, answer)
      ? yes("the angles are equal")
      : no(`the units differ: ${asked.unit}, ${given.unit}`);
  }
  if (asked.unit && given.unit) {
    const [a, b] = [measureOf(asked.unit), measureOf(given.unit)];
    if (a && b && a.dimension !== b.dimension) {
      return no(`the units differ: ${asked.unit}, ${given.unit}`);
    }
    if (a && b && !isSame(a.factor, b.factor)) {
      const scale = (value: Expression, factor: typeof a.factor): Expression => ({
        kind: "product",
        items: [value, { kind: "number", value: factor }],
      });
      return equality(scale(asked.value, a.factor), scale(given.value, b.factor));
    }
  }
  const verdict = equality(asked.value, given.value);
  if (verdict.correct || asked.unit === given.unit) return verdict;
  if (![asked.unit, given.unit].some((unit) => unit && WORTH.has(unit))) return verdict;
  return sameNumber(gold, answer) ? yes("the numbers are equal, with their units") : verdict;
}

const isResidue = (expression: Expression) =>
  expression.kind === "call" && expression.name === "pmod";

const residue = (expression: Expression) =>
  expression.kind === "call" && expression.name === "pmod" ? expression.args[0]! : expression;

/** What an angle is in when it is a plain number. */
const RADIANS = /^rad(?:ians?)?$/;

/** Units that change a number's value. */
const WORTH = new Set(["%", "degree", "degrees"]);

function measured(expression: Expression): { value: Expression; unit?: string } {
  if (expression.kind === "quantity") return { value: expression.value, unit: expression.unit };
  if (expression.kind === "call" && expression.name === "percent") {
    return { value: expression.args[0]!, unit: "%" };
  }
  return { value: expression };
}

function equality(gold: Expression, answer: Expression): Grade {
  const stated = answer.kind === "call" && answer.name === "rounded" ? answer.args[0]! : answer;
  if (sameNumber(gold, stated)) {
    return yes(unknownsOf(gold).length > 0 ? "the expressions are equal" : "the numbers are equal");
  }
  if (sameRounded(gold, answer)) return yes("the numbers are equal as far as they are rounded");
  return no(`${show(answer)} is not ${show(gold)}`);
}

/** `52_8` is `52` where its base is left out, but not 42, which is not written in base 8. */
function compareBased(gold: Expression, answer: Expression): Grade {
  if (gold.kind === "based" && answer.kind === "based") {
    if (gold.base !== answer.base) return no("the bases differ");
    return gold.digits.replace(/^0+(?=.)/, "") === answer.digits.replace(/^0+(?=.)/, "")
      ? yes("the numbers are equal, in the same base")
      : no("the digits differ");
  }
  if (gold.kind === "based") {
    const digits = exactValue(answer);
    return answer.kind === "number" && !answer.written && `${digits!.numerator}` === gold.digits
      ? yes("the digits are equal, the base left out")
      : no(`the answer is not written in base ${gold.base}`);
  }
  return equality(gold, answer);
}
