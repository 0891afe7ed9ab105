// One browser for all tests, and in it visitors: each with storage and an internet address of its
// own, watched for what a page must not do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { TOKEN } from "./server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SCREENSHOTS = new URL("../../build/screenshots/", import.meta.url).pathname;
mkdirSync(SCREENSHOTS, { recursive: true });

export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 360, height: 740 };

let browser;
let visitors = 0;

export async function openBrowser() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

export const closeBrowser = () => browser?.close();

// A page for a visitor of a server, on a screen of this size. Options are those of a browser context;
// expected: a pattern of console errors that belong to the test.
export async function visit(test, server, { viewport = WIDE, expected = /^$/, ...options } = {}) {
  const context = await browser.newContext({
    viewport,
    locale: "fr-FR",
    reducedMotion: "reduce",
    extraHTTPHeaders: { "X-Forwarded-For": `198.51.${100 + (visitors >> 8)}.${visitors++ & 255}` },
    ...options,
  });
  const page = await context.newPage();
  const wrong = [];
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expected.test(message.text()))
      wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`error in a script: ${error.stack}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${server.url}/`)) wrong.push(`external request: ${request.url()}`);
  });
  test.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  return page;
}

export async function logIn(page, server, token = TOKEN) {
  await page.goto(`${server.url}/admin`);
  await page.getByLabel("Jeton d’administration").fill(token);
  await page.getByRole("button", { name: "Se connecter" }).click();
}

// What axe-core has to say against the page as it stands.
export async function accessibilityOf(page) {
  await page.evaluate(() => document.fonts.ready);
  // By the debugger, for the page's own policy lets no script in.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(readFileSync(AXE, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
}

export const photograph = (page, name, options = { fullPage: true }) =>
  page.screenshot({ path: `${SCREENSHOTS}${name}.png`, ...options });

// Whether something stands out of the screen to the side.
export const overflows = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
