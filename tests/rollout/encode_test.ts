import { assertEquals } from "@std/assert";
import type { Policy } from "../../lib/model/policy.ts";
import { demonstrationIds, promptIds } from "../../lib/rollout/encode.ts";
import { huggingFaceTokenizer } from "../../lib/text/hugging_face_tokenizer.ts";
import { toyFiles } from "../text/_toy_tokenizer.ts";

Deno.test("demonstrationIds() goes on from a prompt that opens a thought", () => {
  const ids = (template: string, demonstration: string) => {
    const tokenizer = huggingFaceTokenizer(toyFiles(), {
      template: "{{ messages[0].content }}" + template,
    });
    const policy = { tokenizer } as Policy;
    const question = { id: "0", prompt: "1+1?", answer: "2", demonstration };
    return tokenizer.decode(demonstrationIds(policy, question, promptIds(policy, question)));
  };
  const opened = "<think>{{ '\\n' }}";
  assertEquals(ids(opened, "<think>\nAdd.\n</think>\n2"), "Add.\n</think>\n2");
  assertEquals(ids(opened, "\n<think>Add.</think>2"), "Add.</think>2");
  assertEquals(ids(opened, "Add.</think>2"), "Add.</think>2"); // has left it out already
  assertEquals(ids("<think>", "<think>\nAdd.</think>2"), "\nAdd.</think>2"); // the blank is its own
  assertEquals(ids("", "<think>\nAdd.</think>2"), "<think>\nAdd.</think>2");
  assertEquals(ids(opened, "Add. <think>"), "Add. <think>");
});
