// The login page works without this; it adds the language switch, and says that it waits when a
// wrong try is answered slowly.
import { onLanguage, say } from "./language.js";

const form = document.querySelector("form");
const field = document.getElementById("token");
const button = document.getElementById("enter");
let waiting = false;

function show() {
  if (waiting) button.textContent = say("Vérification…", "Checking…");
}

const state = document.documentElement.dataset.state;
if (state !== "ask") field.setAttribute("aria-describedby", `${state} token-hint`);
if (state === "wrong") field.setAttribute("aria-invalid", "true");
form.addEventListener("submit", (event) => {
  if (waiting) event.preventDefault();
  waiting = true;
  show();
});
// Back from the next page, it can be sent again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
onLanguage(show);
