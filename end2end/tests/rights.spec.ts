// What somebody may do can change while the page is open.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { card, expect, living, test } from "./board";

test("a right that is withdrawn takes its buttons off the open page, and one that is given brings them", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "exec cat");
  await board.open(page);
  const [menu, watch] = [card(page, "a").locator("summary"), card(page, "a").getByRole("link", { name: "Watch" })];
  await expect(menu).toBeVisible();
  const file = join(board.folder, "muxboard.toml");
  const config = readFileSync(file, "utf8");
  const without = config.replace(/can = \[.*\]/, 'can = ["watch"]');
  expect(without).not.toBe(config);
  writeFileSync(file, without);
  await expect(menu).toBeHidden({ timeout: 15_000 });
  await expect(watch).toBeVisible();
  expect(await card(page, "a").locator("a.open").getAttribute("href")).toContain("&watch");
  writeFileSync(file, config);
  await expect(menu).toBeVisible({ timeout: 15_000 });
  await menu.click();
  await expect(card(page, "a").getByRole("link", { name: "Kill" })).toBeVisible();
  await living(page);
});

test("whoever may only watch sees what is asked, and cannot answer", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "printf 'sure? (y/n) \\a'; exec cat");
  await board.open(page);
  await page.getByLabel("Needs you").getByRole("link", { name: "Answer" }).click();
  await expect(page.getByRole("button", { name: "Yes y" })).toBeVisible();
  const file = join(board.folder, "muxboard.toml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/can = \[.*\]/, 'can = ["watch"]'));
  await expect(async () => {
    await page.getByRole("link", { name: "Look again" }).click();
    await expect(page.getByText("not type into it")).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.getByRole("button")).toHaveCount(0);
  await expect(page.getByLabel("The end of the screen")).toContainText("sure? (y/n)");
});
