import { assertEquals } from "@std/assert";
import { modelConfig } from "../../lib/model/config.ts";
import { type RopeConfig, ropeTable, rotation } from "../../lib/model/rope.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

// transformers 5.23.0, in float32:
// config = LlamaConfig(head_dim=…, max_position_embeddings=131072, rope_parameters={"rope_theta": …,
//     "rope_type": …, …})
// ROPE_INIT_FUNCTIONS[rope_type](config)
// deno-fmt-ignore
const GOLDEN: { name: string; config: RopeConfig; frequencies: number[]; scale: number }[] = [
  {
    name: "linear",
    config: { head_dim: 8, rope_theta: 10_000, rope_scaling: { rope_type: "linear", factor: 4 } },
    frequencies: [0.25, 0.0250000004, 0.00249999994, 0.000250000012],
    scale: 1,
  },
  {
    name: "llama3",
    config: {
      head_dim: 16,
      rope_theta: 500_000,
      rope_scaling: {
        rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    },
    frequencies: [
      1, 0.193922758, 0.0376060307, 0.00729266508, 0.000524846022, 3.42810235e-05, 6.64786967e-06,
      1.28917316e-06,
    ],
    scale: 1,
  },
  {
    name: "yarn as Qwen2.5 has it",
    config: {
      head_dim: 16,
      rope_theta: 1_000_000,
      rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32_768 },
    },
    frequencies: [
      1, 0.177827939, 0.0316227786, 0.00421755994, 0.000500000024, 4.44569851e-05, 7.90569356e-06,
      1.40585337e-06,
    ],
    scale: 1.138629436111989,
  },
  {
    name: "yarn with every setting but the factor of attention",
    config: {
      head_dim: 16,
      rope_theta: 10_000,
      rope_scaling: {
        rope_type: "yarn", factor: 40, original_max_position_embeddings: 4096, mscale: 1,
        mscale_all_dim: 0.8, beta_fast: 16, beta_slow: 2, truncate: false,
      },
    },
    frequencies: [
      1, 0.316227764, 0.100000001, 0.0316227786, 0.00579010462, 0.000123952457, 2.49999994e-05,
      7.90569447e-06,
    ],
    scale: 1.0569662567531275,
  },
  {
    name: "yarn with a factor of attention",
    config: {
      head_dim: 8,
      rope_theta: 10_000,
      rope_scaling: {
        rope_type: "yarn", factor: 2, original_max_position_embeddings: 2048, attention_factor: 1.5,
      },
    },
    frequencies: [1, 0.100000001, 0.00749999983, 0.000500000024],
    scale: 1.5,
  },
];

for (const { name, config, frequencies, scale } of GOLDEN) {
  Deno.test(`rotation() agrees with transformers, for ${name}`, () => {
    const { periods, scale: actual } = rotation(config);
    const ratios = periods.map((period, i) => 1 / period / frequencies[i]!);
    assertClose(ratios, frequencies.map(() => 1), 1e-6);
    assertClose([actual], [scale], 1e-12);
  });
}

Deno.test("rotation() turns pair i by theta^(-2i / headDim) a position", () => {
  const { periods, scale } = rotation({ head_dim: 4, rope_theta: 10_000 });
  assertEquals({ periods, scale }, { periods: [1, 100], scale: 1 });
});

eachDevice("ropeTable() scales cosines and sines", async () => {
  const { config } = GOLDEN[4]!; // by 1.5; pairs turn by 1, 0.1, … a position
  const table = [...await take(ropeTable(config, 2))];
  assertClose(table.slice(0, 8), [1.5, 1.5, 1.5, 1.5, 0, 0, 0, 0], 1e-6);
  assertClose([table[8]!, table[13]!], [1.5 * Math.cos(1), 1.5 * Math.sin(0.1)], 1e-6);
}, { devices: ["cpu"] });

const GIVEN = { ...TINY, model_type: "llama", vocab_size: 9 };

Deno.test("modelConfig() reads rotation as transformers 4 and 5 write it", () => {
  const scaling = { rope_type: "linear", factor: 2 } as const;
  const both = [
    { rope_theta: 500, rope_scaling: scaling },
    { rope_theta: 500, rope_scaling: { type: "linear", factor: 2 } }, // as older files name it
    { rope_parameters: { ...scaling, rope_theta: 500 } },
    { rope_parameters: { ...scaling, rope_theta: 500 }, rope_scaling: null, rope_theta: 500 },
  ].map((rope) => modelConfig({ ...GIVEN, ...rope }));
  for (const config of both) {
    assertEquals(config, { ...modelConfig(GIVEN), rope_theta: 500, rope_scaling: scaling });
  }
});

Deno.test("modelConfig() finds no scaling where a file says so", () => {
  for (
    const rope of [
      { rope_scaling: null },
      { rope_scaling: { rope_type: "default" } },
      { rope_parameters: { rope_type: "default", rope_theta: 10_000 } },
      { rope_parameters: { rope_type: "default", rope_theta: null } },
    ]
  ) {
    assertEquals(modelConfig({ ...GIVEN, ...rope }), modelConfig(GIVEN));
  }
});

Deno.test("modelConfig() completes yarn's first context by the model's own", () => {
  const { rope_scaling } = modelConfig({
    ...GIVEN,
    rope_scaling: { rope_type: "yarn", factor: 2, attention_factor: null },
  });
  assertEquals(rope_scaling, {
    rope_type: "yarn",
    factor: 2,
    original_max_position_embeddings: 128,
  });
});
