/**
 * Tables in JSON Lines (a value on each line) and in JSON (one array of values).
 *
 * @module
 */
import { excerpt, type Row, type Table } from "./table.ts";
import { textLines } from "./text_lines.ts";

/**
 * Opens a JSON Lines file. Blank lines are no rows.
 *
 * Reading the rows throws a SyntaxError that names line and column when one is not JSON.
 */
export function openJsonLines(path: string): Table {
  async function* rows(): AsyncGenerator<Row> {
    for await (const { number, text } of textLines(path)) {
      if (text.trim() !== "") yield { number, fields: parseJson(path, text, number) };
    }
  }
  return { path, unit: "line", rows };
}

/**
 * Opens a JSON file whose value is an array, read as one. A row's number is the line that its
 * element begins on.
 *
 * Reading the rows throws a SyntaxError that names line and column when the file is not JSON, and
 * a TypeError when its value is no array.
 */
export function openJsonArray(path: string): Table {
  async function* rows(): AsyncGenerator<Row> {
    const lines = await Array.fromAsync(textLines(path), ({ text }) => text);
    const whole = lines.join("\n");
    const value = parseJson(path, whole, 1);
    if (!Array.isArray(value)) {
      throw new TypeError(
        `Cannot read ${path} as it must be an array of rows: current value is ${
          excerpt(whole.trim())
        }`,
      );
    }
    const numbers = elementLines(whole);
    for (const [i, fields] of value.entries()) yield { number: numbers[i]!, fields };
  }
  return { path, unit: "line", rows };
}

/** The line, from 1, that each element of an array begins on; `text` is JSON. */
function elementLines(text: string): number[] {
  const lines: number[] = [];
  let line = 1, depth = 0, isDue = false; // whether what comes next is an element's beginning
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "\n") line++;
    if (" \t\r\n".includes(character)) continue;
    if (isDue && character !== "]") lines.push(line);
    isDue = false;
    if (character === '"') i = endOfString(text, i);
    else if (character === "[" || character === "{") isDue = ++depth === 1;
    else if (character === "]" || character === "}") depth--;
    else if (character === ",") isDue = depth === 1;
  }
  return lines;
}

/** Where the string that opens at `start` closes. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}

/** The value of a text that begins on `line`. */
function parseJson(path: string, text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const before = text.slice(0, faultIn(text)).split("\n");
    const place = `${line + before.length - 1}:${before.at(-1)!.length + 1}`;
    const shown = text.split("\n")[before.length - 1]!.trim();
    throw new SyntaxError(
      `Cannot read ${path}:${place} as it must be JSON: current value is ${
        excerpt(shown) || "nothing"
      }`,
      { cause },
    );
  }
}

/**
 * Where a text stops being the beginning of JSON. Found by halving, as V8 does not always say: up to
 * there a text is cut off, from there on it is wrong.
 */
function faultIn(text: string): number {
  const whole = text.trimEnd();
  let [good, bad] = [0, whole.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (canGoOn(whole.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** Whether more text could make JSON of it, or none need to. */
function canGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    return /end of JSON input|Unterminated string/.test(message) ||
      Number(position) === text.length;
  }
}
