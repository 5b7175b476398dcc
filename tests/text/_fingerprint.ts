/**
 * Comparing a tokenizer with the reference on many texts, by a fingerprint of all ids.
 *
 * The reference is Hugging Face's tokenizers 0.23.3 for Python, with which each fingerprint is
 *
 *     t = Tokenizer.from_file("tokenizer.json"); t.encode_special_tokens = True
 *     ids = [t.encode(text, add_special_tokens=False).ids for text in texts]
 *     hashlib.sha256("\n".join(" ".join(map(str, i)) for i in ids).encode()).hexdigest()[:16]
 *
 * @module
 */
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { sharedPath } from "../_shared.ts";

/** Questions and their worked answers, 10,000 texts in all. */
export const QUESTION_FILES = {
  gsm8k_test: { path: sharedPath("data/gsm8k_test.jsonl"), fields: ["question", "answer"] },
  gsm8k_train: { path: sharedPath("data/gsm8k_train.jsonl"), fields: ["question", "answer"] },
  math500: { path: sharedPath("data/math500.jsonl"), fields: ["problem", "solution"] },
} as const;

/** The texts of a file of questions: of its first 3,181 records, which makes 10,000 of them all. */
export async function questionTexts(name: keyof typeof QUESTION_FILES): Promise<string[]> {
  const { path, fields } = QUESTION_FILES[name];
  const lines = (await Deno.readTextFile(path!)).trimEnd().split("\n").slice(0, 3181);
  return lines.map((line) => JSON.parse(line) as Record<string, string>)
    .flatMap((record) => fields.map((field) => record[field]!));
}

/** The first 16 hexadecimal digits of the SHA-256 of the ids of all texts. */
export async function fingerprint(
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<string> {
  const stream = texts.map((text) => tokenizer.encode(text).join(" ")).join("\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(stream));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
    .slice(0, 16);
}
