// deno-lint-ignore-file no-console -- a browser that is missing is told
/**
 * Tests in headless Chromium without a network.
 *
 * @module
 */
import { chromium, type Page } from "npm:playwright-core@1.65.1";

const PATH = "/usr/bin/chromium";

/**
 * Registers a test on an empty page. Where Chromium is missing the test fails if `CI` is set;
 * elsewhere it says so and passes.
 *
 * @param body Fails, as does the test, when the page throws, or asks for what is not in a file.
 */
export function inChromium(name: string, body: (page: Page) => Promise<void>): void {
  Deno.test({
    name: `${name} (Chromium)`,
    sanitizeOps: false, // playwright's connection outlives the browser for a moment
    sanitizeResources: false,
    async fn(): Promise<void> {
      if (!await isFile(PATH)) {
        if (Deno.env.get("CI")) {
          throw new Error(`Cannot test in CI as ${PATH} must be there: it is not`);
        }
        console.warn(`skipped: no Chromium at ${PATH}`);
        return;
      }
      const browser = await chromium.launch({
        executablePath: PATH,
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      });
      try {
        const context = await browser.newContext({ offline: true });
        const page = await context.newPage();
        const wrongs: string[] = [];
        page.on("pageerror", ({ message }) => wrongs.push(message));
        page.on("request", (request) => {
          if (!/^(file|data|blob):/.test(request.url())) wrongs.push(`asks for ${request.url()}`);
        });
        await body(page);
        if (wrongs.length > 0) throw new Error(`the page did wrong: ${wrongs.join("; ")}`);
      } finally {
        await browser.close();
      }
    },
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
