/**
 * Policies as GGUF files, llama.cpp's format: one file of metadata and tensors, often quantized.
 *
 * @module
 */
// The header is well-kept elsewhere, with limits against hostile files.
import { type GGMLQuantizationType, gguf, type GGUFTensorInfo } from "@huggingface/gguf";
import type { ModelConfig } from "../config.ts";
import { type RopeScaling, rotation } from "../rope.ts";
import { ggufConfig, type GgufMetadata, publishedName } from "./gguf_config.ts";
import { BF16, F16, F32, type NumberFormat } from "./number_formats.ts";
import { QUANTIZED_FORMATS } from "./quantized.ts";
import { openFile, readStored, sizeOf, type StoredTensor, type TensorSource } from "./tensors.ts";

/** An open GGUF file. */
export interface GgufFile {
  readonly config: ModelConfig;
  /** Among it, the tokenizer. */
  readonly metadata: GgufMetadata;
  /** Tensors by Hugging Face's names, in its layouts, as float32. */
  readonly source: TensorSource;
}

/** What divides the angles of Llama 3's pairs, `[headDim / 2]`. */
const ROPE_FACTORS = "rope_freqs.weight";

/**
 * Opens a GGUF file: reads its header, and tensors when they are asked for.
 *
 * @throws {Deno.errors.NotFound} When there is none.
 * @throws {SyntaxError} When the file is cut off or garbled.
 * @throws {TypeError} When the model or a quantization is not supported.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const { metadata, stored } = await readHeader(path);
  const factors = stored[ROPE_FACTORS];
  delete stored[ROPE_FACTORS];
  const entries = Object.entries(stored).map(([name, tensor]) => [publishedName(name), tensor]);
  const tensors: Readonly<Record<string, StoredTensor>> = Object.fromEntries(entries);
  const shapes = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape }]) => [name, shape]),
  );
  const stated = ggufConfig(metadata, shapes, path);
  const config = factors ? withFactors(stated, await readStored(factors), path) : stated;
  const read = async (name: string) => {
    const values = await readStored(tensors[name]!);
    const pairs = config.model_type === "llama" && /\.[qk]_proj\./.test(name);
    return pairs ? halvesOfHeads(values, tensors[name]!.shape, config.head_dim) : values;
  };
  return { config, metadata, source: { where: path, shapes, read } };
}

/** The metadata of a file, and where its tensors are, by its own names. */
async function readHeader(path: string): Promise<{
  metadata: GgufMetadata;
  stored: Record<string, StoredTensor>;
}> {
  using file = await openFile(path);
  const { size } = await file.stat();
  let header;
  try {
    header = await gguf(path, { allowLocalFile: true });
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path} as GGUF: ${(error as Error).message}`);
  }
  const { tensorInfos, tensorDataOffset, littleEndian } = header;
  const metadata = header.metadata as unknown as GgufMetadata;
  // Past the end of a file, the header is read as if it were zeros.
  if (tensorDataOffset > size) {
    throw new SyntaxError(`Cannot read ${path} as GGUF: the header must fit in ${size} bytes`);
  }
  if (!littleEndian || Number(metadata["split.count"] ?? 1) > 1) {
    throw new TypeError(`Cannot read ${path} as it must be little-endian and one whole file`);
  }
  const stored = tensorInfos.map((info) =>
    [info.name, placeOf(info, Number(tensorDataOffset), size, path)] as const
  );
  return { metadata, stored: Object.fromEntries(stored) };
}

/** GGUF's numbers of the formats that can be read. */
const FORMATS: Readonly<Partial<Record<GGMLQuantizationType, NumberFormat>>> = {
  0: F32,
  1: F16,
  2: QUANTIZED_FORMATS.Q4_0,
  3: QUANTIZED_FORMATS.Q4_1,
  6: QUANTIZED_FORMATS.Q5_0,
  7: QUANTIZED_FORMATS.Q5_1,
  8: QUANTIZED_FORMATS.Q8_0,
  12: QUANTIZED_FORMATS.Q4_K,
  13: QUANTIZED_FORMATS.Q5_K,
  14: QUANTIZED_FORMATS.Q6_K,
  30: BF16,
};

/** Where a tensor is, its shape in Hugging Face's order: rows first. */
function placeOf(
  info: GGUFTensorInfo,
  dataOffset: number,
  fileSize: number,
  path: string,
): StoredTensor {
  const format = FORMATS[info.dtype];
  if (!format) {
    const names = Object.values(FORMATS).map(({ name }) => name).join(", ");
    throw new TypeError(
      `Cannot read ${path} as the type of ${info.name} must be one of ${names}: ` +
        `current value is number ${info.dtype}`,
    );
  }
  const shape = info.shape.map(Number).reverse();
  const begin = dataOffset + Number(info.offset);
  const end = begin + sizeOf(shape) / format.size * format.bytes;
  const wholeBlocks = (shape.at(-1) ?? 1) % format.size === 0;
  if (wholeBlocks && end <= fileSize) return { path, shape, format, begin };
  throw new SyntaxError(
    `Cannot read ${path} as GGUF: ${info.name} of shape [${shape}] must have whole blocks inside ` +
      `the file: current range is ${begin} to ${end} of ${fileSize}`,
  );
}

/**
 * Undoes llama.cpp's order of the rows of a query or key projection: there, the dimensions that
 * turn together are neighbours in a head; in Hugging Face's Llama they are half a head apart.
 */
function halvesOfHeads(
  values: Float32Array,
  shape: readonly number[],
  headDim: number,
): Float32Array {
  const [rows, width] = [shape[0]!, values.length / shape[0]!];
  const moved = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const at = row % headDim;
    const target = row - at + at % 2 * headDim / 2 + (at >> 1);
    moved.set(values.subarray(row * width, (row + 1) * width), target * width);
  }
  return moved;
}

/**
 * Llama 3's scaling from the factors that llama.cpp makes of it; the settings beside `factor` are
 * those of every Llama 3 published.
 */
function withFactors(config: ModelConfig, factors: Float32Array, where: string): ModelConfig {
  const factor = Math.max(...factors);
  if (factor === 1) return config;
  const rope_scaling: RopeScaling = {
    rope_type: "llama3",
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  const { periods } = rotation(config);
  const stretched = rotation({ ...config, rope_scaling }).periods;
  const same = factors.length === periods.length &&
    factors.every((factor, i) => Math.abs(stretched[i]! / periods[i]! / factor - 1) < 1e-5);
  if (same) return { ...config, rope_scaling };
  throw new TypeError(`Cannot read ${where} as ${ROPE_FACTORS} must be the factors of Llama 3`);
}
