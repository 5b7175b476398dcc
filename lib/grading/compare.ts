/**
 * Whether what an answer says is what the gold says, and by which rule.
 *
 * Lists and sets are equal in any order, points and vectors in theirs; `(1, 2)`, `[1, 2]` and
 * `(1, 2]` differ. A name (`x = 5`) may be left out but not changed. A unit may be left out, or be
 * another of the same kind (`5 m`, `500 cm`). `50%` is 50 with its unit, and 1/2: the answer to a
 * gold of `50%`, `50` or `0.5`; but 50 and 0.5 differ. So do degrees: `90^\circ` is 90 and π/2.
 *
 * @module
 */
import { type Expression, keyOf, some, unknownsOf, withParts } from "./expression.ts";
import { compareNumbers } from "./compare_numbers.ts";
import { compareRatios } from "./compare_ratios.ts";
import { withMatrices } from "./matrices.ts";
import { inNamesOf, type Named, namedValue, sameName } from "./named.ts";
import { isNumeric } from "./numbers.ts";
import { sameRegion } from "./regions.ts";
import { sameRelation } from "./relations.ts";
import { type Grade, no, show, yes } from "./grade.ts";

/** Items of a list that are matched in any order. */
const MAX_ITEMS = 60;

/** Compares an answer with a gold. */
export function compare(gold: Expression, answer: Expression): Grade {
  const [asked, given] = [itemsOf(gold), itemsOf(answer)];
  if (Math.max(asked.length, given.length) > MAX_ITEMS) return no("there are too many items");
  if (asked.length === 1 && given.length === 1) return compareNamed(asked[0]!, given[0]!);
  const isOne = new Set([...unknownsOf(gold), ...unknownsOf(answer)]).size <= 1;
  if (isOne && sameRegion(plain(gold), plain(answer))) {
    return yes("they are the same set of numbers");
  }
  const ordered = asPoint(asked, given, isSet(answer)) ?? asPoint(given, asked, isSet(gold));
  if (ordered) return ordered;
  if (areNames(asked)) return areAsMany(asked, given) ?? inOrder(asked, given);
  if (asked.length === given.length) return inAnyOrder(asked, given);
  const [once, each] = [distinct(asked), distinct(given)];
  return areAsMany(once, each) ?? inAnyOrder(once, each);
}

/** Items that are compared with each other, to find those that come again in another form. */
const FEW_ITEMS = 12;

const writtenAs = ({ name, value }: Named) => `${name && keyOf(name)} ${keyOf(value)}`;

/** Items without those that come again. */
function distinct(items: readonly Named[]): Named[] {
  const once = [...new Map(items.map((item) => [writtenAs(item), item])).values()];
  if (once.length > FEW_ITEMS) return once;
  return once.filter((item, i) =>
    !once.slice(0, i).some((earlier) => compareNamed(earlier, item).correct)
  );
}

function areAsMany(asked: readonly Named[], given: readonly Named[]): Grade | undefined {
  if (asked.length !== given.length) {
    return no(`the answer has ${counted(given.length)}, the gold ${asked.length}`);
  }
  return undefined;
}

const counted = (n: number) => n === 1 ? "one item" : `${n} items`;

const isSet = ({ kind }: Expression) => kind === "set";

/** The expression with matrices worked out and names of sets left out. */
function plain(expression: Expression): Expression {
  const { value } = namedValue(withMatrices(expression));
  return value;
}

/** What a list or a set is of; `±` gives two, and `n = 1, 2` names both. */
function itemsOf(expression: Expression): Named[] {
  const named = namedValue(withMatrices(expression));
  const { value } = named;
  if (value.kind === "list" || value.kind === "set") {
    const items = value.items.flatMap((item) =>
      item.kind === "list" ? [asOne(item)] : itemsOf(item)
    ).filter((item) => !isCondition(item, value.items));
    const first = items[0]?.name ?? named.name;
    const rest = items.slice(1).every(({ name }) => !name);
    return first && rest && value.kind === "list"
      ? items.map((item) => ({ ...item, name: first }))
      : items;
  }
  if (value.kind === "relation") return [named];
  return [1, -1].map((sign) => signed(value, sign as 1 | -1))
    .filter((_, i) => i === 0 || some(value, ({ kind }) => kind === "plusminus"))
    .map((one) => ({ ...named, value: one }));
}

