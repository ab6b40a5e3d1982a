import assert from "node:assert/strict";
import { test } from "node:test";
import { sound } from "../terminal/settings";

test("what is kept is taken only if it is sound", () => {
  assert.equal(sound("fontPx", 16), 16);
  assert.equal(sound("fontPx", 15.6), 16);
  assert.equal(sound("fontPx", 1000), 32);
  assert.equal(sound("fontPx", -1), 8);
  for (const no of ["16", null, undefined, {}, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(sound("fontPx", no), 14);
  assert.equal(sound("askLines", 0), 0);
  assert.equal(sound("bell", false), false);
  assert.equal(sound("bell", 0), true);
  assert.equal(sound("keys", "on"), "on");
  assert.equal(sound("keys", "sometimes"), "auto");
  assert.equal(sound("webgl", "off"), "off");
  assert.equal(sound("prefix", "C-a"), "C-a");
  assert.equal(sound("prefix", "x".repeat(999)), "x".repeat(20));
});
