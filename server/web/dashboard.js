// The dashboard: asks /admin/stats every ten seconds while somebody looks, and shows what it says.
import { drawDays } from "./charts.js";
import { byId, element } from "./dom.js";
import { NONE, clock, date, decimal, duration, languageName, longDate, number, percent, stepName, unit }
  from "./formats.js";
import { count, language, onLanguage, say } from "./language.js";
import { barRow, changed, forget, put, putRows } from "./writing.js";

const INTERVAL_S = 10;
const LONGEST_S = 60;
const PATIENCE_MS = 15_000;

const DUPLICATES_MAX = 10_000; // the server counts no further

let stats = null; // what the server said last
let days = 30;
let span = "period"; // of the conversations: "today" or "period"
let chosenDay = null; // a date in the chart
let failures = 0;
let retryAt = 0;
let timer = 0;
let asking = null;

// Sections

function showToday() {
  const { today, by_day: byDay } = stats;
  const before = byDay.slice(-8, -1);
  const sum = before.reduce((total, day) => total + day.new, 0);
  const known = before.length > 0 && today.new !== null;
  put("today-date", longDate(today.date));
  put("today-new", number(today.new));
  const one = today.new === 1 || (today.new === 0 && language() === "fr");
  put("today-new-unit", one ? say("nouveau code", "new code") : say("nouveaux codes", "new codes"));
  put("today-repeated", number(today.repeated));
  put("today-mean", known ? decimal(sum / before.length) : NONE);
}

function showTotals() {
  const { codes, requests, repeated, numbers, possible_duplicates: duplicates } = stats.totals;
  put("total-codes", number(codes));
  put("total-requests", number(requests));
  put("total-numbers", number(numbers));
  put("total-repeated", repeated
    ? say(`dont ${count(repeated, "code redemandé", "codes redemandés", "", "")}`,
      `of these ${number(repeated)} for a code again`) : "");
  put("total-ratio", numbers > 0
    ? say(`${decimal(codes / numbers)} codes par numéro`, `${decimal(codes / numbers)} codes a number`)
    : "");
  put("total-duplicates", duplicates > 0
    ? `${count(duplicates, "doublon possible", "doublons possibles", "possible duplicate", "possible duplicates")}${
      duplicates < DUPLICATES_MAX ? "" : say(" ou plus", " or more")}${
      say(" à trancher : whatsapp-uic duplicates les montre", " to decide: whatsapp-uic duplicates shows them")}`
    : "");
  byId("totals-away").hidden = codes !== null;
}

// Without the database the days are there, their figures are not.
const knowsDays = () => stats.by_day.every((day) => day.new !== null);

function dayText(day) {
  if (day.new === null) return longDate(day.date);
  return `${longDate(day.date)}${say(" :", ":")} ${count(day.new, "nouveau code", "nouveaux codes", "new code", "new codes")}, ${
    count(day.repeated, "redemandé", "redemandés", "requested again", "requested again")}`;
}

function tellDay(day) {
  chosenDay = day?.date ?? null;
  const all = stats.by_day;
  const sum = all.reduce((total, one) => total + one.new, 0);
  put("day-told", day ? dayText(day) : !knowsDays() ? ""
    : say(`${count(sum, "nouveau code", "nouveaux codes")} en ${all.length} jours`,
      `${count(sum, "", "", "new code", "new codes")} in ${all.length} days`));
  [...byId("chart").querySelectorAll(".day")].forEach((group, i) =>
    group.classList.toggle("chosen", all[i].date === chosenDay));
}

function showDays() {
  const all = stats.by_day;
  const chart = byId("chart");
  if (!changed(showDays.name, all, chart.clientWidth)) return;
  const groups = drawDays(chart, all, {
    format: number,
    label: (day, last) => last ? say("auj.", "today") : date(day.date, { day: "numeric", month: "short" }),
  });
  groups.forEach((group, i) => group.addEventListener("pointerenter", () => tellDay(all[i])));
  byId("days-empty").hidden = all.some((day) => day.new + day.repeated > 0);
  put("days-empty", knowsDays() ? say("Pas encore de code sur cette période.", "No code in this period yet.")
    : say("La base de données ne répond pas.", "The database does not answer."));
  byId("days-table").tBodies[0].replaceChildren(...[...all].reverse().map((day) =>
    element("tr", {},
      element("th", { scope: "row" }, date(day.date, { day: "numeric", month: "long", year: "numeric" })),
      element("td", { class: "number" }, number(day.new)),
      element("td", { class: "number" }, number(day.repeated)))));
  tellDay(all.find((day) => day.date === chosenDay));
}