/** A group between semicolons, `p = 5, q = 2; ...`, is a point. */
function asOne(group: Expression): Named {
  const items = itemsOf(group).map(({ value }) => value);
  return { value: { kind: "bracket", open: "(", close: ")", items } };
}

/** `k \in \mathbb{Z}` beside an answer says what k is. */
const isCondition = ({ name, value }: Named, items: readonly Expression[]) =>
  items.length > 1 && name !== undefined && value.kind === "symbol" &&
  /^(bb|reals)/.test(value.name);

/** The expression with one sign for each `±`. */
function signed(expression: Expression, sign: 1 | -1): Expression {
  if (expression.kind !== "plusminus") return withParts(expression, (part) => signed(part, sign));
  const value = signed(expression.value, sign);
  const factor: Expression = {
    kind: "number",
    value: { numerator: BigInt(sign * expression.sign), denominator: 1n },
  };
  return { kind: "product", items: [factor, value] };
}

/** A point against its coordinates in order: `(3, 2)` and `x = 3, y = 2`. */
function asPoint(
  one: readonly Named[],
  many: readonly Named[],
  unordered: boolean,
): Grade | undefined {
  const point = one.length === 1 ? one[0]!.value : undefined;
  if (point?.kind !== "bracket" || point.open === "[" || point.close === "]") return undefined;
  if (unordered || many.length !== point.items.length) return undefined;
  return inOrder(point.items.map((value) => ({ value })), many);
}

/** Whether every item has a name of its own. */
function areNames(items: readonly Named[]): boolean {
  const names = items.map(({ name }) => name && keyOf(name));
  return !names.includes(undefined) && new Set(names).size === names.length;
}

function inOrder(asked: readonly Named[], given: readonly Named[]): Grade {
  if (asked.length !== given.length) return no("the numbers of items differ");
  const byName = areNames(asked) && areNames(given);
  for (const [i, gold] of asked.entries()) {
    const answer = byName
      ? given.find(({ name }) => keyOf(name!) === keyOf(gold.name!)) ?? given[i]!
      : given[i]!;
    const { correct, reason } = compareNamed(gold, answer);
    if (!correct) return no(`item ${i + 1}: ${reason}`);
  }
  return yes("the items are equal, in order");
}

function inAnyOrder(asked: readonly Named[], given: readonly Named[]): Grade {
  const left = [...given];
  for (const gold of asked) {
    const match = left.findIndex((answer) => compareNamed(gold, answer).correct);
    if (match < 0) return no(`nothing in the answer is ${show(gold.value)}`);
    left.splice(match, 1);
  }
  return yes("the items are equal");
}

function compareNamed(gold: Named, answer: Named): Grade {
  const [equation, other] = [equationOf(gold), equationOf(answer)];
  if (equation && other && unknownsOf(equation).length > 1 && sameRelation(equation, other)) {
    return yes("the equations are equal, up to a factor");
  }
  const [asked, given] = [subjectOf(gold), subjectOf(answer)];
  if (!sameName(gold, answer) || asked && given && asked !== given) {
    return no("the answer is about another unknown");
  }
  return compareValues(gold.value, inNamesOf(gold, answer));
}

/** The unknown that a relation, or `a \in (0, 1)`, is about. */
function subjectOf({ name, equation, value }: Named): string | undefined {
  if (name) return !equation && name.kind === "symbol" ? name.name : undefined;
  const unknowns = value.kind === "relation" ? unknownsOf(value) : [];
  return unknowns.length === 1 ? unknowns[0] : undefined;
}

/** The equation that an item is, or was read from. */
const equationOf = ({ equation, value }: Named) =>
  equation ?? (value.kind === "relation" ? value : undefined);

