/**
 * What the files of a Hugging Face folder say about its tokenizer.
 *
 * @module
 */
import { z } from "zod";

/** The files that {@linkcode describeTokenizer} knows; only the first must be there. */
export const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "chat_template.jinja",
] as const;

/** Texts of files, by name. */
export type TokenizerFiles = Readonly<Partial<Record<string, string>>>;

/** What is read of a tokenizer's files. */
export interface TokenizerDescription {
  /** `tokenizer.json` as it is. */
  readonly json: TokenizerJson;
  /** `tokenizer_config.json` as it is; empty when there is none. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Ids of the special tokens by spelling: never text, and left out when ids are decoded. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Spellings that have a role, as chat templates name them. */
  readonly roles: Readonly<Record<TokenRole, string | undefined>>;
  /** Ids that end a completion: the tokenizer's own EOS first, then those of generation. */
  readonly endIds: readonly [number, ...number[]];
  /** Source of the folder's chat template, when it has one. */
  readonly chatTemplate?: string;
}

/** A token's part in a sequence, as `tokenizer_config.json` names it. */
export type TokenRole = "bos_token" | "eos_token" | "pad_token" | "unk_token";

/** The fields of a `tokenizer.json` that are read here; the library checks the others. */
export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly model: {
    readonly type: string;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly string[])[];
  };
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
}

/** A token that is found in a text before its words are. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

const named = z.union([z.string(), z.object({ content: z.string() }).transform((t) => t.content)])
  .nullish();
const template = z.union([
  z.string(),
  z.array(z.object({ name: z.string(), template: z.string() })),
]).nullish();
const rolesSchema = z.object({
  bos_token: named,
  eos_token: named,
  pad_token: named,
  unk_token: named,
  additional_special_tokens: z.array(named).nullish(),
  chat_template: template,
});
const id = z.number().int().nonnegative();
const generationSchema = z.object({ eos_token_id: z.union([id, z.array(id)]).nullish() });
const jsonSchema = z.object({
  added_tokens: z.array(
    z.object({
      id,
      content: z.string().min(1),
      special: z.boolean(),
      single_word: z.literal(false).optional(), // which the library finds inside words, too
    }).passthrough(),
  ).default([]),
  model: z.object({
    type: z.literal("BPE"),
    vocab: z.record(id),
    // Not looked into: there are some hundred thousand, and the library reads both spellings.
    merges: z.array(z.any()),
  }).passthrough(),
}).passthrough();

/**
 * Reads what the files of a folder say.
 *
 * @param where Named in errors: the folder.
 * @throws {SyntaxError} When a file is not JSON.
 * @throws {TypeError} When a field is missing, of a wrong type or of a kind not supported.
 */
export function describeTokenizer(files: TokenizerFiles, where: string): TokenizerDescription {
  const read = <T>(name: string, schema: z.ZodType<T, z.ZodTypeDef, unknown>) =>
    parseFile(files[name], schema, `${where}/${name}`);
  if (files["tokenizer.json"] === undefined) {
    throw new TypeError(`Cannot read a tokenizer in ${where} as there is no tokenizer.json`);
  }
  const json: TokenizerJson = read("tokenizer.json", jsonSchema)!;
  const config = read("tokenizer_config.json", rolesSchema.passthrough()) ?? {};
  const map = read("special_tokens_map.json", rolesSchema) ?? {};
  const generation = read("generation_config.json", generationSchema)?.eos_token_id;
  const role = (name: TokenRole) => config[name] ?? map[name] ?? undefined;
  const roles = {
    bos_token: role("bos_token"),
    eos_token: role("eos_token"),
    pad_token: role("pad_token"),
    unk_token: role("unk_token"),
  };
  const listed = config.additional_special_tokens ?? map.additional_special_tokens ?? [];
  const specialTokens = specialTokensOf(json, [...Object.values(roles), ...listed]);
  const own = specialTokens.get(roles.eos_token ?? "");
  const [first, ...others] = new Set([own ?? [], generation ?? []].flat());
  if (first === undefined) {
    throw new TypeError(
      `Cannot use the tokenizer in ${where} as tokenizer_config.json must name an eos_token of ` +
        `its vocabulary: current value is ${JSON.stringify(roles.eos_token)}`,
    );
  }
  const chatTemplate = files["chat_template.jinja"] ?? defaultTemplate(config.chat_template);
  return { json, config, specialTokens, roles, endIds: [first, ...others], chatTemplate };
}

/** Parses a file that may be missing. */
function parseFile<T>(
  text: string | undefined,
  schema: z.ZodType<T, z.ZodTypeDef, unknown>,
  path: string,
): T | undefined {
  if (text === undefined) return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path} as it must be JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0]!;
  throw new TypeError(`Cannot read ${path} as ${field.join(".") || "it"} is wrong: ${message}`);
}

/** The special tokens: those that `tokenizer.json` marks, and those of it that others name. */
function specialTokensOf(
  { added_tokens, model }: TokenizerJson,
  named: readonly (string | null | undefined)[],
): Map<string, number> {
  const added = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const special = new Map(
    added_tokens.filter((token) => token.special).map(({ content, id }) => [content, id]),
  );
  for (const token of named) {
    const id = added.get(token ?? "") ?? model.vocab[token ?? ""];
    if (token && id !== undefined) special.set(token, id);
  }
  return special;
}

/** A template by itself, or the one called `default` of a list. */
function defaultTemplate(value: z.infer<typeof template>): string | undefined {
  if (typeof value === "string") return value;
  return value?.find(({ name }) => name === "default")?.template;
}
