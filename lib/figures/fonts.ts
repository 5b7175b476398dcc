/**
 * The font of every figure. A picture is laid out by the widths of its texts, so these come from
 * font files of a package: the machine's own fonts would give each machine its own picture.
 *
 * @module
 */

/**
 * What figures ask for. DejaVu Sans is what is measured; Verdana, which Windows and macOS have, is
 * about as wide.
 */
export const FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif";

/** How a text is set. */
export interface TextStyle {
  /** Pixels. */
  readonly size: number;
  readonly bold: boolean;
}

/** Lengths of a text on one line, in pixels. */
export interface TextMeasure {
  readonly width: number;
  /** From the baseline up to the top of the line. */
  readonly ascent: number;
  /** From the baseline down to the bottom of the line. */
  readonly descent: number;
}

/** Measures a text on one line. */
export type MeasureText = (text: string, style: TextStyle) => TextMeasure;

let files: Promise<readonly Uint8Array<ArrayBuffer>[]> | undefined;

/** The font files: regular, bold and oblique, read once. */
export function fontFiles(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  return files ??= readFonts();
}

async function readFonts(): Promise<Uint8Array<ArrayBuffer>[]> {
  // Fonts are no modules: what brings their package here is the import of its description.
  await import("dejavu-fonts-ttf/package.json", { with: { type: "json" } });
  const faces = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"];
  return Promise.all(
    faces.map((face) =>
      Deno.readFile(new URL(import.meta.resolve(`dejavu-fonts-ttf/ttf/${face}.ttf`)))
    ),
  );
}

/** Reads the fonts, and measures as browsers do: glyphs side by side, pairs of them kerned. */
export async function openMeasure(): Promise<MeasureText> {
  const { parse } = (await import("opentype.js")).default;
  const [regular, bold] = (await fontFiles()).map(({ buffer }) => parse(buffer));
  return (text, style) => {
    const font = style.bold ? bold : regular;
    const scale = style.size / font.unitsPerEm;
    let [units, previous] = [0, -1];
    // Glyph by glyph: getAdvanceWidth() and getKerningValue() of opentype.js 2.0.0 fail on DejaVu.
    for (const character of text) {
      const { index, advanceWidth } = font.charToGlyph(character);
      units += advanceWidth + (font.kerningPairs[`${previous},${index}`] ?? 0);
      previous = index;
    }
    return {
      width: units * scale,
      ascent: Math.round(font.ascender * scale), // as browsers round them
      descent: Math.round(-font.descender * scale),
    };
  };
}
