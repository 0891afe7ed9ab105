// A message's text as nodes, with what the chat app makes of it (*bold*, _italic_, links), and the
// wire: Twilio's form to the server, TwiML back.
import { element } from "./dom.js";

const MARKS = /(https?:\/\/[^\s<>]+[^\s<>.,;:!?)])|(?<![\p{L}\p{N}])\*(\S(?:[^*\n]*\S)?)\*(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])_(\S(?:[^_\n]*\S)?)_(?![\p{L}\p{N}])/gu;

export function render(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(MARKS)) {
    const [whole, link, bold, italic] = match;
    nodes.push(text.slice(at, match.index));
    if (link) nodes.push(element("a", { href: link, target: "_blank", rel: "noreferrer" }, link));
    else if (bold) nodes.push(element("strong", {}, bold));
    else nodes.push(element("em", {}, italic));
    at = match.index + whole.length;
  }
  return [...nodes, text.slice(at)];
}

export function newMessageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `SM${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

async function post(path, fields) {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  const body = await response.text();
  if (response.ok) return body;
  let reason = body;
  try {
    reason = JSON.parse(body).error;
  } catch {
    // not ours: as it came
  }
  throw new Error(`${response.status} ${reason}`);
}

// Sends one message; returns the TwiML and the texts in it.
export async function deliver({ id, from, text, picture }) {
  const xml = await post("/simulator/message", {
    MessageSid: id,
    From: `whatsapp:${from}`,
    Body: text,
    NumMedia: picture ? "1" : "0",
  });
  const document = new DOMParser().parseFromString(xml, "text/xml");
  return { xml, texts: [...document.querySelectorAll("Message > Body")].map((body) => body.textContent) };
}

// The silence after which this number's conversation expires.
export const waitLong = (from) => post("/simulator/later", { From: `whatsapp:${from}` });
