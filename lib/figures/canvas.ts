/**
 * The little of a canvas that Plotly's heatmaps use: pixels are set and then read as a PNG. jsdom
 * has none without a native package.
 *
 * @module
 */
import { encode } from "fast-png";

/** What is read here of a canvas element. */
interface Canvas {
  readonly width: number;
  readonly height: number;
}

/** Pixels in rows from the top left, four bytes each: red, green, blue, alpha. */
interface Pixels extends Canvas {
  readonly data: Uint8ClampedArray;
}

/**
 * Gives jsdom's canvas elements the methods of browsers that Plotly calls.
 *
 * @param prototype That of jsdom's `HTMLCanvasElement`.
 */
export function installCanvas(prototype: object): void {
  const contexts = new WeakMap<Canvas, PixelContext>();
  const contextOf = (canvas: Canvas): PixelContext => {
    const context = contexts.get(canvas) ?? new PixelContext(canvas);
    contexts.set(canvas, context);
    return context;
  };
  Object.assign(prototype, {
    getContext(this: Canvas, kind: string): PixelContext | null {
      return kind === "2d" ? contextOf(this) : null; // no WebGL
    },
    toDataURL(this: Canvas): string {
      const { width, height } = this;
      const data = new Uint8Array(contextOf(this).pixels);
      return `data:image/png;base64,${encode({ width, height, data, channels: 4 }).toBase64()}`;
    },
  });
}

/** A context whose shapes replace what was there, without blending. */
class PixelContext {
  /** Colour of {@linkcode fillRect}. */
  fillStyle = "#000";
  #data = new Uint8ClampedArray();

  constructor(readonly canvas: Canvas) {}

  /** `[height, width, 4]`; transparent at first, and again when the canvas changes its size. */
  get pixels(): Uint8ClampedArray {
    const size = 4 * this.canvas.width * this.canvas.height;
    if (this.#data.length !== size) this.#data = new Uint8ClampedArray(size);
    return this.#data;
  }

  clearRect(): void {
    this.pixels.fill(0); // Plotly clears all or nothing
  }

  createImageData(width: number, height: number): Pixels {
    return { width, height, data: new Uint8ClampedArray(4 * width * height) };
  }

  putImageData({ width, height, data }: Pixels, x: number, y: number): void {
    for (let row = 0; row < height; row++) {
      const from = 4 * row * width;
      this.pixels.set(data.subarray(from, from + 4 * width), this.#at(x, y + row));
    }
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const color = colorOf(this.fillStyle);
    const within = (value: number, end: number) => Math.min(end, Math.max(0, Math.round(value)));
    const [left, right] = [x, x + width].map((each) => within(each, this.canvas.width));
    const [top, bottom] = [y, y + height].map((each) => within(each, this.canvas.height));
    for (let row = top!; row < bottom!; row++) {
      for (let column = left!; column < right!; column++) {
        this.pixels.set(color, this.#at(column, row));
      }
    }
  }

  #at(x: number, y: number): number {
    return 4 * (y * this.canvas.width + x);
  }
}

/** Bytes of a colour as Plotly's heatmaps write it, `rgba(1,2,3,0.5)`. */
function colorOf(style: string): number[] {
  const [red = 0, green = 0, blue = 0, alpha = 1] = style.match(/[\d.]+/g)?.map(Number) ?? [];
  return [red, green, blue, 255 * alpha];
}
