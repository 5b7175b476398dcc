/**
 * Results as tables in Markdown.
 *
 * @module
 */
import { fitPowerLaw, type Growth } from "./fit.ts";
import type { KernelUse } from "./profile.ts";
import { describe, type Row } from "./race.ts";
import type { Part, Results } from "./results.ts";
import { SIZES, stepFlops } from "./sizes.ts";

/** A table: columns after the first are numbers, and stand at the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, i) => i === 0 ? "---" : "---:");
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}

/** Three digits that count, without an exponent; `-` for what is not known. */
export function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}

const mebibytes = (bytes: unknown) => typeof bytes === "number" ? short(bytes / 2 ** 20) : "-";

const PEER = /^(PyTorch|Hugging Face|TRL|jax-js)/;

/** Whether a contender is somebody else's, which ours are compared with. */
export function isPeer({ contender }: Pick<Row, "contender">): boolean {
  return PEER.test(contender);
}

/** Rows that were asked for the same, in order. */
function sameQuestion(rows: readonly Row[]): Row[][] {
  const groups = Map.groupBy(
    rows,
    ({ what, size, point }) => `${what}, ${size}, ${describe(point)}`,
  );
  return [...groups.values()];
}

/** The least time of the rows that a condition holds for; undefined without any. */
function least(rows: readonly Row[], holds: (row: Row) => boolean): number | undefined {
  const times = rows.filter(holds).flatMap(({ ms }) => ms ?? []);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Contenders side by side, each group under its question. */
export function raceTable(rows: readonly Row[]): string {
  return sameQuestion(rows).map((group) => {
    const [{ what, size, point }] = group as [Row, ...Row[]];
    const peer = least(group, isPeer);
    const plain = least(group, ({ contender }) => contender.startsWith("plain"));
    const hasRollouts = group.some(({ seen }) => seen?.rolloutMs);
    const header = [
      "contender",
      "median ms",
      "least",
      "most",
      "repeats",
      "tokens/s",
      "time / peer's best",
      "plain / time",
      ...(hasRollouts ? ["last rollout"] : []),
    ];
    const cells = group.map(({ contender, ms, range, repeats, tokens, seen, error }) =>
      ms === undefined ? [`${contender}: ${error}`, ...header.slice(1).map(() => "-")] : [
        contender,
        short(ms),
        short(range?.[0]),
        short(range?.[1]),
        String(repeats),
        tokens > 0 ? short(1000 * tokens / ms) : "-",
        short(peer && ms / peer),
        short(plain && plain / ms),
        ...(hasRollouts ? [short(seen?.rolloutMs as number | undefined)] : []),
      ]
    );
    return `**${what}, ${size}**, ${describe(point)}\n\n${table(header, cells)}`;
  }).join("\n\n");
}

/** A contender's cost at the points of one sweep. */
export interface Sweep {
  readonly what: string;
  readonly size: string;
  readonly contender: string;
  /** What varied. */
  readonly axis: string;
  /** `[n, cost]`. */
  readonly points: readonly (readonly [number, number])[];
  /** Absent with fewer than two points. */
  readonly growth?: Growth;
}

/**
 * The rows of sweeps, which are named `<what> by <axis>`, put together.
 *
 * @param costOf undefined leaves the row out.
 */
export function sweepsOf(
  rows: readonly Row[],
  costOf: (row: Row) => number | undefined = ({ ms }) => ms,
): Sweep[] {
  const groups = Map.groupBy(
    rows,
    ({ what, size, contender }) => [what, size, contender].join("\n"),
  );
  return [...groups.values()].map((group) => {
    const [first] = group as [Row, ...Row[]];
    const [what, axis] = first.what.split(" by ") as [string, string];
    const points = group.flatMap((row) => {
      const cost = costOf(row);
      return cost === undefined ? [] : [[Number(row.point[axis]), cost] as const];
    });
    const growth = points.length > 1 ? { growth: fitPowerLaw(points) } : {};
    return { what, axis, size: first.size, contender: first.contender, points, ...growth };
  });
}

/** Sweeps by size, in order. */
export function bySize(sweeps: readonly Sweep[]): Map<string, Sweep[]> {
  return Map.groupBy(sweeps, ({ size }) => size);
}

/** What each contender took along each axis, and the exponent of its growth. */
export function sweepTable(sweeps: readonly Sweep[], unit: string): string {
  const groups = Map.groupBy(
    sweeps,
    ({ what, size, axis }) => `**${what}, ${size}**, ${unit} by ${axis}`,
  );
  return [...groups].map(([title, group]) => {
    const all = [...new Set(group.flatMap(({ points }) => points.map(([n]) => n)))];
    const header = ["contender", ...all.map(String), "exponent", "R²"];
    const cells = group.map(({ contender, points, growth }) => [
      contender,
      ...all.map((n) => short(points.find(([at]) => at === n)?.[1])),
      growth ? growth.exponent.toFixed(2) : "-",
      growth ? growth.rSquared.toFixed(3) : "-",
    ]);
    return `${title}\n\n${table(header, cells)}`;
  }).join("\n\n");
}

/** Kernels by name, with the size of what each library gave, which must agree. */
function kernelTable(rows: readonly Row[]): string {
  return [...Map.groupBy(rows, ({ size }) => size)].map(([device, onDevice]) => {
    const contenders = [...new Set(onDevice.map(({ contender }) => contender))];
    const cells = [...Map.groupBy(onDevice, ({ point }) => String(point.kernel))].map(
      ([kernel, group]) => {
        const sizes = group.flatMap(({ seen }) => seen?.size as number | undefined ?? []);
        const apart = (Math.max(...sizes) - Math.min(...sizes)) / Math.max(...sizes);
        const ms = (name: string) => group.find(({ contender }) => contender === name)?.ms;
        return [kernel, ...contenders.map((name) => short(ms(name))), apart.toExponential(0)];
      },
    );
    return `**${device}**, ms\n\n${table(["kernel", ...contenders, "results apart"], cells)}`;
  }).join("\n\n");
}

/** Kernels that multiply matrices, by what {@linkcode stepFlops} calls them. */
const PRODUCTS = {
  projections: ["Linear", "LinearGrad", "BatchMatMul", "_FusedMatMul"],
  attention: ["Attention", "AttentionGrad"],
  output: ["TokenLogProbs", "TokenLogProbsGrad"],
} as const;

/** Weights and both moments are written where they were read: 7 tensors pass, of which 4 are given. */
const PASSES: Readonly<Record<string, number>> = { Adamw: 7 / 4 };

function gigabytesPerSecond(kernel: string, { bytes, ms }: KernelUse): number {
  return (PASSES[kernel] ?? 1) * bytes / ms / 1e6;
}

/** How near a training step comes to what the machine can multiply and move. */
function limitTables(rows: readonly Row[]): string {
  const limits = rows.filter(({ what }) => what === "limit");
  const n = (row: Row) => Number(row.point.n);
  const rate = (row: Row) => row.ms === undefined ? undefined : 2 * n(row) ** 3 / row.ms / 1e6;
  const copied = (row: Row) => {
    const ms = row.seen?.copyMs as number | undefined;
    return ms === undefined ? undefined : 2 * Number(row.point.bytes) / ms / 1e6; // read and written
  };
  const best = (name: RegExp, of: (row: Row) => number | undefined) =>
    Math.max(
      ...limits.filter(({ contender }) => name.test(contender)).flatMap((row) => of(row) ?? []),
    );
  const cells = limits.map((row) => [row.contender, short(rate(row)), short(copied(row))]);
  const rates = table(["limit", "GFLOP/s of a large product", "GB/s of a large copy"], cells);

  const steps = rows.filter(({ what, ms }) => what === "profile" && ms !== undefined);
  const shares = steps.map(({ size, contender, point, ms, seen }) => {
    const { shape } = SIZES.find(({ name }) => name === size)!;
    const flops = stepFlops(shape, Number(point.batch), Number(point.seq));
    const kernels = seen!.kernels as Record<string, KernelUse>;
    const time = (names: readonly string[]) =>
      names.reduce((sum, name) => sum + (kernels[name]?.ms ?? 0), 0);
    const limit = contender === "webgpu" ? best(/^webgpu/, rate) : best(/^BLAS/, rate);
    const isTimed = contender !== "webgpu"; // its kernels run after the call
    const parts = Object.entries(PRODUCTS) as [keyof typeof PRODUCTS, readonly string[]][];
    const productMs = parts.reduce((sum, [, names]) => sum + time(names), 0);
    const all = flops.projections + flops.attention + flops.output;
    const share = (flops: number, ms: number) => short(100 * flops / ms / 1e6 / limit);
    return [
      `${size}, ${contender}`,
      short(ms),
      short(all / 1e9),
      share(all, ms!),
      isTimed ? short(100 * productMs / ms!) : "-",
      isTimed ? share(all, productMs) : "-",
      ...parts.map(([name, names]) => isTimed ? share(flops[name], time(names)) : "-"),
    ];
  });
  const achieved = table([
    "training step",
    "median ms",
    "GFLOP",
    "step, % of the limit",
    "products, % of the step",
    "products, % of the limit",
    "projections",
    "attention",
    "output",
  ], shares);

  const copy = best(/^copy/, copied);
  const moved = steps.filter(({ contender }) => contender !== "webgpu").map((row) => {
    const used = Object.entries(row.seen!.kernels as Record<string, KernelUse>);
    const cells = used.toSorted(([, a], [, b]) => b.ms - a.ms).slice(0, 12).map(([name, use]) => [
      name,
      String(use.calls),
      short(use.ms),
      short(100 * use.ms / row.ms!),
      short(gigabytesPerSecond(name, use)),
      short(100 * gigabytesPerSecond(name, use) / copy),
    ]);
    const header = ["kernel", "calls", "ms", "% of the step", "GB/s", "% of the copy"];
    return `**${row.size}, ${row.contender}**\n\n${table(header, cells)}`;
  });
  return [rates, achieved, ...moved].join("\n\n");
}

/** Launches of each layer and of the rest, from policies of two depths. */
function launchTable(rows: readonly Row[]): string {
  const layersOf = ({ size }: Row) => parseInt(size);
  const launched = (row: Row) => row.seen?.launches as number;
  const line = (name: string, counts: readonly (readonly [layers: number, count: number])[]) => {
    const [[few, less], [many, more]] = counts as [[number, number], [number, number]];
    const perLayer = (more - less) / (many - few);
    return [
      name,
      ...counts.map(([, count]) => short(count)),
      short(perLayer),
      short(less - few * perLayer),
    ];
  };
  const training = rows.filter(({ what }) => what === "launches of a train step");
  const steps = [...Map.groupBy(
    rows.filter(({ what }) => what === "launches of a generation"),
    layersOf,
  )].map(([layers, group]) => {
    const [a, b] = group as [Row, Row];
    const tokens = Number(b.point.newTokens) - Number(a.point.newTokens);
    return [layers, (launched(b) - launched(a)) / tokens] as const;
  });
  const failed = rows.filter(({ error }) => error).map(({ what, error }) => `${what}: ${error}`);
  if (failed.length > 0) return failed.join("\n\n");
  if (rows.length === 0) return "Not counted: no WebGPU adapter was found.";
  return table(
    ["launches", ...steps.map(([layers]) => `${layers} layers`), "per layer", "besides"],
    [
      line("training step", training.map((row) => [layersOf(row), launched(row)] as const)),
      line("decode step", steps),
    ],
  );
}

/** Bytes that a training step needed on top of what the process held before. */
export function residentGrowth({ seen }: Row): number | undefined {
  const { before, peak } = (seen ?? {}) as { before?: number; peak?: number };
  return before === undefined || peak === undefined ? undefined : peak - before;
}

/** Bytes by which tfjs's heap, or its buffers on the GPU, grew. */
export function deviceGrowth({ seen }: Row): number | undefined {
  const { deviceBytes, deviceBytesBefore } = (seen ?? {}) as Record<string, number | undefined>;
  return deviceBytes === undefined ? undefined : deviceBytes - (deviceBytesBefore ?? 0);
}

function memoryTables(rows: readonly Row[]): string {
  const named = rows.map((row) => ({ ...row, what: "memory of a training step by seq" }));
  const inMebibytes = (of: (row: Row) => number | undefined) => (row: Row) => {
    const bytes = of(row);
    return bytes === undefined || bytes <= 0 ? undefined : bytes / 2 ** 20;
  };
  const failed = rows.filter(({ error }) => error)
    .map(({ contender, point, error }) => `${contender}, ${describe(point)}: ${error}`);
  return [
    sweepTable(sweepsOf(named, inMebibytes(residentGrowth)), "MiB of the process"),
    sweepTable(sweepsOf(named, inMebibytes(deviceGrowth)), "MiB of tfjs's heap or GPU buffers"),
    ...failed,
  ].join("\n\n");
}

function growthTable(rows: readonly Row[]): string {
  const cells = rows.map(({ contender, seen }) => {
    const { tensors, deviceBytes, residentBytes } = seen as Record<string, number[]>;
    const at = (values: number[], share: number) => values[Math.floor(share * (values.length - 1))];
    return [
      contender,
      `${at(tensors!, 0.1)} → ${at(tensors!, 1)}`,
      `${mebibytes(at(deviceBytes!, 0.1))} → ${mebibytes(at(deviceBytes!, 1))}`,
      `${mebibytes(at(residentBytes!, 0.1))} → ${mebibytes(at(residentBytes!, 1))}`,
    ];
  });
  const header = [
    "after a tenth → at the end",
    "tensors",
    "MiB of heap or GPU buffers",
    "MiB of the process",
  ];
  return table(header, cells);
}

/** Answers a second, and what hostile texts take. */
function gradingTables(rows: readonly Row[]): string {
  const timed = rows.filter(({ ms }) => ms !== undefined);
  const rates = timed.filter(({ point }) => point.answers).map(({ point, ms, seen }) => {
    const rate = 1000 * Number(point.count) / ms!;
    const correct = `${seen!.correct} of ${point.count}`;
    return [String(point.answers), short(rate), short(rate / Number(seen!.cores)), correct];
  });
  const hostile = timed.filter(({ point }) => point.hostile)
    .map(({ point, ms, range }) => [String(point.hostile), short(ms), short(range?.[1])]);
  const failed = rows.flatMap(({ error }) => error ?? []);
  return [
    table(["answers", "a second", "a second and core", "correct"], rates),
    table(["hostile text", "median ms", "most"], hostile),
    ...failed,
  ].join("\n\n");
}

/** Titles and tables of the parts, in the order of the page. */
const SECTIONS: Readonly<
  Record<string, { title: string; text: (rows: readonly Row[]) => string }>
> = {
  train: { title: "Training step", text: raceTable },
  generate: { title: "Generation", text: raceTable },
  grpo: { title: "A whole GRPO step", text: raceTable },
  cost: { title: "How cost grows", text: (rows) => sweepTable(sweepsOf(rows), "ms") },
  kernels: { title: "Single kernels", text: kernelTable },
  limits: { title: "Share of the device's limit", text: limitTables },
  launches: { title: "Launches on webgpu", text: launchTable },
  memory: { title: "Memory by sequence length", text: memoryTables },
  growth: { title: "Memory over many steps", text: growthTable },
  grading: { title: "Grading of answers", text: gradingTables },
};

/** One part: its title, its table and what it stands on. */
export function section(name: string, { about, rows }: Part): string {
  const { title, text } = SECTIONS[name]!;
  const gaps = rows.flatMap(({ gap }) => gap ?? []);
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`);
  const variables = Object.entries(about.environment).map(([name, value]) => `${name}=${value}`);
  const devices = [...new Set(rows.flatMap(({ device }) => device ?? []))];
  const footer = [
    `${about.date}, commit ${about.commit}, seed ${about.seed}${
      about.quick ? ", a quick run" : ""
    }.`,
    `${about.machine}; ${[...versions, ...devices, ...variables].join(", ")}.`,
    ...(gaps.length > 0
      ? [
        `Peers' scores differ from ours, with the same weights, by at most ${
          Math.max(...gaps).toExponential(1)
        }.`,
      ]
      : []),
  ];
  return `## ${title}\n\n${text(rows)}\n\n${footer.join("  \n")}`;
}

