import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../terminal/difference";

test("what is typed turns one text into the other", () => {
  for (const [before, after, typed] of [
    ["", "", ""],
    ["", "hello", "hello"],
    ["teh", "the", "\x7f\x7fhe"],
    ["hello", "", "\x7f\x7f\x7f\x7f\x7f"],
    ["hello", "hello ", " "],
    ["a😀", "a😃", "\x7f😃"],
    ["x", "x\n", "\r"],
    ["", "a\r\nb", "a\rb"],
  ] as const) {
    assert.equal(difference(before, after), typed, JSON.stringify([before, after]));
  }
});
