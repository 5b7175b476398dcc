import { assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { FLOAT_FORMATS } from "../../../lib/model/io/number_formats.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  openSafetensors,
  writeSafetensors,
} from "../../../lib/model/io/safetensors.ts";
import { readTensors } from "../../../lib/model/io/tensors.ts";
import { eachDevice, wave } from "../../_devices.ts";

/** Runs a test in a folder of its own, with two tensors on the device. */
async function inFolder(
  body: (folder: string, tensors: Record<string, tf.Tensor>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const tensors = { b: wave([3, 5]), a: wave([7], 2), scalar: tf.scalar(7) };
  try {
    await body(folder, tensors);
  } finally {
    tf.dispose(tensors);
    await Deno.remove(folder, { recursive: true });
  }
}

eachDevice(
  "writeSafetensors() writes the bytes of encodeSafetensors()",
  () =>
    inFolder(async (folder, tensors) => {
      await writeSafetensors(`${folder}/x`, tensors);
      assertEquals(
        await Deno.readFile(`${folder}/x`),
        encodeSafetensors(await readTensors(tensors)),
      );
    }),
  { devices: ["cpu", "wasm", "webgpu"] },
);

eachDevice(
  "openSafetensors() reads tensors of every format, in any order",
  () =>
    inFolder(async (folder, tensors) => {
      for (const format of Object.values(FLOAT_FORMATS)) {
        const path = `${folder}/${format.name}`;
        await writeSafetensors(path, tensors, format);
        const source = await openSafetensors(path);
        assertEquals(source.shapes, { a: [7], b: [3, 5], scalar: [] });
        const decoded = decodeSafetensors(await Deno.readFile(path), path);
        for (const name of ["scalar", "a", "b", "a"]) {
          const values = await source.read(name);
          assertEquals(values, decoded[name]!.values);
          const whole = await tensors[name]!.data<"float32">();
          const rounded = new Float32Array(whole.length);
          format.decode(format.encode(whole).slice(), rounded);
          assertEquals(values, rounded);
        }
      }
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "openSafetensors() reads a tensor larger than what is read at once",
  () =>
    inFolder(async (folder) => {
      const large = wave([1, 2 ** 20 + 3]); // beyond 4 MiB of float32
      await writeSafetensors(`${folder}/x`, { large });
      const values = await (await openSafetensors(`${folder}/x`)).read("large");
      assertEquals(values.every((value, i) => value === large.dataSync()[i]), true);
      large.dispose();
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "openSafetensors() rejects a header too large for any model, and does not read it",
  () =>
    inFolder(async (folder) => {
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, 2n ** 40n, true);
      await Deno.writeFile(`${folder}/x`, length);
      await Deno.truncate(`${folder}/x`, 2 ** 40 + 8); // a file of holes
      await assertRejects(() => openSafetensors(`${folder}/x`), SyntaxError, "the header must fit");
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "openSafetensors() rejects a file that is cut off while it is open",
  () =>
    inFolder(async (folder, tensors) => {
      await writeSafetensors(`${folder}/x`, tensors);
      const source = await openSafetensors(`${folder}/x`);
      await Deno.truncate(`${folder}/x`, (await Deno.stat(`${folder}/x`)).size - 5);
      await assertRejects(() => source.read("scalar"), SyntaxError, `${folder}/x`);
    }),
  { devices: ["cpu"] },
);
