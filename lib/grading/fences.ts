/**
 * Brackets, braces and bars of an answer: points, intervals, sets, absolute values.
 *
 * @module
 */
import { type Bracket, type Expression, unknownsOf } from "./expression.ts";
import { operatorAt, peek, type Reader, unexpected } from "./reader.ts";
import { scripted } from "./scripts.ts";
import type { Token } from "./tokens.ts";

/** Reads what stands between two fences, and its power. */
export function fenced(reader: Reader): Expression {
  const open = peek(reader)!;
  reader.at++;
  if (open.kind === "operator" || open.text === "|") return bars(reader, open);
  const condition = open.text === "{" ? conditionStart(reader) : undefined;
  if (condition !== undefined) return builder(reader, condition);
  const inner = { ...reader, bars: 0 };
  const found = peek(inner)?.kind === "close" ? [] : inner.rules.items(inner);
  while (found.length > 0 && operatorAt(inner) === ";") { // `(2; 3)`
    inner.at++;
    found.push(...inner.rules.items(inner));
  }
  reader.at = inner.at;
  const close = peek(reader);
  if (close?.kind !== "close") throw unexpected(reader);
  reader.at++;
  return scripted(reader, between(open, found, close), close);
}

function between(open: Token, items: readonly Expression[], close: Token): Expression {
  const pair = open.text + close.text;
  if (pair === "{}") return { kind: "set", items };
  if (pair === "floorfloor") return { kind: "call", name: "floor", args: items };
  if (pair === "ceilceil") return { kind: "call", name: "ceil", args: items };
  const isBracket = /^[(\[][)\]]$/.test(pair) || pair === "<>";
  if (!isBracket || items.length === 0) {
    throw new SyntaxError(`Cannot read what stands between ${open.text} and ${close.text}`);
  }
  if (items.length === 1) {
    if (/^(\(\)|\[\])$/.test(pair)) return items[0]!;
    throw new SyntaxError(`Cannot read one item between ${open.text} and ${close.text}`);
  }
  return {
    kind: "bracket",
    open: open.text as Bracket["open"],
    close: close.text as Bracket["close"],
    items,
  };
}

/** `|x|`; of a matrix, its determinant. */
function bars(reader: Reader, open: Token): Expression {
  const inner = { ...reader, bars: open.kind === "operator" ? reader.bars + 1 : 0 };
  const [value, ...others] = inner.rules.items(inner);
  reader.at = inner.at;
  const close = peek(reader);
  const closes = open.kind === "operator"
    ? operatorAt(reader) === "|"
    : close?.kind === "close" && close.text === "|";
  if (!closes || others.length > 0) throw unexpected(reader);
  reader.at++;
  const name = value!.kind === "matrix" ? "det" : "abs";
  return scripted(reader, { kind: "call", name, args: [value!] }, close!);
}

/** Where the brace that was just opened closes, or the end. */
function closingBrace({ tokens, at }: Reader): number {
  const found = tokens.findIndex(({ kind, text }, i) =>
    i >= at && kind === "close" && text === "}"
  );
  return found < 0 ? tokens.length : found;
}

/** Where the condition of the set that was just opened starts: behind the bar of `{x | x > 0}`. */
function conditionStart(reader: Reader): number | undefined {
  const inner = reader.tokens.slice(reader.at, closingBrace(reader));
  const isBar = ({ kind, text }: Token) => kind === "operator" && (text === "mid" || text === "|");
  const bars = inner.filter(isBar);
  const colon = inner.findIndex(({ kind, text }) => kind === "operator" && text === ":");
  const isColon = inner[0]?.kind === "name" &&
    (colon === 1 || colon > 1 && inner[1]!.text === "in");
  const isCondition = bars.some(({ text }) => text === "mid") || bars.length % 2 === 1;
  if (isCondition) return reader.at + inner.findIndex(isBar) + 1;
  return isColon ? reader.at + colon + 1 : undefined;
}

/** A set by its condition: of one unknown, the condition; else equal as it is written. */
function builder(reader: Reader, start: number): Expression {
  const end = closingBrace(reader);
  if (end === reader.tokens.length) throw unexpected(reader);
  const text = JSON.stringify(reader.tokens.slice(reader.at, end));
  const [element, ...domain] = reader.tokens.slice(reader.at, start - 1);
  const isReal = domain.length === 0 ||
    domain.length === 2 && domain[0]!.text === "in" && domain[1]!.text === "bbR";
  const condition = reader.rules.row(reader.tokens.slice(start, end));
  reader.at = end + 1;
  const isOfOne = element?.kind === "name" && isReal && condition.kind === "relation" &&
    unknownsOf(condition).join() === element.text;
  return isOfOne ? condition : { kind: "opaque", text };
}
