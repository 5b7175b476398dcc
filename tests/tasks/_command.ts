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
  /** Milliseconds that it may take; 60,000 unless given. */
  readonly patience?: number;
}

/** What a command ended with. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command.
 *
 * @param line As typed after `deno task`; words have no blanks.
 */
export async function runCommand(
  line: string,
  folder: string,
  { env = {}, clearEnv = false, preload, patience = 60_000 }: RunOptions = {},
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
      // Deno writes to a device only with all permissions.
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
    signal: AbortSignal.timeout(patience),
  }).output();
  const [stdout, stderr] = [output.stdout, output.stderr]
    .map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { code, stdout, stderr };
}
