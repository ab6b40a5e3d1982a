// The whole path by hand: see, create, type, close the tab, come back, kill by typing the name.
import { card, connected, expect, lines, living, test } from "./board";

test("browse, create, type, close the tab, come back, kill", async ({ page, board, context }) => {
  await board.open(page);
  expect(page.url()).not.toContain(board.token);
  await expect(page.getByText("No tmux server is running for").first()).toBeVisible();
  await page.locator(".user", { hasText: board.account }).getByRole("link", { name: "Start a session" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("build");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(card(page, "build")).toBeVisible();
  await expect(dialog).toBeHidden();

  // Its card has the focus: Enter opens it.
  await expect(card(page, "build").locator("a.open")).toBeFocused();
  await page.keyboard.press("Enter");
  await connected(page);
  await page.keyboard.type("echo $((6*7)) ✓ 日本 é\n");
  await expect.poll(async () => (await lines(page)).join("\n")).toMatch(/\n42 ✓ 日本 é\n/);

  // A half-typed command is neither lost nor run when the tab goes.
  await page.keyboard.type(`touch /tmp/${board.socket}-ran`);
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "build")).toContain(`touch /tmp/${board.socket}-ran`);
  const url = page.url();
  await page.close();
  await expect.poll(() => board.tmux("list-clients")).toBe("");
  expect(board.tmux("capture-pane", "-p", "-t", "build")).toContain(`touch /tmp/${board.socket}-ran`);

  const back = await context.newPage();
  await back.goto(url);
  await connected(back);
  await expect.poll(async () => (await lines(back)).join("\n")).toContain("-ran");
  await back.keyboard.press("Control+c");
  await back.keyboard.type(`ls /tmp | grep -c $TMUX_NOTHING ${board.socket}-ran\n`);
  await expect.poll(async () => (await lines(back)).join("\n")).toMatch(/\n0\n/);

  await back.getByRole("link", { name: "All sessions" }).first().click();
  await living(back);
  await card(back, "build").getByLabel("More about build").click();
  await card(back, "build").getByRole("link", { name: "Kill" }).click();
  const kill = back.getByRole("dialog");
  const box = kill.getByLabel("Session name");
  await expect(box).toHaveValue("");
  await expect(kill.getByRole("button", { name: "Kill session" })).toBeDisabled();
  for (const wrong of ["buil", "build ", "Build"]) {
    await box.fill(wrong);
    await expect(kill.getByRole("button", { name: "Kill session" })).toBeDisabled();
  }
  await box.fill("build");
  await kill.getByRole("button", { name: "Kill session" }).click();
  await expect(card(back, "build")).toBeHidden();
  expect(board.tmux("list-sessions")).toBe("");
});

test("the terminal follows the window's size", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "a");
  await board.open(page);
  await card(page, "a").locator("a.open").click();
  await connected(page);
  const size = () => board.tmux("list-clients", "-F", "#{client_width}x#{client_height}");
  const shown = () => lines(page).then((all) => all.length);
  await expect.poll(async () => Number(size().split("x")[1])).toBe(await shown());
  const before = size();
  await page.setViewportSize({ width: 700, height: 420 });
  await expect.poll(size).not.toBe(before);
  await expect.poll(async () => Number(size().split("x")[1])).toBe(await shown());
  await page.reload();
  await connected(page);
  await expect.poll(() => board.tmux("list-clients").split("\n").length).toBe(1);
});

test("watching shows everything and sends nothing", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "w", "printf ready; exec cat");
  await board.open(page);
  await card(page, "w").getByRole("link", { name: "Watch" }).click();
  await connected(page);
  await expect.poll(async () => (await lines(page)).join("\n")).toContain("ready");
  await page.keyboard.type("nothing of this\n");
  board.tmux("send-keys", "-t", "w", "but this", "Enter");
  await expect.poll(async () => (await lines(page)).join("\n")).toContain("but this");
  expect(board.tmux("capture-pane", "-p", "-t", "w")).not.toContain("nothing");
});

test("when muxboard is killed the page says so, refuses typing, and finds the same session again", async ({ page, board, quiet }) => {
  // 503: it comes back before the first look at the host is over.
  quiet.allow.push(/WebSocket connection|ERR_CONNECTION_REFUSED|401|503/);
  board.tmux("new-session", "-d", "-s", "a", "printf alive; exec cat");
  await board.open(page);
  await card(page, "a").locator("a.open").click();
  await connected(page);
  await board.kill();
  await expect(page.getByText("connection lost")).toBeVisible();
  await page.keyboard.type("lost");
  await expect(page.getByText("what you type is not sent")).toBeVisible();
  expect(board.tmux("list-sessions", "-F", "#{session_name}")).toBe("a");
  expect(board.tmux("capture-pane", "-p", "-t", "a")).not.toContain("lost");

  // Logins end with the server; the page asks for a new one and comes back to where it was.
  await board.restart();
  await page.getByLabel("Token").fill(board.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await connected(page);
  await expect.poll(async () => (await lines(page)).join("\n")).toContain("alive");
  await page.keyboard.type("and well");
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "a")).toContain("aliveand well");
});

test("a session that ends while it is shown says so", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "keep");
  board.tmux("new-session", "-d", "-s", "a");
  await board.open(page);
  await card(page, "a").locator("a.open").click();
  await connected(page);
  board.tmux("kill-session", "-t", "=a");
  await expect(page.getByText("This session has ended.")).toBeVisible();
  await page.getByRole("link", { name: "All sessions" }).last().click();
  await living(page);
  await expect(card(page, "keep")).toBeVisible();
  await expect(card(page, "a")).toBeHidden();
});