// Without Redis nobody knows how conversations go; then there is nothing to put into these tables.
const lost = () => say("Redis ne répond pas : ces chiffres reviendront avec lui.",
  "Redis does not answer: these figures are coming back with it.");

function showLost() {
  if (!changed(showLost.name, true)) return;
  for (const id of ["funnel", "wrong", "reading", "active", "languages", "replies", "instances"]) putRows(id, [], lost());
  for (const id of ["funnel-rate", "funnel-left", "wrong-worst", "reading-back", "replies-failed"]) put(id, "");
  put("active-total", NONE);
}

function showFunnel() {
  const funnel = stats.funnel[span];
  const { started, finished, expired, stopped } = funnel;
  if (!changed(showFunnel.name, funnel, span, days)) return;
  const share = (value) => (started > 0 ? value / started : 0);
  const row = (name, value, kind) =>
    barRow(name, share(value), kind, number(value), started > 0 ? percent(share(value)) : "");
  putRows("funnel", started + finished === 0 ? [] : [
    row(say("Conversations commencées", "Conversations begun"), started, "started"),
    ...stats.flow.steps.map((key, i) => row(`${i + 1}. ${stepName(key)}`, funnel.reached[key] ?? 0, "step")),
    row(say("Code reçu", "Code received"), finished, "finished"),
  ], say("Aucune conversation sur cette période.", "No conversation in this period."));
  put("funnel-rate", started > 0
    ? say(`${percent(Math.min(1, share(finished)))} vont jusqu’au code`,
      `${percent(Math.min(1, share(finished)))} reach their code`) : "");
  put("funnel-left", expired + stopped === 0 ? ""
    : say(`Restées en chemin : ${count(expired, "expirée", "expirées")}, ${
      count(stopped, "arrêtée par STOP", "arrêtées par STOP")}.`,
    `Left on the way: ${number(expired)} expired, ${number(stopped)} ended by STOP.`));
}

function showWrong() {
  const { wrong, reached } = stats.funnel[span];
  if (!changed(showWrong.name, wrong, reached, span)) return;
  const rows = stats.flow.steps.map((key, i) => {
    const times = wrong[key] ?? 0;
    const rate = reached[key] > 0 ? (100 * times) / reached[key] : 0;
    return { name: `${i + 1}. ${stepName(key)}`, step: stepName(key), times, rate };
  });
  const worst = rows.reduce((most, row) => (row.rate > most.rate ? row : most), rows[0]);
  const highest = Math.max(worst.rate, 10);
  putRows("wrong", rows.every((row) => row.times === 0) ? []
    : rows.map((row) => barRow(row.name, row.rate / highest, row === worst ? "worst" : "mistake",
      count(row.times, "fois", "fois", "time", "times"), decimal(row.rate))),
  say("Toutes les réponses ont été comprises.", "Every answer was understood."));
  put("wrong-worst", worst.times === 0 ? ""
    : say(`La question qui arrête le plus : ${worst.step.toLowerCase()}.`,
      `What confuses people most: ${worst.step.toLowerCase()}.`));
}

// What became of answers; a question nobody had trouble with is a row of zeros.
function showReading() {
  const funnel = stats.funnel[span];
  if (!changed(showReading.name, funnel, span)) return;
  const kinds = [funnel.doubtful, funnel.wrong, funnel.not_known, funnel.asked_which, funnel.corrected];
  const rows = stats.flow.steps.map((key, i) => ({
    name: `${i + 1}. ${stepName(key)}`, figures: kinds.map((kind) => kind?.[key] ?? 0) }));
  putRows("reading", rows.every(({ figures }) => figures.every((figure) => figure === 0)) ? []
    : rows.map(({ name, figures }) => element("tr", {},
      element("th", { scope: "row" }, name),
      ...figures.map((figure) => element("td", { class: "number" }, number(figure))))),
  say("Toutes les réponses étaient simples.", "Every answer was a plain one."));
  put("reading-back", !funnel.read_back ? ""
    : say(`${count(funnel.read_back, "conversation relue", "conversations relues")} avant le code`,
      `${count(funnel.read_back, "", "", "conversation", "conversations")} read back before the code`));
}

function showActive() {
  const { total, by_step: byStep } = stats.active;
  if (!changed(showActive.name, stats.active)) return;
  put("active-total", number(total));
  const highest = Math.max(1, ...Object.values(byStep));
  putRows("active", total > 0 ? stats.flow.steps.map((key, i) =>
    barRow(`${i + 1}. ${stepName(key)}`, (byStep[key] ?? 0) / highest, "step", number(byStep[key] ?? 0)))
    : [], say("Personne n’écrit en ce moment.", "Nobody is writing just now."));
}