function compareValues(gold: Expression, answer: Expression): Grade {
  const pair = [gold, answer];
  if (pair.filter(({ kind }) => kind === "matrix").length === 1) {
    const [asked, given] = pair.map(ofRows) as [Expression, Expression];
    if (asked !== gold || given !== answer) return compareValues(asked, given);
  }
  if (pair.some(({ kind }) => kind === "list")) return compare(gold, answer);
  if (isNumeric(gold) && isNumeric(answer)) return compareNumbers(gold, answer);
  if (gold.kind === "ratio" || answer.kind === "ratio") return compareRatios(gold, answer);
  const [a, b] = pair.map(coordinates);
  if (a && b && (gold.kind === "matrix" || answer.kind === "matrix" || a.length !== 2)) {
    return compareRows(gold, answer);
  }
  if (gold.kind === "matrix" && answer.kind === "matrix") return compareMatrices(gold, answer);
  if (gold.kind === "bracket" && answer.kind === "bracket") {
    if (brackets(gold) !== brackets(answer)) return no("the brackets differ");
    return inOrder(
      gold.items.map((value) => ({ value })),
      answer.items.map((value) => ({ value })),
    );
  }
  if (gold.kind === "relation" && answer.kind === "relation") {
    if (sameRelation(gold, answer)) return yes("the relations say the same");
    if (unknownsOf(gold).join() !== unknownsOf(answer).join()) return no("the unknowns differ");
  }
  const region = sameRegion(gold, answer);
  if (region !== undefined) {
    return region
      ? yes("they are the same set of numbers")
      : no("they are different sets of numbers");
  }
  if (gold.kind === "sets" && answer.kind === "sets") return compareSets(gold, answer);
  return no(`${show(answer)} is not ${show(gold)}`);
}

/** `[[1, 2], [3, 4]]` as a matrix; anything else as it is. */
function ofRows(expression: Expression): Expression {
  if (expression.kind !== "bracket") return expression;
  const rows = expression.items.map((item) => item.kind === "bracket" ? item.items : []);
  return rows.every(({ length }) => length > 0) ? { kind: "matrix", rows } : expression;
}

const brackets = ({ open, close }: { open: string; close: string }) =>
  (open + close).replace("<>", "()");

/** Coordinates of a point, a vector, or a matrix of one row or column. */
function coordinates(expression: Expression): readonly Expression[] | undefined {
  if (expression.kind === "bracket") return expression.items;
  if (expression.kind !== "matrix") return undefined;
  const isVector = expression.rows.length === 1 ||
    expression.rows.every(({ length }) => length === 1);
  return isVector ? expression.rows.flat() : undefined;
}

function compareRows(gold: Expression, answer: Expression): Grade {
  const [asked, given] = [coordinates(gold)!, coordinates(answer)!];
  if (asked.length !== given.length) return no("the sizes differ");
  if (
    [gold, answer].some((one) =>
      one.kind === "bracket" && !/^(\(\)|<>|\[\])$/.test(one.open + one.close)
    )
  ) {
    return no("the brackets differ");
  }
  return inOrder(asked.map((value) => ({ value })), given.map((value) => ({ value })));
}

function compareMatrices(gold: Matrix, answer: Matrix): Grade {
  const shape = ({ rows }: Matrix) => rows.map(({ length }) => length).join();
  if (shape(gold) !== shape(answer)) return no("the sizes differ");
  const cells = ({ rows }: Matrix): Named[] => rows.flat().map((value) => ({ value }));
  return inOrder(cells(gold), cells(answer));
}

type Matrix = Expression & { readonly kind: "matrix" };

function compareSets(
  gold: Expression & { kind: "sets" },
  answer: Expression & { kind: "sets" },
): Grade {
  if (gold.operator !== answer.operator) return no("the sets are put together differently");
  const parts = (sets: Expression): Named[] =>
    sets.kind === "sets" && sets.operator === gold.operator
      ? sets.items.flatMap(parts)
      : [{ value: sets }];
  const [asked, given] = [parts(gold), parts(answer)];
  if (asked.length !== given.length) return no("the sets have different parts");
  return gold.operator === "difference" ? inOrder(asked, given) : inAnyOrder(asked, given);
}
