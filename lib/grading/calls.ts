/**
 * Names in an answer: unknowns, functions with their arguments, and what is left as it is written.
 *
 * @module
 */
import { type Expression, whole } from "./expression.ts";
import { operatorAt, peek, type Reader, unexpected } from "./reader.ts";
import { raised } from "./scripts.ts";
import type { Token } from "./tokens.ts";

/** Functions by the names they have in LaTeX and in plain text. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ("sin cos tan cot sec csc sinh cosh tanh coth ln exp arcsin arccos arctan arccot arcsec " +
      "arccsc gcd lcm max min abs floor ceil").split(" ").map((name) => [name, name]),
  ),
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  lg: "log",
  log: "log",
  sqrt: "sqrt",
  cosec: "csc",
  tg: "tan",
  ctg: "cot",
  det: "det",
  cis: "cis",
};

/** Functions that plain text writes as words. */
export const FUNCTION_WORDS: ReadonlySet<string> = new Set(Object.keys(FUNCTIONS));

/** Letters that are functions when a bracket follows; other letters multiply. */
const FUNCTION_LETTERS = /^[fghFGH]('*|_\w+)$/;

/** Inverses by `\sin^{-1}`. */
const INVERSES: Readonly<Record<string, string>> = {
  sin: "arcsin",
  cos: "arccos",
  tan: "arctan",
  cot: "arccot",
  sec: "arcsec",
  csc: "arccsc",
};

/** Reads a name, and its arguments when it is a function. */
export function callOf(reader: Reader, token: Token): Expression {
  if (token.kind === "big") return opaque(reader);
  reader.at++;
  if (token.kind !== "name" && Object.hasOwn(FUNCTIONS, token.text)) {
    return defined(reader, FUNCTIONS[token.text]!, token);
  }
  if (token.kind === "function") return undefinedCall(reader, token.text, token.sup);
  if (token.kind === "word" && token.text.length > 1) {
    return { kind: "text", text: token.text }; // which compares by its letters only
  }
  return named(reader, token);
}

/** Sums, integrals and limits are not worked out: they are equal as they are written. */
function opaque(reader: Reader): Expression {
  const start = reader.at;
  let depth = 0;
  for (let token = peek(reader); token; token = peek(reader)) {
    if (depth === 0 && (ENDS.has(operatorAt(reader) ?? "") || token.kind === "close")) break;
    depth += token.kind === "open" ? 1 : token.kind === "close" ? -1 : 0;
    reader.at++;
  }
  return { kind: "opaque", text: JSON.stringify(reader.tokens.slice(start, reader.at)) };
}

/** Operators that end an integrand. */
const ENDS = new Set(["=", ",", ";", "and", "or", "<", ">", "le", "leq", "ge", "geq", "approx"]);

function defined(reader: Reader, name: string, { sub, sup }: Token): Expression {
  const exponent = sup ? reader.rules.row(sup) : undefined;
  const inverse = exponent?.kind === "number" && exponent.value.numerator === -1n &&
    exponent.value.denominator === 1n;
  const args = argumentsOf(reader);
  if (name === "log") args.push(sub ? reader.rules.row(sub) : whole(10));
  else if (sub) throw new SyntaxError(`Cannot read ${name} with a subscript`);
  if (inverse && Object.hasOwn(INVERSES, name)) {
    return withPower(reader, { kind: "call", name: INVERSES[name]!, args });
  }
  const call: Expression = name === "sqrt"
    ? { kind: "call", name: "root", args: [...args, whole(2)] }
    : name === "exp"
    ? { kind: "power", base: { kind: "symbol", name: "e" }, exponent: args[0]! }
    : { kind: "call", name, args };
  const value = withPower(reader, call);
  return exponent ? { kind: "power", base: value, exponent } : value;
}

/** `\sin(x)^2` is the square of the sine: the power stands at the bracket's end. */
function withPower(reader: Reader, call: Expression): Expression {
  const before = reader.tokens[reader.at - 1];
  return before?.kind === "close" && before.sup ? raised(reader, call, before.sup) : call;
}

/** What a function is of: a bracket's items, a group, or the factors up to the next function. */
function argumentsOf(reader: Reader): Expression[] {
  const token = peek(reader);
  if (token?.kind === "open" && (token.text === "(" || token.text === "[" || token.text === "{")) {
    return bracketed(reader);
  }
  if (token?.kind === "group" && !token.sup) {
    reader.at++;
    return [reader.rules.row(token.parts![0]!)];
  }
  const minus = operatorAt(reader) === "-";
  if (minus) reader.at++;
  const factors: Expression[] = minus ? [whole(-1)] : [];
  do factors.push(reader.rules.factor(reader)); while (continuesArgument(reader));
  return [factors.length === 1 ? factors[0]! : { kind: "product", items: factors }];
}

function continuesArgument(reader: Reader): boolean {
  const kind = peek(reader)?.kind;
  return kind === "name" || kind === "fraction" || kind === "root" || kind === "group";
}

/** Items of the bracket that opens here; the power at its end is the caller's. */
function bracketed(reader: Reader): Expression[] {
  reader.at++;
  const inner = { ...reader, bars: 0 };
  const args = inner.rules.items(inner);
  reader.at = inner.at;
  if (peek(reader)?.kind !== "close") throw unexpected(reader);
  reader.at++;
  return args;
}

/** Operators of events, which numbers in a function's bracket lack. */
const OF_EVENTS = new Set(["mid", "|", "=", "<", ">", "le", "leq", "ge", "geq", "cap", "cup"]);

/** The event of `P(X = 2)`, `P(A \mid B)`, equal as it is written; undefined for other brackets. */
function eventOf(reader: Reader): Expression[] | undefined {
  const rest = reader.tokens.slice(reader.at + 1);
  const event = rest.slice(0, rest.findIndex(({ kind }) => kind === "close" || kind === "open"));
  const marks = event.filter(({ kind, text }) => kind === "operator" && OF_EVENTS.has(text));
  if (marks.length !== 1 || rest[event.length]?.kind !== "close") return undefined;
  reader.at += event.length + 2;
  return [{ kind: "opaque", text: JSON.stringify(event) }];
}

/** A function that the grammar has no meaning for: `f(x)`, `\Pr(A)`, `f^{-1}(x)`. */
function undefinedCall(reader: Reader, name: string, sup?: readonly Token[]): Expression {
  const token = peek(reader);
  const args = token?.kind === "open" && token.text === "("
    ? eventOf(reader) ?? bracketed(reader)
    : [reader.rules.sum(reader)];
  const isInverse = sup !== undefined && spelled(sup) === "-1";
  const of = isInverse ? `of inverse ${name}` : `of ${name}`;
  const call = withPower(reader, { kind: "call", name: of, args });
  return sup && !isInverse ? raised(reader, call, sup) : call;
}

/** Letters and words of a script, one after the other. */
function spelled(tokens: readonly Token[]): string {
  return tokens.map(({ text, parts, sub, sup }) =>
    text + (parts ?? []).map(spelled).join("/") + (sub ? spelled(sub) : "") +
    (sup ? spelled(sup) : "")
  ).join("");
}

/** Names of constants and of sets, by the names they have in LaTeX. */
const RENAMED: Readonly<Record<string, string>> = {
  infty: "infinity",
  emptyset: "empty",
  nothing: "empty",
  O: "O",
  bbR: "reals",
  Re: "Re",
};

function named(reader: Reader, { text, sub, sup }: Token): Expression {
  const primes = (sup ?? []).filter(({ text }) => text === "prime").length;
  const power = (sup ?? []).slice(primes);
  const name = (RENAMED[text] ?? text) + (sub ? `_${spelled(sub)}` : "") + "'".repeat(primes);
  const next = peek(reader);
  if (next?.kind === "open" && next.text === "(") {
    const isCall = FUNCTION_LETTERS.test(name) || primes > 0 || isOfNumber(reader, name) ||
      name === "P" && eventOf({ ...reader }) !== undefined;
    if (isCall) return undefinedCall(reader, name, nonEmpty(power));
  }
  const symbol: Expression = { kind: "symbol", name };
  return power.length > 0 ? raised(reader, symbol, power) : symbol;
}

/** `I(0)` is a value of I, not a product. */
function isOfNumber({ tokens, at }: Reader, name: string): boolean {
  return name.length === 1 && !"ei".includes(name) && tokens[at + 1]?.kind === "number" &&
    tokens[at + 2]?.kind === "close";
}

const nonEmpty = (tokens: readonly Token[]) => tokens.length > 0 ? tokens : undefined;
