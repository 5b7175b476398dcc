/**
 * A folder of runs read for viewing, while others write it: whatever is missing, garbled or cut off
 * is told as a fault of its run and hides neither the rest of it nor the other runs.
 *
 * Read lazily: a run is listed by its settings and the last of its metrics; all its metrics, and its
 * samples, are read when asked for. What was read is kept until the file changes.
 *
 * @module
 */
import { z } from "zod";
import { isAbsence, keptFile, type Parsed } from "./kept_file.ts";
import { NO_LOG, parseLog, parseTable, type RunSeries } from "./read_log.ts";
import { CUT_OFF, isRecord, jsonOf, leftOut, numberOr } from "./tolerant_json.ts";

export type { RunSeries };

/** Settings by their paths, such as `clip.low`; a list is one value, as JSON. */
export type FlatSettings = Readonly<Record<string, string | number | boolean | null>>;

/** Every step done; written to a moment ago; or neither. */
export type RunStatus = "finished" | "running" | "stopped";

/** A run as a list shows it; what its files do not tell is null. */
export interface RunView {
  /** Its folder's name. */
  readonly name: string;
  readonly status: RunStatus;
  /** Steps done. */
  readonly step: number;
  /** Steps it was started for. */
  readonly steps: number | null;
  /** Accuracy of the last step's rollouts. */
  readonly accuracy: number | null;
  /** avg@k on validation questions after training. */
  readonly evaluated: number | null;
  /** All of its `config.json`; empty when that cannot be read. */
  readonly settings: FlatSettings;
  /** Names of its metrics, as far as they have been read. */
  readonly metrics: readonly string[];
  /** Whether it kept samples. */
  readonly sampled: boolean;
  /** When its files were last written, milliseconds since 1970. */
  readonly written: number;
  /** What is wrong with its files, a line each. */
  readonly faults: readonly string[];
}

/** A completion that was kept of a step. */
export interface RunSample {
  readonly step: number;
  /** The question's id. */
  readonly question: string;
  readonly prompt: string;
  readonly answer: string;
  readonly completion: string;
  /** Length of the completion, EOS included. */
  readonly tokens: number | null;
  readonly finishReason: string;
  readonly reward: number | null;
  readonly parts: Readonly<Record<string, number>>;
  /** Null where the file does not tell. */
  readonly right: boolean | null;
}

/** The completions that were kept of a run. */
export interface RunSamples {
  readonly samples: readonly RunSample[];
  /** What is wrong with the file, a line each. */
  readonly faults: readonly string[];
}

/** A folder of runs that is open for viewing. */
export interface RunsFolder {
  /** The runs it holds now, by name; none while there is no such folder. */
  list(): Promise<RunView[]>;
  /** The metrics of a run, from `metrics.jsonl`, else from `metrics.csv`. */
  series(name: string): Promise<RunSeries>;
  /** The samples of a run. */
  samples(name: string): Promise<RunSamples>;
}

/** A run that wrote nothing for so many seconds, and for so many of its steps, has stopped. */
const PATIENCE_S = 60, PATIENCE_STEPS = 3;

/** Bytes at the end of `metrics.jsonl` that are read to list a run: a few records. */
const TAIL = 16 * 1024;

