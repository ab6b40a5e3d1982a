import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS, target } from "../terminal/link-target";

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
