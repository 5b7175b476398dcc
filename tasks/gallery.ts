// deno task gallery
import {
  addition,
  type AdditionOptions,
  countdown,
  type CountdownOptions,
  type Dataset,
  multiplication,
  operators,
  operatorsChecked,
  type Protocol,
  PROTOCOLS,
  PUBLISHED_DATASETS,
  type PublishedDataset,
  questionsToCsv,
  type Split,
  writeWhole,
} from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import { code, table } from "./_markdown.ts";

const command = {
  name: "gallery",
  about: "writes the page that shows every dataset, and a CSV sample of each that is built in.",
  flags: {
    out: {
      kind: "text",
      value: "DIR",
      default: "datasets",
      help: "Folder of GALLERY.md and samples/<dataset>.csv; made when missing",
    },
  },
  examples: ["deno task gallery", "deno task gallery --out runs/gallery"],
} as const satisfies Command<Record<string, Flag>>;

/** A built-in dataset as the gallery shows it. */
export interface GalleryEntry {
  /** The function that makes it, and its heading and sample file. */
  readonly name: string;
  /** What it asks. */
  readonly about: string;
  /** Its options but `split`, with their defaults and meanings. */
  readonly options: readonly {
    readonly name: string;
    readonly value: number | string;
    readonly meaning: string;
  }[];
  /** Makes it. */
  make(options: AdditionOptions & CountdownOptions): Dataset;
}

const SPLITS: readonly Split[] = ["train", "validation", "ood"];
const SHOWN_PER_SPLIT = 5;
const ROWS_PER_FILE = 100;

const SEED = { name: "seed", value: 1, meaning: "names the random streams; whole, from 0" };
const SIZE = { name: "size", value: 1000, meaning: "questions in the dataset" };

/** Every built-in dataset, in the order of the page. */
export const builtInDatasets: readonly GalleryEntry[] = [
  {
    name: "operators",
    about:
      "Chains of operators on two-digit numbers, digit by digit without carry: `94+57` is 41.\n\n" +
      "`a@b` is `a+b+b` and `a&b` is `a-b-b`: both are new to the base policy.",
    options: [{ ...SIZE, value: "1500, or 240 outside train" }, SEED],
    make: operators,
  },
  {
    name: "operators-checked",
    about: "The questions of `operators`; each step of a demonstration is followed by its check, " +
      "a style that the base policy has never practised.",
    options: [{ ...SIZE, value: "1500, or 240 outside train" }, SEED],
    make: operatorsChecked,
  },
  {
    name: "countdown",
    about: "Reach a target from given numbers by + - * /, each number at most once.\n\n" +
      "Its verifier evaluates the expression after `#` and sees that it uses the numbers given. A " +
      "file is graded by its answer alone, so use `--dataset countdown`, not the sample file, to " +
      "train on it.",
    options: [
      { name: "numbers", value: 4, meaning: "numbers given, 2 to 5; ood gives one more" },
      { name: "maxNumber", value: 25, meaning: "largest number given, 1 to 100" },
      SIZE,
      SEED,
    ],
    make: countdown,
  },
  {
    name: "addition",
    about: "Sums of two numbers, worked column by column with the carry.",
    options: [
      { name: "digits", value: 2, meaning: "digits of either number, 1 to 12; ood has one more" },
      SIZE,
      SEED,
    ],
    make: addition,
  },
  {
    name: "multiplication",
    about: "Products of two numbers, worked by partial products.",
    options: [
      { name: "digits", value: 2, meaning: "digits of either number, 1 to 6; ood has one more" },
      SIZE,
      SEED,
    ],
    make: multiplication,
  },
];

/**
 * The page that shows each built-in dataset's options and first questions of each split, and where
 * the published ones come from, in Markdown.
 */
