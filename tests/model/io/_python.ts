/**
 * Hugging Face's own code, where the environment variable `RELIFT_PYTHON` names a Python with
 * transformers.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** A Python interpreter with transformers; undefined where none is named. */
export const PYTHON: string | undefined = Deno.env.get("RELIFT_PYTHON");

const SCRIPT = fileURLToPath(new URL("./_transformers.py", import.meta.url));

const scores = z.object({
  /** Tensors that were missing, left over or of another shape. */
  problems: z.array(z.string()),
  /** What ends a completion. */
  ends: z.union([z.number(), z.array(z.number())]),
  answers: z.array(z.object({
    /** After the prompt's last id. */
    logits: z.array(z.number()),
    /** Sum of the sizes of the logits after each id. */
    all: z.number(),
    /** Ids that greedy decoding goes on with, whatever they are. */
    greedy: z.array(z.number()),
  })),
});

/** What transformers computes with a policy's folder. */
export type Scores = z.infer<typeof scores>;

/** Loads a folder with transformers and reads prompts with it. */
export async function pythonScores(
  folder: string,
  prompts: readonly (readonly number[])[],
  tokens: number,
): Promise<Scores> {
  return scores.parse(await run({ command: "score", folder, prompts, tokens }));
}

/** A random model that transformers is to save. */
export interface RandomModel {
  /** Hugging Face's model type. */
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly dtype: "float32" | "float16" | "bfloat16";
  /** Size beyond which weights are divided among files, such as `20KB`. */
  readonly shard: string;
}

/** Makes and saves a random model with transformers; its tokenizer is not part of it. */
export async function pythonModel(folder: string, model: RandomModel): Promise<void> {
  await run({ command: "make", folder, ...model });
}

/** An adapter that PEFT is to make for the policy in `base`, and save. */
export interface RandomAdapter {
  readonly base: string;
  readonly r: number;
  readonly alpha: number;
  readonly targets: readonly string[] | string;
}

/** Makes and saves a random adapter with PEFT. */
export async function pythonAdapter(folder: string, adapter: RandomAdapter): Promise<void> {
  await run({ command: "adapt", folder, ...adapter });
}

async function run(request: unknown): Promise<unknown> {
  const child = new Deno.Command(PYTHON!, {
    args: [SCRIPT],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(request)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${PYTHON} failed: ${text(stderr)}`);
  return JSON.parse(text(stdout));
}
