/**
 * Files that are on this machine already: in a folder, an archive, or by themselves.
 *
 * @module
 */
import { archiveSources } from "./archive.ts";
import type { FileSource, OpenedSource } from "./source.ts";

/**
 * The wanted files of a folder (at its top), of a `.zip` or `.whl` archive (anywhere in it), or the
 * one file itself, whatever its name.
 *
 * @param wanted Which of them, by name.
 * @throws {Deno.errors.NotFound} When there is nothing at the path.
 * @throws {SyntaxError} When an archive is none.
 */
export async function localSources(
  path: string,
  wanted: (name: string) => boolean,
): Promise<FileSource[]> {
  const { isDirectory, size } = await statOf(path);
  const name = nameOf(path);
  if (/\.(zip|whl)$/i.test(name)) return await archiveSources(path, wanted);
  if (!isDirectory) return [fileSource(path, name, size)];
  const sources: FileSource[] = [];
  for await (const entry of Deno.readDir(path)) {
    if (!wanted(entry.name)) continue;
    const file = await statOf(`${path}/${entry.name}`); // the hub's own cache is full of links
    if (file.isFile) sources.push(fileSource(`${path}/${entry.name}`, entry.name, file.size));
  }
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== "") ?? path;
}

async function statOf(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read ${path}: there is no such file or folder`);
    }
    throw new Error(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function fileSource(from: string, path: string, bytes: number): FileSource {
  return {
    path,
    from,
    bytes,
    async open(start: number): Promise<OpenedSource> {
      const file = await Deno.open(from);
      await file.seek(start, Deno.SeekMode.Start);
      return { start, bytes, body: file.readable };
    },
  };
}
