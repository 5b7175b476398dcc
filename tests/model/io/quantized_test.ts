import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { QUANTIZED_FORMATS } from "../../../lib/model/io/quantized.ts";

/*
 * What the golden values come from, gguf 0.19.0 (PyPI) and NumPy:
 *
 * for n in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
 *     size, bytes = GGML_QUANT_SIZES[GGMLQuantizationType[n]]
 *     i = np.arange(40 * bytes)
 *     blocks = (i * i * 31 + i * 89 + 3).astype(np.uint8).reshape(40, bytes)
 *     for half in {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}.get(n, [0]):
 *         blocks[:, half + 1] &= 0x3f  # a scale or minimum is finite and positive
 *     v = dequantize(blocks.reshape(1, -1), GGMLQuantizationType[n]).ravel()
 *     print(n, v[[1, size // 2, -1]].tolist(), hashlib.sha256(v.tobytes()).hexdigest()[:16])
 */
const GOLDEN = [
  ["Q4_0", [0], [-2.62939453125, -4.38232421875, 0.0005081892013549805], "b0beb57096cb8729"],
  ["Q4_1", [0, 2], [6.1555328369140625, 4.4026031494140625, 4.51220703125], "0eb01a982c5e7cf3"],
  ["Q5_0", [0], [-13.14697265625, 6.13525390625, 0.72564697265625], "ff1346dd458f2cd1"],
  [
    "Q5_1",
    [0, 2],
    [16.673110961914062, 21.055435180664062, 0.005588531494140625],
    "1216e901f3b82edc",
  ],
  ["Q8_0", [0], [32.42919921875, -111.31103515625, 0.14579200744628906], "88fd1359795f25f9"],
  ["Q4_K", [0, 2], [221.5225372314453, 80.67979431152344, -10.250802993774414], "11905e79b93f8802"],
  ["Q5_K", [0, 2], [544.0615844726562, 515.4063720703125, 28.540964126586914], "1961aac56e6500e0"],
  ["Q6_K", [208], [-94.24209594726562, 81.53915405273438, -337.88671875], "608748b7b5930af4"],
] as const;

for (const [name, halves, some, digest] of GOLDEN) {
  Deno.test(`QUANTIZED_FORMATS agree with llama.cpp's own package bit for bit, for ${name}`, () => {
    const { size, bytes, decode } = QUANTIZED_FORMATS[name]!;
    const blocks = Uint8Array.from({ length: 40 * bytes }, (_, i) => i * i * 31 + i * 89 + 3);
    for (let block = 0; block < 40; block++) {
      for (const half of halves) blocks[block * bytes + half + 1]! &= 0x3f;
    }
    const values = new Float32Array(40 * size);
    decode(blocks, values);
    assertEquals([values[1]!, values[size / 2]!, values.at(-1)!], [...some]);
    assertEquals(createHash("sha256").update(values).digest("hex").slice(0, 16), digest);
  });
}

Deno.test("QUANTIZED_FORMATS: Q4_1 is scale times four bits plus minimum", () => {
  // 0x3800 is 0.5, 0xc000 is -2; the lower halves of the bytes come first
  const block = Uint8Array.of(0x00, 0x38, 0x00, 0xc0, 0xf3, ...new Uint8Array(15));
  const values = new Float32Array(32);
  QUANTIZED_FORMATS.Q4_1!.decode(block, values);
  assertEquals([values[0], values[16], values[31]], [0.5 * 3 - 2, 0.5 * 15 - 2, -2]);
});
