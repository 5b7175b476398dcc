// deno task figures --study results/full
// deno-lint-ignore-file no-console
import {
  type DrawnFigure,
  drawStudy,
  makeFolder,
  readStudy,
  STUDY_FIGURES,
  type StudyFigure,
  toHtml,
  toHtmlPage,
  toPng,
  toSvg,
  writeWhole,
} from "../mod.ts";
import { type Command, type Flag, runTask, UsageError, type Values } from "./_cli.ts";

const command = {
  name: "figures",
  about: "draws the figures of a study as SVG and PNG, small enough to commit, and as web pages " +
    "that need no network, about 5 MB each.",
  flags: {
    study: {
      kind: "text",
      value: "DIR",
      default: "results/full",
      help: "Results, a folder for each cell",
    },
    out: {
      kind: "text",
      value: "DIR",
      help: "Where pictures go; figures/ in --study unless given",
    },
    pages: {
      kind: "text",
      value: "DIR",
      help: "Where web pages go, index.html with all; runs/figures/<study> unless given",
    },
    only: { kind: "text", value: "TEXT", help: "Draw only figures whose id contains this" },
    list: { kind: "switch", help: "Draw nothing: list the figures and what each needs" },
  },
  examples: [
    "deno task figures --list",
    "deno task figures --study results/quick",
    "deno task figures --only main-table",
  ],
} as const satisfies Command<Record<string, Flag>>;

/** Draws what the study holds enough for. */
async function figures(flags: Values<typeof command.flags>): Promise<void> {
  const wanted = STUDY_FIGURES.filter(({ id }) => id.includes(flags.only ?? ""));
  if (wanted.length === 0) {
    const ids = STUDY_FIGURES.map(({ id }) => id).join(", ");
    throw new UsageError(`--only must be part of one of ${ids}: current value is "${flags.only}"`);
  }
  if (flags.list) return console.log(wanted.map(listed).join("\n"));
  const study = await readStudy(flags.study);
  const out = flags.out ?? `${flags.study}/figures`;
  const pages = flags.pages ?? `runs/figures/${flags.study.split(/[\\/]/).filter(Boolean).at(-1)}`;
  const drawn = drawStudy(study, wanted);
  await makeFolder(out);
  await makeFolder(pages);
  for (const each of drawn) {
    await save(each, out, pages);
    console.log(`${out}/${each.id}.svg`);
  }
  if (flags.only === undefined) await saveIndex(drawn, pages, flags.study);
  for (const { id, needs } of wanted) {
    if (!drawn.some((each) => isOf(each.id, id))) console.log(`left out ${id}: it needs ${needs}`);
  }
  console.log(`${drawn.length} figures in ${out}, as pages in ${pages}`);
}

function listed({ id, needs, caption }: StudyFigure): string {
  return `${id.padEnd(24)} needs ${needs}\n${"".padEnd(24)} ${caption}`;
}

/** Whether a drawn figure is the one of this id, for any dataset. */
function isOf(drawn: string, id: string): boolean {
  return drawn.split("@")[0] === id;
}

/** Writes a figure in its three forms. */
async function save({ id, figure }: DrawnFigure, out: string, pages: string): Promise<void> {
  const svg = await toSvg(figure);
  await writeWhole(`${out}/${id}.svg`, svg);
  await writeWhole(`${out}/${id}.png`, await toPng(svg, { scale: 1 })); // as large as the SVG
  await writeWhole(`${pages}/${id}.html`, await toHtml(figure, { title: id }));
}

/** Writes one page with all figures. */
async function saveIndex(
  drawn: readonly DrawnFigure[],
  pages: string,
  study: string,
): Promise<void> {
  const page = await toHtmlPage(drawn.map(({ figure, caption }) => ({ figure, caption })), {
    title: `Figures of ${study}`,
  });
  await writeWhole(`${pages}/index.html`, page);
}

if (import.meta.main) await runTask(command, figures);
