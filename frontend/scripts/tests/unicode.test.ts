import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, unicode15, wcwidth } from "../terminal/unicode";

test("a text takes as many cells as tmux gives it", () => {
  for (const [text, count] of [
    ["", 0],
    ["abc", 3],
    ["ä", 1],
    ["a\u0308", 1],
    ["漢字", 4],
    ["😀", 2],
    ["\u200d", 0],
  ] as const) {
    assert.equal(cells(text), count, text);
  }
});

test("characters of Unicode 12 to 15 have their widths", () => {
  for (const [character, width] of [
    [0x1fae8 - 1, 2],
    [0x1f7f0, 2],
    [0x4dc0, 2],
    [0x0898, 0],
    [0x1ace, 0],
    [0x0600, 1],
  ] as const) {
    assert.equal(wcwidth(character), width, character.toString(16));
  }
});

// As xterm.js asks: what was given for a character goes in with the next.
function widths(text: string): number[] {
  let before = 0;
  return [...text].map((c) => {
    before = unicode15.charProperties(c.codePointAt(0) ?? 0, before);
    return before & 1 ? -1 : (before >> 1) & 3;
  });
}

test("what follows a joiner is part of the cell before it", () => {
  assert.deepEqual(widths("a\u0308b"), [1, -1, 1]);
  assert.deepEqual(widths("👩\u200d💻x"), [2, -1, -1, 1]);
  assert.deepEqual(widths("x\u200d漢漢"), [1, -1, -1, 2]);
});
