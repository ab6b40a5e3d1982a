// Browsers send a cookie to every port of a host. A login has a path of its own, so that no other port of the machine gets it.
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { card, connected, expect, test } from "./board";

// Another program of the machine, on a port of its own: what it is sent, and what it answers.
async function another(answer = "<title>another</title>") {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    // Its icon is here, or the browser would ask for one when the test has closed the program, and complain.
    response.setHeader("content-type", "text/html").end(`<link rel="icon" href="data:,">${answer}`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { requests, port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test("a click on a link to another port of the machine hands nobody the login", async ({ page, board, base: mount }) => {
  const thief = await another();
  await board.open(page);
  expect(new URL(page.url()).pathname).toMatch(new RegExp(`^${mount}/~/[0-9a-f]{24}/$`));
  for (const path of [`${mount}/`, `${mount}/login`, "/", `${mount}/~/`, `${mount}/~/000000000000000000000000/`])
    await page.goto(`http://127.0.0.1:${thief.port}${path}`);
  const taken = thief.requests.map((request) => request.headers.cookie ?? "");
  expect(taken.length).toBeGreaterThanOrEqual(5);
  expect(taken.filter(Boolean)).toEqual([]);
  thief.close();
});

test("a cookie opens nothing without the path of its login", async ({ page, board, base: mount }) => {
  await board.open(page);
  const [cookie, ...more] = await page.context().cookies(page.url());
  expect(more).toEqual([]);
  const headers = { cookie: `${cookie.name}=${cookie.value}`, origin: new URL(board.url).origin };
  const status = async (path: string) => (await fetch(board.url + path, { headers })).status;
  const own = new URL(page.url()).pathname.slice(mount.length);
  for (const path of ["/", "/api/v1/sessions", `/here/${board.account}/a`, "/~/000000000000000000000000/api/v1/sessions"])
    expect(await status(path), path).toBe(401);
  expect(await status(`${own}api/v1/sessions`), "with it").toBe(200);
});

test("a link without the path of the login leads to its session, from another site too", async ({ page, board, quiet }) => {
  quiet.allow.push(/401/); // the first answer, to whoever asks without a login
  board.tmux("new-session", "-d", "-s", "a");
  await board.open(page);
  await expect(card(page, "a")).toBeVisible();
  const link = `${board.url}/here/${board.account}/a`;
  await page.goto(link);
  await connected(page);
  const chat = await another(`<title>chat</title><a href="${link}">the build</a> <a href="${page.url()}">and its whole address</a>`);
  for (const words of ["the build", "and its whole address"]) {
    await page.goto(`http://localhost:${chat.port}/`); // another site than 127.0.0.1
    await page.getByRole("link", { name: words }).click();
    await connected(page);
  }
  chat.close();
});

test("after the logout a link leads to the login, and from there to its session", async ({ page, board, quiet }) => {
  quiet.allow.push(/401/);
  board.tmux("new-session", "-d", "-s", "a");
  await board.open(page);
  await expect(card(page, "a")).toBeVisible();
  const [old, answers] = [page.url(), [] as number[]];
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByLabel("Token")).toBeVisible();
  page.on("response", (response) => response.request().isNavigationRequest() && answers.push(response.status()));
  await page.goto(`${old}here/${board.account}/a`);
  await expect(page.getByLabel("Token")).toBeVisible();
  await expect.poll(() => answers).toEqual([401, 401]); // asked once more, and not for ever
  await page.getByLabel("Token").fill(board.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await connected(page);
  expect(page.url()).not.toContain(new URL(old).pathname);
});
