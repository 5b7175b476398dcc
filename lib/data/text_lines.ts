/**
 * The lines of a text file, a block at a time, so that a file may be larger than memory.
 *
 * @module
 */
import { unreadable } from "./table.ts";

/** A line less what ends it. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

const BLOCK = 1 << 18, NEWLINE = 10;

/**
 * Reads the lines of a UTF-8 file. They end in a line feed, with or without a carriage return; a
 * byte order mark is dropped.
 *
 * @throws {RangeError} When the file cannot be read.
 * @throws {SyntaxError} When a line is not UTF-8; names it.
 */
export async function* textLines(path: string): AsyncGenerator<Line> {
  let number = 1;
  for await (const block of lineBlocks(path)) {
    const texts = decode(path, block, number);
    for (const text of texts) {
      yield { number: number++, text: text.endsWith("\r") ? text.slice(0, -1) : text };
    }
  }
}

/** The bytes of a file in pieces that end where a line does, the line feed left out. */
async function* lineBlocks(path: string): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []; // of a line that is not whole yet
  for await (const bytes of blocks(path)) {
    const end = bytes.lastIndexOf(NEWLINE);
    if (end < 0) {
      parts.push(bytes);
      continue;
    }
    yield joined([...parts, bytes.subarray(0, end)]);
    parts = [bytes.subarray(end + 1)];
  }
  yield joined(parts); // what follows the last line feed is a line, though it may be empty
}

async function* blocks(path: string): AsyncGenerator<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(BLOCK);
    for (let count; (count = await file.read(buffer)) !== null;) yield buffer.slice(0, count);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The lines of a block whose first is `number`. */
function decode(path: string, block: Uint8Array, number: number): string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: number > 1 });
  try {
    return decoder.decode(block).split("\n");
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new SyntaxError(
      `Cannot read ${path}:${
        number + badLine(block)
      } as it must be UTF-8 text: current value is bytes that are not`,
      { cause },
    );
  }
}

/** How many lines of a block come before the first that is not UTF-8. */
function badLine(block: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0, count = 0;; count++) {
    const newline = block.indexOf(NEWLINE, start);
    const end = newline < 0 ? block.length : newline;
    try {
      decoder.decode(block.subarray(start, end));
    } catch {
      return count;
    }
    if (newline < 0) return count;
    start = end + 1;
  }
}
