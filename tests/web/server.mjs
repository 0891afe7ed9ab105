// A private whatsapp-uic on a free port, in a directory of its own; it dies with the tests.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const PROGRAM = process.env.WHATSAPP_UIC;
const PATIENCE_MS = 60_000;
const REPORT = /(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:/;
export const TOKEN = "web-Token_5hJ2pWq8Lm";
export const SALT = "web-Salt_0f7Qm3ZkX9-Yw4Lr8Tn5Hb2";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

// Asks until there is an answer that is not falsy, and gives it.
export async function eventually(ask, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`still not: ${what}`);
    await pause(20);
  }
}

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer();
  server.on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

async function isReady(url) {
  try {
    for (let i = 0; i < 5; i++) if ((await fetch(`${url}/ready`)).status !== 200) return false;
    return true;
  } catch {
    return false;
  }
}

export async function startServer(settings = {}) {
  const directory = mkdtempSync(join(tmpdir(), "uic-web-"));
  const log = join(directory, "log");
  const port = settings.PORT ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const out = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", PROGRAM, "serve"], {
    cwd: directory,
    stdio: ["ignore", out, out],
    env: {
      PATH: process.env.PATH,
      HOST: "127.0.0.1",
      WORKERS: 2,
      UIC_SALT: SALT,
      ADMIN_TOKEN: TOKEN,
      ASAN_OPTIONS: "detect_leaks=1:exitcode=99",
      UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
      TSAN_OPTIONS: `exitcode=99:suppressions=${new URL("../tsan.supp", import.meta.url).pathname}`,
      ...settings,
      PORT: port,
    },
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  running.add(child);
  const server = {
    url,
    port,
    // Tells it to end, and looks whether the end is in order.
    async stop() {
      if (!running.has(child)) return;
      child.kill("SIGTERM");
      const status = await ended;
      running.delete(child);
      const said = readFileSync(log, "utf8");
      if (status !== 0 || REPORT.test(said)) throw new Error(`exit status ${status}:\n${said}`);
    },
  };
  await eventually(() => child.exitCode !== null || isReady(url), "the server is ready");
  if (child.exitCode !== null) throw new Error(`the server did not start:\n${readFileSync(log, "utf8")}`);
  return server;
}
