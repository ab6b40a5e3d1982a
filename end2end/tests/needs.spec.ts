// What needs a person: it stands until it is answered, whoever looks; programs say themselves how they are; what is done is dismissed.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { card, connected, expect, living, test } from "./board";

const folder = join(import.meta.dirname, "../screenshots");

test("a question stands while its session is watched, and ends when it is answered", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "agent", "printf 'Apply it? (y/n) \\a'; read -r answer; printf 'applied'; exec cat");
  await board.open(page);
  const need = page.getByLabel("Needs you").locator("article");
  await expect(need).toContainText("rang its bell");
  const list = page.url();
  await card(page, "agent").getByRole("link", { name: "Watch" }).click();
  await connected(page);
  await expect.poll(() => board.tmux("display-message", "-p", "-t", "agent:", "#{window_bell_flag}")).toBe("0");
  await page.goto(list);
  await living(page);
  await expect(need).toContainText("agent");
  await need.getByRole("link", { name: "Open", exact: true }).click();
  await connected(page);
  // tmux tells the opening of a terminal and a key in whole seconds: the one of the opening has to be over.
  const seconds = () => board.tmux("display-message", "-p", "-t", "agent:", "#{session_last_attached} %s").split(" ").map(Number);
  await expect
    .poll(() => {
      const [opened, now] = seconds();
      return now > opened;
    })
    .toBe(true);
  await page.keyboard.type("y\n");
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "agent:")).toContain("applied");
  await page.goto(list);
  await expect(card(page, "agent")).toBeVisible();
  await expect(need).toHaveCount(0);
});

test("a program says how it is, in its own words, and Done ends what is done", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "agent", "exec cat");
  board.tmux("new-session", "-d", "-s", "older", "exec cat");
  const says = (session: string, value: string) => board.tmux("set-option", "-p", "-t", `${session}:`, "@muxboard_state", value);
  says("agent", "working on <b>the tests</b>");
  await board.open(page);
  await living(page);
  await expect(card(page, "agent").locator(".age")).toContainText("working");
  await expect(card(page, "agent").locator(".age")).toHaveAttribute("title", "on <b>the tests</b>");
  await expect(page.locator(".need")).toHaveCount(0);
  says("agent", "waiting Allow the edit of main.rs?");
  const need = page.getByLabel("Needs you").locator("article");
  await expect(need).toContainText("says it waits");
  await expect(need).toContainText("Allow the edit of main.rs?");
  says("older", `failed 3 of 40 tests @${Math.floor(Date.now() / 1000) - 7200}`);
  await expect(need).toHaveCount(2);
  // The one that has waited longest comes first.
  await expect(need.first()).toContainText("says it failed, 2 h ago");
  await expect(need.first()).toContainText("3 of 40 tests");
  await expect(page.locator(".need-count")).toHaveText("2 need you");
  await expect(page).toHaveTitle("(2) muxboard");
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `needs-${colorScheme}.png`) });
  }
  await need.first().getByRole("button", { name: "Done" }).click();
  await expect(need).toHaveCount(1);
  await expect(need).toContainText("agent");
  says("agent", "working");
  await expect(need).toHaveCount(0);
  await expect(page).toHaveTitle("muxboard");
});
