// deno-lint-ignore-file no-console -- what is skipped is told
/**
 * Files that tests use where they are there: published questions and real models, which a clone
 * does not hold.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);

/** Where published files may lie: the folder `RELIFT_SHARED` names, or `../shared`. */
const SHARED = Deno.env.get("RELIFT_SHARED") ?? fileURLToPath(new URL("../shared", ROOT));

/** The path of a published file, such as `data/gsm8k_test.jsonl`; undefined where there is none. */
export function sharedPath(path: string): string | undefined {
  const found = `${SHARED}/${path}`;
  return existsSync(found) ? found : undefined;
}

/**
 * The folder of a fetched model, under `RELIFT_MODELS` or `downloads/models`; undefined where there
 * is none.
 *
 * @throws {Error} Instead, where `CI` is set: there models must be tested.
 */
export function modelPath(name: string): string | undefined {
  const models = Deno.env.get("RELIFT_MODELS") ??
    fileURLToPath(new URL("downloads/models", ROOT));
  const found = `${models}/${name}`;
  if (existsSync(found)) return found;
  if (Deno.env.get("CI")) {
    throw new Error(
      `Cannot test in CI as ${found} must be there: deno task fetch model ${name} brings it`,
    );
  }
}

/**
 * Registers a test that needs files a clone may lack. Without them it says so and passes.
 *
 * @param paths By a name of one's own; undefined where a file was not found.
 */
export function testWith<Name extends string>(
  name: string,
  paths: Readonly<Record<Name, string | undefined>>,
  body: (paths: Readonly<Record<Name, string>>) => void | Promise<void>,
): void {
  Deno.test(name, async () => {
    const missing = Object.entries(paths).filter(([, path]) => path === undefined);
    if (missing.length === 0) return await body(paths as Readonly<Record<Name, string>>);
    console.warn(`skipped: ${name}, as these files are not here: ${missing.map(([key]) => key)}`);
  });
}
