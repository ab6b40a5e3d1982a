// Without JavaScript everything works but the terminal, which says so.
import { card, expect, test } from "./board";

test.beforeEach(async ({ quiet }) => {
  // The statuses of what is refused on purpose; and Chromium notes that the preloaded program is not used.
  quiet.allow.push(/40\d|41\d|42\d/, /preloaded using link preload/);
});

test("see, create, rename, kill", async ({ page, board }) => {
  await board.logIn(page);
  await page.getByRole("link", { name: "New session" }).click();
  await page.getByLabel("Name").fill("build");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(card(page, "build")).toBeVisible();

  await card(page, "build").locator("summary").click();
  await card(page, "build").getByRole("link", { name: "Rename" }).click();
  await page.getByLabel("New name").fill("made");
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(card(page, "made")).toBeVisible();

  await page.getByRole("link", { name: "New session" }).click();
  await page.getByLabel("Name").fill("made");
  await page.getByLabel("Command").fill("echo 'a \"b\" <c>'");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByText("exists already")).toBeVisible();
  await expect(page.getByLabel("Command")).toHaveValue("echo 'a \"b\" <c>'");
  await page.getByRole("link", { name: "Cancel", exact: true }).click();

  await card(page, "made").locator("summary").click();
  await card(page, "made").getByRole("link", { name: "Kill" }).click();
  await expect(page.getByLabel("Session name")).toHaveValue("");
  await page.getByLabel("Session name").fill("wrong");
  await page.getByRole("button", { name: "Kill session" }).click();
  await expect(page.getByText("Nothing was killed")).toBeVisible();
  await page.getByLabel("Session name").fill("made");
  await page.getByRole("button", { name: "Kill session" }).click();
  await expect(card(page, "made")).toBeHidden();
  expect(board.tmux("list-sessions")).toBe("");
});

test("what is asked is answered", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a", "printf 'sure? (y/n) \\a'; read -r answer; printf 'got <%s>' \"$answer\"; exec cat");
  await board.logIn(page);
  // The board asks the host when it is told to.
  await page.getByLabel("Refresh all hosts").click();
  await expect(page).toHaveTitle("(1) muxboard");
  await page.getByLabel("Needs you").getByRole("link", { name: "Answer" }).click();
  await page.getByRole("button", { name: "Yes y" }).click();
  await expect(page.getByRole("status")).toContainText("Your line was sent.");
  await expect(page.getByLabel("The end of the screen")).toContainText("got <y>");
});

test("filter, refresh, and a terminal that says what it needs", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "api");
  board.tmux("new-session", "-d", "-s", "web");
  await board.logIn(page);
  await page.getByLabel("Refresh all hosts").click();
  await expect(card(page, "api")).toBeVisible();
  await page.getByLabel("Filter").fill("api");
  await page.keyboard.press("Enter");
  await expect(page.locator(".card:visible")).toHaveCount(1);
  await card(page, "api").locator("a.open").click();
  await expect(page.getByText("A terminal needs JavaScript.")).toBeVisible();
  await page.getByRole("link", { name: "list of sessions" }).click();
  await expect(card(page, "web")).toBeVisible();
});

test("what needs a person is in the page, and Done is a form", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "job", "exec cat");
  board.tmux("set-option", "-p", "-t", "job:", "@muxboard_state", "waiting Which branch?");
  await board.logIn(page);
  const need = page.getByLabel("Needs you").locator("article");
  // Nobody follows the board here: the host is asked when somebody says so.
  await page.getByRole("button", { name: "Refresh all hosts" }).click();
  await expect(need).toContainText("Which branch?");
  await need.getByRole("button", { name: "Done" }).click();
  await expect(page.locator(".card")).toBeVisible();
  await expect(need).toHaveCount(0);
});
