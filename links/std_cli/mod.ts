/**
 * The part of `@std/cli` this project uses, for where the JSR registry cannot be reached.
 *
 * @module
 */
export * from "./parse_args.ts";
