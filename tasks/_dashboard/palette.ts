import { styleOf } from "../../mod.ts";

/** How a line is drawn: a colour and Plotly's name of a dash. */
export interface Line {
  readonly colour: string;
  readonly dash: string;
}

/** What is not known by a method. */
const UNKNOWN: Line = { colour: "#757575", dash: "solid" };

/** The line of a method or a preset, as in every figure of the project. */
export function lineOf(name: string | null): Line {
  if (name === null) return UNKNOWN;
  const { color, dash } = styleOf(name);
  return { colour: color, dash: String(dash) };
}

/** Lines for what is told apart by other things than its method. */
export const COLOURS: readonly string[] = ["relift", "rl", "sft-rl", "sft", "rl-sft", "rl-sft-loss"]
  .map((name) => lineOf(name).colour);
