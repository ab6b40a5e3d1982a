// The connection of a terminal tells the truth: slow, lost, back, over; nothing typed is kept for later; nothing old is answered.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page, WebSocketRoute } from "@playwright/test";
import { type Board, card, connected, expect, lines, test } from "./board";
import { inScreen } from "./inspect";

const folder = join(import.meta.dirname, "../screenshots");
const text = async (page: Page) => (await lines(page)).join("\n");

// Between the page and the server: can hold everything back, cut, and say things no server would.
class Wire {
  held = false;
  sent: Buffer[] = [];
  #page?: WebSocketRoute;
  async between(page: Page) {
    await page.routeWebSocket(/\/ws\/attach\//, (route) => {
      this.#page = route;
      this.sent = [];
      const server = route.connectToServer();
      route.onMessage((message) => {
        this.sent.push(Buffer.from(message as Buffer));
        if (!this.held) server.send(message);
      });
      server.onMessage((message) => void (this.held || this.#page !== route || route.send(message)));
    });
  }
  output(bytes: string | Buffer) {
    this.#page!.send(Buffer.concat([Buffer.from([0x10]), Buffer.from(bytes)]));
  }
  async cut() {
    await this.#page!.close({ code: 1012 });
  }
  typed() {
    return Buffer.concat(this.sent.filter((frame) => frame[0] === 1).map((frame) => frame.subarray(1))).toString("latin1");
  }
}

async function open(page: Page, board: Board, name: string, link: "open" | "Watch" = "open") {
  await board.open(page);
  await (link === "open" ? card(page, name).locator("a.open") : card(page, name).getByRole("link", { name: link })).click();
  await connected(page);
}

// A terminal with a wire between.
async function wired(page: Page, board: Board, runs = "printf alive; exec cat") {
  const wire = new Wire();
  await wire.between(page);
  board.tmux("new-session", "-d", "-s", "a", runs);
  await open(page, board, "a");
  return wire;
}

test("a line that fell silent is shown as slow, then as lost; keys typed meanwhile are refused and never sent", async ({ page, board }) => {
  test.slow();
  const wire = await wired(page, board);
  await expect(page.getByText(/live · \d+ ms/)).toBeVisible();
  wire.held = true;
  await expect(page.locator(".link-state.slow")).toContainText(/slow · \d/);
  await expect(page.getByText("connection lost")).toBeVisible({ timeout: 20_000 });
  await page.keyboard.type("never");
  await expect(page.getByText("what you type is not sent")).toBeVisible();
  await expect(page.locator("#screen.dim")).toBeVisible();
  wire.held = false;
  // A try that began before is given up after some seconds.
  await expect(page.locator(".link-state.live")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("what you type is not sent")).toBeHidden();
  await expect.poll(() => text(page)).toContain("alive");
  await page.keyboard.type("and well");
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "a")).toBe("aliveand well");
});

test("the network is back: the page dials at once", async ({ page, board }) => {
  const wire = await wired(page, board);
  // Without its long timers the page never tries again by itself.
  await page.evaluate(() => {
    const all = setTimeout;
    globalThis.setTimeout = ((run: TimerHandler, ms = 0) => (ms < 100 ? all(run, ms) : 0)) as typeof setTimeout;
  });
  await wire.cut();
  await expect(page.getByText("connection lost")).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await connected(page);
  await page.keyboard.type(" again");
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "a")).toBe("alive again");
});

