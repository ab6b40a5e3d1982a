// An answer without a terminal: it reaches the prompt that was on the page, or nothing.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { type Board, expect, living, test } from "./board";

const folder = join(import.meta.dirname, "../screenshots");

test.beforeEach(async ({ quiet }) => {
  // Refused on purpose.
  quiet.allow.push(/409/);
});

// A program that asks as coding agents do, in a box with a marked choice; it takes one key.
const agent = `printf '\\033[2J\\033[H Edit main.rs\\n\\n Do you want to make this edit?\\n \\342\\235\\257 1. Yes\\n   2. Yes, allow all edits\\n   3. No\\n\\a'; stty -icanon -echo; key=$(dd bs=1 count=1 2>/dev/null); printf "\\033[2J\\033[Hgot <%s>" "$key"; exec cat`;

async function asked(board: Board, page: Page, name: string) {
  await board.open(page);
  const need = page.getByLabel("Needs you").locator("article", { hasText: name });
  await need.getByRole("link", { name: "Answer" }).click();
  await expect(page.getByRole("heading")).toHaveText(name);
}
const shows = (board: Board, name: string) => board.tmux("capture-pane", "-p", "-t", `${name}:`);

test("a choice of a prompt is a button, and what the program did with it is shown", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "agent", agent);
  await asked(board, page, "agent");
  await expect(page.getByLabel("The end of the screen")).toContainText("Do you want to make this edit?");
  await expect(page.getByText(/rang its bell, \d+ s ago/)).toBeVisible();
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `answer-${colorScheme}.png`) });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.filter((v) => ["serious", "critical"].includes(v.impact ?? "")).map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`)).toEqual(
      [],
    );
  }
  await page.getByRole("button", { name: "Yes, allow all edits 2" }).click();
  await expect(page.getByRole("status")).toContainText("The key was sent.");
  await expect(page.getByLabel("The end of the screen")).toContainText("got <2>");
  await page.getByRole("link", { name: "All sessions" }).click();
  await living(page);
  await expect(page.getByLabel("Needs you").locator("article")).toHaveCount(0);
});

test("an answer to a prompt that has changed is not sent, and the page says so", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "printf 'Delete the cache? [y/N] \\a'; read -r one; printf 'Delete the disks? [y/N] '; read -r two; exec cat");
  await asked(board, page, "a");
  // Somebody else answers meanwhile.
  board.tmux("send-keys", "-t", "a:", "n", "Enter");
  await expect.poll(() => shows(board, "a")).toContain("Delete the disks?");
  await page.getByRole("button", { name: "Yes y" }).click();
  await expect(page.getByRole("alert")).toContainText("Nothing was sent");
  await expect(page.getByLabel("The end of the screen")).toContainText("Delete the disks? [y/N]");
  expect(shows(board, "a")).not.toContain("disks? [y/N] y");
  // This one is on the page now.
  await page.getByRole("button", { name: "No n" }).click();
  await expect(page.getByRole("status")).toContainText("Your line was sent.");
  expect(shows(board, "a")).toContain("disks? [y/N] n");
});

test("a line of one's own, by keyboard alone, and on to the next session that asks", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "first", "printf 'Name of the branch: \\a'; read -r name; printf 'made <%s>' \"$name\"; exec cat");
  await asked(board, page, "first");
  board.tmux("new-session", "-d", "-s", "second", "printf 'sure? (y/n) \\a'; exec cat");
  await page.getByLabel("Your answer").focus();
  await page.keyboard.type("it's <b>; #{pid}");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("The end of the screen")).toContainText("made <it's <b>; #{pid}>");
  // The board has to have seen the bell of the second.
  await expect(async () => {
    await page.getByRole("link", { name: "Look again" }).click();
    await expect(page.getByRole("link", { name: "Next: second" })).toBeVisible({ timeout: 1000 });
  }).toPass();
  await page.getByRole("link", { name: "Next: second" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading")).toHaveText("second");
  await page.getByRole("button", { name: "Done" }).click();
  await living(page);
  await expect(page.getByLabel("Needs you").locator("article")).toHaveCount(0);
});

test("a password is not shown while it is typed, nor afterwards", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "stty -echo; printf '[sudo] password for ops: \\a'; read -r word; printf '%s' \"$word\" | wc -c; exec cat");
  await asked(board, page, "a");
  const field = page.getByLabel("The password");
  await expect(field).toHaveAttribute("type", "password");
  await field.fill("secret word");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("status")).toContainText("Your line was sent.");
  expect(await page.content()).not.toContain("secret word");
});

test("on a phone everything is under a thumb", async ({ page, board }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  board.tmux("new-session", "-d", "-s", "agent-with-a-long-name-of-a-branch", agent);
  await asked(board, page, "agent-with-a-long-name-of-a-branch");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(390);
  for (const button of await page.getByLabel("Choices").getByRole("button").all()) expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(44);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "answer-phone.png"), fullPage: true });
});
