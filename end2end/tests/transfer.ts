// What the specs of copying, pasting and uploading share.

import type { Page, WebSocketRoute } from "@playwright/test";
import { type Board, card, connected, expect, lines } from "./board";
import { inScreen } from "./inspect";

export const screen = async (page: Page) => (await lines(page)).join("\n");
export const clip = (page: Page) => page.evaluate(() => navigator.clipboard.readText());
export const toasts = (page: Page) => page.locator(".toasts");

// A terminal in which that program runs.
export async function opened(page: Page, board: Board, runs: string, link: "open" | "Watch" = "open") {
  board.tmux("new-session", "-d", "-s", "a", runs);
  await board.open(page);
  await (link === "open" ? card(page, "a").locator("a.open") : card(page, "a").getByRole("link", { name: link })).click();
  await connected(page);
}

// Bytes as if the session's terminal had printed them, and parsed.
export const prints = (page: Page, bytes: string) => inScreen(page, (e, its) => new Promise<void>((done) => e.terminal.write(its, done)), bytes);

// What a browser's own paste gives, by key or menu.
export const pastes = (page: Page, text: string, files: { name: string; type: string }[] = []) =>
  page.locator("#screen textarea").evaluate(
    (e, [its, named]) => {
      const data = new DataTransfer();
      if (its) data.setData("text/plain", its as string);
      for (const { name, type } of named as { name: string; type: string }[]) data.items.add(new File([`bytes of ${name}`], name, { type }));
      e.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    },
    [text, files] as const,
  );

// The pane's text, with its history or without.
export const TEXT = "**/api/v1/sessions/**/text*";
// What the server would answer about the pane.
export const answers = (page: Page, pane: { text?: string; history?: number; bracketed_paste?: boolean | null }) =>
  page.route(TEXT, (route) => route.fulfill({ json: { text: "", history: 0, prefix: "C-b", bracketed_paste: null, ...pane } }));

// Between the page and the server: knows what was typed and pasted, and can hold the server's word back, or cut.
export class Line {
  sent: Buffer[] = [];
  deaf = false; // nothing of the server's word about pastes reaches the page
  #kept: Buffer[] = [];
  #page?: WebSocketRoute;
  async between(page: Page) {
    await page.routeWebSocket(/\/ws\/attach\//, (route) => {
      this.#page = route;
      const server = route.connectToServer();
      route.onMessage((message) => {
        this.sent.push(Buffer.from(message as Buffer));
        server.send(message);
      });
      server.onMessage((message) => {
        const bytes = Buffer.from(message as Buffer);
        if (this.deaf && bytes[0] === 0x15) this.#kept.push(bytes);
        else if (this.#page === route) route.send(message);
      });
    });
  }
  hears() {
    this.deaf = false;
    for (const bytes of this.#kept.splice(0)) this.#page!.send(bytes);
  }
  async cut() {
    await this.#page!.close({ code: 1012 });
  }
  // All that a program would read, in order, since the connection before was forgotten.
  all() {
    return Buffer.concat(this.sent.filter((frame) => frame[0] === 1 || frame[0] === 5).map((frame) => frame.subarray(1))).toString();
  }
}

export const pane = (board: Board) => board.tmux("capture-pane", "-p", "-t", "a");
export const typesInto = async (page: Page, board: Board, mark: string) => {
  await page.keyboard.type(mark);
  await expect.poll(() => pane(board)).toContain(mark);
};
