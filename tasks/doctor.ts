// deno task doctor
// deno-lint-ignore-file no-console
import { examine, openDevice, versions } from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";

const command = {
  name: "doctor",
  about: "says what this machine offers, what is missing, what it would gain and how to get it.",
  flags: { json: { kind: "switch", help: "Print the findings as JSON" } },
  examples: ["deno task doctor", "deno task doctor --json"],
} as const satisfies Command<Record<string, Flag>>;

/** Prints what was found. */
async function main({ json }: Values<typeof command.flags>): Promise<void> {
  const findings = await examine();
  const device = await openDevice();
  if (json) {
    console.log(JSON.stringify({ device, versions: versions(), findings }, null, 2));
    return;
  }
  for (const { what, found, value, gain, remedy } of findings) {
    console.log(`${found ? "found  " : "missing"}  ${what}: ${value}`);
    console.log(`         ${gain}`);
    if (remedy) console.log(`         to get it: ${remedy}`);
  }
  console.log(`--device auto is ${device.description}`);
}

if (import.meta.main) await runTask(command, main);
