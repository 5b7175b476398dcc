/**
 * The parts of the benchmark that are about memory.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a benchmark of an hour tells how far it is
import { forgetPeak, residentBytes, start } from "./process.ts";
import { type Contender, describe, type Row, tokensOf } from "./race.ts";
import { ALL_THREADS, anyWebGpu, ours, plainOf, type Setup, theirs } from "./setup.ts";
import { llama } from "./sizes.ts";

/** Peak memory of a training step by sequence length, each in a process of its own. */
export async function memory(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const [size] = setup.sizes;
  const folder = await setup.folderOf(size!);
  const named = setup.devices.filter(({ options }) => options.prefer !== "webgpu");
  const devices = [...named, ...await anyWebGpu(), ...plainOf(named)];
  const contenders = [
    ...ours(devices, "train", { folder }),
    ...theirs(setup, "PyTorch eager", "train", { folder }, ALL_THREADS),
  ];
  const seqs = setup.quick ? [256, 512] : [256, 512, 1024, 2048];
  for (const { name, program, spec } of contenders) {
    for (const seq of seqs) {
      const point = { batch: 4, seq };
      console.error(`memory, ${size!.name}, ${describe(point)}, ${name}`);
      rows.push(await memoryRow({ name, program, spec }, size!.name, point));
    }
  }
  return rows;
}

async function memoryRow(
  { name, program, spec }: Contender,
  size: string,
  point: { batch: number; seq: number },
): Promise<Row> {
  const tokens = tokensOf(point);
  const row = { what: "memory", size, contender: name, point, tokens, repeats: 1 };
  try {
    const running = await start(program, spec);
    forgetPeak(running.pid);
    const before = residentBytes(running.pid)?.now;
    const { ms, ...seen } = await running.repeat(point);
    const peak = residentBytes(running.pid)?.peak;
    await running.close();
    const deviceBytesBefore = running.ready.deviceBytes;
    const resident = before === undefined ? {} : { before, peak };
    return { ...row, ms, seen: { ...seen, deviceBytesBefore, ...resident } };
  } catch (error) {
    return { ...row, repeats: 0, error: (error as Error).message };
  }
}

/** Memory after each of 1,000 training steps of varying lengths. */
export async function growth(setup: Setup): Promise<Row[]> {
  const rows: Row[] = [];
  const size = { name: "2 layers", shape: llama(64, 2, 64) };
  const folder = await setup.folderOf(size);
  const wasm = setup.devices.filter(({ options }) => options.prefer === "wasm").slice(0, 1);
  const devices = [...wasm, ...await anyWebGpu()];
  const steps = setup.quick ? 50 : 1000;
  for (const { name, program, spec } of ours(devices, "train", { folder })) {
    console.error(`growth, ${steps} steps, ${name}`);
    const running = await start(program, spec);
    const seen: Record<string, number[]> = { tensors: [], deviceBytes: [], residentBytes: [] };
    for (let step = 0; step < steps; step++) {
      // Lengths that look random and are the same in every run.
      const seq = 16 + (step * 7919) % 241;
      const { tensors, deviceBytes } = await running.repeat({ batch: 4, seq });
      seen.tensors!.push(tensors as number);
      seen.deviceBytes!.push(deviceBytes as number);
      seen.residentBytes!.push(residentBytes(running.pid)?.now ?? 0);
    }
    await running.close();
    const point = { batch: 4, steps };
    rows.push({
      what: "growth",
      size: size.name,
      contender: name,
      point,
      tokens: 0,
      repeats: steps,
      seen,
    });
  }
  return rows;
}
