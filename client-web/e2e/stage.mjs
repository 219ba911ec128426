// What is no browser: the server's death and return, and a third person at the desktop client's core. Asked for by a line,
// answered by a line; the other end is server/tests/browser.rs.
import { createInterface } from "node:readline";

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let turn = Promise.resolve();

/** One question after the other. */
function ask(what) {
  const asked = turn.then(async () => {
    process.stdout.write(`?? ${JSON.stringify(what)}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("nobody answers: start this by `cargo xtask test browser`");
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer.ok;
  });
  turn = asked.catch(() => {});
  return asked;
}

/** The real server; its address stays. */
export const server = {
  /** As a power cut would. */
  kill: () => ask("kill"),
  start: () => ask("start"),
};

/** Somebody at client-core, who does and sees what she is asked for (server/tests/browser/friend.rs). */
export class Friend {
  static async enter(name, displayName) {
    await ask({ enter: { name, display_name: displayName } });
    return new Friend();
  }

  /** Her client ends without a word and starts again. */
  again = () => ask("again");
  join = (code) => this.#does({ join: { code } });
  say = (chat, text, replyTo) => this.#does({ say: { chat, text, reply_to: replyTo } });
  recite = (chat, lines) => this.#does({ recite: { chat, lines } });
  /** Sends a file; `content` is a Buffer. */
  send = (chat, text, name, content) => this.#does({ send: { chat, text, name, content: [...content] } });
  /** Fetches what is attached to a message; tells how much came of each. */
  fetches = (chat, text) => this.#does({ fetch: { chat, text } });
  sees = (chat, text) => this.#does({ see: { chat, text } });
  misses = (chat, text) => this.#does({ miss: { chat, text } });
  /** What is said in a chat, in order, once nothing of hers waits. */
  reads = (chat) => this.#does({ read: { chat } });
  react = (chat, text, emote) => this.#does({ react: { chat, text, emote } });
  edit = (chat, text, into) => this.#does({ edit: { chat, text, into } });
  delete = (chat, text) => this.#does({ delete: { chat, text } });
  type = (chat) => this.#does({ type: { chat } });
  seesTyping = (chat, who) => this.#does({ see_typing: { chat, who } });
  seesPresence = (who, state) => this.#does({ see_presence: { who, state } });
  chooses = (status) => this.#does({ choose: { status } });
  knows = (who) => this.#does({ know: { who } });

  #does = (deed) => ask({ friend: deed });
}
