// Logging in and out.
import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import test, { after, before } from "node:test";
import { busy } from "./figures.mjs";
import { eventually, startServer, TOKEN } from "./server.mjs";
import { accessibilityOf, logIn, NARROW, overflows, photograph, visit } from "./stage.mjs";

const REFUSED = /status of 4(03|29)/;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

const dashboard = (page) => page.getByRole("heading", { name: "Tableau de bord" });
const field = (page) => page.getByLabel("Jeton d’administration");

async function come(t, options) {
  const page = await visit(t, server, options);
  await page.route("**/admin/stats?*", (route) => route.fulfill({ json: busy() }));
  return page;
}

test("the token opens the dashboard, and stays nowhere a script or a neighbour could read it", async (t) => {
  const page = await come(t);
  const urls = [];
  page.on("request", (request) => urls.push(request.url()));
  await logIn(page, server);
  await dashboard(page).waitFor();
  assert.equal(page.url(), `${server.url}/admin`);
  assert.equal(urls.some((url) => url.includes(TOKEN)), false);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.secure],
    ["uic_admin", true, "Strict", "/admin", false]);
  const hours = (cookie.expires - Date.now() / 1000) / 3600;
  assert.ok(hours > 11 && hours <= 12.1, `${hours} hours`);
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })), "{}");
  assert.equal(cookie.value.includes(TOKEN), false);
});

test("a wrong token is answered late and in plain words, then the right one is taken", async (t) => {
  const page = await come(t, { expected: REFUSED });
  await logIn(page, server, "not-the-Token_123");
  await page.getByText("Ce jeton n’est pas le bon.").waitFor();
  assert.equal(await field(page).inputValue(), "");
  assert.equal(await field(page).getAttribute("aria-invalid"), "true");
  assert.match(await field(page).evaluate((node) =>
    node.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).innerText).join(" ")),
  /pas le bon.*ADMIN_TOKEN/);
  assert.deepEqual(await page.context().cookies(), []);
  assert.deepEqual(await accessibilityOf(page), []);
  await photograph(page, "login-wrong");
  await field(page).fill(TOKEN);
  await field(page).press("Enter");
  await dashboard(page).waitFor();
});

test("while a wrong try waits, the page says that it is checked, and the right token waits behind it", async (t) => {
  const page = await come(t, { expected: REFUSED });
  for (let i = 0; i < 2; i++) {
    await logIn(page, server, "not-the-Token_123");
    await page.getByText("Ce jeton n’est pas le bon.").waitFor();
  }
  const other = await page.context().newPage();
  await other.goto(`${server.url}/admin`);
  await field(other).fill(TOKEN);
  // What a page that is about to be left says can only be heard.
  const heard = [];
  await page.exposeFunction("tell", (words) => heard.push(words));
  await page.evaluate(() => {
    const button = document.getElementById("enter");
    new MutationObserver(() => globalThis.tell(button.textContent)).observe(button, { childList: true });
  });
  await field(page).fill("not-the-Token_123");
  // The third waits for four seconds.
  await page.getByRole("button", { name: "Se connecter" }).click({ noWaitAfter: true });
  await eventually(() => heard.includes("Vérification…"), "the page says that it checks");
  await other.getByRole("button", { name: "Se connecter" }).click();
  await page.getByText("Ce jeton n’est pas le bon.").waitFor();
  await dashboard(other).waitFor();
});

test("after logging out the dashboard is closed again", async (t) => {
  const page = await come(t);
  await logIn(page, server);
  await dashboard(page).waitFor();
  await page.getByRole("button", { name: "Se déconnecter" }).click();
  await field(page).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.goBack();
  await field(page).waitFor();
});

test("when a visit is over, the page says so", async (t) => {
  const page = await come(t);
  const end = `${Math.floor(Date.now() / 1000) - 1}.0123456789abcdef`;
  const key = Buffer.from(hkdfSync("sha256", TOKEN, "whatsapp-uic 1", "admin pass", 32));
  const proof = createHmac("sha256", key).update(end).digest("hex");
  await page.context().addCookies([{ name: "uic_admin", value: `${end}.${proof}`, url: `${server.url}/admin` }]);
  await page.goto(`${server.url}/admin`);
  await page.getByText("Votre visite a pris fin.").waitFor();
  assert.deepEqual(await accessibilityOf(page), []);
});

test("it works without JavaScript", async (t) => {
  const page = await come(t, { javaScriptEnabled: false });
  await logIn(page, server);
  await dashboard(page).waitFor();
});

test("it works with the keyboard alone, and in English", async (t) => {
  const page = await come(t);
  await page.goto(`${server.url}/admin`);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByLabel("Admin token").focus();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  test(`nothing of the login page is closed to anybody (${colorScheme})`, async (t) => {
    const page = await come(t, { viewport: NARROW, colorScheme });
    await page.goto(`${server.url}/admin`);
    await field(page).waitFor();
    assert.deepEqual(await accessibilityOf(page), []);
    assert.equal(await overflows(page), false);
    await photograph(page, `login-${colorScheme}`);
  });
}
