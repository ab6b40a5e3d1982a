import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, controlled, named, under } from "../terminal/bytes";

test("a named key is sent as xterm sends it", () => {
  for (const [key, held, sent] of [
    ["Esc", {}, "\x1b"],
    ["Tab", {}, "\t"],
    ["Up", {}, "\x1b[A"],
    ["Up", { application: true }, "\x1bOA"],
    ["Home", {}, "\x1b[H"],
    ["End", { ctrl: true }, "\x1b[1;5F"],
    ["Left", { alt: true }, "\x1b[1;3D"],
    ["Left", { ctrl: true, alt: true, application: true }, "\x1b[1;7D"],
    ["PgUp", {}, "\x1b[5~"],
    ["PgDn", { alt: true }, "\x1b[6;3~"],
    ["Esc", { alt: true }, "\x1b\x1b"],
    ["|", {}, "|"],
    ["c", { ctrl: true }, "\x03"],
    ["c", { ctrl: true, alt: true }, "\x1b\x03"],
  ] as const) {
    assert.equal(bytes(key, held), sent, `${key} ${JSON.stringify(held)}`);
  }
});

test("Ctrl makes control characters of what has one, and leaves the rest", () => {
  for (const [character, sent] of [
    ["a", "\x01"],
    ["Z", "\x1a"],
    ["@", "\0"],
    [" ", "\0"],
    ["[", "\x1b"],
    ["_", "\x1f"],
    ["/", "\x1f"],
    ["2", "\0"],
    ["8", "\x7f"],
    ["?", "\x7f"],
    ["1", "1"],
    ["ä", "ä"],
    ["{", "{"],
    ["😀", "😀"],
  ] as const) {
    assert.equal(controlled(character), sent, character);
  }
});

test("typed text is changed in its first character, and the terminal's own answers not at all", () => {
  assert.equal(under("c", { ctrl: true }), "\x03");
  assert.equal(under("cd", { ctrl: true }), "\x03d");
  assert.equal(under("x", { alt: true }), "\x1bx");
  assert.equal(under("😀x", { alt: true }), "\x1b😀x");
  assert.equal(under("\x1b[A", { ctrl: true }), "\x1b[1;5A");
  assert.equal(under("\x1bOH", { alt: true }), "\x1b[1;3H");
  for (const kept of ["", "\x1b[<0;1;1M", "\x1b[?1;2c", "\x1b[I", "\x1b"])
    assert.equal(under(kept, { ctrl: true, alt: true }), undefined, JSON.stringify(kept));
});

test("tmux's names of keys", () => {
  for (const [name, sent] of [
    ["C-b", "\x02"],
    ["c-a", "\x01"],
    ["^A", "\x01"],
    ["M-x", "\x1bx"],
    ["C-M-x", "\x1b\x18"],
    ["C-Space", "\0"],
    ["Tab", "\t"],
    ["Escape", "\x1b"],
    ["`", "`"],
    ["C--", "\x1f"],
    ["", undefined],
    ["None", undefined],
    ["F12", undefined],
    ["C-", undefined],
  ] as const) {
    assert.equal(named(name), sent, name);
  }
});