test("what old output asks is not answered into the session that the page comes back to", async ({ page, board }) => {
  const wire = await wired(page, board, "printf alive; exec cat -v");
  // Output that takes long to parse, with questions at its end, and the line breaks at once.
  for (let i = 0; i < 40; i++) wire.output("colour \x1b[31mred\x1b[0m and more of it\r\n".repeat(8_000));
  wire.output("\x1b[6n\x1b[5n\x1b[c\x1b[>c\x1b]11;?\x07\x1bP$qm\x1b\\");
  await wire.cut();
  await expect(page.locator(".link-state.lost")).toBeVisible();
  await connected(page);
  await expect.poll(() => text(page)).toContain("alive");
  await page.keyboard.type("mark");
  await expect.poll(() => board.tmux("capture-pane", "-p", "-t", "a")).toContain("mark");
  // What tmux itself asks on attaching it is told; of the old questions nothing.
  expect(wire.typed()).not.toMatch(/\x1b\[\d+;\d+R|\x1b\[0n|\x1b\]11;|\x1bP1\$r/);
  expect(board.tmux("capture-pane", "-p", "-t", "a")).toBe("alivemark");
});

test("no output reads the clipboard, the title or the settings", async ({ page, board, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const wire = await wired(page, board, "printf alive; exec cat -v");
  await page.evaluate(() => navigator.clipboard.writeText("a-secret"));
  await expect.poll(() => text(page)).toContain("alive"); // and with it what tmux asks at first
  const before = wire.typed();
  for (const target of ["c", "", "p", "s0"]) wire.output(`\x1b]52;${target};?\x07\x1b]52;${target};?\x1b\\`);
  wire.output("\x1b]2;a-title\x07\x1b[21t\x1b[20t\x1b]50;?\x07\x05");
  wire.output("parsed");
  await expect.poll(() => text(page)).toContain("parsed");
  expect(wire.typed()).toBe(before);
  expect(board.tmux("capture-pane", "-p", "-t", "a")).toBe("alive");
});

test("a watcher on a phone sees the owner's whole grid, and who else is there", async ({ page, board, context }) => {
  board.tmux("new-session", "-d", "-s", "wide", "-x", "160", "-y", "45", "printf 'left%150s' right; exec cat");
  await page.setViewportSize({ width: 390, height: 700 });
  await open(page, board, "wide", "Watch");
  const fits = () =>
    inScreen(page, (screen) => {
      const grid = screen.querySelector(".xterm-screen")!.getBoundingClientRect();
      return {
        columns: screen.terminal.cols,
        inside: grid.right <= screen.getBoundingClientRect().right && grid.bottom <= screen.getBoundingClientRect().bottom,
      };
    });
  await expect.poll(fits).toEqual({ columns: 160, inside: true });
  await expect.poll(() => text(page)).toMatch(/left {100,}right/);
  await page.keyboard.type("x");
  await expect(page.getByText("You are watching: what you type is not sent.")).toBeVisible();

  const owner = await context.newPage();
  await owner.setViewportSize({ width: 1000, height: 600 });
  await owner.goto(page.url().replace("&watch", ""));
  await connected(owner);
  await expect(page.locator(".others summary")).toHaveText("+1 · size: ops");
  await expect(owner.locator(".others summary")).toHaveText("+1");
  await owner.locator(".others summary").click();
  await expect(owner.locator(".others li")).toHaveText([
    /this page: \d+ × \d+, sets the size|ops: \d+ × \d+, watches/,
    /this page: \d+ × \d+, sets the size|ops: \d+ × \d+, watches/,
  ]);
  // The watcher's grid follows the owner's.
  const columns = await inScreen(owner, (screen) => screen.terminal.cols);
  await expect.poll(fits).toEqual({ columns, inside: true });
  mkdirSync(folder, { recursive: true });
  await owner.screenshot({ path: join(folder, "others.png") });
  await page.screenshot({ path: join(folder, "watching.png") });
});

test("an end says why and offers what makes sense", async ({ page, board, quiet }) => {
  quiet.allow.push(/404/);
  board.tmux("new-session", "-d", "-s", "keep");
  board.tmux("new-session", "-d", "-s", "a");
  await open(page, board, "a");
  board.tmux("detach-client", "-s", "=a");
  await expect(page.getByText("Detached.")).toBeVisible();
  await page.getByRole("button", { name: "Connect again" }).click();
  await connected(page);
  board.tmux("kill-session", "-t", "=a", ";", "new-session", "-d", "-s", "a", "printf 'the second'; exec cat");
  await expect(page.getByText("another one has its name now")).toBeVisible();
  await page.screenshot({ path: join(folder, "replaced.png") });
  await page.getByRole("link", { name: "Open the new one" }).click();
  await connected(page);
  await expect.poll(() => text(page)).toContain("the second");
  board.tmux("kill-session", "-t", "=a");
  await expect(page.getByText("This session has ended.")).toBeVisible();
  await page.getByRole("link", { name: "Create a session" }).click();
  await expect(page.getByLabel("Name")).toBeVisible();
});

test("led to another session by tmux, the page read the text of the one it was opened with", async ({ page, board }) => {
  for (const name of ["one", "two"]) board.tmux("new-session", "-d", "-s", name, `printf 'the text of ${name}'; exec cat`);
  await open(page, board, "one");
  const view = page.getByRole("dialog", { name: "The terminal's text" });
  for (const name of ["two", "one"]) {
    board.tmux("switch-client", "-c", board.tmux("list-clients", "-F", "#{client_tty}"), "-t", `=${name}`);
    await expect(page.locator("h1")).toContainText(name);
    await page.keyboard.press("Control+Shift+F");
    await expect(view).toContainText(`the text of ${name}`);
    await page.keyboard.press("Escape");
    await expect(view).toBeHidden();
  }
  board.tmux("rename-session", "-t", "=one", "three");
  await expect(page.locator("h1")).toContainText("three");
});
