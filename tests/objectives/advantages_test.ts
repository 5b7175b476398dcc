import { assertAlmostEquals, assertEquals } from "@std/assert";
import { groupAdvantages, isLive, leaveOneOut } from "../../lib/objectives/advantages.ts";

function assertAllClose(actual: readonly number[], expected: readonly number[]): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((x, i) => assertAlmostEquals(x, expected[i]!, 1e-12));
}

Deno.test("groupAdvantages() subtracts the mean of the group", () => {
  assertEquals(groupAdvantages([1, 0, 0, 0]), [0.75, -0.25, -0.25, -0.25]); // mean 1/4
  assertAllClose(groupAdvantages([1.1, 0.1, 0.6]), [0.5, -0.5, 0]); // mean 0.6
});

Deno.test("groupAdvantages() sum to 0", () => {
  const rewards = Array.from({ length: 32 }, (_, i) => Math.sin(i));
  assertAlmostEquals(groupAdvantages(rewards).reduce((sum, x) => sum + x, 0), 0, 1e-12);
});

Deno.test("groupAdvantages() divides by the unbiased deviation plus 1e-6 when asked", () => {
  // Deviations ±1/2: variance 4 × 1/4 / (4 - 1) = 1/3.
  const size = 0.5 / (Math.sqrt(1 / 3) + 1e-6);
  assertAllClose(groupAdvantages([1, 0, 0, 1], { normalizeStd: true }), [size, -size, -size, size]);
  // torch.tensor([3., 1., 1., 1.]): (x - x.mean()) / (x.std() + 1e-6) = [1.5, -0.5, -0.5, -0.5]
  const three = groupAdvantages([3, 1, 1, 1], { normalizeStd: true });
  three.forEach((x, i) => assertAlmostEquals(x, [1.5, -0.5, -0.5, -0.5][i]!, 2e-6));
});

Deno.test("groupAdvantages() are exactly 0 when every completion earned the same", () => {
  for (const rewards of [[0, 0], [1, 1, 1], [0.1, 0.1, 0.1], [-2], []]) {
    for (const normalizeStd of [false, true]) {
      assertEquals(groupAdvantages(rewards, { normalizeStd }), rewards.map(() => 0));
    }
  }
});

Deno.test("groupAdvantages() do not depend on the order or on a constant added to all", () => {
  assertEquals(groupAdvantages([0, 1, 0, 0]), [-0.25, 0.75, -0.25, -0.25]);
  assertEquals(groupAdvantages([5, 4, 4, 4]), groupAdvantages([1, 0, 0, 0]));
});

Deno.test("leaveOneOut() subtracts the mean of the others", () => {
  assertEquals(leaveOneOut([1, 0, 0, 0, 0]), [1, -0.25, -0.25, -0.25, -0.25]); // 0 - 1 / 4
  assertAllClose(leaveOneOut([3, 1, 0.5]), [3 - 0.75, 1 - 1.75, 0.5 - 2]);
  assertEquals(leaveOneOut([1, 0]), [1, -1]);
});

Deno.test("leaveOneOut() is G / (G - 1) times the centred reward, and sums to 0", () => {
  for (const size of [2, 3, 8, 32]) {
    const rewards = Array.from({ length: size }, (_, i) => Math.sin(i));
    const advantages = leaveOneOut(rewards);
    assertAllClose(advantages, groupAdvantages(rewards).map((a) => a * size / (size - 1)));
    assertAlmostEquals(advantages.reduce((sum, a) => sum + a, 0), 0, 1e-12);
  }
});

Deno.test("leaveOneOut() is exactly 0 when every completion earned the same", () => {
  for (const rewards of [[0, 0], [0.1, 0.1, 0.1], [-2, -2], []]) {
    assertEquals(leaveOneOut(rewards), rewards.map(() => 0));
  }
});

Deno.test("isLive() tells groups that teach from groups that do not", () => {
  assertEquals([[0, 1], [1, 1, 0.5], [0, 0], [1], []].map(isLive), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
