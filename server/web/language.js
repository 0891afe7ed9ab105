// French as it stands in the page, English by a switch that this browser remembers. A page's texts
// carry their English in data-en, or data-en-NAME for an attribute; scripts ask say(french, english).

const KEY = "language";
const listeners = [];

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is closed to us: then nothing is remembered
  }
}

let current = remembered() === "en" ? "en" : "fr";

export const language = () => current;
export const say = (french, english) => (current === "fr" ? french : english);
export const onLanguage = (listener) => listeners.push(listener);

// count(2, "code", "codes", …): French has the singular up to below two, English at one only.
export function count(number, oneFr, manyFr, oneEn, manyEn) {
  const text = say(number < 2 ? oneFr : manyFr, number === 1 ? oneEn : manyEn);
  return `${new Intl.NumberFormat(current).format(number)} ${text}`;
}

function translateOne(element, key, read, write) {
  const english = element.dataset[key];
  if (english === undefined) return;
  const kept = `fr${key.slice(2)}`;
  element.dataset[kept] ??= read() ?? "";
  write(current === "en" ? english : element.dataset[kept]);
}

// Puts the texts below a node into the language of the moment: new nodes need it.
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-en]"))
    translateOne(element, "en", () => element.textContent, (text) => (element.textContent = text));
  for (const name of ["aria-label", "placeholder", "title"]) {
    const key = `en${name.replace(/(?:^|-)([a-z])/g, (_, letter) => letter.toUpperCase())}`;
    for (const element of root.querySelectorAll(`[data-en-${name}]`))
      translateOne(element, key, () => element.getAttribute(name),
        (text) => element.setAttribute(name, text));
  }
}

function apply() {
  document.documentElement.lang = current;
  translate();
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === current));
}

function choose(wanted) {
  current = wanted;
  try {
    localStorage.setItem(KEY, wanted);
  } catch {
    // it holds for this visit
  }
  apply();
  for (const listener of listeners) listener();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => choose(button.dataset.language));
apply();
