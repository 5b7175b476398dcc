/**
 * The grammar of answers over the tokens of `tokens.ts`, loosest first:
 *
 * 1. groups between `;`, items between `,`, "and", "or";
 * 2. relations: `=`, `<`, `\le`, `\in`, `\approx`, ..., chained;
 * 3. `\cup`, `\cap`, `\setminus`; 4. ratios `a:b`; 5. sums; 6. products (`terms.ts`).
 *
 * @module
 */
import type { Expression, RelationOperator, SetOperator } from "./expression.ts";
import { minus } from "./expression.ts";
import { operatorAt, peek, type Reader, unexpected } from "./reader.ts";
import { factor, product } from "./terms.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** Marks between items of which one holds. */
const ALTERNATIVES = new Set(["or", "lor", "vee"]);

/** Marks between items. */
const SEPARATORS = new Set([",", "and", "&", ...ALTERNATIVES]);

const RELATIONS: Readonly<Record<string, RelationOperator>> = {
  "=": "=",
  "ne": "!=",
  "<": "<",
  "lt": "<",
  ">": ">",
  "gt": ">",
  "le": "<=",
  "leq": "<=",
  "leqslant": "<=",
  "leqq": "<=",
  "ge": ">=",
  "geq": ">=",
  "geqslant": ">=",
  "geqq": ">=",
  "in": "in",
  "notin": "notin",
  "approx": "approx",
  "simeq": "approx",
  "thickapprox": "approx",
  "approxeq": "approx",
  "equiv": "~",
  "cong": "~",
  "sim": "~",
};

const SET_OPERATORS: Readonly<Record<string, SetOperator>> = {
  cup: "union",
  cap: "intersection",
  setminus: "difference",
  backslash: "difference",
};

/**
 * Reads an answer in LaTeX.
 *
 * @param latex Without delimiters such as `$`, as `source.ts` makes it.
 * @throws {SyntaxError} When it is no LaTeX, or no answer that the grammar knows.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseAnswer } from "./grammar.ts";
 *
 * assertEquals(parseAnswer("(0,1]").kind, "bracket");
 * assertEquals(parseAnswer("x=1, x=2").kind, "list");
 * ```
 */
export function parseAnswer(latex: string): Expression {
  return parseRow(tokensOf(latex));
}

/** Reads all of a row of tokens as one answer. */
function parseRow(tokens: readonly Token[]): Expression {
  const reader: Reader = { tokens, rules: RULES, at: 0, bars: 0, alternatives: false };
  const answer = groups(reader);
  if (reader.at < tokens.length) throw unexpected(reader);
  return reader.alternatives && answer.kind === "list" ? { ...answer, alternatives: true } : answer;
}

const RULES = { row: parseRow, items, sum, factor };

function groups(reader: Reader): Expression {
  const rows = [items(reader)];
  while (operatorAt(reader) === ";") {
    reader.at++;
    if (peek(reader)) rows.push(items(reader));
  }
  const ones = rows.every((row) => row.length === 1);
  return listOf(ones ? rows.flat() : rows.map(listOf));
}

/** One item is itself. */
const listOf = (items: readonly Expression[]): Expression =>
  items.length === 1 ? items[0]! : { kind: "list", items };

const isSeparator = (operator: string | undefined) =>
  operator !== undefined && SEPARATORS.has(operator);

/** Items up to what does not belong to a list: `a, b and c`, `a, b, and c`. */
function items(reader: Reader): Expression[] {
  const found = itemsOfOne(reader);
  while (isSeparator(operatorAt(reader))) {
    for (; isSeparator(operatorAt(reader)); reader.at++) {
      reader.alternatives ||= ALTERNATIVES.has(operatorAt(reader)!);
    }
    if (!peek(reader) || operatorAt(reader) === ";") break; // a comma at the end
    found.push(...itemsOfOne(reader));
  }
  return found;
}

/** A system of rows is several items. */
function itemsOfOne(reader: Reader): Expression[] {
  const token = peek(reader);
  const next = reader.tokens[reader.at + 1];
  if (token?.kind === "matrix" && token.text === "system" && !next && reader.at === 0) {
    reader.at++;
    return token.rows!.map((cells) => parseRow(cells.flat()));
  }
  return [relation(reader)];
}

function relation(reader: Reader): Expression {
  if (RELATIONS[operatorAt(reader) ?? ""] === "approx") { // a number that is said to be rounded
    reader.at++;
    return { kind: "call", name: "rounded", args: [sets(reader)] };
  }
  const terms = [sets(reader)];
  const operators: RelationOperator[] = [];
  for (let name = operatorAt(reader); name !== undefined; name = operatorAt(reader)) {
    const operator = Object.hasOwn(RELATIONS, name) ? RELATIONS[name] : undefined;
    if (!operator) break;
    reader.at++;
    if (operator === "=" && operatorAt(reader) === "=") reader.at++; // "==" of programs
    operators.push(operator);
    terms.push(sets(reader));
  }
  return operators.length === 0 ? terms[0]! : { kind: "relation", terms, operators };
}

function sets(reader: Reader): Expression {
  let left = ratio(reader);
  for (let name = operatorAt(reader); name !== undefined; name = operatorAt(reader)) {
    const operator = Object.hasOwn(SET_OPERATORS, name) ? SET_OPERATORS[name] : undefined;
    if (!operator) break;
    reader.at++;
    left = { kind: "sets", operator, items: [left, ratio(reader)] };
  }
  return left;
}

function ratio(reader: Reader): Expression {
  const items = [sum(reader)];
  while (operatorAt(reader) === ":") {
    reader.at++;
    items.push(sum(reader));
  }
  return items.length === 1 ? items[0]! : { kind: "ratio", items };
}

/** The signs of terms. */
const SIGNS: Readonly<Record<string, (term: Expression) => Expression>> = {
  "+": (term) => term,
  "-": minus,
  "pm": (value) => ({ kind: "plusminus", sign: 1, value }),
  "mp": (value) => ({ kind: "plusminus", sign: -1, value }),
};

/** The sign to read next, if there is one. */
function signAt(reader: Reader): ((term: Expression) => Expression) | undefined {
  const name = operatorAt(reader);
  return name !== undefined && Object.hasOwn(SIGNS, name) ? SIGNS[name] : undefined;
}

/** A sum of terms with signs. */
function sum(reader: Reader): Expression {
  const terms: Expression[] = [];
  for (let sign = signAt(reader); sign || terms.length === 0; sign = signAt(reader)) {
    if (sign) reader.at++;
    terms.push(sign ? sign(signed(reader)) : product(reader));
  }
  return terms.length === 1 ? terms[0]! : { kind: "sum", items: terms };
}

/** A term that may have a sign of its own, as in `3 + -2`. */
function signed(reader: Reader): Expression {
  const sign = signAt(reader);
  if (!sign) return product(reader);
  reader.at++;
  return sign(signed(reader));
}
