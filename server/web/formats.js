// Figures, times and names as people read them, all by the language of the moment.
import { language, say } from "./language.js";

const STEPS = {
  birth_year: ["Année de naissance", "Birth year"],
  birth_day: ["Jour de naissance", "Day of birth"],
  birth_town: ["Lieu de naissance", "Town of birth"],
  mother_birthplace: ["Lieu de naissance de la mère", "Mother’s birthplace"],
  first_name: ["Prénom", "First name"],
  family_name: ["Nom de famille", "Family name"],
  gender: ["Sexe", "Gender"],
};

export const NONE = "–";
export const number = (value) =>
  value === null || value === undefined ? NONE : new Intl.NumberFormat(language()).format(value);
export const decimal = (value) =>
  new Intl.NumberFormat(language(), { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
export const percent = (share) =>
  new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 })
    .format(share);
export const clock = (iso, timeZone) =>
  new Intl.DateTimeFormat(language(), { timeStyle: "medium", timeZone })
    .format(new Date(iso));
export const date = (day, options) =>
  new Intl.DateTimeFormat(language(), { ...options, timeZone: "UTC" })
    .format(new Date(`${day}T12:00:00Z`));
export const longDate = (day) => date(day, { weekday: "long", day: "numeric", month: "long" });
export const unit = (value, name) =>
  new Intl.NumberFormat(language(), { style: "unit", unit: name, unitDisplay: "short" }).format(value);

export function duration(seconds) {
  if (seconds < 60) return unit(seconds, "second");
  if (seconds < 3600) return unit(Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return unit(Math.floor(seconds / 3600), "hour");
  return unit(Math.floor(seconds / 86400), "day");
}

export function stepName(key) {
  const known = STEPS[key];
  if (known) return say(...known);
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const languageName = (code) => {
  const name = new Intl.DisplayNames([language()], { type: "language" }).of(code) ?? code;
  return name.charAt(0).toUpperCase() + name.slice(1);
};
