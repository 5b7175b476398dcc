/**
 * LaTeX as a flat list of tokens, scripts and braces attached: KaTeX's tree of boxes, less the
 * boxes. What a row of tokens means is up to `grammar.ts`.
 *
 * @module
 */
import { type Box, boxesOf, DELIMITERS, SPACE, TRANSPARENT, UPRIGHT } from "./boxes.ts";

/** One token. */
export interface Token {
  readonly kind:
    | "number"
    | "name"
    | "word"
    | "function"
    | "operator"
    | "open"
    | "close"
    | "group"
    | "fraction"
    | "binomial"
    | "root"
    | "matrix"
    | "big";
  /** Digits, the name, the operator, or the function; empty for what only has parts. */
  readonly text: string;
  /** Contents: of a group one row; of a fraction two; of a root the radicand and the index. */
  readonly parts?: readonly (readonly Token[])[];
  /** Cells of a matrix. */
  readonly rows?: readonly (readonly (readonly Token[])[])[];
  readonly sub?: readonly Token[];
  readonly sup?: readonly Token[];
}

/**
 * Reads a row of LaTeX.
 *
 * @throws {SyntaxError} When it is no LaTeX, or has a command that nobody knows.
 */
export function tokensOf(latex: string): Token[] {
  return rowOf(boxesOf(latex));
}

function rowOf(boxes: readonly Box[]): Token[] {
  const row: Token[] = [];
  for (const box of boxes) add(row, box);
  return row;
}

const rowIn = (box: Box | null | undefined) => box ? rowOf([box]) : [];

/** Boxes in the body of a box, whether it has one or several. */
function bodyOf({ body }: Box): readonly Box[] {
  return (Array.isArray(body) ? body : body ? [body] : []) as readonly Box[];
}

function add(row: Token[], box: Box): void {
  if (SPACE.has(box.type)) return;
  if (TRANSPARENT.has(box.type)) return bodyOf(box).forEach((part) => add(row, part));
  switch (box.type) {
    case "mathord":
    case "textord":
    case "atom":
      return addSymbol(row, box);
    case "ordgroup": {
      const body = rowOf(bodyOf(box));
      if (body.length === 1) row.push(body[0]!);
      else if (body.length > 1) row.push({ kind: "group", text: "", parts: [body] });
      return;
    }
    case "supsub":
      return addScripts(row, box);
    case "text":
      return addText(row, box);
    case "font":
      return addFont(row, box);
    case "genfrac":
      row.push({
        kind: box.hasBarLine ? "fraction" : "binomial",
        text: "",
        parts: [rowIn(box.numer).flatMap(unwrapped), rowIn(box.denom).flatMap(unwrapped)],
      });
      return;
    case "sqrt":
      row.push({ kind: "root", text: "", parts: [rowOf(bodyOf(box)), rowIn(box.index)] });
      return;
    case "op":
    case "operatorname":
      return addFunction(row, box);
    case "leftright":
      return addFenced(row, box);
    case "delimsizing":
      return addDelimiter(row, box.delim!, box.mclass === "mclose" ? "close" : "open");
    case "array":
      return addArray(row, box);
    case "overline":
      return addOverline(row, box);
    case "accent":
      return addAccent(row, box);
    default:
      throw new SyntaxError(`Cannot read LaTeX with a box of type ${box.type}`);
  }
}

function addDelimiter(row: Token[], delimiter: string, kind: "open" | "close"): void {
  const text = DELIMITERS[delimiter];
  if (text !== undefined) row.push({ kind, text });
  else if (delimiter !== ".") throw new SyntaxError(`Cannot read the delimiter ${delimiter}`);
}

/** A digit continues the number before it. */
function addSymbol(row: Token[], { type, text, family }: Box): void {
  if (/^[0-9.]$/.test(text!)) {
    const last = row.at(-1);
    if (last?.kind === "number" && !last.sup && !last.sub && !last.text.endsWith(")")) {
      row[row.length - 1] = { kind: "number", text: last.text + text };
    } else row.push({ kind: "number", text: text! });
  } else if ((family === "open" || family === "close") && text! in DELIMITERS) {
    row.push({ kind: family, text: DELIMITERS[text!]! });
  } else if (type === "mathord") {
    row.push({ kind: "name", text: nameOf(text!) });
  } else if (type === "textord" && /^\\[A-Za-z]{3,}$/.test(text!) && text !== "\\vert") {
    if (text === "\\prime") row.push({ kind: "operator", text: "prime" });
    else row.push({ kind: "name", text: nameOf(text!) }); // infinity, empty set, Gamma, hbar
  } else row.push({ kind: "operator", text: text!.replace("\\", "") });
}

/** `\varphi` is phi. */
const nameOf = (text: string) => text.replace("\\", "").replace(/^var(?=.{3})/, "");

function addScripts(row: Token[], { base, sub, sup }: Box): void {
  const before = row.length;
  if (base) add(row, base);
  const added = row.length - before;
  if (added > 1) { // a base of several boxes, such as a word
    row.push({ kind: "group", text: "", parts: [row.splice(before)] });
  }
  const last = row.at(-1);
  if (!last) throw new SyntaxError("Cannot read a script as nothing stands before it");
  row[row.length - 1] = {
    ...last,
    ...(sub ? { sub: rowIn(sub).flatMap(unwrapped) } : {}),
    ...(sup ? { sup: [...last.sup ?? [], ...rowIn(sup).flatMap(unwrapped)] } : {}),
  };
}

