// The simulator: a newcomer sees the bot work without a phone.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { startServer } from "./server.mjs";
import { accessibilityOf, NARROW, overflows, photograph, visit } from "./stage.mjs";

const JEAN = ["Bonjour", "1985", "Kinshasa", "Jean", "15", "Kabila"];
const CODE = /^985-KINS-15-JEA-KABI-[0-9A-F]{5}$/m;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

const phoneAt = (page, index) => page.getByRole("region", { name: new RegExp(`^(Téléphone|Phone) ${index},`) });
const answers = (phone) => phone.locator(".bubble.in");
const lastAnswer = (phone) => answers(phone).last();
const codeOf = async (phone) => CODE.exec(await lastAnswer(phone).innerText())?.[0];

// Writes and waits for the answer.
async function write(phone, ...texts) {
  for (const text of texts) {
    const count = await answers(phone).count();
    await phone.getByLabel("Message", { exact: true }).fill(text);
    await phone.getByLabel("Message", { exact: true }).press("Enter");
    await answers(phone).nth(count).waitFor();
  }
}

async function open(t, options) {
  const page = await visit(t, server, options);
  await page.goto(`${server.url}/simulator`);
  await phoneAt(page, 1).waitFor();
  return page;
}

test("two phones hold two conversations side by side, and each gets its code", async (t) => {
  const page = await open(t);
  const [one, two] = [phoneAt(page, 1), phoneAt(page, 2)];
  await one.getByRole("button", { name: "Bonjour" }).click();
  await answers(one).first().waitFor();
  await write(two, "Hello");
  for (let i = 1; i < JEAN.length; i++) {
    await write(one, JEAN[i]);
    await write(two, i === 3 ? "Marie" : JEAN[i]);
  }
  assert.match(await codeOf(one), CODE);
  assert.match(await lastAnswer(two).innerText(), /^985-KINS-15-MAR-KABI-[0-9A-F]{5}$/m);
  assert.equal(await one.locator(".bubble.out").count(), JEAN.length);
  await photograph(page, "simulator", {});
});

test("the second question stands in bold, and every answer has its time", async (t) => {
  const page = await open(t);
  const phone = phoneAt(page, 1);
  await write(phone, "Bonjour", "1985");
  assert.match(await lastAnswer(phone).locator("strong").last().innerText(), /^Question 2 sur 5$/);
  assert.doesNotMatch(await lastAnswer(phone).innerText(), /\*/);
  assert.match(await lastAnswer(phone).locator("time").innerText(), /^\d\d:\d\d$/);
  assert.equal(await phone.getByRole("img", { name: "lu" }).count(), 2);
});

test("one person who answers twice gets the same code", async (t) => {
  const page = await open(t);
  const phone = phoneAt(page, 1);
  await write(phone, ...JEAN);
  const code = await codeOf(phone);
  await write(phone, ...JEAN);
  assert.equal(await codeOf(phone), code);
  assert.equal(await answers(phone).count(), 2 * JEAN.length);
});

test("one number on two phones is one conversation", async (t) => {
  const page = await open(t);
  const [one, two] = [phoneAt(page, 1), phoneAt(page, 2)];
  const number = await one.getByRole("textbox", { name: "J’écris depuis le" }).inputValue();
  await write(one, "Bonjour", "1985");
  await two.getByRole("textbox", { name: "J’écris depuis le" }).fill(number);
  await write(two, "Kinshasa");
  assert.match(await lastAnswer(two).innerText(), /Question 3 sur 5/);
});

test("a message that is delivered again is answered again and changes nothing", async (t) => {
  const page = await open(t);
  const phone = phoneAt(page, 1);
  await write(phone, "Bonjour", "1985");
  const told = await lastAnswer(phone).locator("p").innerText();
  await phone.getByRole("button", { name: "Redélivrer le dernier message" }).click();
  await answers(phone).nth(2).waitFor();
  assert.equal(await lastAnswer(phone).locator("p").innerText(), told);
  await write(phone, "Kinshasa");
  assert.match(await lastAnswer(phone).innerText(), /Question 3 sur 5/);
});

test("15 minutes later the session has expired, for this phone only", async (t) => {
  const page = await open(t);
  const [one, two] = [phoneAt(page, 1), phoneAt(page, 2)];
  await write(one, "Bonjour", "1985");
  await write(two, "Bonjour", "1990");
  await one.getByRole("button", { name: "15 minutes plus tard" }).click();
  await one.getByText("15 minutes de silence plus tard").waitFor();
  await write(one, "Kinshasa");
  await write(two, "Goma");
  assert.match(await lastAnswer(one).innerText(), /session a expiré/);
  assert.match(await lastAnswer(two).innerText(), /Question 3 sur 5/);
});

