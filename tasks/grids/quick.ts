/**
 * The study in little, in a quarter of an hour on two cores: the main comparison with three seeds,
 * the paper's ablations with two, and 80 steps. Enough to see every figure, not to settle anything.
 *
 * @module
 */
import type { Grid, GridEntry } from "../../mod.ts";
import { type Changes, entry, seeds } from "../_reproduce/entries.ts";

const main = (id: string, changes: Changes = {}, title?: string): GridEntry =>
  entry(id, id, changes, {
    family: "main",
    dataset: "operators",
    seeds: seeds(3),
    ...(title ? { title } : {}),
  });

const other = (family: string, id: string, title: string, changes: Changes = {}): GridEntry =>
  entry(id, family === "m-q" ? "relift" : id, changes, {
    family,
    dataset: "operators",
    seeds: seeds(2),
    title,
  });

export default {
  name: "quick",
  evaluation: { every: 20, samples: 4, finalSamples: 16 },
  entries: [
    main("rl"),
    main("sft", { steps: 160 }, "SFT, RL's steps"),
    main("sft-rl", {}, "SFT then RL"),
    main("luffy"),
    main("relift"),
    other("ablation", "relift-always", "SFT after every step"),
    other("ablation", "relift-random", "random questions"),
    ...[16, 64].flatMap((bufferSize) =>
      [0, 1 / 4].map((gate) =>
        other("m-q", `relift-m${bufferSize}-q${8 * gate}`, `M = ${bufferSize}, Q = ${8 * gate}/8`, {
          bufferSize,
          gate,
        })
      )
    ),
  ],
} as const satisfies Grid;
