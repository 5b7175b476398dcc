/**
 * Words behind a value: units, what is counted, how many (`million`), percent.
 *
 * @module
 */
import { FUNCTION_WORDS } from "./calls.ts";
import { beside, type Expression, whole } from "./expression.ts";
import { CONNECTIVES, operatorAt, peek, type Reader, unexpected } from "./reader.ts";
import type { Token } from "./tokens.ts";
import { isUnit } from "./units.ts";

/** Operators that multiply and divide. */
export const TIMES: ReadonlySet<string> = new Set(["*", "cdot", "times", "ast"]);
export const OVER: ReadonlySet<string> = new Set(["/", "div"]);

/** Words that say how many. */
const MULTIPLES: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1000,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
  dozen: 12,
};

/** Words that make a sentence, not a unit. */
const SENTENCE = new Set(
  ("if for where when is are be such that with not no than only unless otherwise all any but " +
    "and or from to because since so then let given either neither nor about approximately").split(
      " ",
    ),
);

export function withUnit(left: Expression, unit: string): Expression {
  const [, multiple = "", rest = ""] = /^(\w+)(?:\s+(.*))?$/.exec(unit) ?? [];
  if (Object.hasOwn(MULTIPLES, multiple)) {
    const value = beside(left, whole(MULTIPLES[multiple]!));
    return rest ? { kind: "quantity", value, unit: rest } : value;
  }
  if (left.kind === "quantity") {
    return { kind: "quantity", value: left.value, unit: `${left.unit} ${unit}` };
  }
  if (/^(percent|pct|per cent|percentage)\b/.test(unit)) {
    return { kind: "call", name: "percent", args: [left] };
  }
  return { kind: "quantity", value: left, unit };
}

/** Whether a word that a value is followed by, or a micrometre's `\mu`, is its unit. */
export function startsUnit(reader: Reader): boolean {
  const token = peek(reader);
  if (token?.kind === "name" && token.text === "mu") {
    return isUnitToken(reader.tokens[reader.at + 1]);
  }
  if (token?.kind !== "word" || CONNECTIVES.has(token.text)) return false;
  if (FUNCTION_WORDS.has(token.text) && !isUnit(token.text)) return false;
  return token.text.length > 1 || isUnit(token.text);
}

/** Whether a token is part of a unit once one has begun: a word, or a letter such as `s`. */
const isUnitToken = (token: Token | undefined) =>
  token?.kind === "word" || token?.kind === "name" && token.text.length === 1 && isUnit(token.text);

/** Reads words, and their powers, as one unit. */
export function unit(reader: Reader): string {
  let text = "";
  for (let token = peek(reader); token; token = peek(reader)) {
    const operator = operatorAt(reader);
    const next = reader.tokens[reader.at + 1];
    if (operator !== undefined) {
      if (!(OVER.has(operator) || TIMES.has(operator)) || !isUnitToken(next)) break;
      text += OVER.has(operator) ? "/" : "*";
    } else if (token.kind === "word" || text !== "" && isUnitToken(token)) {
      if (token.text.split(/\s+/).some((word) => SENTENCE.has(word) || /^\d/.test(word))) {
        throw unexpected(reader);
      }
      const power = (token.sup ?? []).map(({ text }) => text).join("");
      text += (text && !/[/*]$/.test(text) ? " " : "") + token.text + (power && `^${power}`);
    } else if (token.text === "mu" && isUnitToken(next)) {
      reader.at += 2;
      text += `u${next!.text}`;
      continue;
    } else break;
    reader.at++;
  }
  return text;
}
