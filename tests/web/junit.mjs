// A reporter of node:test that writes JUnit; Debian 12's Node has none.

const escape = (text) => String(text)
  .replace(/[^\t\n\r\x20-\uFFFD]/g, "")
  .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function reasonOf(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? cause?.message ?? cause;
}

export default async function* junit(events) {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n<testsuite name="web">\n';
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const seconds = (data.details?.duration_ms ?? 0) / 1000;
    yield `<testcase classname="web" name="${escape(data.name)}" time="${seconds.toFixed(3)}">`;
    if (data.skip !== undefined || data.todo !== undefined) yield "<skipped/>";
    else if (type === "test:fail") yield `<failure>${escape(reasonOf(data.details?.error))}</failure>`;
    yield "</testcase>\n";
  }
  yield "</testsuite>\n</testsuites>\n";
}