/** What the tables cannot say. */
const INTRODUCTION = `# Benchmark

Written by \`deno task bench\`; \`bench.json\` holds every number. Times are medians of repeats in which
the contenders take turns, each in a process of its own, the first repeat left out. All contenders of
a size load the same weights, and the peers' scores are compared with ours before they run. Peers run
with one thread and with one for each core: the better counts. Generated completions have full length: no end
of text stops them. "plain tfjs" is our code on TensorFlow.js without a kernel of ours.

- PyTorch: the same architecture as a module, \`scaled_dot_product_attention\`, \`nn.RMSNorm\`, AdamW by
  default, clip at norm 1; eager, or by \`torch.compile\`.
- Hugging Face: \`LlamaForCausalLM.generate\`, plain sampling, its default cache.
- TRL: \`GRPOTrainer\` in float32 without checkpointing of activations; "by default" is bfloat16 with
  checkpointing, as it comes. Completions of GRPO steps end when they like, and about half of the
  groups have no signal, as in a real run: their forward and backward pass is left out here.
- jax-js: single kernels only, compiled by its \`jit\`, from formulas where it has no such function.
- Share of the limit: FLOPs are those a step has to multiply, forward and twice backward, attention
  over half of each square; softmax and what is computed a second time are left out, though their
  time counts. GB/s are those of the tensors a kernel is given and gives.`;

/** Which part a picture belongs to, by the beginning of its name. */
const PICTURES: Readonly<Record<string, RegExp>> = {
  cost: /^(train_step|generate)_/,
  memory: /^memory/,
  growth: /^growth/,
};

/** The page of a results folder: all parts that there are, with their pictures. */
export function page(results: Results, pictures: readonly string[]): string {
  const parts = Object.keys(SECTIONS).flatMap((name) => {
    if (!results[name]) return [];
    const shown = pictures.filter((picture) => PICTURES[name]?.test(picture));
    return [section(name, results[name]), ...shown.map((file) => `![${file}](${file})`)];
  });
  return [INTRODUCTION, ...parts].join("\n\n") + "\n";
}
