// All browser tests in one process, with one browser.
import { after, before } from "node:test";
import { closeBrowser, openBrowser } from "./stage.mjs";

before(openBrowser);
after(closeBrowser);
await import("./login.test.mjs");
await import("./dashboard.test.mjs");
await import("./simulator.test.mjs");
