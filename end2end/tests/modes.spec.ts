// What tmux shows in the place of a program (its history, its words, a list): it is seen, it is left with one press, and no text is lost to it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { card, expect, living, test } from "./board";
import { inScreen } from "./inspect";
import { opened, pane, pastes, screen, typesInto } from "./transfer";

const folder = join(import.meta.dirname, "../screenshots");
const mode = (page: Page) => page.locator(".mode");
const shows = (page: Page, words: string) => expect(mode(page)).toContainText(words);
const LINES = "seq 1 200; printf ready; exec cat";

test("scrolled back is shown, and one press leads to the end; the size of the session stays", async ({ page, board }) => {
  await opened(page, board, LINES);
  board.tmux("set-option", "-g", "mouse", "on");
  await expect.poll(() => screen(page)).toContain("ready");
  await expect(mode(page)).toBeHidden();
  const size = () => board.tmux("display-message", "-p", "-t", "a", "#{window_width}x#{window_height}");
  const before = size();
  await page.locator("#screen").hover();
  // tmux has told this terminal that it has the mouse.
  await expect.poll(() => inScreen(page, (e) => e.terminal.modes.mouseTrackingMode)).not.toBe("none");
  await page.mouse.wheel(0, -100);
  await shows(page, "Scrolled back");
  expect(size()).toBe(before);
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `mode-${colorScheme}.png`) });
  }
  await mode(page).getByRole("button", { name: "To the end" }).click();
  await expect(mode(page)).toBeHidden();
  expect(board.tmux("display-message", "-p", "-t", "a", "#{pane_in_mode}")).toBe("0");
  await page.locator("#screen").click();
  await typesInto(page, board, "typed");
  // By the keyboard: the focus is then the terminal's again.
  board.tmux("copy-mode", "-t", "a:");
  await shows(page, "Scrolled back");
  await mode(page).getByRole("button", { name: "To the end" }).focus();
  await page.keyboard.press("Enter");
  await expect(mode(page)).toBeHidden();
  await typesInto(page, board, "again");
});

for (const [verb, words] of [
  ["copy-mode", "Scrolled back"],
  ["choose-tree", "A list of tmux"],
] as const) {
  test(`a paste and a composed text reach the program in spite of ${verb}`, async ({ page, board }) => {
    await page.addInitScript(() => localStorage.setItem("muxboard.terminal", JSON.stringify({ compose: true })));
    await opened(page, board, LINES);
    await expect.poll(() => screen(page)).toContain("ready");
    const enters = async () => {
      board.tmux(verb, "-t", "a:");
      await shows(page, words);
    };
    await enters();
    await pastes(page, "this was pasted ");
    await expect.poll(() => pane(board)).toContain("this was pasted");
    await expect(mode(page)).toBeHidden();
    await enters();
    const field = page.getByLabel("Text to send");
    await field.fill("this was composed");
    await field.press("Enter");
    await expect.poll(() => pane(board)).toMatch(/this was composed\s+this was pasted this was composed/);
    await expect(field).toHaveValue("");
    await expect(mode(page)).toBeHidden();
  });
}

test("who watches sees that it is scrolled back, and leads nothing back", async ({ page, board }) => {
  await opened(page, board, LINES, "Watch");
  board.tmux("copy-mode", "-t", "a:");
  await shows(page, "Scrolled back");
  await expect(mode(page).getByRole("button")).toHaveCount(0);
});

test("at 390 pixels the way back is seen whole, over the keys and under the bar", async ({ page, board }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.addInitScript(() => localStorage.setItem("muxboard.terminal", JSON.stringify({ compose: true, keys: "on" })));
  await opened(page, board, LINES);
  board.tmux("copy-mode", "-t", "a:");
  await shows(page, "Scrolled back");
  const box = (await mode(page).boundingBox())!;
  const keys = (await page.locator(".compose").boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(390);
  expect(box.y + box.height).toBeLessThanOrEqual(keys.y);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "mode-390.png") });
});

test("a window that two sessions show asks once, and a kill says what stays", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "printf ready; read -r go; printf '\\a'; exec cat");
  board.tmux("new-session", "-d", "-s", "g2", "-t", "a");
  board.tmux("new-session", "-d", "-s", "own", "exec cat");
  await board.open(page);
  await living(page);
  await expect(card(page, "a")).toContainText("1 window, shared");
  await expect(card(page, "own").locator(".windows")).toHaveText("1 window");
  board.tmux("send-keys", "-t", "a:", "Enter");
  await expect(page.locator(".need")).toHaveCount(1);
  await expect(page.locator(".need-count")).toHaveText("1 needs you");
  await expect(card(page, "a")).toContainText("rang its bell");
  await expect(card(page, "g2")).toContainText("rang its bell");
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, "shared.png") });
  const ask = async (name: string) => {
    await card(page, name).getByLabel(`More about ${name}`).click();
    await card(page, name).getByRole("link", { name: "Kill" }).click();
  };
  const dialog = page.locator("dialog[open]");
  await ask("own");
  await expect(dialog).toContainText("This ends every program in its 1 window. Type the name to confirm.");
  await dialog.getByRole("link", { name: "Cancel", exact: true }).click();
  await ask("a");
  await expect(dialog).toContainText("This ends no program: 1 window stays open in g2. Type the name to confirm.");
  await page.screenshot({ path: join(folder, "shared-kill.png") });
  await dialog.getByLabel("Session name").fill("a");
  await dialog.getByRole("button", { name: "Kill session" }).click();
  await expect(dialog).toContainText("Killed a");
  await expect(dialog).toContainText("1 window stays open in g2.");
  await page.screenshot({ path: join(folder, "shared-killed.png") });
  await dialog.getByRole("link", { name: "Close", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(card(page, "a")).toHaveCount(0);
  await expect(page.locator(".need")).toHaveCount(1);
  await expect(card(page, "g2")).toBeVisible();
});
