// A paste on its way into the terminal: made safe, held together by brackets, in parts of which the next goes when the session's terminal has
// taken an earlier one. What is typed meanwhile comes after it, and goes with it when it is cancelled or refused: an Enter that was meant for the whole
// would run the half of it. Nothing is kept for another connection.
import { asks } from "./ask.js";
import { size } from "./words.js";

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
// What xterm.js says by itself: the mouse, the focus, answers to programs.
const REPORT = /^\x1b(\[([<M?>].|[IO]$|\d+;\d+R)|[\]P].)/s;

// No character that acts, but tab and new line: what would end the bracket is shown as a sign instead.
export const safe = (text) =>
  text.replace(/\r\n|\n/g, "\r").replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });

export function paste(hand) {
  const { element, say } = hand;
  const encoder = new TextEncoder();
  const now = hand.send; // straight to the line
  let running; // { bytes, sent, taken, line }: what is sent of it, and what of that the terminal has
  let asking; // { key }: a paste waits for an answer, or, `key`, a key for its bytes
  let waiting = []; // { bytes } typed, { bytes, begin } what has to begin, in order
  let waitingBytes = 0;
  let losses = 0; // of the connection
  let underway = []; // the lengths of the parts that the terminal has not taken
  let retry;

  const busy = () => running || asking || waiting.length > 0;

  // Before the next part: not within a character.
  function cut(bytes, from) {
    let to = Math.min(bytes.length, from + PART_BYTES);
    while (to < bytes.length && (bytes[to] & 0xc0) === 0x80) to--;
    return to;
  }

  function part(bytes) {
    if (!hand.part(bytes)) return false;
    underway.push({ bytes: bytes.length, of: running });
    return true;
  }

  // Sends what may go now.
  function advance() {
    clearTimeout(retry);
    while (running) {
      const { bytes, sent } = running;
      if (sent === bytes.length) {
        if (running.line) {
          running.line.end();
          say(`Pasted ${size(sent)}`, { ms: 2500 });
        }
        running = undefined;
        return follow();
      }
      if (underway.length >= PARTS_MAX) return show();
      const to = cut(bytes, sent);
      if (!part(bytes.subarray(sent, to))) {
        // The line is in doubt. If it is lost, the page says so and the paste is over; a bracket that is open must be closed if it is not.
        if (!running.begun) return over("Not connected: nothing was pasted.");
        retry = setTimeout(advance, RETRY_MS);
        return;
      }
      Object.assign(running, { sent: to, begun: true });
    }
  }

  // What waited goes on in order, up to the next paste.
  function follow() {
    while (waiting.length && !running && !asking) {
      const next = waiting.shift();
      waitingBytes -= next.bytes.length;
      if (next.begin) next.begin();
      else now(next.bytes);
    }
  }

  // Throws away what waits. Gives the words for it, if there was something that somebody typed.
  function drop() {
    const typed = asking?.key || waiting.some(({ bytes, begin }) => begin || !REPORT.test(String.fromCharCode(...bytes.subarray(0, 32))));
    [waiting, waitingBytes] = [[], 0];
    return typed ? " What was typed meanwhile was not sent." : "";
  }

  function show() {
    const { bytes, taken } = running;
    if (bytes.length < SHOWN_BYTES) return;
    const words = `Pasting ${Math.floor((100 * taken) / bytes.length)} % of ${size(bytes.length)}`;
    if (running.line) running.line.update(words);
    else running.line = say(words, { buttons: [["Cancel", () => cancel()]] });
  }

  // The rest is not sent, but the bracket is closed. `key` comes after that, and nothing else that waited.
  function cancel(key) {
    if (!running || running.cancelled) return;
    const { bytes, sent, end } = running;
    running.line?.end();
    say(`Paste cancelled: ${size(sent)} of ${size(bytes.length)} were sent.${drop()}`, { ms: 5000 });
    if (key) wait({ bytes: key });
    Object.assign(running, { cancelled: true, line: undefined, sent: 0, bytes: end });
    // It need not wait for its turn: it is short.
    if (end.length && part(end)) running.sent = end.length;
    advance();
  }

  function over(words) {
    clearTimeout(retry);
    running?.line?.end();
    const lost = drop();
    [running, underway] = [undefined, []];
    if (words) say(words + lost, { ms: 10_000, alert: true });
  }

  hand.written = (count) => {
    for (let left = count; left > 0 && underway.length; ) {
      const [first] = underway;
      const took = Math.min(left, first.bytes);
      left -= took;
      first.bytes -= took;
      if (first.of) first.of.taken += took;
      if (!first.bytes) underway.shift();
    }
    if (running) { show(); advance(); }
  };

  // The page dims the terminal when its line is gone, and a new one starts with no bracket open.
  let dim = element.classList.contains("dim");
  new MutationObserver(() => {
    const was = dim;
    dim = element.classList.contains("dim");
    if (!dim || was) return;
    losses++;
    if (running?.cancelled) over("The connection was lost.");
    else if (running) over(`The connection was lost while pasting: ${size(running.taken)} of ${size(running.bytes.length)} had arrived, the rest was not sent.`);
    else over(waiting.length || asking?.key ? "The connection was lost." : "");
    if (asking?.key) asking = undefined;
  }).observe(element, { attributeFilter: ["class"] });

  function wait(entry) {
    if (waitingBytes + entry.bytes.length > WAITING_BYTES_MAX) {
      // A mouse that moves is nothing that anybody typed.
      if (entry.begin || entry.bytes[0] !== 0x1b) say("A paste is still running, and enough waits for its end: this was not sent.", { ms: 4000, alert: true });
      return false;
    }
    waiting.push(entry);
    waitingBytes += entry.bytes.length;
    return true;
  }

  hand.send = (bytes) => {
    if (!busy()) return now(bytes);
    // It means the paste, and what was typed under it.
    if (bytes.length === 1 && bytes[0] === ETX) {
      if (running && !running.cancelled) {
        cancel(bytes);
        return true;
      }
      if (asking && !asking.key) {
        asking = undefined;
        say(`Paste cancelled: nothing was pasted.${drop()}`, { ms: 5000 });
        return now(bytes);
      }
    }
    return wait({ bytes });
  };

  // A key whose bytes are still being asked for, and what it is if nobody says: what is typed or pasted meanwhile comes after it.
  hand.later = (coming, usual) => {
    const run = async () => {
      const own = (asking = { key: true });
      const text = (await coming) ?? usual;
      if (asking !== own) return; // the connection was lost
      asking = undefined;
      now(encoder.encode(text));
      follow();
    };
    const bytes = encoder.encode(usual);
    if (dim) return now(bytes); // refused, as any key is
    return busy() ? wait({ bytes, begin: run }) : run();
  };

  function start(clean) {
    const [begin, end] = hand.terminal.modes.bracketedPasteMode ? [BEGIN, END] : ["", ""];
    running = { bytes: encoder.encode(begin + clean + end), end: encoder.encode(end), sent: 0, taken: 0 };
    advance();
  }

  async function begin(text) {
    const own = (asking = {});
    const before = losses;
    const chosen = await asks(hand, text, () => asking !== own || losses !== before);
    if (asking !== own) return false; // cancelled
    asking = undefined;
    if (chosen !== undefined && losses === before) {
      if (chosen) start(safe(chosen));
      follow();
      return true;
    }
    const typed = drop();
    if (losses !== before) say(`The connection was lost: nothing was pasted.${typed}`, { ms: 10_000, alert: true });
    else if (typed) say(`Nothing was pasted.${typed}`, { ms: 5000 });
    return false;
  }

  // Puts text in as a paste. Gives, or promises, whether it goes: a person may say no.
  hand.paste = (text) => {
    if (!text) return false;
    const no = hand.watches() ? "You are watching: nothing was pasted." : dim ? "Not connected: nothing was pasted." : "";
    if (no) {
      say(no, { ms: 4000, alert: true });
      return false;
    }
    hand.forget();
    const run = () => {
      if (asks.needed(hand, text)) return begin(text);
      start(safe(text));
      return true;
    };
    return busy() ? wait({ bytes: encoder.encode(text), begin: run }) : run();
  };

  element.addEventListener("paste", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const files = [...(event.clipboardData?.files ?? [])];
    hand.terminal.textarea.value = "";
    // An office program gives a picture of its text as well.
    if (text) hand.paste(text);
    else if (files.length) hand.upload(files);
  }, true);
}
