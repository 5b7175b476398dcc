// deno-lint-ignore-file
export function parseArgs(_args: string[], _options?: any): Record<string, unknown> { return { _: [] }; }
