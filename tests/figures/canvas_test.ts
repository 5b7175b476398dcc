import { assertEquals } from "@std/assert";
import { decode } from "fast-png";
import { installCanvas } from "../../lib/figures/canvas.ts";

/** What is asked here of a canvas and its context. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "2d"): {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    createImageData(width: number, height: number): { data: Uint8ClampedArray };
    putImageData(pixels: unknown, x: number, y: number): void;
  };
  getContext(kind: string): unknown;
  toDataURL(): string;
}

function canvasOf(width: number, height: number): Canvas {
  const canvas = { width, height };
  installCanvas(canvas);
  return canvas as Canvas;
}

function pixelsOf(canvas: Canvas): number[] {
  const png = decode(Uint8Array.fromBase64(canvas.toDataURL().split(",")[1]!));
  assertEquals([png.width, png.height, png.channels], [canvas.width, canvas.height, 4]);
  return [...png.data];
}

const [RED, HALF, NONE] = [[255, 0, 0, 255], [0, 0, 255, 128], [0, 0, 0, 0]];

Deno.test("fillRect() fills what lies within the canvas, whole pixels", () => {
  const canvas = canvasOf(3, 2);
  const context = canvas.getContext("2d");
  context.fillStyle = "rgba(255,0,0,1)";
  context.fillRect(1.2, -5, 9, 6); // from 1 to the right, down to 1
  context.fillStyle = "rgba(0,0,255,0.5)";
  context.fillRect(0, 1, 1, 1);
  assertEquals(pixelsOf(canvas), [NONE, RED, RED, HALF, NONE, NONE].flat());
});

Deno.test("putImageData() puts rows of pixels at their place", () => {
  const canvas = canvasOf(2, 3);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(1, 2);
  pixels.data.set([...RED!, ...HALF!]);
  context.putImageData(pixels, 1, 1);
  assertEquals(pixelsOf(canvas), [NONE, NONE, NONE, RED, NONE, HALF].flat());
});

Deno.test("getContext() is the same for the same canvas, and there is none for WebGL", () => {
  const canvas = canvasOf(1, 1);
  assertEquals(canvas.getContext("2d") === canvas.getContext("2d"), true);
  assertEquals(canvas.getContext("webgl"), null);
});
