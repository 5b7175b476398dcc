import * as tf from "@tensorflow/tfjs";
import {
  type Activation,
  gatedLinearUnit,
  gatedLinearUnitReference,
} from "../../../lib/compute/ops/gated_linear_unit.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame } from "../_check_op.ts";

/** The activations as their papers write them. */
const ACTIVATIONS: Readonly<Record<Activation, (z: number) => number>> = {
  silu: (z) => z / (1 + Math.exp(-z)),
  gelu_pytorch_tanh: (z) =>
    0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
};

for (const [name, activate] of Object.entries(ACTIVATIONS)) {
  const activation = name as Activation;
  const op = (gateUp: tf.Tensor) => gatedLinearUnit(gateUp as tf.Tensor2D, activation);

  eachDevice(`gatedLinearUnit() of ${name} agrees with double precision`, async () => {
    for (const inner of [1, 5, 8]) {
      await checkOp(
        op,
        (gateUp) =>
          gateUp.flatMap((gate, i) =>
            i % (2 * inner) < inner ? [activate(gate) * gateUp[i + inner]!] : []
          ),
        [wave([3, 2 * inner], 0, 4)],
      );
    }
  });

  eachDevice(`gatedLinearUnit() of ${name} is as exact as float32 from -20 to 20`, async () => {
    const gates = Array.from({ length: 401 }, (_, i) => (i - 200) / 10);
    const gateUp = tf.tensor2d([...gates, ...gates.map(() => 1)], [1, 802]);
    const expected = gates.map((gate) => activate(Math.fround(gate)));
    assertClose(await take(op(gateUp)), expected, 2e-6);
    gateUp.dispose();
  });

  eachDevice(`gatedLinearUnit() of ${name} agrees with plain operations at any width`, async () => {
    const shapes = [[1, 1], [7, 3], [5, 31], [67, 44], [2, 1030], [67, 260], [0, 6]] as const;
    for (const [rows, inner] of shapes) { // the last but one is enough for threads
      await checkSame(
        op,
        (gateUp) => gatedLinearUnitReference(gateUp as tf.Tensor2D, activation),
        [wave([rows, 2 * inner], 0, 6)],
      );
    }
  });

  eachDevice(`gatedLinearUnit() of ${name} stays finite at gates far open or shut`, async () => {
    const [open, shut] = [[60, 1e4, 1e12], [-60, -1e4, -1e12]];
    const gateUp = tf.tensor2d([[...open, ...shut, 0, 2, 2, 2, 2, 2, 2, 2]]), dy = tf.ones([1, 7]);
    assertClose(await take(op(gateUp)), [120, 2e4, 2e12, 0, 0, 0, 0], 1e-6);
    // To the gate: up times a slope of 1, 0, and sigmoid(0) = 1/2; to up: the activation.
    const gradient = [2, 2, 2, 0, 0, 0, 1, 60, 1e4, 1e12, 0, 0, 0, 0];
    assertClose(await take(tf.grad(op)(gateUp, dy)), gradient, 1e-6);
    tf.dispose([gateUp, dy]);
  });
}

eachDevice("gatedLinearUnit() has the values of PyTorch", async () => {
  const gateUp = tf.tensor2d([[1, -1, 2, 1, 1, 1]]);
  // torch.nn.functional.silu(torch.tensor([1., -1, 2]))
  assertClose(await take(gatedLinearUnit(gateUp, "silu")), [0.7310586, -0.2689414, 1.761594], 1e-6);
  // torch.nn.functional.gelu(torch.tensor([1., -1, 2]), approximate="tanh")
  assertClose(
    await take(gatedLinearUnit(gateUp, "gelu_pytorch_tanh")),
    [0.841192, -0.158808, 1.9545977],
    1e-6,
  );
  gateUp.dispose();
});
