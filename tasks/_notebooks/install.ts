/**
 * Registers the Deno kernel with Jupyter and tells what else figures need.
 *
 * @module
 */
import { readJsonAs, writeWhole } from "../../mod.ts";
import { z } from "zod";

const specSchema = z.object({
  argv: z.array(z.string()),
  env: z.record(z.string()).optional(),
}).passthrough();

type Spec = z.infer<typeof specSchema>;

/** What Jupyter needs beside the kernel. */
export interface Needs {
  /** Version of JupyterLab on the path. */
  readonly jupyterLab?: string;
  /** Whether it can draw Plotly's figures. */
  readonly plotly: boolean;
}

/**
 * Registers this Deno as Jupyter's kernel named `deno`, without colours in its results; does
 * nothing where that is so already.
 *
 * @param env Replaces variables of the environment; those of the home folder decide where kernels
 * lie.
 * @returns What was done, a line.
 * @throws {Error} When `deno jupyter` fails.
 */
export async function installKernel(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const before = await registered(env);
  if (before) {
    const spec = await readSpec(before);
    if (spec.env?.NO_COLOR === "1" && await startsThisDeno(spec)) {
      return `The Deno kernel is there already: ${before}`;
    }
  }
  await jupyter(["--install", "--force"], env);
  const folder = await registered(env);
  if (!folder) throw new Error("Cannot find the kernel as it was just installed: it is not there");
  const spec = await readSpec(folder);
  // `deno jupyter` names the deno of the path, which may be another one.
  const program = await startsThisDeno(spec) ? spec.argv[0]! : Deno.execPath();
  const argv = [program, ...spec.argv.slice(1)];
  const plain: Spec = { ...spec, argv, env: { ...spec.env, NO_COLOR: "1" } };
  await writeWhole(`${folder}/kernel.json`, JSON.stringify(plain, null, 2) + "\n");
  return `Registered the Deno kernel${before ? " again" : ""}, for ${program}: ${folder}`;
}

/** Whether a kernel's description starts this Deno, by whichever link. */
async function startsThisDeno({ argv: [program = ""] }: Spec): Promise<boolean> {
  const real = await Deno.realPath(program).catch(() => undefined); // it may be gone
  return real === await Deno.realPath(Deno.execPath());
}

function readSpec(folder: string): Promise<Spec> {
  return readJsonAs<Spec>(`${folder}/kernel.json`, specSchema as z.ZodType<Spec>);
}

/** The folder where Deno's kernel is registered. */
async function registered(env: Readonly<Record<string, string>>): Promise<string | undefined> {
  return /already installed at (.+)/.exec(await jupyter([], env))?.[1]?.trim();
}

/** Runs `deno jupyter`; returns what it says. */
async function jupyter(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["jupyter", ...args],
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) {
    throw new Error(`Cannot run deno jupyter as it must succeed: it says ${text.trim()}`);
  }
  return text;
}

/** Looks for JupyterLab and its renderer of Plotly's figures on the path. */
export async function findNeeds(): Promise<Needs> {
  const jupyterLab = await said("jupyter", ["lab", "--version"]);
  const extensions = await said("jupyter", ["labextension", "list"]) ?? "";
  return { jupyterLab: jupyterLab?.trim(), plotly: /jupyterlab-plotly.*enabled/.test(extensions) };
}

/** What a program says; undefined when it is not there or fails. */
async function said(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
    if (!success) return;
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Tells what to do next, in lines. */
export function advice({ jupyterLab, plotly }: Needs): string[] {
  const lab = jupyterLab === undefined
    ? "JupyterLab: not found. Get it with `pip install jupyterlab plotly`."
    : plotly
    ? `JupyterLab ${jupyterLab}, which draws Plotly's figures: jupyter lab notebooks`
    : `JupyterLab ${jupyterLab}: jupyter lab notebooks. Figures are pictures there until ` +
      "`pip install plotly` in the same environment makes them live.";
  return [
    lab,
    "VS Code: its Jupyter extension finds the kernel and draws Plotly's figures.",
    ...Deno.execPath().includes("_npx")
      ? ["This Deno lies in the cache of npx: when that is cleared, run this again."]
      : [],
  ];
}
