// The dashboard: how the programme goes, at a glance, on any screen and a slow line.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { busy, empty, withoutDatabase, withoutRedis } from "./figures.mjs";
import { Person } from "./people.mjs";
import { eventually, startServer } from "./server.mjs";
import { accessibilityOf, logIn, NARROW, overflows, photograph, visit, WIDE } from "./stage.mjs";

const STATS = "**/admin/stats?*";
const UNAVAILABLE = /503|ERR_/;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

// Lets the server say these figures.
const say = (page, figures) => page.route(STATS, (route) =>
  route.fulfill({ json: figures(Number(new URL(route.request().url()).searchParams.get("days"))) }));

const shown = (page) => page.locator("body.ready").waitFor();

async function open(t, figures = busy, options = {}) {
  const page = await visit(t, server, options);
  await say(page, figures);
  await logIn(page, server);
  await shown(page);
  return page;
}

// Text as people compare it: one kind of space.
const text = async (locator) => (await locator.innerText()).replace(/\s+/g, " ").trim();
const rows = async (page, id) => Promise.all((await page.locator(`#${id} tbody tr`).all()).map(text));

test("after known conversations it shows their figures", async (t) => {
  const own = await startServer();
  t.after(() => own.stop());
  const [amina, joseph, mary, paul] = Array.from({ length: 4 }, () => new Person(own));
  const answers = ["1985", "Kinshasa", "Amina", "15", "Kabila"];
  await amina.write("Bonjour", ...answers);
  await amina.write("Bonjour", ...answers);
  await joseph.write("Bonjour", "je ne sais pas", "1990", "Goma");
  await mary.write("Hello", "LANGUAGE", "2", "1992", "Bukavu", "Mary", "3", "Ilunga");
  await paul.write("Bonjour", "STOP");

  const expected = {
    funnel: [
      "Conversations commencées 5 100 %",
      "1. Année de naissance 5 100 %",
      "2. Lieu de naissance de la mère 4 80 %",
      "3. Prénom 4 80 %",
      "4. Jour de naissance 3 60 %",
      "5. Nom de famille 3 60 %",
      "Code reçu 3 60 %",
    ],
    left: "Restées en chemin : 0 expirée, 1 arrêtée par STOP.",
    wrong: "1. Année de naissance 1 fois 20",
    reading: "1. Année de naissance 0 1 1 0 0",
    languages: ["Français 2 67 %", "Anglais 1 33 %", "Lingala 0 0 %", "Swahili 0 0 %"],
  };
  const page = await visit(t, own);
  await logIn(page, own);
  await shown(page);
  const figures = async () => ({
    funnel: await rows(page, "funnel"),
    left: await text(page.locator("#funnel-left")),
    wrong: (await rows(page, "wrong"))[0],
    reading: (await rows(page, "reading"))[0],
    languages: await rows(page, "languages"),
  });
  // Each worker brings its counts together once a second, and not all in the same moment.
  await eventually(async () => {
    await page.reload();
    await shown(page);
    await page.getByRole("button", { name: "Aujourd’hui", exact: true }).click();
    return isDeepStrictEqual(await figures(), expected);
  }, "all is counted").catch(() => {});
  assert.deepEqual(await figures(), expected);
  assert.equal(await text(page.locator(".hero")), "2 nouveaux codes");
  assert.equal(await text(page.locator("#today-repeated")), "1");
  assert.deepEqual([await text(page.locator("#total-codes")), await text(page.locator("#total-requests")),
    await text(page.locator("#total-numbers"))], ["2", "3", "2"]);
  assert.equal(await text(page.locator("#active-total")), "1");
  assert.equal((await rows(page, "active"))[2], "3. Prénom 1");
  assert.equal(await page.locator("#state .bad").count(), 0);
  assert.equal(await page.locator("#instances tbody tr").count(), 1);
});

