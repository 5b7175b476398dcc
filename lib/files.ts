/**
 * Files and folders that are written whole or not at all: whatever stops a run (a full disk, a
 * kill, a power cut), what was there before is still there.
 *
 * Files: write a temporary sibling, bring it to the disk, rename it over the file; a rename within
 * a folder is atomic. Folders cannot be renamed over, so the old one first steps aside as
 * `<folder>.old`; a run killed between the two renames leaves only that, and
 * {@linkcode recoverFolder} puts it back. Temporary names end in `.tmp`; a kill may leave one, which
 * nothing reads.
 *
 * @module
 */
import type { ZodType } from "zod";

/** Opens a file to write; {@linkcode Deno.open} unless a test wants a disk that is full. */
export type OpenFile = (path: string, options: Deno.OpenOptions) => Promise<Deno.FsFile>;

let written = 0; // makes temporary names differ, so that two writes never share one

/**
 * Writes a file whole: readers see the old contents or the new, never a part.
 *
 * The data reaches the disk before it takes the old file's place. On failure the temporary file is
 * removed and an existing file stays as it was. The folder must exist.
 *
 * @param path File to write or to replace.
 * @param data Its new contents; a text is written as UTF-8.
 * @throws {Error} With one line that names the path and the cause, such as a full disk.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeWhole } from "./files.ts";
 *
 * const folder = await Deno.makeTempDir();
 * await writeWhole(`${folder}/config.json`, "{}");
 * await writeWhole(`${folder}/config.json`, `{"seed":1}`);
 *
 * assertEquals(await Deno.readTextFile(`${folder}/config.json`), `{"seed":1}`);
 * assertEquals([...Deno.readDirSync(folder)].length, 1); // nothing temporary is left
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeWhole(
  path: string,
  data: string | Uint8Array,
  options: { open?: OpenFile } = {},
): Promise<void> {
  const { open = Deno.open } = options;
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const temporary = `${path}.${Deno.pid}-${written++}.tmp`;
  try {
    {
      using file = await open(temporary, { write: true, create: true, truncate: true });
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync(); // some disks report that they are full only here
    } // closed before the rename, as Windows demands
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw writeError(path, error);
  }
}

/**
 * Writes a folder whole: `fill` writes a temporary sibling, which then takes the folder's place.
 *
 * On failure the temporary folder is removed and an existing folder stays as it was. A kill at any
 * moment leaves the old folder or the new one, once {@linkcode recoverFolder} has run; it is also
 * run here first. One writer at a time: two that replace the same folder at once get in each
 * other's way.
 *
 * @param path Folder to make or to replace; its parent must exist.
 * @param fill Writes everything into the empty folder it is given.
 * @throws {Error} With one line that names the path and the cause, such as a full disk; any other
 * error of `fill` as it is.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeFolderWhole } from "./files.ts";
 *
 * const runs = await Deno.makeTempDir();
 * const checkpoint = `${runs}/checkpoint`;
 * for (const step of [10, 20]) {
 *   await writeFolderWhole(checkpoint, (folder) =>
 *     Deno.writeTextFile(`${folder}/state.json`, JSON.stringify({ step })));
 * }
 *
 * assertEquals(await Deno.readTextFile(`${checkpoint}/state.json`), `{"step":20}`);
 * assertEquals([...Deno.readDirSync(runs)].length, 1);
 * await Deno.remove(runs, { recursive: true });
 * ```
 */
export async function writeFolderWhole(
  path: string,
  fill: (temporaryFolder: string) => Promise<void>,
): Promise<void> {
  const { folder, temporary, aside } = siblings(path);
  try {
    await recoverFolder(folder);
    await Deno.mkdir(temporary);
  } catch (error) {
    throw writeError(folder, error);
  }
  try {
    await fill(temporary);
  } catch (error) {
    await removeIfThere(temporary);
    throw isDiskFull(error) ? writeError(folder, error) : error; // a bug keeps its own stack
  }
  try {
    await syncFiles(temporary);
    if (await exists(folder)) await Deno.rename(folder, aside);
    await Deno.rename(temporary, folder);
  } catch (error) {
    await removeIfThere(temporary);
    if (await exists(aside) && !await exists(folder)) await Deno.rename(aside, folder);
    throw writeError(folder, error);
  }
  await removeIfThere(aside); // if this fails, the next write or recovery does it
}

/** Writes a folder that holds just these files, by name; whole, as {@linkcode writeFolderWhole}. */
export async function writeFilesWhole(
  path: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  await writeFolderWhole(path, async (temporary) => {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(`${temporary}/${name}`, bytes);
    }
  });
}

/**
 * Cleans up after a {@linkcode writeFolderWhole} that was killed. Call it before reading a folder
 * that a run may have been replacing; it does nothing when there is nothing to do.
 *
 * If the kill fell between the two renames, the old folder is put back. Whatever else the write
 * left (a half-filled temporary folder, an old folder already replaced) is removed.
 *
 * @param path The folder, as it was given to {@linkcode writeFolderWhole}.
 */
export async function recoverFolder(path: string): Promise<void> {
  const { folder, temporary, aside } = siblings(path);
  if (await exists(aside)) {
    if (await exists(folder)) await Deno.remove(aside, { recursive: true });
    else await Deno.rename(aside, folder);
  }
  await removeIfThere(temporary);
}

/** Where a folder is while it is being filled, and where its predecessor waits. */
function siblings(path: string): { folder: string; temporary: string; aside: string } {
  const folder = path.replace(/(?<=.)[\\/]+$/, ""); // "runs/a/" + ".tmp" would be inside it
  return { folder, temporary: `${folder}.tmp`, aside: `${folder}.old` };
}

/**
 * Makes a folder and those it lies in, if they are not there.
 *
 * @throws {Error} With one line that names the path and the cause.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Brings every file under a folder to the disk, whoever wrote it. */
async function syncFiles(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await syncFiles(path);
    if (!entry.isFile) continue;
    using file = await Deno.open(path, { read: true, write: true }); // Windows syncs no reader
    await file.sync();
  }
}

/** Whether there is a file or a folder. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Removes a file or folder as well as it can: the error that led here matters more. */
async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch {
    // Not there, or as unwritable as the rest.
  }
}

/** Whether an error, or one that caused it, is the system's "no space left on device". */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as Error & { code?: string }).code === "ENOSPC" || isDiskFull(error.cause);
}

function writeError(path: string, cause: unknown): Error {
  const reason = isDiskFull(cause)
    ? "the disk is full"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new Error(`Cannot write ${path} as ${reason}: what was there before is unchanged`, {
    cause,
  });
}

/**
 * Reads a file whose absence is told in one line.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read ${path}: there is no such file`);
    }
    throw new Error(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Reads a JSON file.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When it is not JSON, such as a file cut off.
 */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path} as it must be JSON: ${(error as Error).message}`);
  }
}

/**
 * Reads a JSON file of a known form.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When it is not JSON.
 * @throws {TypeError} When its content does not fit; names the first field at fault.
 */
export async function readJsonAs<T>(path: string, schema: ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0]!;
  throw new TypeError(`Cannot read ${path} as ${field.join(".") || "it"} is wrong: ${message}`);
}
