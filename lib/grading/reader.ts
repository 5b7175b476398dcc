/**
 * A row of tokens while it is read, and the rules that read what is in brackets and scripts: the
 * grammar (`grammar.ts`) gives them to its parts, so that those need not know it.
 *
 * @module
 */
import type { Expression } from "./expression.ts";
import type { Token } from "./tokens.ts";

/** Rules of the grammar that its parts come back to. */
export interface Rules {
  /** Reads all of a row as one answer. */
  row(tokens: readonly Token[]): Expression;
  /** Reads items up to what does not belong to a list. */
  items(reader: Reader): Expression[];
  /** Reads a sum. */
  sum(reader: Reader): Expression;
  /** Reads something with what is written after it. */
  factor(reader: Reader): Expression;
}

/** Tokens being read, and how far. */
export interface Reader {
  readonly tokens: readonly Token[];
  readonly rules: Rules;
  at: number;
  /** Bars `|` that are open: the next one closes. */
  bars: number;
  /** Whether "or" was read between items. */
  alternatives: boolean;
}

/** The token to read next. */
export const peek = ({ tokens, at }: Reader): Token | undefined => tokens[at];

/** Words between items. */
export const CONNECTIVES: ReadonlySet<string> = new Set(["and", "or"]);

/** The text of the operator, or the connective, to read next. */
export function operatorAt(reader: Reader): string | undefined {
  const token = peek(reader);
  if (token?.kind === "operator") return token.text;
  return token?.kind === "word" && CONNECTIVES.has(token.text) ? token.text : undefined;
}

/** The error of a token that cannot stand where it does. */
export function unexpected(reader: Reader): SyntaxError {
  const { kind, text } = peek(reader) ?? { kind: "end", text: "" };
  const what = kind === "end" ? "ends" : `goes on with ${kind} ${JSON.stringify(text)}`;
  return new SyntaxError(`Cannot read the answer as mathematics: it ${what} at ${reader.at}`);
}