function showLanguages() {
  const figures = stats.languages[span];
  if (!changed(showLanguages.name, figures, span)) return;
  const codes = [...new Set([...stats.flow.languages, ...Object.keys(figures)])];
  const sum = Object.values(figures).reduce((total, value) => total + value, 0);
  putRows("languages", sum > 0 ? codes.map((code) => {
    const value = figures[code] ?? 0;
    return barRow(languageName(code), value / sum, "step", number(value), percent(value / sum));
  }) : [], say("Aucune conversation terminée.", "No finished conversation."));
}

// Only Meta tells what became of a reply; without it there is nothing to show.
function showReplies() {
  const told = ({ delivered, read, failed }) => delivered + read + failed;
  const { today, period } = stats.replies;
  const { delivered, read, failed } = stats.replies[span];
  byId("replies-card").hidden = told(today) + told(period) === 0;
  if (!changed(showReplies.name, stats.replies, span)) return;
  const sent = Math.max(1, delivered + failed);
  const row = (name, value, kind) =>
    barRow(name, Math.min(1, value / sent), kind, number(value), percent(Math.min(1, value / sent)));
  putRows("replies", delivered + read + failed > 0 ? [
    row(say("Parvenues", "Delivered"), delivered, "step"),
    row(say("Lues", "Read"), read, "step"),
    row(say("Non parvenues", "Not delivered"), failed, failed > 0 ? "worst" : "mistake"),
  ] : [], say("Aucune réponse sur cette période.", "No reply in this period."));
  put("replies-failed", failed === 0 ? ""
    : say("Le journal dit pourquoi, par le code de Meta.", "The log says why, by Meta’s code."));
}

function stateItem(good, name, kind, text) {
  return element("li", { class: good ? "good" : "bad" },
    element("span", { class: "mark", "aria-hidden": "true" }, good ? "✓" : "!"),
    element("span", { class: "what" }, name, element("small", {}, kind)),
    element("span", { class: "how" }, text));
}

function showState() {
  const { stores, outbox } = stats;
  if (!changed(showState.name, stores, outbox)) return;
  const working = (up) => (up ? say("en service", "working") : say("hors service", "down"));
  const kinds = { redis: "Redis", memory: say("mémoire", "memory"), postgresql: "PostgreSQL", sqlite: "SQLite" };
  const items = [
    stateItem(stores.sessions.up, say("Conversations", "Conversations"),
      kinds[stores.sessions.kind] ?? stores.sessions.kind, working(stores.sessions.up)),
    stateItem(stores.records.up, say("Base des codes", "Database of codes"),
      kinds[stores.records.kind] ?? stores.records.kind, working(stores.records.up)),
  ];
  if (outbox)
    items.push(stateItem(outbox.length === 0, say("File d’attente", "Outbox"),
      say("codes à inscrire dans la base", "codes on their way to the database"),
      outbox.length === 0 ? say("vide", "empty")
        : say(`${number(outbox.length)} depuis ${duration(outbox.oldest_seconds)}`,
          `${number(outbox.length)} for ${duration(outbox.oldest_seconds)}`)));
  byId("state").replaceChildren(...items);
}

function showInstances() {
  if (!changed(showInstances.name, stats.instances)) return;
  putRows("instances", stats.instances.map((one) => element("tr", {},
    element("th", { scope: "row" }, one.id,
      element("small", {}, `${one.version} · ${count(one.workers, "fil", "fils", "worker", "workers")}`)),
    element("td", { class: "number" }, one.seen_seconds_ago < 5 ? say("à l’instant", "just now")
      : say(`il y a ${duration(one.seen_seconds_ago)}`, `${duration(one.seen_seconds_ago)} ago`)))),
  say("Aucune instance ne se montre.", "No instance shows itself."));
}

function showAbout() {
  put("service", stats.service);
  put("as-of", say(`À jour à ${clock(stats.as_of, stats.time_zone)}`, `As of ${clock(stats.as_of, stats.time_zone)}`));
  put("place", say(`Heure de ${stats.time_zone.split("/").pop().replaceAll("_", " ")}`,
    `${stats.time_zone.split("/").pop().replaceAll("_", " ")} time`));
  put("about", [
    `whatsapp-uic ${stats.version}`,
    say(`en marche depuis ${duration(stats.uptime_seconds)}`, `running for ${duration(stats.uptime_seconds)}`),
    say(`questions : ${stats.flow.id}, version ${stats.flow.version}`,
      `questions: ${stats.flow.id}, version ${stats.flow.version}`),
  ].join(" · "));
}

