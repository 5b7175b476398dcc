/**
 * Products, powers and what they are made of: the tight half of the grammar.
 *
 * @module
 */
import { beside, type Expression, whole } from "./expression.ts";
import { callOf } from "./calls.ts";
import { fenced } from "./fences.ts";
import { CONNECTIVES, operatorAt, peek, type Reader, unexpected } from "./reader.ts";
import { raised, scripted } from "./scripts.ts";
import { numeral, scientific } from "./numerals.ts";
import type { Token } from "./tokens.ts";
import { OVER, startsUnit, TIMES, unit, withUnit } from "./unit_words.ts";

/** Factors by `\cdot`, `/`, or side by side: `1/2 x` is a half of x. */
export function product(reader: Reader): Expression {
  let left = factor(reader);
  for (;;) {
    const operator = operatorAt(reader);
    const next = reader.tokens[reader.at + 1];
    if (operator !== undefined && OVER.has(operator) && next?.kind === "word") {
      left = { kind: "quantity", value: left, unit: unit(reader) };
    } else if (operator !== undefined && (TIMES.has(operator) || OVER.has(operator))) {
      reader.at++;
      left = TIMES.has(operator)
        ? multiplied(left, signedFactor(reader))
        : { kind: "quotient", top: left, bottom: signedFactor(reader) };
    } else if (operator === "mod" || operator === "pmod") {
      reader.at++;
      left = { kind: "call", name: operator, args: [left, factor(reader)] };
    } else if (startsUnit(reader)) {
      left = withUnit(left, unit(reader));
    } else if (startsFactor(reader)) {
      left = beside(left, factor(reader));
    } else return left;
  }
}

/** A factor after an operator may have a sign: `2 \cdot -3`. */
function signedFactor(reader: Reader): Expression {
  if (operatorAt(reader) !== "-") return factor(reader);
  reader.at++;
  return { kind: "product", items: [whole(-1), signedFactor(reader)] };
}

/** A product; `2.4 \times 10^{-16}` is one number in digits. */
const multiplied = (left: Expression, right: Expression): Expression =>
  scientific(left, right) ?? beside(left, right);

/** Tokens that a factor can start with. */
const STARTS = new Set(
  ["number", "name", "function", "open", "group", "fraction", "binomial", "root", "matrix", "big"],
);

function startsFactor(reader: Reader): boolean {
  const token = peek(reader);
  if (!token) return false;
  if (token.kind === "operator") return token.text === "|" && reader.bars === 0;
  if (token.kind === "word") return !CONNECTIVES.has(token.text);
  if (token.kind === "number") return reader.tokens[reader.at - 1]?.kind !== "number";
  return STARTS.has(token.kind);
}

/** Something with what is written after it: powers, `!`, `%`. */
export function factor(reader: Reader): Expression {
  const token = peek(reader);
  if (!token) throw unexpected(reader);
  let value = primary(reader, token);
  for (;;) {
    const operator = operatorAt(reader);
    if (operator === "%") value = { kind: "call", name: "percent", args: [value] };
    else if (operator === "!") value = { kind: "call", name: "factorial", args: [value] };
    else if (operator === "ldots" && value.kind === "number" && value.written) {
      value = { kind: "call", name: "cut", args: [value] };
    } else return value;
    const { sup } = peek(reader)!;
    reader.at++;
    if (sup) value = raised(reader, value, sup);
  }
}

function primary(reader: Reader, token: Token): Expression {
  switch (token.kind) {
    case "number":
      reader.at++;
      return numeral(reader, token);
    case "name":
    case "function":
    case "big":
    case "word":
      return callOf(reader, token);
    case "group":
      reader.at++;
      return scripted(reader, reader.rules.row(token.parts![0]!), token);
    case "fraction":
    case "binomial":
    case "root":
      reader.at++;
      return scripted(reader, ofParts(reader, token), token);
    case "matrix": {
      reader.at++;
      const rows = token.rows!.map((cells) => cells.map((cell) => reader.rules.row(cell)));
      return scripted(reader, { kind: "matrix", rows }, token);
    }
    case "open":
      return fenced(reader);
    case "operator":
      if (token.text === "|") return fenced(reader);
      if (token.text === "ldots" || token.text === "cdots" || token.text === "dots") {
        reader.at++;
        return { kind: "symbol", name: "dots" };
      }
      if (token.text === "$") { // a price
        reader.at++;
        return factor(reader);
      }
  }
  throw unexpected(reader);
}

function ofParts({ rules }: Reader, { kind, parts }: Token): Expression {
  const [first, second] = parts as [readonly Token[], readonly Token[]];
  if (kind === "root") {
    return {
      kind: "call",
      name: "root",
      args: [rules.row(first), second.length > 0 ? rules.row(second) : whole(2)],
    };
  }
  if (kind === "binomial") {
    return { kind: "call", name: "binomial", args: [rules.row(first), rules.row(second)] };
  }
  const isDifferential = (row: readonly Token[]) =>
    row[0]?.kind === "name" && (row[0].text === "d" || row[0].text === "partial");
  if (isDifferential(first) && isDifferential(second) && second.length > 1) {
    return { kind: "opaque", text: JSON.stringify([first, second]) };
  }
  return { kind: "quotient", top: rules.row(first), bottom: rules.row(second) };
}
