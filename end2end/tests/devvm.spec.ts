// Several people on one machine, each in a Unix account of his own and in no other: by nginx's word, through sudo, in a real browser.

import { rmSync, statSync } from "node:fs";
import type { Page } from "@playwright/test";
import { card, connected, lines, living } from "./board";
import { closeCodes, type DevVm, expect, NOT_MADE, type Person, test } from "./devvm";

// What the API says of a host, as far as it is read here.
interface Host {
  users: { sessions: { name: string; id: string }[] }[];
}

const text = async (page: Page) => (await lines(page)).join("\n");

// What a session of that account is called in a URL of the API.
async function idOf(vm: DevVm, who: string, name: string): Promise<string> {
  const api = await vm.asks(who);
  let id = "";
  await expect(async () => {
    const { hosts } = await (await api.post("/api/v1/refresh")).json();
    const sessions = (hosts as Host[]).flatMap((host) => host.users).flatMap((user) => user.sessions);
    id = sessions.find((session) => session.name === name)!.id;
  }).toPass();
  return id;
}

// Opens a terminal's WebSocket from a page, sends a first frame, and gives the code that it is closed with.
const dialled = (page: Page, path: string, frame: number[]) =>
  page.evaluate(
    ([path, frame]) =>
      new Promise<number>((done) => {
        const socket = new WebSocket(path);
        socket.onopen = () => socket.send(new Uint8Array(frame));
        socket.onclose = (event) => done(event.code);
      }),
    [path, frame] as const,
  );
// The first frames of docs/protocol.md: 80 columns and 24 rows, to type or only to watch.
const [TYPE, WATCH] = [
  [0, 0, 0, 80, 0, 24],
  [0, 1, 0, 80, 0, 24],
];

async function openTerminal({ page }: Person, account: string, name: string) {
  await page.goto(`/local/${account}/${name}`);
  await page.getByRole("button", { name: "Create it and open it" }).click();
  await connected(page);
}

test("a person sees, makes and types into sessions of her own account alone", async ({ vm, visits }) => {
  const { ann, bob } = vm.accounts;
  vm.tmux(ann, "new-session", "-d", "-s", "hers");
  vm.tmux(bob, "new-session", "-d", "-s", "his");
  const person = await visits("ann");
  const { page, said } = person;
  await page.goto("/");
  await living(page);
  await expect(page.locator(".who")).toHaveText(`ann as ${ann}`);
  await expect(card(page, "hers")).toBeVisible();
  await expect(page.locator(".card")).toHaveCount(1);
  await expect(page.locator(".user")).toHaveCount(1);
  for (const account of [bob, vm.accounts.muxboard, NOT_MADE]) expect(await page.content()).not.toContain(account);
  await expect(page.getByRole("button", { name: "Log out" })).toHaveCount(0);

  // A URL that names a session is a bookmark: it offers to make what is not there.
  const missing = await page.goto(`/local/${ann}/work`);
  expect(missing?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "No such session" })).toBeVisible();
  expect(vm.tmux(ann, "list-sessions", "-F", "#{session_name}")).toBe("hers");
  await page.getByRole("button", { name: "Create it and open it" }).click();
  await connected(page);
  expect(page.url()).toContain(`/local/${ann}/work`);
  await page.keyboard.type("id -un; pwd\n");
  await expect.poll(() => text(page)).toMatch(new RegExp(`\\n${ann}\\n/home/${ann}\\n`));
  expect(vm.tmux(ann, "list-sessions", "-F", "#{session_name}")).toBe("hers\nwork");
  const back = await page.goto(`/local/${ann}/work`);
  expect(back?.status()).toBe(200);
  await connected(page);
  expect(said.filter((line) => !/404/.test(line))).toEqual([]);
});

