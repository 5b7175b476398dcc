/**
 * Units of quantities, so that `500 cm` is `5 m` and `5 cm` is not `5 m`.
 *
 * @module
 */
import { decimal, type Rational, times, toThe } from "./rational.ts";

/** What a unit measures, as powers of base units, and how many of those it is. */
export interface Measure {
  /** Such as `length^1*time^-1`. */
  readonly dimension: string;
  readonly factor: Rational;
}

/** Units by base dimension: factor in that dimension's base unit, then the names. */
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  length: {
    "1": "m meter meters metre metres",
    "1000": "km kilometer kilometers kilometre kilometres",
    "0.01": "cm centimeter centimeters centimetre centimetres",
    "0.001": "mm millimeter millimeters millimetre millimetres",
    "1e-6": "um mum micron microns micrometer micrometers",
    "1e-9": "nm nanometer nanometers",
    "1e-12": "pm picometer picometers",
    "1e-10": "Å angstrom angstroms Angstrom Angstroms",
    "0.0254": "in inch inches",
    "0.3048": "ft foot feet",
    "0.9144": "yd yard yards",
    "1609.344": "mi mile miles",
  },
  time: {
    "1": "s sec secs second seconds",
    "0.001": "ms millisecond milliseconds",
    "1e-6": "us microsecond microseconds",
    "1e-9": "ns nanosecond nanoseconds",
    "60": "min mins minute minutes",
    "3600": "h hr hrs hour hours",
    "86400": "day days",
    "604800": "week weeks",
  },
  month: { "1": "month months", "12": "yr yrs year years" },
  mass: {
    "1": "kg kilogram kilograms",
    "0.001": "g gram grams",
    "1e-6": "mg milligram milligrams",
    "0.45359237": "lb lbs pound pounds",
    "0.028349523125": "oz ounce ounces",
  },
  volume: {
    "1": "L l liter liters litre litres",
    "0.001": "mL ml milliliter milliliters",
  },
  money: {
    "1": "dollar dollars USD usd",
    "0.01": "cent cents ¢",
  },
  euro: { "1": "euro euros EUR" },
  angle: {
    "1": "arcsec arcsecond arcseconds",
    "60": "arcmin arcminute arcminutes",
    "3600": "degree degrees deg",
  },
  energy: {
    "1": "J joule joules Joule Joules",
    "1000": "kJ kilojoule kilojoules",
    "1e-7": "erg ergs",
    "4184": "kcal",
    "1.602176634e-19": "eV",
    "1.602176634e-16": "keV",
    "1.602176634e-13": "MeV",
  },
  current: { "1": "A ampere amperes amp amps" },
  resistance: { "1": "ohm ohms", "1000": "kilohm kilohms" },
  charge: { "1": "coulomb coulombs" },
  magnetism: { "1": "tesla teslas" },
  sound: { "1": "dB decibel decibels" },
  voltage: { "1": "V volt volts Volt Volts", "0.001": "mV", "1000": "kV" },
  power: { "1": "W watt watts", "1000": "kW", "1000000": "MW" },
  force: { "1": "N newton newtons" },
  pressure: { "1": "Pa pascal pascals", "1000": "kPa", "1e6": "MPa", "101325": "atm" },
  frequency: { "1": "Hz hertz Hertz", "1000": "kHz", "1000000": "MHz", "1e9": "GHz" },
  amount: { "1": "mol mole moles", "0.001": "mmol" },
  temperature: { "1": "K kelvin kelvins" },
  celsius: { "1": "degC Celsius celsius" },
  fahrenheit: { "1": "degF Fahrenheit fahrenheit" },
};

/** Short for several units. */
const SHORT: Readonly<Record<string, string>> = {
  mph: "mi/h",
  kph: "km/h",
  kmh: "km/h",
  "degrees C": "degC",
  "degrees Celsius": "degC",
  "degrees F": "degF",
  "degrees Fahrenheit": "degF",
};

const UNITS: ReadonlyMap<string, Measure> = new Map(
  Object.entries(TABLE).flatMap(([dimension, factors]) =>
    Object.entries(factors).flatMap(([factor, names]) =>
      names.split(" ").map((name): [string, Measure] => [
        name,
        { dimension, factor: decimal(factor)! },
      ])
    )
  ),
);

/** Whether the word names a unit of the table. */
export function isUnit(word: string): boolean {
  return UNITS.has(word) || word in SHORT;
}

/** Prefixes that make a unit a power of itself. */
const POWERS: Readonly<Record<string, number>> = { square: 2, sq: 2, cubic: 3, cu: 3 };

/**
 * What a unit measures.
 *
 * @param unit Such as `cm^2`, `m/s`, `km*h^-1`, `square feet`, `miles per hour`.
 * @returns undefined when a part of it is not in the table, as with `eggs`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { measureOf } from "./units.ts";
 *
 * assertEquals(measureOf("km per h")!.dimension, measureOf("m/s")!.dimension);
 * assertEquals(measureOf("eggs"), undefined);
 * ```
 */
export function measureOf(unit: string): Measure | undefined {
  const spelled = (SHORT[unit] ?? unit).replace(/\s+per\s+/g, "/")
    .replace(/(\S+)\s+squared/g, "$1^2").replace(/(\S+)\s+cubed/g, "$1^3");
  const powers = new Map<string, number>();
  let factor = decimal("1")!;
  let sign = 1, prefix = 1;
  for (const [part] of spelled.matchAll(/[/*]|[^\s/*]+/g)) {
    if (part === "/") sign = -1;
    else if (part === "*") continue;
    else if (part in POWERS) prefix = POWERS[part]!;
    else {
      const [, name = "", power = "1"] = /^([^\^]+?)\.?(?:\^?([+-]?\d))?$/.exec(part) ?? [];
      const known = UNITS.get(name) ?? UNITS.get(name.toLowerCase());
      if (!known) return undefined;
      const exponent = Number(power) * sign * prefix;
      powers.set(known.dimension, (powers.get(known.dimension) ?? 0) + exponent);
      factor = times(factor, toThe(known.factor, BigInt(exponent))!)!;
      prefix = 1;
    }
  }
  const dimension = [...powers].filter(([, power]) => power !== 0).sort()
    .map(([name, power]) => `${name}^${power}`).join("*");
  return dimension ? { dimension, factor } : undefined;
}
