// People who write to the webhook, as Twilio forwards them.
import { randomBytes } from "node:crypto";

let numbers = 243_820_000_000;

export class Person {
  constructor(server) {
    this.server = server;
    this.number = `+${numbers++}`;
  }

  // Sends one message after the other; returns the last answer.
  async write(...texts) {
    let answer;
    for (const text of texts) {
      const response = await fetch(`${this.server.url}/whatsapp/webhook`, {
        method: "POST",
        body: new URLSearchParams({
          MessageSid: `SM${randomBytes(16).toString("hex")}`, From: `whatsapp:${this.number}`, Body: text, NumMedia: "0",
        }),
      });
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      answer = await response.text();
    }
    return answer;
  }
}
