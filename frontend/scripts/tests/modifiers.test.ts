import assert from "node:assert/strict";
import { test } from "node:test";
import { Modifiers } from "../terminal/modifiers";

test("a tap holds for one key, a second one until a third", () => {
  const modifiers = new Modifiers();
  const shown: string[] = [];
  modifiers.follow((name, latch) => shown.push(`${name} ${latch}`));
  modifiers.tap("Ctrl");
  assert.equal(modifiers.applyModifiers("c"), "\x03");
  assert.equal(modifiers.applyModifiers("c"), "c");
  modifiers.tap("Alt");
  modifiers.tap("Alt");
  assert.deepEqual([modifiers.applyModifiers("x"), modifiers.applyModifiers("x")], ["\x1bx", "\x1bx"]);
  assert.equal(modifiers.held, true);
  modifiers.tap("Alt");
  assert.equal(modifiers.held, false);
  assert.deepEqual(shown, ["Ctrl up", "Alt up", "Ctrl next", "Ctrl up", "Alt next", "Alt locked", "Alt up"]);
});

test("the terminal's own answers do not use up what is held", () => {
  const modifiers = new Modifiers();
  modifiers.tap("Ctrl");
  assert.equal(modifiers.applyModifiers("\x1b[?1;2c"), "\x1b[?1;2c");
  assert.deepEqual(modifiers.use(), { ctrl: true, alt: false });
  assert.equal(modifiers.held, false);
});
