// Links in the output: only three schemes, only in a tab that knows nothing of this one, and a program that has the mouse keeps its clicks.
// tmux 3.3 does not pass OSC 8: those are printed on the terminal directly.

import type { Page } from "@playwright/test";
import { expect, test } from "./board";
import type { Inspected } from "./inspect";
import { opened, prints, screen, toasts } from "./transfer";

const osc8 = (uri: string, text: string) => `\x1b]8;;${uri}\x07${text}\x1b]8;;\x07`;
const link = (uri: string, text: string) => `\x1b[H\x1b[2J${osc8(uri, text)}`;
async function point(page: Page, column: number, row = 0) {
  const at = await page.locator("#screen .xterm-screen").evaluate(
    (e, [x, y]) => {
      const box = e.getBoundingClientRect();
      const { cols, rows } = (e.closest("#screen") as Inspected).terminal;
      return { x: box.left + ((x + 0.5) * box.width) / cols, y: box.top + ((y + 0.5) * box.height) / rows };
    },
    [column, row],
  );
  // Somewhere else first: xterm.js looks for links when the pointer comes to another row.
  await page.mouse.move(at.x, at.y + 200);
  await page.mouse.move(at.x, at.y);
  return at;
}
async function click(page: Page, column: number, key?: "Control" | "Shift") {
  const at = await point(page, column);
  if (key) await page.keyboard.down(key);
  await page.mouse.click(at.x, at.y);
  if (key) await page.keyboard.up(key);
}
// What window.open was asked for.
const watch = (page: Page) =>
  page.addInitScript(() => {
    const opens: unknown[][] = [];
    const open = (...words: unknown[]) => {
      opens.push(words);
      return null;
    };
    Object.assign(window, { opens, open });
  });
const opens = (page: Page) => page.evaluate(() => (window as unknown as { opens: string[][] }).opens);

test("an address in plain text opens in a tab of its own, without what ends the sentence", async ({ page, board, context }) => {
  await context.route("http://links.test/**", (route) => route.fulfill({ body: "there", contentType: "text/html" }));
  await opened(page, board, "printf 'see http://links.test/a?b=1, or (http://links.test/c).'; exec cat");
  await expect.poll(() => screen(page)).toContain("links.test");
  const coming = context.waitForEvent("page");
  await click(page, 10);
  const there = await coming;
  await there.waitForURL("http://links.test/a?b=1");
  expect(await there.evaluate(() => [window.opener, document.referrer])).toEqual([null, ""]);
});

test("a marked link says where it goes if its text does not, and nothing but http, https and mailto opens", async ({ page, board }) => {
  await watch(page);
  await opened(page, board, "exec cat");
  const target = page.locator(".link-target");
  await prints(page, link("https://else.test/<b>x", "https://bank.test/"));
  await point(page, 3);
  await expect(target).toHaveText("https://else.test/%3Cb%3Ex");
  await click(page, 3);
  expect(await opens(page)).toEqual([["https://else.test/%3Cb%3Ex", "_blank", "noopener,noreferrer"]]);
  await prints(page, link("mailto:ann@bank.test", "write to ann"));
  await click(page, 3);
  expect((await opens(page)).at(-1)![0]).toBe("mailto:ann@bank.test");
  for (const uri of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//else.test", "vscode://x", " javascript:alert(1)"]) {
    await prints(page, link(uri, "do click me"));
    await click(page, 3);
    await expect(toasts(page)).toHaveText("Only links of http, https and mailto are opened from here.");
  }
  expect(await opens(page)).toHaveLength(2);
});

test("a link to a server of the same machine is asked about before it opens", async ({ page, board }) => {
  await watch(page);
  await opened(page, board, "exec cat");
  for (const uri of ["http://127.0.0.1:3000/x", "http://localhost:3000/x", `http://127.0.0.1:${Number(new URL(board.url).port) + 1}/x`]) {
    await prints(page, link(uri, "next door"));
    await click(page, 3);
    await expect(toasts(page)).toContainText(`${uri} is a server on the same machine`);
    expect(await opens(page)).toEqual([]);
    await toasts(page).getByRole("button", { name: "Dismiss" }).click();
  }
  await prints(page, link("http://localhost:3000/x", "next door"));
  await click(page, 3);
  await toasts(page).getByRole("button", { name: "Open" }).click();
  expect(await opens(page)).toEqual([["http://localhost:3000/x", "_blank", "noopener,noreferrer"]]);
});

test("where tmux has the mouse a plain click is tmux's, and with Ctrl or Shift it opens the link", async ({ page, board }) => {
  await watch(page);
  await opened(page, board, "printf 'http://links.test/a'; exec cat");
  board.tmux("set-option", "-g", "mouse", "on");
  await expect(page.locator("#screen .enable-mouse-events")).toBeAttached();
  await click(page, 5);
  expect(await opens(page)).toEqual([]);
  await expect(page.locator(".link-target")).toHaveText("Ctrl+click opens");
  await click(page, 5, "Control");
  await click(page, 6, "Shift");
  expect((await opens(page)).map(([href]) => href)).toEqual(["http://links.test/a", "http://links.test/a"]);
});
