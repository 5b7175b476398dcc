/**
 * What the page and its server tell each other, as JSON.
 *
 * @module
 */
import type { RunSample, RunStatus } from "../../mod.ts";

/** A run in the list. */
export interface RunRow {
  readonly name: string;
  /** {@linkcode RunGroup.id} of the runs that differ from it by their seed alone. */
  readonly group: string;
  readonly method: string | null;
  readonly dataset: string | null;
  readonly seed: number | null;
  readonly commit: string | null;
  readonly status: RunStatus;
  readonly step: number;
  readonly steps: number | null;
  readonly accuracy: number | null;
  readonly evaluated: number | null;
  /** Whether it kept samples. */
  readonly sampled: boolean;
  /** Milliseconds since 1970. */
  readonly written: number;
  readonly faults: readonly string[];
}

/** Runs that differ by their seed alone. */
export interface RunGroup {
  readonly id: string;
  /** The preset, and what tells the group from others of that preset. */
  readonly title: string;
  /** The same for all groups of a method. */
  readonly colour: string;
  /** Another for each group of a method, as far as there are others: Plotly's name for it. */
  readonly dash: string;
}

/** A metric that some run has. */
export interface MetricRow {
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
}

/** `GET /api/runs?since=REVISION`: what changed since then. */
export interface RunsReply {
  /** To ask with the next time. */
  readonly revision: number;
  /** Whether `runs` are all there are, rather than those that changed. */
  readonly all: boolean;
  readonly folder: string;
  readonly runs: readonly RunRow[];
  /** Names of runs that are no longer there. */
  readonly gone: readonly string[];
  /** All groups and metrics, and colours for what is not a method; absent when nothing changed. */
  readonly groups?: readonly RunGroup[];
  readonly metrics?: readonly MetricRow[];
  readonly colours?: readonly string[];
}

/** `POST /api/series`: metrics of some runs, from the first record that the page does not have. */
export interface SeriesRequest {
  readonly columns: readonly string[];
  readonly runs: readonly {
    readonly name: string;
    readonly generation: number;
    /** Records that the page has, of that generation. */
    readonly known: number;
  }[];
}

/** New records of a run. */
export interface SeriesPart {
  readonly name: string;
  readonly generation: number;
  /** The first record here: 0 when the page's own are of another generation. */
  readonly from: number;
  /** Records of the run. */
  readonly length: number;
  /** `[length - from]` by name, for the columns that the run has. */
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

/** The answer to {@linkcode SeriesRequest}. */
export interface SeriesReply {
  readonly runs: readonly SeriesPart[];
}

/** `GET /api/samples`: some samples of a run. */
export interface SamplesReply {
  readonly samples: readonly RunSample[];
  /** Samples that fit the query, of which `samples` are the first. */
  readonly fitting: number;
  /** Samples of the run. */
  readonly total: number;
  readonly lastStep: number | null;
  readonly faults: readonly string[];
}

/** `POST /api/difference`: settings of some runs; a value is its text, null when there is none. */
export interface DifferenceReply {
  /** The runs that are compared: those whose settings could be read. */
  readonly runs: readonly string[];
  readonly differ: readonly {
    readonly setting: string;
    /** One for each run. */
    readonly values: readonly (string | null)[];
  }[];
  readonly shared: readonly { readonly setting: string; readonly value: string }[];
}
