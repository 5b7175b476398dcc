/**
 * Commands run as a person runs them: in a folder, with the permissions that `deno task` gives them.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };

/** How a command is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether no other variables are seen; false unless given. */
  readonly clearEnv?: boolean;
  /** A module that is loaded first and may do anything. */
  readonly preload?: string;
}

/** What a command ended with. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command may take this long, in milliseconds. */
const PATIENCE = 60_000;

/**
 * Runs a command.
 *
 * @param line As typed after `deno task`; words have no blanks.
 */
export async function runCommand(
  line: string,
  folder: string,
  { env = {}, clearEnv = false, preload }: RunOptions = {},
): Promise<Outcome> {
  const [name, ...args] = line.split(" ");
  const task = denoJson.tasks[name as "train"].split(" ");
  const [permissions, script] = [task.slice(2, -1), task.at(-1)!];
  const path = (url: string) => fileURLToPath(new URL(`../../${url}`, import.meta.url));
  const kept = ["HOME", "PATH", "DENO_DIR"].map((name) => [name, Deno.env.get(name)]);
  const { code, ...output } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      `--config=${path("deno.json")}`,
      ...(preload ? ["-A", `--preload=${preload}`] : permissions),
      path(script),
      ...args,
    ],
    cwd: folder,
    clearEnv,
    env: {
      ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)),
      NO_COLOR: "1",
      ...env,
    },
    stdin: "null",
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  const [stdout, stderr] = [output.stdout, output.stderr]
    .map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { code, stdout, stderr };
}
