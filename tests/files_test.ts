import { assert, assertEquals, assertRejects } from "@std/assert";
import { type OpenFile, recoverFolder, writeFolderWhole, writeWhole } from "../lib/files.ts";

/** Runs a test in a folder of its own and removes it. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

/** Makes the file and hands out one on a disk that is full: the kernel's own error. */
const openFull: OpenFile = async (path, options) => {
  (await Deno.open(path, options)).close();
  return await Deno.open("/dev/full", { write: true });
};
const noFullDisk = Deno.build.os !== "linux"; // which alone has /dev/full

Deno.test("writeWhole() writes texts and bytes, and replaces what was there", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.txt`;
    await writeWhole(path, "a longer text – with a dash");
    assertEquals(await Deno.readTextFile(path), "a longer text – with a dash");
    await writeWhole(path, new Uint8Array([0, 255, 10]));
    assertEquals(await Deno.readFile(path), new Uint8Array([0, 255, 10]));
    await writeWhole(path, "");
    assertEquals(await Deno.readTextFile(path), "");
    assertEquals(names(folder), ["a.txt"]);
  });
});

Deno.test("writeWhole() leaves one whole text when writes of a file overlap", async () => {
  await inFolder(async (folder) => {
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(300_000));
    await Promise.all(texts.map((text) => writeWhole(`${folder}/a.txt`, text)));
    assert(texts.includes(await Deno.readTextFile(`${folder}/a.txt`)));
    assertEquals(names(folder), ["a.txt"]);
  });
});

Deno.test({
  name: "writeWhole() says that the disk is full, keeps the old file and leaves no other",
  ignore: noFullDisk,
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/a.txt`;
      await Deno.writeTextFile(path, "old");
      const error = await assertRejects(
        () => writeWhole(path, "new", { open: openFull }),
        Error,
        `Cannot write ${path} as the disk is full: what was there before is unchanged`,
      );
      assertEquals((error.cause as { code: string }).code, "ENOSPC");
      assertEquals(await Deno.readTextFile(path), "old");
      assertEquals(names(folder), ["a.txt"]);
    }),
});

Deno.test("writeWhole() names the path and the cause of other failures", async () => {
  await inFolder(async (folder) => {
    await assertRejects(
      () => writeWhole(`${folder}/missing/a.txt`, "new"),
      Error,
      `Cannot write ${folder}/missing/a.txt as `,
    );
    await Deno.mkdir(`${folder}/taken`); // a file cannot be renamed over a folder
    await assertRejects(() => writeWhole(`${folder}/taken`, "new"), Error, "Cannot write");
    assertEquals(names(folder), ["taken"]);
  });
});

/** Fills a folder with one text, deep down. */
const filledWith = (text: string) => async (folder: string): Promise<void> => {
  await Deno.mkdir(`${folder}/deep`);
  await Deno.writeTextFile(`${folder}/deep/a.txt`, text);
};
const contents = (folder: string): Promise<string> => Deno.readTextFile(`${folder}/deep/a.txt`);

Deno.test("writeFolderWhole() replaces the whole folder: files of the old one are gone", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/checkpoint`;
    await writeFolderWhole(path, async (temporary) => {
      await Deno.writeTextFile(`${temporary}/stale.txt`, "");
      await filledWith("old")(temporary);
    });
    assertEquals(names(path), ["deep", "stale.txt"]);
    await writeFolderWhole(`${path}/`, filledWith("new")); // a slash at the end is no other folder
    assertEquals(names(path), ["deep"]);
    assertEquals(await contents(path), "new");
    assertEquals(names(folder), ["checkpoint"]);
  });
});

Deno.test("writeFolderWhole() shows the old folder until the new one is complete", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/checkpoint`;
    await writeFolderWhole(path, filledWith("old"));
    await writeFolderWhole(path, async (temporary) => {
      await filledWith("new")(temporary);
      assertEquals(await contents(path), "old");
    });
    assertEquals(await contents(path), "new");
  });
});

Deno.test({
  name: "writeFolderWhole() says that the disk is full and keeps the old folder",
  ignore: noFullDisk,
  fn: () =>
    inFolder(async (folder) => {
      const path = `${folder}/checkpoint`;
      await writeFolderWhole(path, filledWith("old"));
      const fills = [
        () => Deno.writeFile("/dev/full", new Uint8Array(9)),
        (temporary: string) => writeWhole(`${temporary}/b.bin`, "new", { open: openFull }),
      ];
      for (const fill of fills) {
        await assertRejects(
          () => writeFolderWhole(path, fill),
          Error,
          `Cannot write ${path} as the disk is full: what was there before is unchanged`,
        );
        assertEquals(await contents(path), "old");
        assertEquals(names(folder), ["checkpoint"]);
      }
    }),
});

Deno.test("writeFolderWhole() lets a bug in fill through as it is", async () => {
  await inFolder(async (folder) => {
    const bug = new TypeError("a bug");
    const error = await assertRejects(() =>
      writeFolderWhole(`${folder}/checkpoint`, () => Promise.reject(bug))
    );
    assert(error === bug);
    assertEquals(names(folder), []);
  });
});

Deno.test("writeFolderWhole() names a parent that is missing", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/missing/checkpoint`;
    const write = (): Promise<void> => writeFolderWhole(path, filledWith("new"));
    await assertRejects(write, Error, `Cannot write ${path} as `);
  });
});

Deno.test("recoverFolder() leaves a whole folder after a kill at any moment", async () => {
  const text = { path: "old", tmp: "new" };
  // what is on the disk at each moment of replacing a folder, and what must be read afterwards
  const moments: [Record<string, string>, string][] = [
    [{ checkpoint: text.path }, "old"],
    [{ checkpoint: text.path, "checkpoint.tmp": text.tmp }, "old"], // while filling
    [{ "checkpoint.old": text.path, "checkpoint.tmp": text.tmp }, "old"], // between the renames
    [{ "checkpoint.old": text.path, checkpoint: text.tmp }, "new"], // before the old one is removed
    [{ checkpoint: text.tmp }, "new"],
  ];
  for (const [folders, expected] of moments) {
    await inFolder(async (folder) => {
      for (const [name, text] of Object.entries(folders)) {
        await Deno.mkdir(`${folder}/${name}`);
        await filledWith(text)(`${folder}/${name}`);
      }
      const path = `${folder}/checkpoint`;
      await recoverFolder(path);
      assertEquals(await contents(path), expected);
      assertEquals(names(folder), ["checkpoint"]);

      await recoverFolder(path); // twice is as good as once
      await writeFolderWhole(path, filledWith("newest"));
      assertEquals(await contents(path), "newest");
      assertEquals(names(folder), ["checkpoint"]);
    });
  }
});

Deno.test("writeFolderWhole() recovers by itself before it writes", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/checkpoint`;
    await Deno.mkdir(`${path}.old`);
    await filledWith("old")(`${path}.old`);
    await assertRejects(() => writeFolderWhole(path, () => Promise.reject(new Error("stop"))));
    assertEquals(await contents(path), "old"); // not lost, though the write failed
    assertEquals(names(folder), ["checkpoint"]);
  });
});
