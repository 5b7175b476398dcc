/**
 * The part of `@std/csv` this project uses, for where the JSR registry cannot be reached: its
 * interface over `csv-parse` and `csv-stringify`.
 *
 * @module
 */
export * from "./parse.ts";
export * from "./stringify.ts";