/** Characters of text; inner boxes give theirs. */
function charactersOf(boxes: readonly Box[]): string {
  return boxes.map((box) => box.text ?? charactersOf(bodyOf(box))).join("");
}

function addText(row: Token[], box: Box): void {
  addWord(row, charactersOf(bodyOf(box)).replaceAll("\\nobreakspace", " "));
}

function addWord(row: Token[], characters: string): void {
  const text = characters.replace(/^\s*\\?\$/, "").trim(); // a price's sign says nothing here
  if (text === "") return;
  const number = /^\(?([\d.]+)\)?$/.exec(text)?.[1];
  if (number) [...number].forEach((digit) => addSymbol(row, { type: "textord", text: digit }));
  else row.push({ kind: "word", text });
}

function addFont(row: Token[], box: Box): void {
  const inner = bodyOf(box).flatMap((part) => part.type === "ordgroup" ? bodyOf(part) : [part]);
  if (box.font === "mathbb") {
    row.push({ kind: "name", text: `bb${charactersOf(inner)}` });
    return;
  }
  if (!UPRIGHT.has(box.font!) || inner.length === 1 && letterOf(inner[0])) {
    inner.forEach((part) => add(row, part));
  } else if (charactersOf(inner) === "\\mu") row.push({ kind: "word", text: "mu" });
  else addUpright(row, inner);
}

const letterOf = (box: Box | null | undefined) =>
  box?.type === "mathord" && /^[A-Za-z]$/.test(box.text!) ? box.text! : "";

/** Letters side by side are words: `\mathrm{~g/cm^3}`. */
function addUpright(row: Token[], boxes: readonly Box[]): void {
  let word = "";
  for (const [i, box] of boxes.entries()) {
    word += letterOf(box);
    if (letterOf(box) && (letterOf(boxes[i + 1]) || letterOf(boxes[i + 1]?.base))) continue;
    word += letterOf(box.base);
    const base: Box = { type: "text", body: [{ type: "textord", text: word }] };
    if (word && letterOf(box.base)) addScripts(row, { ...box, base });
    else if (word) add(row, base);
    else add(row, box);
    word = "";
  }
}

/** Operators drawn as letters. */
const LETTERED = new Set(["ne", "notin", "iff", "mod", "pmod"]);

/** Commands that bind a variable, or have limits. */
const BIG = new Set(["sum", "prod", "int", "iint", "iiint", "oint", "lim", "coprod", "bigcup"]);

function addFunction(row: Token[], box: Box): void {
  const name = box.name?.replace("\\", "") ?? charactersOf(bodyOf(box)).replaceAll("\\", "");
  if (LETTERED.has(name)) row.push({ kind: "operator", text: name });
  else row.push({ kind: BIG.has(name) ? "big" : "function", text: name });
}

function addFenced(row: Token[], box: Box): void {
  const body = bodyOf(box);
  const system = body.length === 1 && body[0]!.type === "array" && box.right === ".";
  if (system) return addArray(row, body[0]!, "system"); // as of cases: nothing closes the brace
  addDelimiter(row, box.left!, "open");
  body.forEach((part) => add(row, part));
  addDelimiter(row, box.right!, "close");
}

/** A matrix, or the rows of a system of equations. */
function addArray(row: Token[], box: Box, text = box.addJot ? "system" : ""): void {
  const rows = (box.body as readonly (readonly Box[])[])
    .map((cells) => cells.map((cell) => rowOf([cell]).flatMap(unwrapped)))
    .filter((cells) => cells.some((cell) => cell.length > 0));
  row.push({ kind: "matrix", text, rows });
}

/** The tokens of a group without scripts; other tokens stay. */
function unwrapped(token: Token): readonly Token[] {
  return token.kind === "group" && !token.sup && !token.sub ? token.parts![0]! : [token];
}

/** `0.\overline{3}` repeats; over anything else the line is left out. */
function addOverline(row: Token[], box: Box): void {
  const body = rowOf(bodyOf(box)).flatMap(unwrapped);
  if (!addRepeated(row, body) && body.length > 0) {
    row.push({ kind: "group", text: "", parts: [body] });
  }
}

/** Whether these are the digits that repeat of the number before them, which gets them. */
function addRepeated(row: Token[], body: readonly Token[]): boolean {
  const last = row.at(-1);
  const repeated = body.length === 1 && body[0]!.kind === "number" ? body[0]!.text : "";
  const repeats = last?.kind === "number" && last.text.includes(".") && /^\d+$/.test(repeated);
  if (repeats) row[row.length - 1] = { kind: "number", text: `${last.text}(${repeated})` };
  return repeats;
}

/** Accents that are part of a name; arrows and the like only dress it. */
const NAMED_ACCENTS = new Set(["\\dot", "\\ddot", "\\hat", "\\bar", "\\tilde"]);

function addAccent(row: Token[], { base, label }: Box): void {
  const inner = rowIn(base);
  const [first] = inner;
  if (inner.length === 1 && first!.kind === "name" && NAMED_ACCENTS.has(label!)) {
    row.push({ kind: "name", text: `${label!.slice(1)} ${first!.text}` });
  } else if (label === "\\dot" && addRepeated(row, inner)) return; // 0.\dot{3}
  else row.push({ kind: "group", text: "", parts: [inner] });
}
