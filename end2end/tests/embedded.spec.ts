// The board inside another application: that one's pages, login and server functions stay its own, and it alone says who somebody is.

import { type APIRequestContext, type Page, request } from "@playwright/test";
import { type Board, card, connected, expect, living, test } from "./board";

// A program with the application's session, or without.
async function program(board: Board, name?: string): Promise<APIRequestContext> {
  const api = await request.newContext({ extraHTTPHeaders: { origin: board.app } });
  if (name) expect((await api.post(`${board.app}/login`, { form: { name, password: board.token } })).status()).toBe(200);
  return api;
}

const closeCode = (page: Page, path: string) =>
  page.evaluate((path) => new Promise<number>((done) => (new WebSocket(path).onclose = (event) => done(event.code))), path);

test("the application's routes and functions stay its own", async ({ board }) => {
  board.tmux("new-session", "-d", "-s", "stays");
  const [ops, nobody] = [await program(board, "ops"), await program(board)];
  for (const api of [ops, nobody]) {
    const front = await api.get(`${board.app}/`);
    expect(await front.text()).toContain("Back office");
    // What the board says of itself it does not say of the application.
    expect(front.headers()).not.toHaveProperty("content-security-policy");
    for (const path of ["/no-such", "/muxx/", "/healthz", "/ws/board", "/login/", "/fn/kill"]) {
      const answer = await api.get(board.app + path);
      expect([answer.status(), await answer.text()], path).toEqual([404, "The back office has no such page.\n"]);
    }
  }
  // The application decides which names it answers to, the board decides for itself.
  const stranger = { headers: { host: "other.example" } };
  expect((await ops.get(`${board.app}/`, stranger)).status()).toBe(200);
  expect((await ops.get(`${board.url}/`, stranger)).status()).toBe(403);

  expect(await (await ops.post(`${board.app}/api/people`)).json()).toBe(1);
  expect((await nobody.post(`${board.app}/api/people`)).ok()).toBe(false);
  // Neither one's functions are to be had at the other's address.
  for (const path of ["/fn/kill", "/fn/people", "/api/kill", "/api/fn/kill", "/api/v1/refresh", "/mux/fn/people", "/mux/api/people"]) {
    const form = { place: `here/${board.account}`, session: "0-0-0-0", typed: "stays" };
    expect((await ops.post(board.app + path, { form })).ok(), path).toBe(false);
  }
  expect((await ops.post(`${board.url}/fn/refresh`)).status()).toBe(200);
  expect(board.tmux("list-sessions", "-F", "#{session_name}")).toBe("stays");
});

test("the application says who it is, and what for", async ({ page, board, quiet }) => {
  quiet.allow.push(/401/);
  board.tmux("new-session", "-d", "-s", "shown", "exec cat");
  const nobody = await program(board);
  for (const [path, want] of [
    ["/", 401],
    [`/here/${board.account}/shown`, 401],
    ["/api/v1/whoami", 401],
    ["/api/v1/sessions", 401],
    ["/no/such", 401],
    ["/healthz", 200],
  ] as const) {
    const answer = await nobody.get(board.url + path);
    expect(answer.status(), path).toBe(want);
    expect(await answer.text()).not.toContain("shown</");
  }
  expect((await nobody.post(`${board.url}/fn/refresh`)).status()).toBe(401);
  await page.goto(`${board.url}/`);
  await expect(page.getByText("you are not logged in there")).toBeVisible();
  for (const path of ["/mux/ws/board", `/mux/ws/attach/here/${board.account}/0-0-0-0`]) expect(await closeCode(page, path)).toBe(4001);
  await page.getByRole("link", { name: "Back to the app" }).click();
  await expect(page.getByRole("heading", { name: "Back office" })).toBeVisible();

  await board.enter(page, "guest");
  await living(page);
  await expect(page.locator(".who")).toHaveText("guest");
  await expect(page.getByRole("button", { name: "Log out" })).toHaveCount(0);
  await card(page, "shown").locator("a.open").click();
  await connected(page);
  await expect(page.locator(".watching")).toBeVisible();
  await page.keyboard.type("not for guests\n");
  await expect(page.getByText("You are watching: what you type is not sent.")).toBeVisible();
  const guest = await program(board, "guest");
  expect(await (await guest.get(`${board.url}/api/v1/whoami`)).json()).toMatchObject({ identity: "guest", groups: ["guests"], gate: "own" });
  expect((await guest.post(`${board.url}/api/v1/sessions`, { data: { host: "here", user: board.account, name: "x" } })).status()).toBe(403);
  expect(board.tmux("capture-pane", "-p", "-t", "shown")).toBe("");
  await page.goto(`${board.url}/`);
  await page.locator(".home").click();
  await expect(page).toHaveURL(`${board.app}/`);
});

test("leaving the application closes what is open within seconds, and nothing that runs", async ({ page, board, context, quiet }) => {
  quiet.allow.push(/401/);
  board.tmux("new-session", "-d", "-s", "a", "exec cat");
  await board.open(page);
  // A terminal's page is rendered from the last look: it must have seen the session.
  await expect(card(page, "a")).toBeVisible();
  const terminal = await context.newPage();
  await terminal.goto(`${board.url}/here/${board.account}/a`);
  await connected(terminal);
  const front = await context.newPage();
  await front.goto(board.app);
  await front.getByRole("button", { name: "Leave" }).click();
  await expect(terminal.getByText("Your access was withdrawn.")).toBeVisible({ timeout: 10_000 });
  await expect(page.getByRole("heading", { name: "Not logged in" })).toBeVisible({ timeout: 10_000 });
  await expect.poll(() => board.tmux("list-clients")).toBe("");
  expect(board.tmux("list-sessions", "-F", "#{session_name}")).toBe("a");
});
