/**
 * Pieces that grids are written with.
 *
 * @module
 */
import {
  type GridEntry,
  type MethodConfig,
  METHODS,
  type MethodSettings,
  PRESETS,
} from "../../mod.ts";

/** Settings of methods, those of part of them. */
export type Changes = Partial<MethodConfig> & Readonly<Record<string, unknown>>;

/** What is said of an entry beside its settings. */
export type About = Omit<GridEntry, "id" | "title" | "settings"> & { readonly title?: string };

/**
 * An entry of a preset with some settings changed.
 *
 * @param changes Take the place of the preset's; those of `sft` are merged into it.
 */
export function entry(id: string, preset: string, changes: Changes, about: About): GridEntry {
  const { method, config } = PRESETS[preset]!;
  return {
    id,
    title: METHODS[method]!.title,
    ...about,
    settings: { method, config: merged(config, changes) } as MethodSettings,
  };
}

function merged(config: MethodConfig, changes: Changes): MethodConfig {
  const { sft } = config as unknown as Record<string, unknown>;
  const inner = sft === undefined || changes.sft === undefined
    ? {}
    : { sft: { ...sft, ...changes.sft } };
  return { ...config, ...changes, ...inner };
}

/** A learning rate, as the presets have it but for its peak. */
export function rate(preset: string, peak: number): unknown {
  const { learningRate } = PRESETS[preset]!.config as unknown as { learningRate: object };
  return { ...learningRate, peak };
}

/** `[1, 2, ..., count]`. */
export function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
