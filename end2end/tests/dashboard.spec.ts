// The dashboard: live, searchable, reached by the keyboard, honest about faults and hostile names.
import AxeBuilder from "@axe-core/playwright";
import { ACCOUNTS, card, expect, living, needs, test } from "./board";

test("without a token there is a login and nothing else", async ({ page, board, quiet }) => {
  quiet.allow.push(/401/);
  board.tmux("new-session", "-d", "-s", "secret-name");
  const answer = await page.goto(`${board.url}/`);
  expect(answer?.status()).toBe(401);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
  expect(await page.content()).not.toContain("secret-name");
  await page.getByLabel("Token").fill("a wrong token, long enough");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByText("This token is not known.")).toBeVisible();
  await page.getByLabel("Token").fill(board.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await living(page);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.goto(`${board.url}/`);
  await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
});

test("sessions come and go without a reload; focus and an open question stay", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "first");
  await board.open(page);
  await expect(card(page, "first")).toBeVisible();
  await page.getByLabel("Filter").focus();
  board.tmux("new-session", "-d", "-s", "second", "printf 'from the \\033[32mpreview\\033[0m'; exec cat");
  await expect(card(page, "second").locator("pre")).toContainText("from the preview");
  await expect(card(page, "second").locator("pre .c2")).toHaveText("preview");
  await expect(page.getByLabel("Filter")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await page.getByRole("dialog").getByLabel("Name").fill("half-typed");
  board.tmux("kill-session", "-t", "=first");
  await expect(card(page, "first")).toBeHidden();
  await expect(page.getByRole("dialog").getByLabel("Name")).toHaveValue("half-typed");
  await expect(page.locator(".counts")).toContainText("1 session");
});

test("a name that is taken is said so and nothing typed is lost", async ({ page, board, quiet }) => {
  quiet.allow.push(/409|422/);
  board.tmux("new-session", "-d", "-s", "taken");
  await board.open(page);
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("taken");
  await dialog.getByLabel("Directory").fill("/tmp");
  await dialog.getByLabel("Command").fill("sleep 1000");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("A session of that name exists already. Choose another name.");
  await expect(dialog.getByLabel("Command")).toHaveValue("sleep 1000");
  await dialog.getByLabel("Directory").fill("/not/there");
  await dialog.getByLabel("Name").fill("other");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("That directory does not exist there, or that user may not enter it.");
  await dialog.getByLabel("Directory").fill("/tmp");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(card(page, "other")).toContainText("sleep · /tmp");
});

test("rename keeps the session and its programs", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "old", "exec cat");
  const pane = board.tmux("list-panes", "-a", "-F", "#{pane_pid}");
  await board.open(page);
  await card(page, "old").getByLabel("More about old").click();
  await card(page, "old").getByRole("link", { name: "Rename" }).click();
  await page.getByRole("dialog").getByLabel("New name").fill("new");
  await page.keyboard.press("Enter");
  await expect(card(page, "new")).toBeVisible();
  expect(board.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}")).toBe(`new ${pane}`);
});

test("hostile names are text, and exactly the one meant is opened and killed", async ({ page, board }) => {
  const names = ["a", "ab", "a*", "*", "=a", "$1", "@1", "%1", "-x", "##(touch canary)", "::", "💥", "x\u202ey", "<img src=x onerror=alert(1)>"];
  for (const name of names) board.tmux("new-session", "-d", "-s", name);
  const stored = board.tmux("list-sessions", "-F", "#{session_name}").split("\n");
  expect(stored.length).toBe(names.length);
  await board.open(page);
  await expect(page.locator(".card")).toHaveCount(stored.length);
  const shown = (await page.locator(".card a.open").allTextContents()).map((t) => t.replace("U+202E", "\u202e"));
  expect(shown.toSorted()).toEqual(stored.toSorted());
  await expect(page.locator("#board img")).toHaveCount(0);
  for (const name of ["*", "#(touch canary)", "<img src=x onerror=alert(1)>", "a"]) {
    await card(page, name).locator("a.open").click();
    await expect(page.locator(".link-state.live")).toBeVisible();
    await expect(page.locator("h1")).toHaveText(name);
    expect(board.tmux("list-clients", "-F", "#{session_name}")).toBe(name);
    await page.goBack();
    await living(page);
    await card(page, name).locator("summary").click();
    await card(page, name).getByRole("link", { name: "Kill" }).click();
    await page.getByRole("dialog").getByLabel("Session name").fill(name);
    await page.keyboard.press("Enter");
    await expect(card(page, name)).toBeHidden();
    stored.splice(stored.indexOf(name), 1);
    expect(board.tmux("list-sessions", "-F", "#{session_name}").split("\n").toSorted()).toEqual(stored.toSorted());
  }
  expect(board.tmux("run-shell", "ls canary ~/canary 2>/dev/null")).toBe("");
});

