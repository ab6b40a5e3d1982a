import assert from "node:assert/strict";
import { test } from "node:test";
import { joined, lines } from "../terminal/confirm-paste";
import { cut, isReport, safe } from "../terminal/paste-text";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("no character of a paste acts, but tab and new line", () => {
  assert.equal(safe("a\tb\nc\r\nd\re"), "a\tb\rc\rd\re");
  assert.equal(safe("\x1b[201~rm -rf\n"), "\u241b[201~rm -rf\r");
  assert.equal(safe("\0\x03\x7f"), "\u2400\u2403\u2421");
  assert.equal(safe("\x9b201~"), "\ufffd201~");
  assert.equal(safe("ä 漢 😀 \u00a0"), "ä 漢 😀 \u00a0");
});

test("no control character is left but tab and carriage return", () => {
  for (let code = 0; code < 0xa0; code++) {
    const kept = code === 9 || code === 13 || (code >= 0x20 && code < 0x7f);
    assert.equal(/^[\t\r -~\u2400-\u2421\ufffd]$/.test(safe(String.fromCharCode(code))), true, String(code));
    if (kept) assert.equal(safe(String.fromCharCode(code)), String.fromCharCode(code));
  }
});

test("a part of a paste ends between two characters", () => {
  const bytes = utf8("a漢😀z");
  const whole = new TextDecoder("utf-8", { fatal: true });
  for (let to = 4; to <= bytes.length + 2; to++) {
    const end = cut(bytes, to);
    assert.ok(end <= Math.min(to, bytes.length) && end > to - 4, `${to}: ${end}`);
    assert.equal(whole.decode(bytes.subarray(0, end)) + whole.decode(bytes.subarray(end)), "a漢😀z");
  }
});

test("the terminal's own reports are told from what a person types", () => {
  for (const report of [
    "\x1b[<35;1;1M",
    "\x1b[M !!",
    "\x1b[I",
    "\x1b[O",
    "\x1b[12;1R",
    "\x1b[?1;2c",
    "\x1b[>0;276;0c",
    "\x1b]10;rgb:0/0/0\x07",
    "\x1bP1$r0m\x1b\\",
  ]) {
    assert.equal(isReport(utf8(report)), true, JSON.stringify(report));
  }
  for (const typed of ["a", "\x1b", "\x1b[A", "\x1bOA", "\x1bx", "\x03", "\x1b[5~", "\x1b[1;5C"])
    assert.equal(isReport(utf8(typed)), false, JSON.stringify(typed));
});

test("lines are counted as a shell runs them", () => {
  for (const [text, count] of [
    ["", 1],
    ["a", 1],
    ["a\n", 1],
    ["a\nb", 2],
    ["a\r\nb\r\n", 2],
    ["a\rb", 2],
    ["\n\n", 2],
  ] as const) {
    assert.equal(lines(text), count, JSON.stringify(text));
  }
  assert.equal(joined("  one \\\n\n\ttwo\r\nthree  \n"), "one \\ two three");
});