test("figures are written as one writes them in French", async (t) => {
  const page = await open(t);
  assert.equal(await text(page.locator(".hero")), "143 nouveaux codes");
  assert.equal(await text(page.locator("#today-date")), "lundi 23 novembre");
  assert.equal(await text(page.locator("#total-codes")), "12 847");
  assert.equal(await text(page.locator("#total-repeated")), "dont 1 384 codes redemandés");
  assert.equal(await text(page.locator("#total-duplicates")),
    "37 doublons possibles à trancher : whatsapp-uic duplicates les montre");
  assert.equal(await text(page.locator("#as-of")), "À jour à 17:00:00");
  assert.equal(await text(page.locator("#place")), "Heure de Kinshasa");
  assert.deepEqual((await rows(page, "funnel")).slice(0, 3), [
    "Conversations commencées 5 400 100 %",
    "1. Année de naissance 5 400 100 %",
    "2. Lieu de naissance de la mère 4 968 92 %",
  ]);
  assert.equal((await rows(page, "wrong"))[0], "1. Année de naissance 594 fois 11");
  assert.equal(await text(page.locator("#wrong-worst")), "La question qui arrête le plus : année de naissance.");
  assert.deepEqual((await rows(page, "reading")).slice(0, 2),
    ["1. Année de naissance 270 594 54 0 11", "2. Lieu de naissance de la mère 432 162 108 0 54"]);
  assert.equal(await text(page.locator("#reading-back")), "810 conversations relues avant le code");
  assert.deepEqual(await rows(page, "languages"), ["Français 2 107 91 %", "Anglais 217 9,3 %"]);
  assert.deepEqual(await rows(page, "replies"), ["Parvenues 21 480 100 %", "Lues 15 200 71 %", "Non parvenues 64 0,3 %"]);
  assert.equal(await text(page.locator("#replies-failed")), "Le journal dit pourquoi, par le code de Meta.");
  assert.deepEqual(await rows(page, "instances"),
    ["uic-1 0.1.0 · 2 fils à l’instant", "uic-2 0.1.0 · 2 fils il y a 12 s"]);
});

test("and in English, which this browser remembers", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "English" }).click();
  await page.reload();
  await shown(page);
  assert.equal(await page.title(), "Dashboard – UIC");
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.equal(await text(page.locator(".hero")), "143 new codes");
  assert.equal(await text(page.locator("#total-codes")), "12,847");
  assert.equal((await rows(page, "wrong"))[0], "1. Birth year 594 times 11");
  assert.equal(await text(page.locator("#reading-back")), "810 conversations read back before the code");
  assert.equal(await page.getByText(/[éèêàç]|aujourd/i).filter({ visible: true })
    .filter({ hasNotText: "Générateur" }).count(), 0, "nothing French is left");
  await page.getByRole("button", { name: "Français" }).click();
  assert.equal(await text(page.locator(".hero")), "143 nouveaux codes");
});

test("the funnel, the wrong answers and the languages are of today or of the period", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "Aujourd’hui", exact: true }).click();
  assert.equal((await rows(page, "funnel"))[0], "Conversations commencées 180 100 %");
  assert.deepEqual(await rows(page, "languages"), ["Français 101 87 %", "Anglais 15 13 %"]);
  assert.deepEqual(await rows(page, "replies"), ["Parvenues 912 100 %", "Lues 604 66 %", "Non parvenues 3 0,3 %"]);
});

test("the chart has a column a day, and a table that says the same", async (t) => {
  const page = await open(t);
  assert.equal(await page.locator("#chart .day").count(), 30);
  await page.getByText("Les mêmes chiffres en tableau").click();
  const table = await rows(page, "days-table");
  assert.equal(table.length, 30);
  assert.equal(table[0], "23 novembre 2026 143 21");
  await page.getByRole("button", { name: "90 jours" }).click();
  await page.locator("#chart .day").nth(89).waitFor();
  assert.equal((await rows(page, "days-table")).length, 90);
  assert.equal((await rows(page, "funnel"))[0], "Conversations commencées 16 200 100 %");
});

