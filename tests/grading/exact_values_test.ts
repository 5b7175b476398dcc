import { assertAlmostEquals, assertEquals } from "@std/assert";
import { exactValue } from "../../lib/grading/exact.ts";
import { elementAt } from "../../lib/grading/field.ts";
import { parseAnswer } from "../../lib/grading/grammar.ts";
import { decimal, order, rootOf, toNumber, toThe } from "../../lib/grading/rational.ts";
import { measureOf } from "../../lib/grading/units.ts";

const fraction = (numerator: bigint, denominator = 1n) => ({ numerator, denominator });

Deno.test("decimal() reads digits without rounding", () => {
  assertEquals(decimal(".5"), fraction(1n, 2n));
  assertEquals(decimal("2.4e-3"), fraction(3n, 1250n)); // 24 / 10,000
  assertEquals(decimal("0.1000000000000000000001"), fraction(10n ** 21n + 1n, 10n ** 22n));
  assertEquals(decimal("1.2.3"), undefined);
  assertEquals(decimal("."), undefined);
});

Deno.test("toThe() is exact, and undefined for what is too large", () => {
  assertEquals(toThe(fraction(2n, 3n), -2n), fraction(9n, 4n));
  assertEquals(toThe(fraction(-1n), 10n ** 30n + 1n), fraction(-1n));
  assertEquals(toThe(fraction(9n), 9n ** 9n), undefined);
});

Deno.test("rootOf() finds roots that are fractions, and no others", () => {
  assertEquals(rootOf(fraction(49n, 9n)), fraction(7n, 3n));
  assertEquals(rootOf(fraction(10n ** 40n)), fraction(10n ** 20n));
  assertEquals(rootOf(fraction(10n ** 40n + 1n)), undefined);
  assertEquals(rootOf(fraction(-4n)), undefined);
});

Deno.test("toNumber() and order() work beyond the range of doubles", () => {
  const [great, greater] = [fraction(10n ** 400n, 10n ** 399n + 7n), fraction(10n ** 400n)];
  assertAlmostEquals(toNumber(great), 10, 1e-12);
  assertEquals(toNumber(greater), Infinity);
  assertEquals(order(great, greater), -1);
});

Deno.test("exactValue() works out whole numbers and fractions", () => {
  const values: Readonly<Record<string, bigint>> = {
    "\\binom{10}{5}": 252n,
    "7!": 5040n,
    "\\gcd(12, 18)": 6n,
    "(-7) \\mod 3": 2n,
    "\\lfloor -3.5 \\rfloor": -4n,
    "\\sqrt{1.44} \\cdot 5": 6n,
    "3^2 - 2^3": 1n,
  };
  for (const [latex, value] of Object.entries(values)) {
    assertEquals(exactValue(parseAnswer(latex)), fraction(value), latex);
  }
  assertEquals(exactValue(parseAnswer("\\sqrt{2}")), undefined);
});

Deno.test("elementAt() tells polynomials apart, and finds equal ones equal", () => {
  const at = (latex: string) => elementAt(parseAnswer(latex), "1")!;
  assertEquals(at("(x+y)^{1000}"), at("(y+x)^{999} \\cdot (x+y)"));
  assertEquals(at("\\frac{x^2-1}{x-1}"), at("x+1"));
  assertEquals(at("i^2"), at("-1"));
  assertEquals(at("x^{1000}").value === at("x^{1001}").value, false);
  assertEquals([at("x+1").decisive, at("\\sin x").decisive], [true, false]);
});

Deno.test("measureOf() multiplies and divides units", () => {
  assertEquals(measureOf("cm^2"), {
    dimension: "length^2",
    factor: fraction(1n, 10_000n),
  });
  assertEquals(measureOf("square feet"), measureOf("ft^2"));
  assertEquals(measureOf("miles per hour"), measureOf("mph"));
  assertEquals(measureOf("km/h")!.factor, fraction(5n, 18n)); // 1000 m in 3600 s
  assertEquals(measureOf("m*s^-1"), measureOf("m/s"));
  assertEquals(measureOf("eggs"), undefined);
});
