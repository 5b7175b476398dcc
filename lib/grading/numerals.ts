/**
 * Numbers in digits: decimals, repeating ones, mixed ones, in other bases, by powers of ten.
 *
 * @module
 */
import type { Expression, Written } from "./expression.ts";
import { peek, type Reader, unexpected } from "./reader.ts";
import { decimal, order, over, plus, rational, times, toThe, wholeOf } from "./rational.ts";
import { raised } from "./scripts.ts";
import type { Token } from "./tokens.ts";

/** `2.4 \times 10^{-16}` as one number in digits; undefined for other products. */
export function scientific(left: Expression, right: Expression): Expression | undefined {
  if (left.kind === "number" && right.kind === "power" && right.base.kind === "number") {
    const { base, exponent } = right;
    const power = exponent.kind === "number" ? wholeOf(exponent.value) : undefined;
    const ten = base.kind === "number" && wholeOf(base.value) === 10n;
    const scale = ten && power !== undefined ? toThe(base.value, power) : undefined;
    const value = scale && times(left.value, scale);
    if (value && power !== undefined) {
      const { decimals, significant } = left.written ??
        { decimals: 0, significant: significantDigits(String(left.value.numerator)) };
      const written = { decimals: decimals - Number(power), significant, scientific: true };
      return { kind: "number", value, written };
    }
  }
  return undefined;
}

/** Digits from the first that is not zero. */
const significantDigits = (digits: string) =>
  digits.replace(/^-?[0.]*/, "").replace(".", "").length;

/** Bases that are spelled out: `11_{\text{two}}`. */
const BASES: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
};

/** A number in digits, with its base or its fraction: `2516_8`, `1\frac45`. */
export function numeral(reader: Reader, token: Token): Expression {
  if (token.sub) {
    const written = token.sub.map(({ text }) => text).join("");
    const base = BASES[written] ?? Number(written);
    if (!Number.isInteger(base) || base < 2 || base > 36 || token.text.includes(".")) {
      throw new SyntaxError(`Cannot read ${token.text} in a base that is no number from 2 to 36`);
    }
    return { kind: "based", digits: token.text, base };
  }
  const value = digits(token.text);
  if (token.sup) return raised(reader, value, token.sup);
  const next = peek(reader);
  const fraction = next?.kind === "fraction" && !next.sup ? next.parts!.map(soleWhole) : [];
  const [top, bottom] = fraction;
  if (!value.written && top && bottom && order(top, bottom) < 0) {
    const mixed = plus(value.value, over(top, bottom)!);
    if (!mixed) throw unexpected(reader);
    reader.at++;
    return { kind: "number", value: mixed };
  }
  return value;
}

/** The whole number that is all of a row. */
function soleWhole(row: readonly Token[]): ReturnType<typeof decimal> {
  const [token] = row;
  const sole = row.length === 1 && token!.kind === "number" && /^\d+$/.test(token!.text);
  return sole && !token!.sup && !token!.sub ? decimal(token!.text) : undefined;
}

/** `12`, `1.50`, and `0.1(6)` for 0.1666... */
function digits(text: string): Expression & { kind: "number" } {
  const [, plain = "", repeated = ""] = /^(\d*\.?\d*)(?:\((\d+)\))?$/.exec(text) ?? [];
  const start = decimal(plain);
  if (!start) throw new SyntaxError(`Cannot read ${text.slice(0, 40)} as a number`);
  const decimals = plain.includes(".") ? plain.length - plain.indexOf(".") - 1 : 0;
  if (repeated) {
    const nines = 10n ** BigInt(repeated.length) - 1n;
    const tail = rational(BigInt(repeated), nines * 10n ** BigInt(decimals));
    const value = tail && plus(start, tail);
    if (!value) throw new SyntaxError(`Cannot read ${text.slice(0, 40)} as it is too large`);
    return { kind: "number", value };
  }
  const written: Written = { decimals, significant: significantDigits(plain), scientific: false };
  return { kind: "number", value: start, ...(decimals > 0 ? { written } : {}) };
}
