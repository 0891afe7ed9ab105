// Writing into the page only what changed: screen readers and selections stay undisturbed.
import { bar } from "./charts.js";
import { byId, element } from "./dom.js";
import { language } from "./language.js";

export function put(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

const fingerprints = new Map();

// Whether what a part shows is other than when this was asked last.
export function changed(name, ...what) {
  const now = JSON.stringify([language(), ...what]);
  if (fingerprints.get(name) === now) return false;
  fingerprints.set(name, now);
  return true;
}

// The part is to be written anew, whatever it shows.
export const forget = (name) => fingerprints.delete(name);

// A row of a table whose second cell has a bar. The style lays these tables out anew, so their roles
// are said.
export function barRow(name, share, kind, ...figures) {
  return element("tr", { class: kind, role: "row" },
    element("th", { scope: "row", role: "rowheader" }, name),
    element("td", { class: "barred", role: "cell" },
      element("span", { class: "number" }, figures[0]), bar(share, kind)),
    ...figures.slice(1).map((figure) => element("td", { class: "number soft", role: "cell" }, figure)));
}

export function putRows(id, rows, emptyText) {
  const body = byId(id).tBodies[0];
  if (rows.length > 0) body.replaceChildren(...rows);
  else
    body.replaceChildren(element("tr", { class: "empty", role: "row" },
      element("td", { role: "cell", colspan: byId(id).tHead.rows[0].cells.length }, emptyText)));
}