export function galleryPage(
  entries: readonly GalleryEntry[],
  published: readonly PublishedDataset[],
  protocols: readonly Protocol[],
): string {
  const opening = [
    "# Gallery of datasets",
    "Made by `deno task gallery` from the generators and the list of published sets in this folder: " +
    "change those, not this page.",
  ];
  const blocks = [
    ...opening,
    ...entries.flatMap(section),
    ...publishedSection(published),
    ...protocolSection(protocols),
  ];
  return blocks.join("\n\n") + "\n";
}

/** The blocks of one dataset's section. */
function section({ name, about, options, make }: GalleryEntry): string[] {
  return [
    `## ${name}`,
    about,
    table(
      ["option", "default", "meaning"],
      options.map(({ name, value, meaning }) => [code(name), String(value), meaning]),
    ),
    `More questions: [samples/${name}.csv](samples/${name}.csv).`,
    ...SPLITS.flatMap((split) => {
      const dataset = make({ split });
      const rows = Array.from({ length: Math.min(SHOWN_PER_SPLIT, dataset.size) }, (_, index) => {
        const { prompt, answer, demonstration = "", metadata } = dataset.question(index);
        return [code(prompt), code(answer), code(demonstration), metadata?.kind ?? ""];
      });
      return [`### ${name}, ${split}`, table(["prompt", "answer", "demonstration", "kind"], rows)];
    }),
  ];
}

/** The blocks about published sets. */
function publishedSection(sets: readonly PublishedDataset[]): string[] {
  const rows = sets.flatMap((set) => [
    ...set.files.map((file) => [
      code(set.name),
      file.split,
      set.only === undefined ? String(file.rows) : `of ${file.rows}`,
      file.bytes === undefined ? "" : String(file.bytes),
      code(set.source),
      code(file.hub?.path ?? file.url!.split("/").slice(6).join("/")),
      set.licence,
      file.sha256 === undefined ? "not known" : code(file.sha256),
    ]),
    ...Object.entries(set.elsewhere ?? {}).map((
      [split, other],
    ) => [code(set.name), split, `those of ${code(other)}`, "", "", "", "", ""]),
  ]);
  return [
    "## Published sets",
    "`deno task fetch data NAME` brings one to `downloads/data/NAME/` and checks its hash; " +
    "`--dataset NAME` opens it. `validation` is the publisher's test file, or all of a set that is " +
    "only for evaluation. A hash is not known where neither the file nor the Hugging Face hub's " +
    "word for it was at hand. Every answer is graded against itself, and every demonstration " +
    "against its answer, when a set is opened; what fails is listed and left out.",
    ...sets.map(({ name, about, needs }) =>
      `${code(name)}: ${about}${needs === undefined ? "" : ` Needs ${needs}.`}`
    ),
    table(
      ["name", "split", "rows", "bytes", "source", "path in it", "licence", "sha256"],
      rows,
    ),
  ];
}

/** The blocks about the paper's benchmarks. */
function protocolSection(protocols: readonly Protocol[]): string[] {
  const rows = protocols.map((each) => [
    each.benchmark,
    code(each.dataset),
    String(each.questions),
    `avg@${each.samples}`,
    String(each.temperature),
    String(each.maxNewTokens),
  ]);
  return [
    "## The paper's benchmarks",
    table(["benchmark", "dataset", "questions", "measure", "temperature", "tokens"], rows),
  ];
}

/** Writes `GALLERY.md` and `samples/<name>.csv` for every built-in dataset. */
export async function gallery({ out }: Values<typeof command.flags>): Promise<void> {
  await Deno.mkdir(`${out}/samples`, { recursive: true }).catch((error) => {
    throw new Error(`Cannot make ${out}/samples: ${error.message}`);
  });
  const page = galleryPage(builtInDatasets, PUBLISHED_DATASETS, PROTOCOLS);
  await writeWhole(`${out}/GALLERY.md`, page);
  for (const { name, make } of builtInDatasets) {
    const csv = questionsToCsv(make({ split: "train" }), ROWS_PER_FILE);
    await writeWhole(`${out}/samples/${name}.csv`, csv);
  }
}

if (import.meta.main) await runTask(command, gallery);