/**
 * Opens a folder whose folders are runs.
 *
 * @param options `now` is the clock, milliseconds since 1970, that tells whether a run is running.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openRuns } from "./read_runs.ts";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/a`);
 * await Deno.writeTextFile(`${folder}/a/metrics.jsonl`, '{"step":0,"accuracy":0.5}\n{"step":1,"ac');
 *
 * const runs = openRuns(folder);
 * const [run] = await runs.list();
 * assertEquals([run?.name, run?.step, run?.accuracy], ["a", 1, 0.5]);
 * assertEquals(run?.faults, ["config.json is missing", "metrics.jsonl ends in a line cut off"]);
 * assertEquals((await runs.series("a")).columns.get("accuracy"), [0.5]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function openRuns(
  folder: string,
  { now = Date.now }: { readonly now?: () => number } = {},
): RunsFolder {
  let generation = now(); // never that of an earlier reader, whose numbers somebody may hold
  const config = keptFile(NO_CONFIG, parseConfig);
  const evaluation = keptFile(NO_EVALUATION, parseEvaluation);
  const tail = keptFile(NO_TAIL, parseTail, TAIL);
  const log = keptFile(NO_LOG, (text, before) => parseLog(text, before, () => ++generation));
  const table = keptFile(NO_LOG, (text) => parseTable(text, ++generation));
  const samples = keptFile(NO_SAMPLES, parseSamples);

  async function view(name: string): Promise<RunView | undefined> {
    const path = pathOf(folder, name);
    const [settings, evaluated, last, sampled] = await Promise.all([
      config.read(`${path}/config.json`),
      evaluation.read(`${path}/evaluation.json`),
      tail.read(`${path}/metrics.jsonl`),
      timeOf(`${path}/samples.jsonl`),
    ]);
    const rows = last ? undefined : await table.read(`${path}/metrics.csv`);
    const times = [settings?.written, last?.written, rows?.written, sampled]
      .filter((time) => time !== undefined);
    if (times.length === 0) return; // a folder of another kind
    const all = log.kept(`${path}/metrics.jsonl`) ?? rows?.value;
    const end = last?.value ?? tailOf(rows?.value ?? NO_LOG);
    const steps = numberOr(settings?.value.settings["steps"], null);
    const facts = { ...end, steps, written: Math.max(...times) };
    const result = evaluated?.value.accuracy ?? null;
    return {
      name,
      status: statusOf({ ...facts, evaluated: result !== null }, now()),
      step: end.step,
      steps,
      accuracy: end.accuracy,
      evaluated: result,
      settings: settings?.value.settings ?? {},
      metrics: [...new Set([...all?.columns.keys() ?? [], ...end.metrics])],
      sampled: sampled !== undefined,
      written: facts.written,
      faults: [
        ...settings?.value.faults ?? ["config.json is missing"],
        ...evaluated?.value.faults ?? [],
        ...end.faults, // of the end as it is now
        ...all?.faults.filter((fault) => !fault.endsWith(CUT_OFF) && !end.faults.includes(fault)) ??
          [],
      ],
    };
  }

  return {
    async list(): Promise<RunView[]> {
      const views = await Promise.all((await foldersIn(folder)).map(view));
      return views.filter((run) => run !== undefined);
    },
    async series(name: string): Promise<RunSeries> {
      const path = pathOf(folder, name);
      const read = await log.read(`${path}/metrics.jsonl`) ??
        await table.read(`${path}/metrics.csv`);
      return read?.value ?? NO_LOG;
    },
    async samples(name: string): Promise<RunSamples> {
      return (await samples.read(`${pathOf(folder, name)}/samples.jsonl`))?.value ?? NO_SAMPLES;
    },
  };
}

/**
 * Settings by their paths. Those of the method come first and without `settings.config.` before
 * their names.
 */
export function flatSettings(config: unknown): FlatSettings {
  const flat: Record<string, string | number | boolean | null> = {};
  const visit = (value: unknown, path: string): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [name, field] of Object.entries(value)) {
        visit(field, path === "" ? name : `${path}.${name}`);
      }
    } else {
      flat[path.replace(/^settings\.(config\.)?/, "")] = Array.isArray(value)
        ? JSON.stringify(value)
        : value as string | number | boolean | null;
    }
  };
  visit(config, "");
  return flat;
}

/** Names of the folders in a folder, sorted; links to folders count. */
async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter((entry) => !entry.isFile).map(({ name }) => name).sort();
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** The path of a run, whose name must be that of a folder right inside. */
function pathOf(folder: string, name: string): string {
  if (/^\.*$|[\\/\0]/.test(name)) {
    throw new RangeError(
      `Cannot read a run as its name must be a folder's: current value is ${JSON.stringify(name)}`,
    );
  }
  return `${folder}/${name}`;
}

