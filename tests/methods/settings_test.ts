import { assertEquals, assertThrows } from "@std/assert";
import { grpo } from "../../lib/methods/grpo.ts";
import { relift } from "../../lib/methods/relift.ts";
import { sft } from "../../lib/methods/sft.ts";
import { sizedFor, withSettings } from "../../lib/methods/settings.ts";

Deno.test("sizedFor() leaves the settings of small policies alone", () => {
  assertEquals(sizedFor(relift.config, 300_000), relift.config);
});

Deno.test("sizedFor() changes the sizes a method has, and gives it no others", () => {
  const large = sizedFor(relift.config, 135e6);
  assertEquals([large.questionsPerStep, large.groupSize, large.bufferSize], [8, 8, 8]);
  assertEquals([large.learningRate.peak, large.sft.learningRate.peak], [5e-5, 1e-4]);
  assertEquals(large.sft.entropyCoefficient, relift.config.sft.entropyCoefficient);
  assertEquals([large.gate, large.order, large.clip], [0, "oldest-first", relift.config.clip]);
  assertEquals(Object.keys(sizedFor(sft.config, 135e6)), Object.keys(sft.config));
});

Deno.test("withSettings() changes settings by name, at any depth", () => {
  const changed = withSettings(
    relift.config,
    "groupSize=4, order=newest-first,clip=null,maxAge=7,adamw.beta2=0.95,recheck=true",
  );
  assertEquals([changed.groupSize, changed.order, changed.clip], [4, "newest-first", null]);
  assertEquals([changed.maxAge, changed.adamw.beta2, changed.recheck], [7, 0.95, true]);
  assertEquals(changed.adamw.beta1, relift.config.adamw.beta1);
  assertEquals(withSettings(relift.config, ""), relift.config);
});

Deno.test("withSettings() tells what is no setting, or of another type", () => {
  const reject = (changes: string, message: string) =>
    assertThrows(() => withSettings(relift.config, changes), RangeError, message);
  reject("groups=4", "Cannot change groups as it must be a setting of the method, seed, steps");
  reject("adamw.beta3=1", "beta3");
  reject("groupSize=many", 'it must be a number like 8: current value is "many"');
  reject("groupSize.x=1", "it must be a number like 8");
  reject("adamw=1", "it must be a record like");
  reject("groupSize", "it must be name=value: current value is groupSize");
  assertThrows(() => withSettings(grpo.config, "bufferSize=1"), RangeError, "bufferSize");
});
