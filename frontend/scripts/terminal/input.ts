// What goes into the session, in order: keys, and pastes in parts, of which the next goes when the session's terminal has taken an earlier one. What is
// typed while a paste runs comes after it, and goes with it when it is cancelled or refused: an Enter that was meant for the whole would run the half of
// it. Nothing is kept for another connection.
import { confirmPaste, needsConfirmation } from "./confirm-paste";
import type { Context } from "./context";
import { cut, isReport, safe } from "./paste-text";
import type { ShownToast } from "./toasts";
import { size } from "./words";

const PART_BYTES = 16 * 1024;
const PARTS_MAX = 2; // on their way at one moment
const WAITING_BYTES_MAX = 64 * 1024; // what is typed or pasted while a paste runs
const SHOWN_BYTES = 8 * PART_BYTES; // from here on its progress is worth a line
const RETRY_MS = 250;

// tmux asks this terminal for brackets when the program in the active pane asked it. (Newer ones always ask, and keep the brackets from a program that
// did not.) A program that gets them unasked reads them as keys.
const BEGIN = "\x1b[200~";
const END = "\x1b[201~";

const ETX = 3; // Ctrl+C

// A paste on its way: what is sent of its bytes, and what of those the session's terminal has taken.
interface Running {
  bytes: Uint8Array;
  // What closes the bracket.
  end: Uint8Array;
  sent: number;
  taken: number;
  begun: boolean;
  cancelled: boolean;
  shown?: ShownToast;
}

// What waits for the end of a paste: typed bytes, or what has to begin.
interface Waiting {
  bytes: Uint8Array;
  begin?: () => unknown;
}

export class Input {
  readonly #context: Context;
  readonly #encoder = new TextEncoder();
  #connected = false;
  #losses = 0; // of the connection
  #running?: Running;
  #asking?: { key: boolean }; // a paste waits for an answer, or, `key`, a key for its bytes
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #underway: { bytes: number; of?: Running }[] = []; // the lengths of the parts that the terminal has not taken
  #retry?: ReturnType<typeof setTimeout>;

  constructor(context: Context) {
    this.#context = context;
  }

  get connected(): boolean {
    return this.#connected;
  }