async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).mtime?.getTime();
  } catch {
    return undefined;
  }
}

/** What tells where a run stands. */
interface Facts {
  readonly step: number;
  readonly steps: number | null;
  readonly secondsPerStep: number | null;
  readonly evaluated: boolean;
  readonly written: number;
}

function statusOf(
  { step, steps, secondsPerStep, evaluated, written }: Facts,
  now: number,
): RunStatus {
  if (steps === null ? evaluated : step >= steps) return "finished";
  const patience = Math.max(PATIENCE_S, PATIENCE_STEPS * (secondsPerStep ?? 0));
  return now - written < 1000 * patience ? "running" : "stopped";
}

interface Config extends Parsed {
  readonly settings: FlatSettings;
}

const NO_CONFIG: Config = { settings: {}, faults: [] };

function parseConfig(text: string): Config {
  const value = jsonOf(text);
  if (value === undefined) return { ...NO_CONFIG, faults: ["config.json is not JSON"] };
  return isRecord(value)
    ? { settings: flatSettings(value), faults: [] }
    : { ...NO_CONFIG, faults: ["config.json is not an object"] };
}

interface Evaluation extends Parsed {
  readonly accuracy: number | null;
}

const NO_EVALUATION: Evaluation = { accuracy: null, faults: [] };

const evaluationSchema = z.object({ after: z.object({ average: z.object({ mean: z.number() }) }) });

function parseEvaluation(text: string): Evaluation {
  const { data } = evaluationSchema.safeParse(jsonOf(text));
  return data
    ? { accuracy: data.after.average.mean, faults: [] }
    : { ...NO_EVALUATION, faults: ["evaluation.json holds no result"] };
}

/** What the end of a run's metrics tells. */
interface Tail extends Parsed {
  /** Steps done. */
  readonly step: number;
  readonly accuracy: number | null;
  readonly secondsPerStep: number | null;
  /** Names of metrics. */
  readonly metrics: readonly string[];
}

const NO_TAIL: Tail = { step: 0, accuracy: null, secondsPerStep: null, metrics: [], faults: [] };

function parseTail(text: string): Tail {
  const log = parseLog(text, NO_LOG, () => 0);
  // Lines are counted from the file's beginning, which is not here.
  return { ...tailOf(log), faults: log.faults.filter((fault) => fault.endsWith(CUT_OFF)) };
}

function tailOf({ length, columns, faults }: RunSeries): Tail {
  const last = (name: string): number | null => numberOr(columns.get(name)?.at(-1), null);
  return {
    step: length === 0 ? 0 : last("step")! + 1, // the record of step 0 is written when it is done
    accuracy: last("accuracy"),
    secondsPerStep: last("time/step_s"),
    metrics: [...columns.keys()],
    faults,
  };
}

const NO_SAMPLES: RunSamples = { samples: [], faults: [] };

const text = z.string().catch(""), number = z.number().nullable().catch(null);

const sampleSchema = z.object({
  step: z.number(),
  question: text,
  prompt: text,
  answer: text,
  completion: text,
  tokens: number,
  finishReason: text,
  reward: number,
  correct: z.boolean().nullable().catch(null),
  parts: z.record(z.number()).catch({}),
});

function parseSamples(text: string): RunSamples {
  const lines = text.split("\n").map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");
  const read = lines.map(({ line, number }) => {
    const { data } = sampleSchema.safeParse(jsonOf(line));
    return { data, number };
  });
  const cutOff = !text.endsWith("\n") && read.at(-1)?.data === undefined && read.length > 0;
  const bad = read.slice(0, cutOff ? -1 : undefined).filter(({ data }) => data === undefined);
  return {
    samples: read.flatMap(({ data }) => {
      if (!data) return [];
      const { correct, ...sample } = data;
      return [{ ...sample, right: correct }];
    }),
    faults: [
      ...leftOut("samples.jsonl", "sample", bad.map(({ number }) => number)),
      ...cutOff ? [`samples.jsonl ${CUT_OFF}`] : [],
    ],
  };
}
