import assert from "node:assert/strict";
import { test } from "node:test";
import { carried, isTarget } from "../terminal/osc52";

const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString("base64");

test("a program's text is taken as it is", () => {
  for (const text of ["a", "ab", "abc", "ä漢😀\n", "\ufeffmark"]) assert.equal(carried(base64(text)), text);
});

test("what is no text is none", () => {
  for (const nothing of ["", "a", "====", "YQ=", "YQ==YQ==", "Y Q=", "YQ-_", base64(new Uint8Array([0xff, 0xfe]))])
    assert.equal(carried(nothing), undefined, nothing);
});

test("a text of more than 1 MiB is refused as too long", () => {
  const most = "x".repeat(1 << 20);
  assert.equal(carried(base64(most)), most);
  assert.equal(carried(base64(`${most}x`)), null);
});

test("every selection that xterm names means the clipboard", () => {
  for (const target of ["", "c", "p", "cs0", "s7"]) assert.equal(isTarget(target), true, target);
  for (const other of ["x", "8", "c;"]) assert.equal(isTarget(other), false, other);
});
