import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../terminal/context";
import { Input } from "../terminal/input";

const BEGIN = "\x1b[200~";
const END = "\x1b[201~";
const PART_BYTES = 16 * 1024;

// An input whose line notes what it gets, and never asks about a paste.
function connected() {
  const sent: string[] = [];
  const toasts: string[] = [];
  const send = (bytes: Uint8Array) => {
    sent.push(new TextDecoder().decode(bytes));
    return true;
  };
  const toast = (words: string) => {
    toasts.push(words);
    return { update: (now: string) => toasts.push(now), end: () => {} };
  };
  const context = {
    line: { send, sendPasteChunk: send, leave: () => {} },
    settings: { get: () => 0 },
    terminal: { modes: { bracketedPasteMode: true } },
    toast,
  } as unknown as Context;
  const input = new Input(context);
  input.setConnected(true);
  return { context, input, sent, toasts };
}

test("a paste goes in two parts at most, and the next when the terminal has taken one", () => {
  const { input, sent } = connected();
  const text = "0123456789".repeat(6000);
  assert.equal(input.paste(text), true);
  assert.equal(sent.length, 2);
  input.written(PART_BYTES - 1);
  assert.equal(sent.length, 2);
  input.written(1);
  assert.equal(sent.length, 3);
  for (let parts = 0; parts < 10; parts++) input.written(PART_BYTES);
  assert.equal(sent.join(""), BEGIN + text + END);
  assert.ok(sent.every((part) => part.length <= PART_BYTES));
});

test("what is typed or pasted while a paste runs comes after it, in order", () => {
  const { input, sent } = connected();
  const text = "x".repeat(3 * PART_BYTES);
  input.paste(text);
  input.type("a");
  input.paste("b");
  input.type("c");
  for (let parts = 0; parts < 10; parts++) input.written(PART_BYTES);
  assert.equal(sent.join(""), `${BEGIN}${text}${END}a${BEGIN}b${END}c`);
});

test("what waits is bounded", () => {
  const { input, toasts } = connected();
  input.paste("x".repeat(3 * PART_BYTES));
  assert.equal(input.type("y".repeat(64 * 1024)), true);
  assert.equal(input.type("z"), false);
  assert.match(toasts.at(-1) ?? "", /enough waits for its end/);
  const before = toasts.length;
  assert.equal(input.type("\x1b[<35;1;1M"), false);
  assert.equal(toasts.length, before);
});

test("Ctrl+C under a paste closes its bracket, and takes what was typed under it along", () => {
  const { input, sent, toasts } = connected();
  input.paste("x".repeat(5 * PART_BYTES));
  input.type("rm -rf\r");
  assert.equal(input.type("\x03"), true);
  for (let parts = 0; parts < 10; parts++) input.written(PART_BYTES);
  assert.equal(sent.join(""), `${BEGIN}${"x".repeat(2 * PART_BYTES - BEGIN.length)}${END}\x03`);
  assert.match(toasts.join(), /Paste cancelled: 33 kB of 82 kB were sent. What was typed meanwhile was not sent./);
});

test("nothing of a paste, or of what was typed under it, goes to the next connection", () => {
  const { input, sent, toasts } = connected();
  input.paste("x".repeat(5 * PART_BYTES));
  input.type("\r");
  input.written(PART_BYTES);
  const before = sent.length;
  input.setConnected(false);
  input.setConnected(true);
  input.written(5 * PART_BYTES);
  assert.equal(sent.length, before);
  assert.match(
    toasts.join(),
    /The connection was lost while pasting: 16 kB of 82 kB had arrived, the rest was not sent. What was typed meanwhile was not sent./,
  );
  input.type("a");
  assert.equal(sent.at(-1), "a");
});

test("a key whose bytes are asked for keeps its place, and is the usual one if nobody says", async () => {
  const { input, sent } = connected();
  let say: (its: string | undefined) => void = () => {};
  const coming = new Promise<string | undefined>((done) => {
    say = done;
  });
  input.sendAfter(coming, "\x02");
  input.type("c");
  assert.deepEqual(sent, []);
  say("\x01");
  await coming;
  await Promise.resolve();
  assert.deepEqual(sent, ["\x01", "c"]);
  const silence = Promise.resolve(undefined);
  input.sendAfter(silence, "\x02");
  await silence;
  await Promise.resolve();
  assert.deepEqual(sent.slice(2), ["\x02"]);
});

test("a paste that the line refuses at once is not tried again", () => {
  const { context, input, sent, toasts } = connected();
  context.line.sendPasteChunk = () => false;
  input.paste("text");
  assert.deepEqual(sent, []);
  assert.match(toasts.join(), /Not connected: nothing was pasted/);
  input.type("a");
  assert.deepEqual(sent, ["a"]);
});
