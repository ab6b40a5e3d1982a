import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS, isNextDoor, target } from "../terminal/link-target";

test("a link goes where the browser would, in ASCII, by three schemes alone", () => {
  for (const [uri, href] of [
    ["https://example.com", "https://example.com/"],
    ["HTTP://Example.com/a b", "http://example.com/a%20b"],
    ["mailto:a@example.com", "mailto:a@example.com"],
    ["https://аpple.com/", "https://xn--pple-43d.com/"],
    ["javascript:alert(1)", undefined],
    ["file:///etc/passwd", undefined],
    ["data:text/html,x", undefined],
    [" java\nscript:alert(1)", undefined],
    ["not an address", undefined],
  ] as const) {
    assert.equal(target(uri), href, uri);
  }
});

test("a link to a loopback address, or to another port of the board's host, is told apart", () => {
  const own = "https://board.example:8443/a";
  for (const href of [
    "http://127.0.0.1:3000/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1:80/",
    "http://LOCALHOST:1/",
    "http://a.localhost/",
    "http://[::1]:8080/",
    "http://[::ffff:127.0.0.1]/",
    "https://board.example/",
    "http://board.example:3000/x",
  ]) {
    assert.equal(isNextDoor(target(href) ?? "", own), true, href);
  }
  for (const href of [
    "https://board.example:8443/b",
    "https://example.com/",
    "http://10.0.0.1/",
    "http://127.example/",
    "mailto:a@localhost",
    "http://localhost.example/",
  ]) {
    assert.equal(isNextDoor(target(href) ?? "", own), false, href);
  }
});

test("an address in plain text ends before what is no part of it", () => {
  for (const [text, address] of [
    ["see https://example.com/a?b=1#c.", "https://example.com/a?b=1#c"],
    ["(http://example.com/x)", "http://example.com/x"],
    ['"https://example.com/q"', "https://example.com/q"],
    ["https://example.com, and", "https://example.com"],
    ["[1]: https://[::1]:8080/", "https://[::1]:8080/"],
    ["ftp://example.com", undefined],
  ] as const) {
    assert.equal(ADDRESS.exec(text)?.[0], address, text);
  }
});
