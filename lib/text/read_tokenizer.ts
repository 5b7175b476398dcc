import { readBytes, readJson } from "../files.ts";
import { readCharTokenizer } from "./char_tokenizer.ts";
import { huggingFaceTokenizer } from "./hugging_face_tokenizer.ts";
import type { PromptOptions } from "./prompt_template.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { TOKENIZER_FILES, type TokenizerFiles } from "./tokenizer_files.ts";

/**
 * Reads the tokenizer of a policy's folder: a published model's, or one of single characters as the
 * built-in policies have.
 *
 * @param options How a published model's questions are asked; a tokenizer of characters asks bare.
 * @throws {Deno.errors.NotFound} When there is no `tokenizer.json`.
 * @throws {SyntaxError} When a file is not JSON, or a template is wrong.
 * @throws {TypeError} When a field is missing, wrong or of a kind that is not supported.
 * @throws {RangeError} When the options name a template that is not there, or any for characters.
 */
export async function readTokenizer(
  folder: string,
  options: PromptOptions = {},
): Promise<Tokenizer> {
  const files = await readTokenizerFiles(folder);
  const path = `${folder}/tokenizer.json`;
  // A vocabulary cannot hold this: quotes inside its tokens are escaped.
  const ofCharacters = /"type"\s*:\s*"WordLevel"/.test(files["tokenizer.json"]!);
  if (!ofCharacters) return huggingFaceTokenizer(files, options, folder);
  const { template = "none", system } = options;
  if (template === "none" && system === undefined) {
    return readCharTokenizer(await readJson(path), path);
  }
  throw new RangeError(
    `Cannot ask in a frame as ${folder} has a tokenizer of characters, which was taught none: ` +
      `current value is ${JSON.stringify(options)}`,
  );
}

/** Texts of the files that are there; `tokenizer.json` must be. */
async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const files: Record<string, string> = {};
  for (const name of TOKENIZER_FILES) {
    try {
      files[name] = new TextDecoder().decode(await readBytes(`${folder}/${name}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || name === "tokenizer.json") throw error;
    }
  }
  return files;
}
