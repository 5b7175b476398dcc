/**
 * Files that others write, read for viewing: each is parsed again only when it changed, and whatever
 * is wrong with it is told.
 *
 * @module
 */

/** Milliseconds within which two writes may bear the same time. */
const CLOCK_TICK = 50;

/** What parsing a file gives, whatever it holds. */
export interface Parsed {
  readonly faults: readonly string[];
}

/** What was made of a file. */
export interface Kept<T> {
  readonly value: T;
  /** When the file was written, milliseconds since 1970. */
  readonly written: number;
  /** Another text whenever the file changed; empty when it may change without. */
  readonly stamp: string;
}

/** Files of one kind. */
export interface KeptFile<T> {
  /** What a file holds now; undefined when there is none. */
  read(path: string): Promise<Kept<T> | undefined>;
  /** What it held when it was last read; undefined when it was not. */
  kept(path: string): T | undefined;
}

/**
 * Parses files of one kind, each again only when it changed.
 *
 * @param nothing What an unreadable file gives, besides its fault.
 * @param parse Makes a value of a file's text, and of what was made of it before.
 * @param tail Bytes at the end that are enough; the line they cut is left out.
 */
export function keptFile<T extends Parsed>(
  nothing: T,
  parse: (text: string, before: T) => T,
  tail = Infinity,
): KeptFile<T> {
  const kept = new Map<string, Kept<T>>();
  return {
    kept: (path) => kept.get(path)?.value,
    async read(path: string): Promise<Kept<T> | undefined> {
      const known = kept.get(path);
      try {
        const { ino, size, mtime } = await Deno.stat(path);
        const written = mtime?.getTime() ?? 0;
        const stamp = `${ino} ${size} ${written}`;
        if (known?.stamp === stamp) return known;
        const settled = Date.now() - written > CLOCK_TICK; // a later write shows in its time
        const text = await textOf(path, Math.max(0, size - tail));
        const value = parse(text, kept.get(path)?.value ?? nothing);
        kept.set(path, { value, written, stamp: settled ? stamp : "" });
        return kept.get(path);
      } catch (error) {
        kept.delete(path);
        if (isAbsence(error)) return;
        const file = path.slice(path.lastIndexOf("/") + 1);
        const fault = `${file} cannot be read: ${(error as Error).message}`;
        return { value: { ...nothing, faults: [fault] }, written: 0, stamp: "" };
      }
    },
  };
}

/** A file's text, from a byte on; from the first whole line after it, unless that is 0. */
async function textOf(path: string, from: number): Promise<string> {
  if (from === 0) return await Deno.readTextFile(path);
  const file = await Deno.open(path);
  await file.seek(from, Deno.SeekMode.Start);
  const text = await new Response(file.readable).text(); // closes the file
  return text.slice(text.indexOf("\n") + 1);
}

/** Whether an error says that there is no such file. */
export function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
