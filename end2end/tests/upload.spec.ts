// Files on their way to the session's host, from the page: progress, cancel, errors, the path put in. In the first tests the server's answer is made up;
// the last ones are whole.

import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Page, Route } from "@playwright/test";
import { type Board, expect, test } from "./board";
import { inScreen } from "./inspect";
import { opened, pane, pastes, screen, toasts } from "./transfer";

const RUNS = "stty raw -echo; printf '\\033[?2004hready'; exec cat -v";
const drops = (page: Page, files: { name: string; bytes: number }[]) =>
  page.locator("#screen").evaluate((screen, named) => {
    const data = new DataTransfer();
    for (const { name, bytes } of named) data.items.add(new File(["x".repeat(bytes)], name));
    for (const kind of ["dragenter", "dragover"]) screen.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    const lit = document.body.classList.contains("drops");
    const prevented = !screen.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    return { lit, prevented, after: document.body.classList.contains("drops") };
  }, files);
const path = (n: number) => `/home/ann/.muxboard-uploads/0${n}ab.png`;
const taken = (n: number) => ({
  status: 201,
  json: { path: path(n), typed: path(n), type: "image/png", bytes: 4, expires: Math.floor(Date.now() / 1000) + 3600 },
});

test.describe("uploads are on", () => {
  test.use({ more: "[upload]\nenabled = true\nmax_bytes = 1000\n" });

  test("an image that is pasted is sent as it is, and its path is put in", async ({ page, board }) => {
    const got: { type?: string; body: string | null; method: string }[] = [];
    await page.route("**/upload/**", async (route) => {
      const request = route.request();
      got.push({ method: request.method(), type: request.headers()["content-type"], body: request.postData() });
      await route.fulfill(taken(1));
    });
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    await pastes(page, "", [{ name: "shot.png", type: "image/png" }]);
    await expect.poll(() => pane(board)).toContain(`ready^[[200~${path(1)} ^[[201~`);
    await expect(toasts(page)).toContainText(`Uploaded: ${path(1)} (kept until `);
    expect(got).toEqual([{ method: "POST", type: "application/octet-stream", body: "bytes of shot.png" }]);
  });

  test("a paste that has both text and an image is its text", async ({ page, board }) => {
    let asked = 0;
    await page.route("**/upload/**", (route) => {
      asked++;
      return route.fulfill(taken(1));
    });
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    await pastes(page, "the text", [{ name: "picture.png", type: "image/png" }]);
    await expect.poll(() => pane(board)).toContain("the text^[[201~");
    expect(asked).toBe(0);
  });

  test("several dropped files go one after another; one that is too large is never sent, and says so", async ({ page, board }) => {
    const waits: Route[] = [];
    await page.route("**/upload/**", (route) => void waits.push(route));
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    expect(
      await drops(page, [
        { name: "a.txt", bytes: 10 },
        { name: "b.txt", bytes: 20 },
      ]),
    ).toEqual({ lit: true, prevented: true, after: false });
    await expect(toasts(page)).toContainText("Uploading a.txt");
    await expect.poll(() => waits.length).toBe(1);
    await waits[0].fulfill(taken(1));
    await expect.poll(() => waits.length).toBe(2);
    await waits[1].fulfill(taken(2));
    await expect(toasts(page)).toContainText(`Uploaded: ${path(1)}, ${path(2)} (kept until`);
    await expect.poll(() => pane(board)).toContain(`${path(1)} ^[[201~^[[200~${path(2)} ^[[201~`);
    await drops(page, [
      { name: "large.bin", bytes: 1001 },
      { name: "small.txt", bytes: 1 },
    ]);
    await expect(toasts(page)).toHaveText("large.bin is too large: 1001 bytes. At most 1000 bytes can be uploaded here. 1 more not sent.");
    expect(waits).toHaveLength(2);
  });

  test("an upload can be cancelled, and nothing is put in", async ({ page, board }) => {
    await page.route("**/upload/**", () => {});
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    const gone = page.waitForEvent("requestfailed", (request) => request.url().includes("/upload/"));
    await drops(page, [{ name: "a.txt", bytes: 10 }]);
    await toasts(page).getByRole("button", { name: "Cancel" }).click();
    await gone;
    await expect(toasts(page)).toHaveText("Upload of a.txt cancelled.");
    expect(pane(board)).toBe("ready");
  });

  test("what the server says of a refused upload is said, as text", async ({ page, board, quiet }) => {
    quiet.allow.push(/507|ERR_FAILED/);
    await page.route("**/upload/**", (route) =>
      route.fulfill({ status: 507, contentType: "application/problem+json", json: { detail: "The <b>disk</b> of web1 is full." } }),
    );
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    await drops(page, [{ name: "a.txt", bytes: 10 }]);
    await expect(toasts(page)).toHaveText("The <b>disk</b> of web1 is full.");
    await page.unroute("**/upload/**");
    await page.route("**/upload/**", (route) => route.abort());
    await drops(page, [{ name: "a.txt", bytes: 10 }]);
    await expect(toasts(page)).toContainText("a.txt was not uploaded");
    expect(pane(board)).toBe("ready");
  });

  test("a file is picked with the browser's own dialog", async ({ page, board }) => {
    await page.route("**/upload/**", (route) => route.fulfill(taken(3)));
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    const asked = page.waitForEvent("filechooser");
    await page.locator("#screen").click();
    await inScreen(page, (e) => e.parts.upload.pick());
    await (await asked).setFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
    await expect.poll(() => pane(board)).toContain(path(3));
  });

  test("a watcher uploads nothing", async ({ page, board }) => {
    await opened(page, board, "printf alive; exec cat", "Watch");
    await expect.poll(() => screen(page)).toContain("alive");
    expect(await drops(page, [{ name: "a.txt", bytes: 10 }])).toEqual({ lit: false, prevented: true, after: false });
    await expect(toasts(page)).toHaveText("You are watching: nothing is uploaded.");
  });
});