  // A new connection starts with no bracket open: what runs or waits ends with the one that it was for.
  setConnected(connected: boolean) {
    const was = this.#connected;
    this.#connected = connected;
    if (connected || !was) return;
    this.#losses++;
    const [running, asking] = [this.#running, this.#asking];
    if (running?.cancelled) this.#over("The connection was lost.");
    else if (running) {
      const [taken, all] = [size(running.taken), size(running.bytes.length)];
      this.#over(`The connection was lost while pasting: ${taken} of ${all} had arrived, the rest was not sent.`);
    } else this.#over(this.#waiting.length || asking?.key ? "The connection was lost." : "");
    if (asking?.key) this.#asking = undefined;
  }

  // Sends bytes as if they were typed, after a paste that runs. False: they go nowhere.
  send(bytes: Uint8Array): boolean {
    if (!this.#busy) return this.#context.line.send(bytes);
    // It means the paste, and what was typed under it.
    if (bytes.length === 1 && bytes[0] === ETX) {
      if (this.#running && !this.#running.cancelled) {
        this.#cancel(bytes);
        return true;
      }
      if (this.#asking && !this.#asking.key) {
        this.#asking = undefined;
        this.#context.toast(`Paste cancelled: nothing was pasted.${this.#drop()}`, { ms: 5000 });
        return this.#context.line.send(bytes);
      }
    }
    return this.#wait({ bytes });
  }

  type(text: string): boolean {
    return this.send(this.#encoder.encode(text));
  }

  // Sends a key whose bytes are still being asked for, and what it is if nobody says: what is typed or pasted meanwhile comes after it.
  sendAfter(coming: Promise<string | undefined>, usual: string) {
    const begin = async () => {
      const own = { key: true };
      this.#asking = own;
      const text = (await coming) ?? usual;
      if (this.#asking !== own) return; // the connection was lost
      this.#asking = undefined;
      this.#context.line.send(this.#encoder.encode(text));
      this.#follow();
    };
    const bytes = this.#encoder.encode(usual);
    if (!this.#connected)
      this.#context.line.send(bytes); // refused, as any key is
    else if (this.#busy) this.#wait({ bytes, begin });
    else begin();
  }

  // Puts text in as a paste, in its turn. Gives, or promises, whether it goes: a person may say no.
  paste(text: string): boolean | Promise<boolean> {
    const begin = () => {
      if (needsConfirmation(this.#context, text)) return this.#confirmed(text);
      this.#start(safe(text));
      return true;
    };
    return this.#busy ? this.#wait({ bytes: this.#encoder.encode(text), begin }) : begin();
  }

  // So many bytes of pastes were written to the session's terminal.
  written(count: number) {
    for (let left = count; left > 0; ) {
      const [first] = this.#underway;
      if (!first) break;
      const took = Math.min(left, first.bytes);
      left -= took;
      first.bytes -= took;
      if (first.of) first.of.taken += took;
      if (!first.bytes) this.#underway.shift();
    }
    if (!this.#running) return;
    this.#show(this.#running);
    this.#advance();
  }

  get #busy(): boolean {
    return this.#running !== undefined || this.#asking !== undefined || this.#waiting.length > 0;
  }

  #sendPart(bytes: Uint8Array): boolean {
    if (!this.#context.line.sendPasteChunk(bytes)) return false;
    this.#underway.push({ bytes: bytes.length, of: this.#running });
    return true;
  }

  // Sends what may go now.
  #advance() {
    clearTimeout(this.#retry);
    const running = this.#running;
    while (running) {
      const { bytes, sent } = running;
      if (sent === bytes.length) {
        if (running.shown) {
          running.shown.end();
          this.#context.toast(`Pasted ${size(sent)}`, { ms: 2500 });
        }
        this.#running = undefined;
        this.#follow();
        return;
      }
      if (this.#underway.length >= PARTS_MAX) {
        this.#show(running);
        return;
      }
      const to = cut(bytes, sent + PART_BYTES);
      if (!this.#sendPart(bytes.subarray(sent, to))) {
        // The line is in doubt. If it is lost, the page says so and the paste is over; a bracket that is open must be closed if it is not.
        if (!running.begun) this.#over("Not connected: nothing was pasted.");
        else this.#retry = setTimeout(() => this.#advance(), RETRY_MS);
        return;
      }
      Object.assign(running, { sent: to, begun: true });
    }
  }

  // What waited goes on in order, up to the next paste.
  #follow() {
    while (!this.#running && !this.#asking) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#waitingBytes -= next.bytes.length;
      if (next.begin) next.begin();
      else this.#context.line.send(next.bytes);
    }
  }

  // Throws away what waits. Gives the words for it, if there was something that somebody typed.
  #drop(): string {
    const typed = this.#asking?.key || this.#waiting.some(({ bytes, begin }) => begin || !isReport(bytes));
    [this.#waiting, this.#waitingBytes] = [[], 0];
    return typed ? " What was typed meanwhile was not sent." : "";
  }

  #show(running: Running) {
    const { bytes, taken } = running;
    if (bytes.length < SHOWN_BYTES) return;
    const words = `Pasting ${Math.floor((100 * taken) / bytes.length)} % of ${size(bytes.length)}`;
    if (running.shown) running.shown.update(words);
    else running.shown = this.#context.toast(words, { buttons: [["Cancel", () => this.#cancel()]] });
  }

  // The rest is not sent, but the bracket is closed. `key` comes after that, and nothing else that waited.
  #cancel(key?: Uint8Array) {
    const running = this.#running;
    if (!running || running.cancelled) return;
    const { bytes, sent, end } = running;
    running.shown?.end();
    this.#context.toast(`Paste cancelled: ${size(sent)} of ${size(bytes.length)} were sent.${this.#drop()}`, { ms: 5000 });
    if (key) this.#wait({ bytes: key });
    Object.assign(running, { cancelled: true, shown: undefined, sent: 0, bytes: end });
    // It need not wait for its turn: it is short.
    if (end.length && this.#sendPart(end)) running.sent = end.length;
    this.#advance();
  }

  #over(words: string) {
    clearTimeout(this.#retry);
    this.#running?.shown?.end();
    const lost = this.#drop();
    [this.#running, this.#underway] = [undefined, []];
    if (words) this.#context.toast(words + lost, { ms: 10_000, alert: true });
  }

  #wait(entry: Waiting): boolean {
    if (this.#waitingBytes + entry.bytes.length > WAITING_BYTES_MAX) {
      // A mouse that moves is nothing that anybody typed.
      if (entry.begin || entry.bytes[0] !== 0x1b) {
        this.#context.toast("A paste is still running, and enough waits for its end: this was not sent.", { ms: 4000, alert: true });
      }
      return false;
    }
    this.#waiting.push(entry);
    this.#waitingBytes += entry.bytes.length;
    return true;
  }

  #start(clean: string) {
    const [begin, end] = this.#context.terminal.modes.bracketedPasteMode ? [BEGIN, END] : ["", ""];
    const encode = (text: string) => this.#encoder.encode(text);
    this.#running = { bytes: encode(begin + clean + end), end: encode(end), sent: 0, taken: 0, begun: false, cancelled: false };
    this.#advance();
  }

  async #confirmed(text: string): Promise<boolean> {
    const own = { key: false };
    this.#asking = own;
    const before = this.#losses;
    const chosen = await confirmPaste(this.#context, text, () => this.#asking !== own || this.#losses !== before);
    if (this.#asking !== own) return false; // cancelled
    this.#asking = undefined;
    if (chosen !== undefined && this.#losses === before) {
      if (chosen) this.#start(safe(chosen));
      this.#follow();
      return true;
    }
    const typed = this.#drop();
    const { toast } = this.#context;
    if (this.#losses !== before) toast(`The connection was lost: nothing was pasted.${typed}`, { ms: 10_000, alert: true });
    else if (typed) toast(`Nothing was pasted.${typed}`, { ms: 5000 });
    return false;
  }
}