test("days are told one by one, by pointing and by the arrow keys", async (t) => {
  const page = await open(t);
  const told = page.locator("#day-told");
  await page.locator("#chart .day").last().hover();
  assert.equal(await text(told), "Lundi 23 novembre : 143 nouveaux codes, 21 redemandés");
  await page.mouse.move(0, 0);
  await page.locator("#chart-frame").focus();
  await page.keyboard.press("Home");
  assert.match(await text(told), /^Dimanche 25 octobre : /);
  await page.keyboard.press("ArrowRight");
  assert.match(await text(told), /^Lundi 26 octobre : /);
  await page.keyboard.press("Escape");
  assert.match(await text(told), /nouveaux codes en 30 jours$/);
});

test("before the first conversation, it says so instead of showing holes", async (t) => {
  const page = await open(t, empty);
  assert.equal(await text(page.locator(".hero")), "0 nouveau code");
  for (const words of ["Pas encore de code sur cette période.", "Aucune conversation sur cette période.",
    "Personne n’écrit en ce moment.", "Aucune conversation terminée.", "Aucune instance ne se montre."])
    assert.equal(await page.getByText(words).isVisible(), true, words);
  await photograph(page, "dashboard-empty");
});

test("while the database is away, the rest is shown and the outbox stands out", async (t) => {
  const page = await open(t, withoutDatabase);
  assert.equal(await text(page.locator("#total-codes")), "–");
  assert.equal(await page.locator("#totals-away").isVisible(), true);
  assert.equal(await text(page.locator("#state .bad").first()), "! Base des codes PostgreSQL hors service");
  assert.match(await text(page.locator("#state .bad").last()), /212 depuis 6 min$/);
  assert.equal(await text(page.locator(".hero")), "– nouveaux codes");
  assert.equal(await page.locator("#days-empty").innerText(), "La base de données ne répond pas.");
  assert.equal((await rows(page, "funnel"))[0], "Conversations commencées 5 400 100 %");
  await photograph(page, "dashboard-without-database");
});

test("while Redis is away, codes are counted all the same, and figures come back with it", async (t) => {
  let figures = withoutRedis;
  const page = await open(t, (days) => figures(days));
  const told = "Redis ne répond pas : ces chiffres reviendront avec lui.";
  assert.equal(await text(page.locator(".hero")), "143 nouveaux codes");
  for (const id of ["funnel", "wrong", "reading", "active", "languages", "replies", "instances"])
    assert.deepEqual(await rows(page, id), [told]);
  assert.equal(await text(page.locator("#state .bad")), "! Conversations Redis hors service");
  await photograph(page, "dashboard-without-redis");
  figures = busy;
  await page.getByRole("button", { name: "7 jours" }).click();
  await page.getByText("Conversations commencées").waitFor();
  assert.equal((await rows(page, "instances")).length, 2);
});

test("the page stands before the figures come", async (t) => {
  const page = await visit(t, server);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route(STATS, async (route) => {
    await held;
    await route.fulfill({ json: busy() });
  });
  await logIn(page, server);
  await page.getByRole("heading", { name: "Tableau de bord" }).waitFor();
  await page.getByText("Les chiffres arrivent…").waitFor();
  // The browser reports a paint a moment after it.
  await page.waitForFunction(() =>
    performance.getEntriesByName("first-contentful-paint").length === 1);
  await photograph(page, "dashboard-waiting");
  release();
  await shown(page);
});

