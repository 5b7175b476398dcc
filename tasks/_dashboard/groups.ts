/**
 * Runs that differ by their seed alone, and what to call them.
 *
 * @module
 */
import { type FlatSettings, hashText, type RunView } from "../../mod.ts";
import { lineOf } from "./palette.ts";
import type { RunGroup } from "./protocol.ts";

/** Settings that may differ within a group: the seed, and what ought not to move results. */
const WITHIN = /^(seed|commit|policy|device\..*|versions\..*)$/;

/** Plotly's dashes, the plainest first. */
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

/** Departures that a title names; the others are counted. */
const NAMED = 3;

interface Draft {
  readonly id: string;
  /** A run whose settings are unknown is alone, by its name. */
  readonly name?: string;
  readonly settings: FlatSettings;
}

/**
 * The groups of runs, and the group of each run by name.
 *
 * A group is called by its preset, its dataset where there are several, and each setting in which it
 * departs from most groups of that preset.
 */
export function groupsOf(
  views: readonly RunView[],
): { readonly groups: readonly RunGroup[]; readonly groupOf: ReadonlyMap<string, string> } {
  const drafts = new Map<string, Draft>();
  const groupOf = new Map<string, string>();
  for (const view of views) {
    const draft = draftOf(view);
    drafts.set(draft.id, draft);
    groupOf.set(view.name, draft.id);
  }
  const titled = [...drafts.values()].map((draft) => ({
    draft,
    title: titleOf(draft, [...drafts.values()]),
  })).sort((a, b) => a.title.localeCompare(b.title));
  const drawn = new Map<string, string[]>(); // dashes so far, by colour
  const groups = titled.map(({ draft: { id, settings }, title }) => {
    const { colour, dash } = lineOf(textOr(settings["preset"]) ?? textOr(settings["method"]));
    const taken = drawn.get(colour) ?? [];
    const free = [dash, ...DASHES].find((one) => !taken.includes(one)) ?? dash;
    drawn.set(colour, [...taken, free]);
    return { id, title, colour, dash: free };
  });
  return { groups, groupOf };
}

function draftOf({ name, settings: all }: RunView): Draft {
  const settings = Object.fromEntries(Object.entries(all).filter(([key]) => !WITHIN.test(key)));
  if (Object.keys(settings).length === 0) return { id: `run ${name}`, name, settings };
  const sorted = Object.entries(settings).sort(([a], [b]) => a < b ? -1 : 1);
  return { id: hashText(JSON.stringify(sorted)).toString(16), settings };
}

function titleOf(draft: Draft, drafts: readonly Draft[]): string {
  if (draft.name !== undefined) return draft.name;
  const known = drafts.filter(({ name }) => name === undefined);
  const base = textOr(draft.settings["preset"]) ?? textOr(draft.settings["method"]) ?? "no method";
  const datasets = new Set(known.map(({ settings }) => settings["dataset"]));
  const alike = known.filter(({ settings }) =>
    ["method", "preset", "dataset"].every((key) => settings[key] === draft.settings[key])
  );
  const keys = new Set(alike.flatMap(({ settings }) => Object.keys(settings)));
  const departures = [...keys].filter((key) => departs(draft, alike, key))
    .map((key) => `${key} ${draft.settings[key] ?? "none"}`);
  const more = departures.length - NAMED;
  return [
    base,
    ...datasets.size > 1 ? [String(draft.settings["dataset"])] : [],
    ...departures.slice(0, NAMED),
    ...more > 0 ? [`${more} more`] : [],
  ].join(", ");
}

/** Whether a setting is not as in most groups. */
function departs({ settings }: Draft, drafts: readonly Draft[], key: string): boolean {
  const counts = new Map<unknown, number>();
  for (const { settings } of drafts) {
    counts.set(settings[key], (counts.get(settings[key]) ?? 0) + 1);
  }
  const own = counts.get(settings[key])!;
  return [...counts].some(([value, count]) => value !== settings[key] && count >= own);
}

/** A setting that must be a text. */
export function textOr(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
