import assert from "node:assert/strict";
import { test } from "node:test";
import { clean } from "../terminal/title";
import { short, until } from "../terminal/upload-words";
import { characters, size } from "../terminal/words";

test("sizes and counts in words", () => {
  for (const [bytes, words] of [
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [1_250_000, "1.3 MB"],
    [25_000_000, "25 MB"],
  ] as const) {
    assert.equal(size(bytes), words);
  }
  assert.equal(characters(""), "0 characters");
  assert.equal(characters("😀"), "1 character");
  assert.equal(characters("x".repeat(1234)), "1,234 characters");
});

test("a title is one line that runs forward, of a bounded length", () => {
  assert.equal(clean("  make\n\x1b[1m\x7f \u202egnp.exe\u2069  "), "make[1m gnp.exe");
  assert.equal(clean("\u200e\u061c\u2028"), "");
  assert.equal([...clean("😀".repeat(500))].length, 200);
});

test("a long file name keeps its beginning and its end", () => {
  const name = `${"a".repeat(60)}.tar.gz`;
  assert.equal(short("a.txt"), "a.txt");
  assert.equal(short("a".repeat(40)), "a".repeat(40));
  assert.equal(short(name), `${"a".repeat(24)}…aaaaa.tar.gz`);
});

test("a moment of another day has its date", () => {
  const today = new Date(2024, 4, 6, 12, 0);
  const seconds = (day: number) => new Date(2024, 4, day, 15, 30).getTime() / 1000;
  const [same, other] = [until(seconds(6), today), until(seconds(7), today)];
  assert.match(same, /30/);
  assert.ok(other.endsWith(same) && other.length > same.length, `${other} | ${same}`);
});
