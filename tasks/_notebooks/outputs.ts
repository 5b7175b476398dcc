/**
 * What the cells of a notebook put out, from a kernel's messages to the form that is stored.
 *
 * @module
 */
import type { Message } from "./kernel.ts";
import type { Output } from "./notebook.ts";

/** Collects the outputs of all cells of a notebook. */
export interface OutputLog {
  /** Outputs so far of each cell that ran, by its index. */
  readonly outputs: ReadonlyMap<number, readonly Output[]>;
  /** Takes a message that belongs to a cell; those that put nothing out change nothing. */
  take(cell: number, message: Message): void;
}

/** Content of the messages `display_data`, `update_display_data` and `execute_result`. */
interface Display {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly transient?: { readonly display_id?: string };
}

/**
 * An empty log. Text of one stream that comes in a row is one output; a display that is updated,
 * from whichever cell, keeps its place and only its last state; `clear_output` with `wait` clears
 * when the next output comes.
 *
 * @param numberOf The number that is shown beside a cell, by its index.
 */
export function outputLog(numberOf: (cell: number) => number): OutputLog {
  const outputs = new Map<number, Output[]>();
  const displays = new Map<string, Output[]>(); // by display id: a display may be shown twice
  const clearing = new Set<number>(); // cells to clear when their next output comes
  const add = (cell: number, output: Output, displayId?: string): void => {
    const log = outputs.getOrInsertComputed(cell, () => []);
    if (clearing.delete(cell)) log.length = 0;
    const last = log.at(-1);
    if (
      output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name
    ) {
      last.text = `${last.text}${output.text}`;
    } else log.push(output);
    if (displayId !== undefined) displays.getOrInsertComputed(displayId, () => []).push(output);
  };
  return { outputs, take };

  function take(cell: number, { type, content }: Message): void {
    switch (type) {
      case "stream":
        return add(cell, { output_type: type, name: content.name, text: content.text });
      case "display_data": {
        const { data, metadata = {}, transient } = content as unknown as Display;
        return add(cell, { output_type: type, data, metadata }, transient?.display_id);
      }
      case "update_display_data": {
        const { data, metadata = {}, transient } = content as unknown as Display;
        for (const shown of displays.get(transient?.display_id ?? "") ?? []) {
          Object.assign(shown, { data, metadata });
        }
        return;
      }
      case "execute_result": {
        const { data, metadata = {} } = content as unknown as Display;
        return add(cell, { output_type: type, data, metadata, execution_count: numberOf(cell) });
      }
      case "error": {
        const { ename, evalue, traceback } = content;
        return add(cell, { output_type: type, ename, evalue, traceback });
      }
      case "clear_output":
        if (content.wait) clearing.add(cell);
        else outputs.get(cell)?.splice(0);
    }
  }
}
