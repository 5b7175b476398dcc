// deno task build:kernels [--check]
// deno-lint-ignore-file no-console
import { main as compile } from "assemblyscript/asc";
import { fileURLToPath } from "node:url";

/** Where the AssemblyScript sources are, and what is built from them. */
const FOLDER = new URL("../lib/compute/wasm/", import.meta.url);
const BUILT = ["kernels.wasm", "kernels.d.ts"];

/** Compiles the kernels of the `wasm` backend; the same sources give the same bytes. */
export async function buildKernels(): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  const encoder = new TextEncoder();
  const options = [
    "index.ts",
    "--outFile=kernels.wasm",
    "--bindings=raw", // for kernels.d.ts alone
    "--runtime=stub",
    "--importMemory",
    "--noExportMemory",
    "--optimizeLevel=3",
    "--noAssert",
    "--enable=simd",
    "--enable=relaxed-simd",
  ];
  const { error, stderr } = await compile(options, {
    readFile: (name) => {
      try {
        return Deno.readTextFileSync(new URL(name, FOLDER));
      } catch {
        return null; // asc looks in several places
      }
    },
    writeFile: (name, contents) => {
      files[name] = typeof contents === "string" ? encoder.encode(contents) : contents;
    },
    listFiles: () => [],
  });
  if (error) throw new SyntaxError(`Cannot compile the kernels:\n${stderr.toString()}`);
  return Object.fromEntries(BUILT.map((name) => [name, files[name]!]));
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  const stale: string[] = [];
  for (const [name, bytes] of Object.entries(await buildKernels())) {
    const path = new URL(name, FOLDER);
    if (!check) Deno.writeFileSync(path, bytes);
    else if (Deno.readFileSync(path).join() !== bytes.join()) stale.push(fileURLToPath(path));
  }
  if (stale.length > 0) {
    console.error(`not what the sources give (deno task build:kernels): ${stale.join(", ")}`);
    Deno.exit(1);
  }
}
