// The simulator: phones side by side, on a narrow screen one at a time behind tabs.
import { byId, element } from "./dom.js";
import { Phone } from "./phone.js";

const PHONES_MAX = 4;
const FIRST_NUMBER = 243810000000 + (Date.now() % 10_000_000);

const phones = [];
let added = 0;

// What is chosen is told by the tabs, and shown by the style on a narrow screen only.
function choose(phone) {
  for (const one of phones) {
    const chosen = one === phone;
    one.node.classList.toggle("chosen", chosen);
    one.tab.setAttribute("aria-selected", String(chosen));
    one.tab.tabIndex = chosen ? 0 : -1;
  }
}

function arrange() {
  byId("tabs").hidden = phones.length < 2;
  byId("add").disabled = phones.length >= PHONES_MAX;
  for (const phone of phones) phone.node.querySelector(".close").hidden = phones.length < 2;
}

function walkTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const at = phones.findIndex((phone) => phone.tab === document.activeElement);
  const next = phones.at((at + step) % phones.length);
  choose(next);
  next.tab.focus();
}

function remove(phone) {
  const at = phones.indexOf(phone);
  phones.splice(at, 1);
  phone.node.remove();
  phone.tab.remove();
  choose(phones[Math.max(0, at - 1)]);
  arrange();
  byId("add").focus();
}

function add() {
  if (phones.length >= PHONES_MAX) return null;
  const phone = new Phone(`+${FIRST_NUMBER + added}`, ++added);
  phone.node.id = `phone-${added}`;
  phone.tab = element("button", { type: "button", role: "tab", "aria-controls": phone.node.id });
  phone.tab.addEventListener("click", () => choose(phone));
  phone.rename();
  phone.node.querySelector(".close").addEventListener("click", () => remove(phone));
  phones.push(phone);
  byId("tabs").append(phone.tab);
  byId("phones").append(phone.node);
  choose(phone);
  arrange();
  return phone;
}

byId("add").addEventListener("click", () => add()?.field.focus());
byId("tabs").addEventListener("keydown", walkTabs);
add();
if (matchMedia("(min-width: 52rem)").matches) {
  add();
  choose(phones[0]);
}
phones[0].field.focus({ preventScroll: true });