test("another person cannot see, name, open, watch or change it", async ({ vm, visits }) => {
  const { ann, bob } = vm.accounts;
  vm.tmux(ann, "new-session", "-d", "-s", "hers", "printf a-secret; exec cat");
  const id = await idOf(vm, "ann", "hers");
  const { page } = await visits("bob");
  const frames: Buffer[] = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => void frames.push(Buffer.from(payload))));
  await page.goto("/");
  await living(page);
  await expect(page.locator(".who")).toHaveText(`bob as ${bob}`);
  await expect(page.getByText(`No tmux server is running for ${bob}`)).toBeVisible();
  await expect(page.locator(".card")).toHaveCount(0);

  for (const path of [`/local/${ann}/hers`, `/local/${ann}/hers?watch`, `/local/${ann}/hers?id=${id}`, `/local/${ann}/no-such`]) {
    const { page: other } = await visits("bob");
    const answer = await other.goto(path);
    expect(answer?.status(), path).toBe(403);
    await expect(other.getByRole("heading", { name: "Not allowed" })).toBeVisible();
    expect(await other.content()).not.toContain("a-secret");
    expect(await other.locator("#screen").count()).toBe(0);
  }
  for (const frame of [TYPE, WATCH]) {
    expect(await dialled(page, `/ws/attach/local/${ann}/${id}`, frame)).toBe(4003);
    // Her session's identity below his own account leads to no session; that there is no tmux server at all comes first.
    expect([4010, 4020]).toContain(await dialled(page, `/ws/attach/local/${bob}/${id}`, frame));
  }

  const api = await vm.asks("bob");
  const seen = JSON.stringify(await (await api.get("/api/v1/sessions")).json()) + JSON.stringify(await (await api.get("/api/v1/whoami")).json());
  for (const word of [ann, "hers", "a-secret", id]) expect(seen).not.toContain(word);
  const made = await api.post("/api/v1/sessions", { data: { host: "local", user: ann, name: "planted" } });
  const renamed = await api.patch(`/api/v1/sessions/local/${ann}/${id}`, { data: { name: "mine" } });
  const killed = await api.delete(`/api/v1/sessions/local/${ann}/${id}`, { data: { confirm: "hers" } });
  const posted = await api.post("/fn/kill", { form: { place: `local/${ann}`, session: id, typed: "hers" } });
  expect([made, renamed, killed, posted].map((answer) => answer.status())).toEqual([403, 403, 403, 403]);
  expect(made.headers()["content-type"]).toBe("application/problem+json");
  // An identity under another account's name is no way around it.
  expect((await api.delete(`/api/v1/sessions/local/${bob}/${id}`, { data: { confirm: "hers" } })).status()).toBe(410);
  expect(vm.tmux(ann, "list-sessions", "-F", "#{session_name}")).toBe("hers");
  expect(vm.tmux(ann, "list-clients")).toBe("");

  const heard = Buffer.concat(frames).toString("latin1");
  for (const word of [ann, "hers", "a-secret"]) expect(heard).not.toContain(word);
});

test("whom no line of the map names is told so in words, once", async ({ vm, visits }) => {
  const { page } = await visits("eve");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(`${request.resourceType()} ${new URL(request.url()).pathname}`));
  page.on("websocket", (socket) => asked.push(`websocket ${socket.url()}`));
  const answer = await page.goto("/");
  expect(answer?.status()).toBe(403);
  await expect(page.getByRole("heading", { name: "No account here" })).toBeVisible();
  await expect(page.getByText("You are logged in as eve, and no Unix account here is mapped to that.")).toBeVisible();
  await page.waitForLoadState("networkidle");
  expect(asked.filter((what) => !/^(stylesheet|image|other|font) /.test(what))).toEqual(["document /"]);
  // Nor is there a program in it that could ask again; one that does is refused as well.
  expect(await page.locator("script").count()).toBe(0);
  for (const path of ["/ws/board", `/ws/attach/local/${vm.accounts.eve}/1-1-1-1`]) expect(await dialled(page, path, TYPE)).toBe(4003);
  const { page: bob } = await visits("bob");
  await bob.goto("/");
  await living(bob);
  for (const account of Object.values(vm.accounts)) expect(await page.content()).not.toContain(account);
});

test("whoami: 401, 403, 200, and 500 for an account that was never made", async ({ vm }) => {
  const { ann } = vm.accounts;
  const who = async (name: string | undefined, headers = {}) => (await vm.asks(name, headers)).get("/api/v1/whoami");
  expect((await who(undefined)).status()).toBe(401);
  const denied = await who("eve");
  expect([denied.status(), denied.headers()["content-type"]]).toEqual([403, "application/problem+json"]);
  expect((await denied.json()).detail).toContain("logged in as eve");
  const ok = await who("ann");
  expect(ok.status()).toBe(200);
  expect(await ok.json()).toMatchObject({ identity: "ann", account: ann, groups: [], gate: "proxy", reach: [{ host: "local", user: ann }] });
  // Known after the first look.
  await expect.poll(async () => (await who("ghost")).status()).toBe(500);
  const ghost = await who("ghost");
  expect(ghost.headers()["content-type"]).toBe("application/problem+json");
  expect(await ghost.json()).toMatchObject({
    status: 500,
    code: "internal",
    detail: expect.stringContaining(`ghost is mapped to the Unix account ${NOT_MADE}, and there is no such account`),
  });
});