test("while the server is away it says so, keeps the figures and tries again", async (t) => {
  const page = await visit(t, server, { expected: UNAVAILABLE });
  await page.clock.install();
  let away = false;
  let asked = 0;
  await page.route(STATS, (route) => {
    asked++;
    return away ? route.abort() : route.fulfill({ json: busy() });
  });
  await logIn(page, server);
  await shown(page);
  away = true;
  await page.clock.runFor(10_000);
  const banner = page.locator("#away");
  await banner.getByText(/Le serveur ne répond plus\. Ces chiffres sont ceux de 17:00:00\./).waitFor();
  await banner.getByText("Nouvel essai dans 10 s").waitFor();
  await page.clock.runFor(10_000);
  await banner.getByText("Nouvel essai dans 20 s").waitFor();
  await page.clock.runFor(20_000);
  await banner.getByText("Nouvel essai dans 40 s").waitFor();
  assert.equal(asked, 4);
  assert.equal(await text(page.locator(".hero")), "143 nouveaux codes");
  await photograph(page, "dashboard-away");
  away = false;
  await banner.getByRole("button", { name: "Réessayer" }).click();
  await banner.waitFor({ state: "hidden" });
  assert.equal(asked, 5);
  await page.clock.runFor(10_000);
  await eventually(() => asked === 6, "it asks after ten seconds again");
});

test("a page that nobody looks at asks nothing", async (t) => {
  const page = await visit(t, server);
  await page.clock.install();
  let asked = 0;
  await page.route(STATS, (route) => {
    asked++;
    return route.fulfill({ json: busy() });
  });
  await logIn(page, server);
  await shown(page);
  const look = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await look(true);
  await page.clock.runFor(60_000);
  assert.equal(asked, 1);
  await Promise.all([page.waitForResponse(STATS), look(false)]);
});

test("when the pass is over, it leads to the login page", async (t) => {
  const page = await open(t, busy, { expected: /401/ });
  await page.context().clearCookies();
  await page.route(STATS, (route) => route.fulfill({ status: 401, json: { error: "no" } }));
  await page.getByRole("button", { name: "7 jours" }).click();
  await page.getByLabel("Jeton d’administration").waitFor();
});

// Bytes on the wire, heads and all, that a reload costs; without interception, which would switch the
// browser's cache off.
async function bytesOfReload(page, { cacheDisabled }) {
  const session = await page.context().newCDPSession(page);
  let bytes = 0;
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled });
  session.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await page.reload({ waitUntil: "networkidle" });
  await shown(page);
  await session.detach(); // or what it said of the cache stays
  return bytes;
}

test("all of it is less than 60 kB on the wire, and a second visit next to nothing", async (t) => {
  const page = await visit(t, server);
  await logIn(page, server);
  await shown(page);
  const [first, second] = [await bytesOfReload(page, { cacheDisabled: true }),
    await bytesOfReload(page, { cacheDisabled: false })];
  t.diagnostic(`${first} bytes, then ${second}`);
  assert.ok(first > 8_000 && first < 60_000, `${first} bytes`);
  assert.ok(second < 8_000, `${second} bytes`);
});

test("it can be used with the keyboard alone", async (t) => {
  const page = await open(t);
  const focused = () => page.evaluate(() => {
    const node = document.activeElement;
    return node.getAttribute("aria-label") ?? node.textContent.trim();
  });
  await page.reload();
  await shown(page);
  const path = [];
  for (let i = 0; i < 11; i++) {
    await page.keyboard.press("Tab");
    path.push(await focused());
  }
  assert.deepEqual(path, ["Aller aux chiffres", "Français", "English", "Se déconnecter", "7 jours", "30 jours",
    "90 jours", "Codes par jour : flèches gauche et droite pour parcourir les jours",
    "Les mêmes chiffres en tableau", "Aujourd’hui", "30 jours"]);
  await page.locator(".days summary").focus();
  await page.keyboard.press("Enter");
  await page.locator("#days-table").waitFor();
});

for (const [name, viewport] of [["360", NARROW], ["1280", WIDE]])
  for (const colorScheme of ["light", "dark"]) {
    test(`nothing of it is closed to anybody, and nothing sticks out (${name}, ${colorScheme})`, async (t) => {
      const page = await open(t, busy, { viewport, colorScheme });
      await page.getByText("Les mêmes chiffres en tableau").click();
      assert.deepEqual(await accessibilityOf(page), []);
      await page.getByText("Les mêmes chiffres en tableau").click();
      assert.equal(await overflows(page), false);
      await photograph(page, `dashboard-${name}-${colorScheme}`);
    });
  }
