/**
 * Jupyter notebooks as files: nbformat 4.5, in the bytes that Jupyter itself writes.
 *
 * @module
 */
import { z } from "zod";
import { basename } from "node:path";
import { readJsonAs } from "../../mod.ts";

const text = z.union([z.string(), z.array(z.string())]);

const outputSchema = z.object({
  output_type: z.enum(["stream", "display_data", "execute_result", "error"]),
}).passthrough();

const cellSchema = z.object({
  cell_type: z.enum(["code", "markdown", "raw"]),
  id: z.string().optional(),
  metadata: z.record(z.unknown()),
  source: text,
  execution_count: z.number().nullable().optional(),
  outputs: z.array(outputSchema).optional(),
}).passthrough();

const notebookSchema = z.object({
  cells: z.array(cellSchema),
  metadata: z.record(z.unknown()),
  nbformat: z.literal(4),
  nbformat_minor: z.number(),
}).passthrough();

/** A notebook as it is stored; what is not read here is kept. */
export type Notebook = z.infer<typeof notebookSchema>;

/** What a cell put out, as it is stored. */
export type Output = z.infer<typeof outputSchema>;

/** A cell that runs. */
export interface CodeCell {
  /** n of the `[n]` that Jupyter shows beside it: from 1, empty cells not counted. */
  readonly number: number;
  /** Its place among all cells, from 0. */
  readonly index: number;
  readonly source: string;
}

/**
 * Reads a notebook.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When it is not JSON.
 * @throws {TypeError} When it is not a notebook of nbformat 4; names the first field at fault.
 */
export function readNotebook(path: string): Promise<Notebook> {
  return readJsonAs<Notebook>(path, notebookSchema as z.ZodType<Notebook>);
}

const needsSchema = z.object({ relift: z.object({ needs: z.array(z.string()) }) });

/**
 * Files and folders without which a notebook is not run, such as a published model: paths from its
 * folder, in its metadata as `relift.needs`.
 */
export function needsOf({ metadata }: Notebook): readonly string[] {
  const found = needsSchema.safeParse(metadata);
  return found.success ? found.data.relift.needs : [];
}

/** The cells that run, in order. */
export function codeCells(notebook: Notebook): CodeCell[] {
  const cells: CodeCell[] = [];
  for (const [index, { cell_type, source }] of notebook.cells.entries()) {
    const code = joined(source);
    if (cell_type !== "code" || code.trim() === "") continue;
    cells.push({ number: cells.length + 1, index, source: code });
  }
  return cells;
}

/** How a reader finds a cell: the number beside it and its first line. */
export function labelOf({ number, source }: CodeCell): string {
  const line = source.trim().split("\n")[0]!;
  return `[${number}] \`${line.length > 60 ? `${line.slice(0, 59)}…` : line}\``;
}

/** How messages name a cell of a notebook. */
export function nameOf(path: string, cell: CodeCell): string {
  return `${basename(path)}, cell ${labelOf(cell)}`;
}

/**
 * A notebook that was executed: outputs and numbers of its code cells are replaced, ids kept or
 * given, and what differs from run to run (times, trust) left out.
 *
 * @param outputs Of each code cell that ran, by its index.
 * @param languageInfo As the kernel tells it.
 */
export function withOutputs(
  notebook: Notebook,
  outputs: ReadonlyMap<number, readonly Output[]>,
  languageInfo: Readonly<Record<string, unknown>>,
): Notebook {
  const numbers = new Map(codeCells(notebook).map(({ index, number }) => [index, number]));
  const cells = notebook.cells.map((cell, index) => {
    const { execution: _times, trusted: _trust, ...metadata } = cell.metadata;
    const kept = { ...cell, id: cell.id ?? `cell-${index}`, metadata };
    if (cell.cell_type !== "code") return kept;
    const execution_count = numbers.get(index) ?? null;
    return { ...kept, execution_count, outputs: [...outputs.get(index) ?? []] };
  });
  const kernelspec = { display_name: "Deno", language: "typescript", name: "deno" };
  const metadata = { ...notebook.metadata, kernelspec, language_info: languageInfo };
  return { ...notebook, cells, metadata, nbformat_minor: Math.max(5, notebook.nbformat_minor) };
}

/**
 * A notebook's text in the form that Jupyter writes, so that saving it there changes nothing: keys
 * sorted, indented by one, long texts as lists of lines.
 */
export function notebookText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: lines(joined(cell.source)),
    ...(cell.outputs && { outputs: cell.outputs.map(splitOutput) }),
  }));
  return JSON.stringify(sorted({ ...notebook, cells }), null, 1) + "\n";
}

/** Splits the texts of an output into lines, but not pictures and other coded data. */
function splitOutput(output: Output): Output {
  if (output.output_type === "stream") return { ...output, text: lines(joined(output.text)) };
  if (output.data === undefined) return output;
  const data = Object.entries(output.data as Record<string, unknown>).map(([type, value]) => {
    const isText = type.startsWith("text/") ||
      /^(application\/javascript|image\/svg\+xml)$/.test(type);
    return [type, isText ? lines(joined(value)) : value];
  });
  return { ...output, data: Object.fromEntries(data) };
}

/** A text stored as one string or as a list of lines. */
function joined(stored: unknown): string {
  return Array.isArray(stored) ? stored.join("") : String(stored);
}

function lines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** The same value with the keys of every object in it sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