test("filter and keyboard reach everything", async ({ page, board }) => {
  for (const name of ["api", "build-2", "build-10", "web"]) board.tmux("new-session", "-d", "-s", name, "-c", name === "web" ? "/usr" : "/tmp");
  await board.open(page);
  await expect(page.locator(".card a.open")).toHaveText(["api", "build-2", "build-10", "web"]);
  await page.keyboard.press("/");
  await page.keyboard.type("build");
  await expect(page.locator(".card:visible")).toHaveCount(2);
  await page.keyboard.press("Enter");
  await expect(card(page, "build-2").locator("a.open")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(card(page, "build-10").locator("a.open")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.locator(".card:visible")).toHaveCount(4);
  await page.getByLabel("Filter").fill("nothing like it");
  await expect(page.getByText("No session matches")).toBeVisible();
  await page.getByRole("link", { name: "Show all" }).click();
  await expect(page.locator(".card:visible")).toHaveCount(4);
  await page.getByLabel("Filter").fill("/usr");
  await expect(page.locator(".card:visible")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toContainText("new session");
  await page.keyboard.press("Escape");
  // A dialog's `close` comes a frame after it is hidden.
  await expect(page.locator("dialog .question")).toHaveCount(0);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("x");
  await expect(page.getByRole("dialog")).toContainText("Kill api");
});

test("what needs a person is first", async ({ page, board }) => {
  board.tmux("new-session", "-d", "-s", "quiet");
  board.tmux("new-session", "-d", "-s", "agent", "printf 'Apply it? (y/n) \\a'; exec cat");
  await board.open(page);
  const need = page.getByLabel("Needs you").locator("article");
  await expect(need).toHaveCount(1);
  await expect(need).toContainText("agent");
  await expect(need).toContainText("Apply it? (y/n)");
  await expect(page.locator(".counts")).toContainText("1 needs you");
});

test("other accounts are reached through sudo, a refused one shows the line that mends it", async ({ page, board }) => {
  needs("accounts", Boolean(board.other), ACCOUNTS);
  board.tmuxAs(board.other!, "new-session", "-d", "-s", "theirs");
  await board.open(page);
  await expect(card(page, "theirs")).toBeVisible();
  await expect(page.locator(".fault")).toContainText(`${board.account} ALL=(${board.refused}) NOPASSWD: /usr/bin/tmux`);
  await card(page, "theirs").locator("a.open").click();
  await expect(page.locator(".link-state.live")).toBeVisible();
  await page.keyboard.type("id -un; tty\n");
  await expect.poll(() => board.tmuxAs(board.other!, "capture-pane", "-p", "-t", "theirs")).toContain(`\n${board.other}\n`);
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious, ${scheme}`, async ({ page, board }) => {
    board.tmux("new-session", "-d", "-s", "a", "printf '\\033[31mred\\033[32mgreen\\033[33myellow\\033[34mblue\\033[0m\\a'; exec cat");
    await page.emulateMedia({ colorScheme: scheme });
    await board.open(page);
    await expect(page.locator(".need")).toBeVisible();
    const serious = async () => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      return violations.filter((v) => ["serious", "critical"].includes(v.impact ?? "")).map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
    };
    expect(await serious()).toEqual([]);
    await page.keyboard.press("n");
    await expect(page.getByRole("dialog")).toBeVisible();
    expect(await serious()).toEqual([]);
    await page.keyboard.press("Escape");
    await card(page, "a").locator("a.open").click();
    await expect(page.locator(".link-state.live")).toBeVisible();
    expect(await serious()).toEqual([]);
  });
}