function showSwitches() {
  const long = say(`${days} jours`, `${days} days`);
  put("span-period", long);
  for (const button of document.querySelectorAll("[data-days]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.days) === days));
  for (const button of document.querySelectorAll("[data-span]"))
    button.setAttribute("aria-pressed", String(button.dataset.span === span));
}

function show() {
  showSwitches();
  if (stats === null) return;
  document.body.classList.add("ready");
  const ofConversations = [showFunnel, showWrong, showReading, showActive, showLanguages, showReplies,
    showInstances];
  const sections = [showAbout, showToday, showTotals, showDays, showState];
  if (stats.funnel === null) {
    ofConversations.forEach((section) => forget(section.name));
    sections.push(showLost);
  } else {
    forget(showLost.name);
    sections.push(...ofConversations);
  }
  for (const section of sections) section();
}

// What is said while the server is away; the figures stay, with the time that they are of.
function showAway() {
  const away = byId("away");
  document.body.classList.toggle("stale", failures > 0);
  away.classList.toggle("shown", failures > 0);
  if (failures === 0) {
    if (away.hasChildNodes()) away.replaceChildren();
    return;
  }
  if (stats === null) put("as-of", say("Pas encore de chiffres", "No figures yet"));
  const seconds = Math.max(1, Math.round((retryAt - Date.now()) / 1000));
  const text = stats === null
    ? say("Le serveur ne répond pas encore.", "The server does not answer yet.")
    : say(`Le serveur ne répond plus. Ces chiffres sont ceux de ${clock(stats.as_of, stats.time_zone)}.`,
      `The server does not answer any more. These figures are of ${clock(stats.as_of, stats.time_zone)}.`);
  const button = element("button", { type: "button", class: "quiet" }, say("Réessayer", "Try again"));
  button.addEventListener("click", refresh);
  away.replaceChildren(
    element("p", {}, text, " ", say(`Nouvel essai dans ${unit(seconds, "second")}.`,
      `Trying again in ${unit(seconds, "second")}.`)),
    button);
}

// Asking

function schedule() {
  clearTimeout(timer);
  if (document.hidden) return;
  const seconds = Math.min(LONGEST_S, INTERVAL_S * 2 ** Math.max(0, failures - 1));
  retryAt = Date.now() + seconds * 1000;
  timer = setTimeout(refresh, seconds * 1000);
}

async function ask(signal) {
  const response = await fetch(`/admin/stats?days=${days}`, { signal, cache: "no-store" });
  if (response.status === 401) {
    location.reload(); // the pass is over: the login page says so
    return;
  }
  if (!response.ok) throw new Error(String(response.status));
  stats = await response.json();
}

async function refresh() {
  asking?.abort();
  const mine = new AbortController();
  const limit = setTimeout(() => mine.abort(), PATIENCE_MS);
  asking = mine;
  clearTimeout(timer);
  try {
    await ask(mine.signal);
    failures = 0;
  } catch {
    if (asking !== mine) return; // another one took its place
    failures++;
  } finally {
    clearTimeout(limit);
  }
  if (asking !== mine) return;
  asking = null;
  schedule();
  showAway();
  show();
}

// Hands

function pressed(selector, take) {
  for (const button of document.querySelectorAll(selector))
    button.addEventListener("click", () => take(button.dataset));
}

function walkDays(event) {
  const all = stats === null ? [] : stats.by_day;
  const at = all.findIndex((day) => day.date === chosenDay);
  const to = {
    ArrowLeft: at < 0 ? all.length - 1 : Math.max(0, at - 1),
    ArrowRight: at < 0 ? 0 : Math.min(all.length - 1, at + 1),
    Home: 0,
    End: all.length - 1,
    Escape: -1,
  }[event.key];
  if (to === undefined || all.length === 0) return;
  event.preventDefault();
  tellDay(all[to]);
}

pressed("[data-days]", (data) => {
  days = Number(data.days);
  showSwitches();
  refresh();
});
pressed("[data-span]", (data) => {
  span = data.span;
  show();
});
byId("chart-frame").addEventListener("keydown", walkDays);
byId("chart-frame").addEventListener("pointerleave", () => stats && tellDay(null));
byId("chart-frame").addEventListener("blur", () => stats && tellDay(null));
new ResizeObserver(() => stats && showDays()).observe(byId("chart"));
onLanguage(() => {
  show();
  showAway();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else refresh();
});
addEventListener("pageshow", (event) => event.persisted && refresh());
showSwitches();
refresh();
