/**
 * Figures of stored studies in a notebook: of the first that has what a figure needs, so that a
 * notebook also runs where the whole study has not.
 *
 * @module
 */
import { exists } from "../files.ts";
import { readStudy, type StoredCell } from "../runs/study.ts";
import { drawStudyFigure, STUDY_FIGURES, type StudyFigure } from "./figures.ts";
import { escapeText } from "./html.ts";
import { show, showHtml, type ShowOptions } from "./show.ts";

/** A study and where it is stored. */
export interface StoredStudy {
  readonly folder: string;
  readonly cells: readonly StoredCell[];
}

/**
 * Reads those of some studies that hold a finished cell, in the order given.
 *
 * @param folders Best first, such as `results/full` and `results/quick`; none need be there.
 * @throws As {@linkcode readStudy}, but for a folder that is not there.
 */
export async function readStudies(folders: readonly string[]): Promise<StoredStudy[]> {
  const studies: StoredStudy[] = [];
  for (const folder of folders) {
    const cells = await exists(folder) ? await readStudy(folder) : [];
    if (cells.length > 0) studies.push({ folder, cells });
  }
  return studies;
}

/**
 * Shows a figure below the cell, of the first study that holds what it needs; where none does, a
 * sentence says what that is.
 *
 * @param id Of one of {@linkcode STUDY_FIGURES}.
 * @throws {RangeError} When there is no such figure.
 */
export async function showStudyFigure(
  id: string,
  studies: readonly StoredStudy[],
  options: ShowOptions = {},
): Promise<void> {
  const wanted = studyFigure(id);
  for (const cells of [...studies.map(({ cells }) => cells), []]) {
    const figure = drawStudyFigure(wanted, cells); // of no cells where it needs none
    if (figure) return await show(figure, options);
  }
  const text = `Not drawn: no stored study has ${wanted.needs}. ` +
    "deno task reproduce runs all of it, deno task reproduce --quick a part.";
  await showHtml(`<p><em>${escapeText(text)}</em></p>`, text, options);
}

/** A figure by its id. */
function studyFigure(id: string): StudyFigure {
  const found = STUDY_FIGURES.find((each) => each.id === id);
  if (found) return found;
  const ids = STUDY_FIGURES.map(({ id }) => id).join(", ");
  throw new RangeError(
    `Cannot show a figure as its id must be one of ${ids}: current value is ${id}`,
  );
}
