import { assertEquals } from "@std/assert";
import { type Program, programSource } from "../../lib/compute/gpu.ts";

Deno.test("programSource() declares bindings in order, numbers last", () => {
  const program: Program = {
    name: "Scale",
    inputs: { x: "f32" },
    outputs: { y: "vec4f" },
    params: { size: "u32", by: "f32" },
    workgroup: [64, 1, 1],
    code: "  y[index] = x[index] * params.by;",
  };
  assertEquals(
    programSource(program),
    `struct Params { size: u32, by: f32 }
@group(0) @binding(2) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(local_invocation_id) local: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {
  y[index] = x[index] * params.by;
}`,
  );
});
