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
    "--initialMemory=1", // else V8 checks every access twice
    "--sharedMemory",
    "--maximumMemory=65536", // pages, as tfjs's heap has
    "--optimizeLevel=3",
    "--noAssert",
    "--enable=threads",
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
  // Data would be written over what tfjs keeps at the start of the heap.
  if (sections(files["kernels.wasm"]!).includes(DATA)) {
    throw new SyntaxError(
      "Cannot use the kernels as they must hold no data: a table was compiled in",
    );
  }
  return Object.fromEntries(BUILT.map((name) => [name, files[name]!]));
}

/** Id of a WebAssembly module's data section. */
const DATA = 11;

/** The ids of a WebAssembly module's sections. */
function sections(module: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < module.length;) { // after the magic number and the version
    ids.push(module[at++]!);
    let [size, shift] = [0, 0];
    do {
      size |= (module[at]! & 0x7f) << shift; // unsigned LEB128
      shift += 7;
    } while (module[at++]! & 0x80);
    at += size;
  }
  return ids;
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
