import type { Metrics } from "../methods/training.ts";

/** The few numbers of a step that matter while it runs, in a line. */
export function statusLine(metrics: Metrics): string {
  const shown: [name: string, label: string, digits: number][] = [
    ["reward/mean", "reward", 3],
    ["groups/dead", "dead groups", 0],
    ["buffer/length", "buffer", 0],
    ["sft/events", "SFT events", 0],
    ["sft/loss", "SFT loss", 3],
    ["completion/tokens", "length", 1],
    ["throughput/tokens_per_s", "tokens/s", 0],
  ];
  return shown.flatMap(([name, label, digits]) => {
    const value = metrics[name];
    return value === undefined || Number.isNaN(value) ? [] : [`${label} ${value.toFixed(digits)}`];
  }).join(", ");
}
