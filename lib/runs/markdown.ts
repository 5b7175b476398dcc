/**
 * Markdown as `deno fmt` leaves it, so that generated pages pass the format check.
 *
 * @module
 */

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Whether its cells are numbers, which line up at the right. */
  readonly right?: boolean;
}

/** Columns of numbers. */
export function numbers(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, right: true }));
}

/** Columns of words. */
export function words(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title }));
}

/**
 * A table. Bars and line breaks in cells cannot end them.
 *
 * @param rows As many cells each as there are columns.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markdownTable, numbers, words } from "./markdown.ts";
 *
 * assertEquals(
 *   markdownTable([...words("method"), ...numbers("all")], [["RL", "58.9"], ["a|b", "7.0"]]),
 *   [
 *     "| method |  all |",
 *     "| ------ | ---: |",
 *     "| RL     | 58.9 |",
 *     "| a\\|b   |  7.0 |",
 *   ].join("\n"),
 * );
 * ```
 */
export function markdownTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(escaped));
  const widths = columns.map(({ right }, i) =>
    cells.reduce((most, row) => Math.max(most, row[i]!.length), right ? 2 : 1)
  );
  const [head, ...body] = cells.map((row) =>
    row.map((cell, i) => columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
  );
  const rule = columns.map(({ right }, i) =>
    right ? `${"-".repeat(widths[i]! - 1)}:` : "-".repeat(widths[i]!)
  );
  return [head!, rule, ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** Characters of a line, as in `deno.json`. */
const WIDTH = 100;

/** A paragraph in lines of at most 100 characters; code stays in one line. */
export function paragraph(text: string): string {
  const lines: string[] = [];
  for (const word of text.match(/(`[^`]*`|[^\s`])+/g) ?? []) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join("\n");
}
