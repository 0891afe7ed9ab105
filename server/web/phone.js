// One phone: a number, a conversation as people know it, and buttons for what happens to messages.
import { deliver, newMessageId, render, waitLong } from "./chat.js";
import { byId, element } from "./dom.js";
import { language, onLanguage, say, translate } from "./language.js";

// So long somebody seems to write, at least; the server is faster than people believe.
const TYPING_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 600;
const BUBBLES_MAX = 500;

const time = (date) => new Intl.DateTimeFormat(language(), { timeStyle: "short" }).format(date);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Indents TwiML enough to be read.
const pretty = (xml) => xml.replace(/\?>/, "?>\n").replace(/(<Response>|<Message>)/g, "$1\n")
  .replace(/(<\/Body>|<\/Message>)/g, "$1\n");

export class Phone {
  constructor(number, index) {
    this.node = byId("phone").content.firstElementChild.cloneNode(true);
    translate(this.node);
    this.number = number;
    this.waiting = 0;
    this.last = null; // the last message, to be delivered again
    this.shifted = 0; // milliseconds that this phone's clock was moved on
    this.find = (selector) => this.node.querySelector(selector);
    this.log = this.find(".log");
    this.field = this.find("textarea");
    this.setIndex(index);
    this.find(".number input").value = number;
    this.listen();
  }

  setIndex(index) {
    const name = () => say(`Téléphone ${index}`, `Phone ${index}`);
    this.rename = () => {
      this.find(".name").textContent = "CIU RDC";
      this.node.setAttribute("aria-label", `${name()}, ${this.number}`);
      this.tab?.replaceChildren(name());
    };
    this.rename();
  }

  listen() {
    const on = (selector, event, take) => this.find(selector).addEventListener(event, take);
    on(".composer", "submit", (event) => {
      event.preventDefault();
      this.write();
    });
    on("textarea", "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.write();
    });
    on("textarea", "input", () => this.fit());
    on(".hello", "click", () => this.send({ text: "Bonjour" }));
    on(".photo", "click", () => this.send({ text: "", picture: true }));
    on(".again", "click", () => this.again());
    on(".later", "click", () => this.later());
    on(".raw", "click", (event) => {
      const shown = this.node.classList.toggle("shows-raw");
      event.currentTarget.setAttribute("aria-pressed", String(shown));
      this.scroll();
    });
    on(".number input", "change", (event) => this.renumber(event.target));
    onLanguage(() => this.rename());
  }

  now() {
    return new Date(Date.now() + this.shifted);
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 120)}px`;
  }

  scroll() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  put(node) {
    this.find(".start")?.remove();
    this.log.append(node);
    while (this.log.childElementCount > BUBBLES_MAX) this.log.firstElementChild.remove();
    this.scroll();
    return node;
  }

  note(text, kind = "") {
    this.put(element("p", { class: `pill ${kind}` }, text));
  }

  // A bubble of ours; its ticks tell how far it came.
  bubbleOut({ text, picture }) {
    const ticks = element("span", { class: "ticks", role: "img" });
    const body = picture
      ? element("p", { class: "picture" }, element("span", { "aria-hidden": "true" }, "📷"), say("Photo", "Picture"))
      : element("p", {}, ...render(text));
    const bubble = this.put(element("div", { class: "bubble out" },
      element("span", { class: "unseen" }, say("Vous : ", "You: ")), body,
      element("footer", {}, element("time", {}, time(this.now())), ticks)));
    const tell = (state, sign, label) => {
      bubble.dataset.state = state;
      ticks.textContent = sign;
      ticks.setAttribute("aria-label", label);
    };
    tell("sent", "✓", say("envoyé", "sent"));
    return {
      read: () => tell("read", "✓✓", say("lu", "read")),
      fail: () => tell("failed", "!", say("non envoyé", "not sent")),
    };
  }

  bubbleIn(text) {
    this.put(element("div", { class: "bubble in" },
      element("span", { class: "unseen" }, say("CIU : ", "UIC: ")),
      element("p", {}, ...render(text)),
      element("footer", {}, element("time", {}, time(this.now())))));
  }

  typing(change) {
    this.waiting += change;
    this.find(".typing").hidden = this.waiting === 0;
    this.find(".presence").textContent = this.waiting > 0 ? say("écrit…", "typing…") : say("en ligne", "online");
    this.scroll();
  }

  write() {
    const text = this.field.value.trim();
    if (text === "") return;
    this.field.value = "";
    this.fit();
    this.send({ text });
  }

  send({ text, picture = false }) {
    this.last = { id: newMessageId(), from: this.number, text, picture };
    this.find(".again").disabled = false;
    return this.exchange(this.last, this.bubbleOut(this.last));
  }

  async exchange(message, bubble) {
    this.typing(1);
    try {
      const [reply] = await Promise.all([deliver(message), pause(TYPING_MS)]);
      bubble?.read();
      for (const text of reply.texts) this.bubbleIn(text);
      if (reply.texts.length === 0)
        this.note(say("Réponse vide : ce message avait déjà été traité.",
          "An empty answer: this message had been handled before."));
      this.put(element("pre", { class: "twiml", tabindex: "0", "aria-label": "TwiML" }, pretty(reply.xml)));
    } catch (error) {
      bubble?.fail();
      this.note(say(`Le serveur n’a pas pris le message (${error.message}). Redélivrez-le.`,
        `The server did not take the message (${error.message}). Deliver it again.`), "bad");
    } finally {
      this.typing(-1);
    }
  }

  again() {
    this.note(say("Le même message arrive une deuxième fois.", "The same message arrives a second time."));
    return this.exchange(this.last, null);
  }

  async later() {
    try {
      await waitLong(this.number);
      this.shifted += 15 * 60_000;
      this.note(say("15 minutes de silence plus tard", "15 minutes of silence later"), "later");
    } catch (error) {
      this.note(say(`Le temps n’a pas passé (${error.message}).`, `Time did not pass (${error.message}).`), "bad");
    }
  }

  renumber(field) {
    const number = field.value.replace(/\s/g, "");
    if (number === "") {
      field.value = this.number;
      return;
    }
    field.value = number;
    if (number === this.number) return;
    this.number = number;
    this.rename();
    this.note(say(`Désormais depuis le ${number}`, `From now on as ${number}`));
  }
}