test("a picture without text is asked for in writing", async (t) => {
  const page = await open(t);
  const phone = phoneAt(page, 1);
  await write(phone, "Bonjour");
  await phone.getByRole("button", { name: "Envoyer une photo sans texte" }).click();
  await answers(phone).nth(1).waitFor();
  assert.match(await lastAnswer(phone).innerText(), /messages écrits/);
});

test("the raw TwiML shows on request", async (t) => {
  const page = await open(t);
  const phone = phoneAt(page, 1);
  await write(phone, "Bonjour");
  const raw = phone.locator(".twiml");
  assert.equal(await raw.isVisible(), false);
  await phone.getByRole("button", { name: "Montrer le TwiML" }).click();
  assert.match(await raw.innerText(), /<Response>\s*<Message>\s*<Body>/);
});

test("phones are added up to four, and taken away", async (t) => {
  const page = await open(t);
  const add = page.getByRole("button", { name: "Ajouter un téléphone" });
  await add.click();
  await add.click();
  assert.equal(await page.locator(".phone").count(), 4);
  assert.equal(await add.isDisabled(), true);
  await phoneAt(page, 3).getByRole("button", { name: "Retirer ce téléphone" }).click();
  assert.equal(await page.locator(".phone").count(), 3);
  assert.equal(await add.isDisabled(), false);
});

test("what the server does not take can be delivered again", async (t) => {
  const page = await open(t, { expected: /503/ });
  const phone = phoneAt(page, 1);
  await page.route("**/simulator/message", (route) =>
    route.fulfill({ status: 503, json: { error: "too many messages at once" } }), { times: 1 });
  await phone.getByRole("button", { name: "Bonjour" }).click();
  await phone.getByText(/n’a pas pris le message .*too many messages/).waitFor();
  await phone.getByRole("button", { name: "Redélivrer le dernier message" }).click();
  await answers(phone).first().waitFor();
});

test("on a narrow screen there is one phone at a time, behind tabs", async (t) => {
  const page = await open(t, { viewport: NARROW });
  assert.equal(await page.locator(".phone").count(), 1);
  await write(phoneAt(page, 1), "Bonjour", "1985", "Kinshasa");
  await photograph(page, "simulator-360", {});
  await page.getByRole("button", { name: "Ajouter un téléphone" }).click();
  assert.equal(await page.locator(".phone:visible").count(), 1);
  await page.getByRole("tab", { name: "Téléphone 2" }).press("ArrowLeft");
  assert.equal(await phoneAt(page, 1).isVisible(), true);
  assert.equal(await phoneAt(page, 2).isVisible(), false);
  assert.equal(await overflows(page), false);
  assert.deepEqual(await accessibilityOf(page), []);
});

test("it can be used with the keyboard alone", async (t) => {
  const page = await open(t);
  await page.keyboard.type("Bonjour");
  await page.keyboard.press("Enter");
  await answers(phoneAt(page, 1)).first().waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await answers(phoneAt(page, 1)).nth(1).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  test(`nothing of it is closed to anybody (${colorScheme})`, async (t) => {
    const page = await open(t, { colorScheme });
    const phone = phoneAt(page, 1);
    await write(phone, "Bonjour", "1985", "12345678901234567890".repeat(5), "https://example.org/ciu");
    await phone.getByRole("button", { name: "Montrer le TwiML" }).click();
    await phone.getByRole("button", { name: "15 minutes plus tard" }).click();
    await phone.getByText("15 minutes de silence").waitFor();
    assert.deepEqual(await accessibilityOf(page), []);
    await photograph(page, `simulator-${colorScheme}`, {});
  });
}

test("it speaks English when told to, and remembers it", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Simulator" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Simulator" }).waitFor();
  assert.equal(await phoneAt(page, 1).getByRole("button", { name: "15 minutes later" }).count(), 1);
});

test("production has none", async () => {
  const production = await startServer({
    ENVIRONMENT: "production",
    PUBLIC_URL: "https://ciu.example.org",
    TWILIO_AUTH_TOKEN: "0123456789abcdef0123456789abcdef",
    RUN_AS_USER: "root",
  });
  for (const path of ["/simulator", "/web/simulator.js", "/web/phone.js"])
    assert.equal((await fetch(production.url + path)).status, 404);
  await production.stop();
});