test("a file that is dropped into a terminal lands in that person's account, whatever nginx is between", async ({ vm, visits }) => {
  const { ann } = vm.accounts;
  const person = await visits("ann");
  const { page } = person;
  await openTerminal(person, ann, "files");
  await page.locator("#screen").evaluate((screen) => {
    const data = new DataTransfer();
    data.items.add(new File(["x".repeat(3_000_000)], "notes.txt"));
    screen.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await expect(page.locator(".toasts")).toContainText(`Uploaded: /home/${ann}/.muxboard-uploads/`);
  const path = (await page.locator(".toasts").textContent())!.match(/\/home\/\S+\.txt/)![0];
  const { size, mode } = statSync(path);
  expect([size, mode & 0o777]).toEqual([3_000_000, 0o600]);
  await expect.poll(async () => (await text(page)).replace(/\n/g, "")).toContain(path);
  rmSync(path);
});

test("nobody but nginx says who somebody is", async ({ vm, visits }) => {
  const { ann } = vm.accounts;
  const forged = {
    "x-authentik-username": "bob",
    x_authentik_username: "bob",
    "x-authentik-groups": "admins",
    "x-muxboard-secret": "a-guess",
    "x-forwarded-for": "127.0.0.1",
  };
  const api = await vm.asks("ann", forged);
  expect(await (await api.get("/api/v1/whoami")).json()).toMatchObject({ identity: "ann", account: ann, groups: [] });
  const { page } = await visits("ann", { "X-authentik-username": "bob" });
  await page.goto("/");
  await expect(page.locator(".who")).toHaveText(`ann as ${ann}`);

  // Past nginx, as root: no other account may open the socket, but for those in its group.
  const ann_says = { "x-authentik-username": "ann" };
  const secret = { "x-muxboard-secret": vm.secret };
  for (const [headers, want] of [
    [{}, 401],
    [ann_says, 401],
    [{ ...ann_says, "x-muxboard-secret": "" }, 401],
    [{ ...ann_says, "x-muxboard-secret": vm.secret.slice(0, -1) }, 401],
    [{ ...ann_says, ...secret, x_authentik_username: "bob" }, 401],
    [{ ...ann_says, ...secret, host: "evil.example" }, 403],
    [{ ...ann_says, ...secret }, 200],
  ] as [Record<string, string>, number][]) {
    expect(vm.past(headers), JSON.stringify(headers)).toBe(want);
  }
  for (const path of ["/", `/local/${ann}/x`, "/api/v1/sessions", "/api/v1/hosts"]) expect(vm.past(ann_says, path), path).toBe(401);
  for (const account of [ann, vm.accounts.bob, vm.accounts.eve]) expect(vm.past({ ...ann_says, ...secret }, "/", account)).toBe(0);
});

test("a line in the map lets somebody in, its removal closes what is open; nothing is restarted", async ({ vm, visits }) => {
  const { eve, ann } = vm.accounts;
  const [hers, anns] = [await visits("eve"), await visits("ann")];
  expect((await hers.page.goto("/"))?.status()).toBe(403);
  await openTerminal(anns, ann, "stays");

  vm.map((lines) => `${lines}eve = ${eve}\n`);
  const api = await vm.asks("eve");
  await expect.poll(async () => (await api.get("/api/v1/whoami")).status()).toBe(200);
  await hers.page.reload();
  await living(hers.page);
  await expect(hers.page.locator(".who")).toHaveText(`eve as ${eve}`);
  await openTerminal(hers, eve, "mine");
  await hers.page.keyboard.type("id -un\n");
  await expect.poll(() => text(hers.page)).toContain(`\n${eve}\n`);
  const board = await hers.page.context().newPage();
  await board.goto("/");
  await living(board);

  vm.map((lines) => lines.replace(/^eve = .*\n/m, ""));
  await expect.poll(() => closeCodes(hers.page)).toEqual([4014]);
  await expect(hers.page.getByText("Your access was withdrawn.")).toBeVisible();
  // The open list too: it asks once what is wrong, and is told.
  await expect(board.getByRole("heading", { name: "No account here" })).toBeVisible();
  expect((await api.get("/api/v1/whoami")).status()).toBe(403);
  await expect.poll(() => vm.tmux(eve, "list-clients")).toBe("");
  expect(vm.tmux(eve, "list-sessions", "-F", "#{session_name}")).toBe("mine");

  // Whoever else is there noticed nothing.
  expect(await closeCodes(anns.page)).toEqual([]);
  await anns.page.keyboard.type("id -un\n");
  await expect.poll(() => text(anns.page)).toContain(`\n${ann}\n`);
});

test("an open list whose access went while it was not connected is told so once", async ({ vm, visits }) => {
  const { page } = await visits("bob");
  const api = await vm.asks("bob");
  let cut: (() => Promise<void>) | undefined;
  let dials = 0;
  await page.routeWebSocket(/\/ws\/board/, async (route) => {
    if (dials++ > 0) await expect.poll(async () => (await api.get("/api/v1/whoami")).status()).toBe(403);
    route.connectToServer();
    cut = () => route.close({ code: 1012 });
  });
  await page.goto("/");
  await living(page);
  vm.map((lines) => lines.replace(/^bob = .*\n/m, ""));
  await cut!();
  await expect(page.getByRole("heading", { name: "No account here" })).toBeVisible();
  await page.waitForLoadState("networkidle");
  expect(dials).toBe(2);
});