test("where uploads are off an image or a dropped file says which key turns them on, and the page stays", async ({ page, board }) => {
  await opened(page, board, "printf alive; exec cat");
  const url = page.url();
  expect(await drops(page, [{ name: "a.txt", bytes: 10 }])).toEqual({ lit: false, prevented: true, after: false });
  await expect(toasts(page)).toContainText("Uploads are off here: [upload] enabled = true");
  await pastes(page, "", [{ name: "shot.png", type: "image/png" }]);
  await expect(toasts(page)).toContainText("Uploads are off here");
  expect(page.url()).toBe(url);
});

test("a dropped link is put in as text: the page does not follow it", async ({ page, board }) => {
  await opened(page, board, RUNS);
  await expect.poll(() => screen(page)).toContain("ready");
  const prevented = await page.locator("#screen").evaluate((element) => {
    const data = new DataTransfer();
    data.setData("text/plain", "https://links.test/");
    return ["dragover", "drop"].map((kind) => !element.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })));
  });
  expect(prevented).toEqual([true, true]);
  await expect.poll(() => pane(board)).toContain("ready^[[200~https://links.test/^[[201~");
});

test.describe("the whole way", () => {
  test.use({ more: "[upload]\nenabled = true\n" });
  const folder = (board: Board) => join("/home", board.account, ".muxboard-uploads");
  const there = (board: Board) => (existsSync(folder(board)) ? readdirSync(folder(board)) : []);

  test("a dropped file is on the host's disk, its user's alone, and its path is put in", async ({ page, board }) => {
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    const before = there(board);
    await drops(page, [{ name: "notes.txt", bytes: 5_000_000 }]);
    await expect(toasts(page)).toContainText("Uploaded: ");
    const [name] = there(board).filter((file) => !before.includes(file));
    const file = join(folder(board), name);
    expect(name).toMatch(/^[0-9a-f]{32}\.txt$/);
    expect([statSync(file).mode & 0o777, statSync(folder(board)).mode & 0o777, statSync(file).size]).toEqual([0o600, 0o700, 5_000_000]);
    await expect.poll(() => pane(board).replace(/\n/g, "")).toContain(`ready^[[200~${file} ^[[201~`);
    await expect(toasts(page)).toContainText(file);
    rmSync(file);
  });

  test("one that is cancelled on its way leaves nothing there", async ({ page, board }) => {
    const cdp = await page.context().newCDPSession(page);
    await opened(page, board, RUNS);
    await expect.poll(() => screen(page)).toContain("ready");
    const before = there(board).length;
    // A slow line, so that it is on its way for a while.
    await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 300_000 });
    await drops(page, [{ name: "large.bin", bytes: 9_000_000 }]);
    await expect.poll(() => there(board).length).toBe(before + 1);
    await expect(toasts(page)).toContainText(/Uploading large.bin [1-9]\d? %/);
    await toasts(page).getByRole("button", { name: "Cancel" }).click();
    await expect(toasts(page)).toHaveText("Upload of large.bin cancelled.");
    await expect.poll(() => there(board).length).toBe(before);
    expect(pane(board)).toBe("ready");
  });
});
