// What comes out of the terminal into the person's clipboard: by the person's selection, or by a program (OSC 52), which may write and never read.
import type { Context } from "./context";
import { carried, isTarget } from "./osc52";
import type { ShownToast } from "./toasts";
import { characters } from "./words";

const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);

// For pages of plain http from another machine, which have no navigator.clipboard.
function byCommand(text: string): boolean {
  let taken = false;
  const take = (event: ClipboardEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData?.setData("text/plain", text);
    taken = true;
  };
  const command = () => {
    try {
      document.execCommand("copy");
    } catch {
      // Words follow.
    }
  };
  document.addEventListener("copy", take, true);
  command();
  // Safari copies only what is selected.
  if (!taken) {
    const had = document.activeElement as HTMLElement | null;
    const area = (had?.closest("dialog") ?? document.body).appendChild(document.createElement("textarea"));
    area.className = "aside";
    area.value = "x";
    area.select();
    command();
    area.remove();
    had?.focus({ preventScroll: true });
  }
  document.removeEventListener("copy", take, true);
  return taken;
}

// True: it is there.
export async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byCommand(text);
  }
}

export function clipboard({ terminal, element, settings, toast, watching }: Context) {
  let written = 0; // how often a program has written
  const refused = () => toast("This browser does not let the page copy. The view of the terminal's text has it to select.", { ms: 8000, alert: true });
  const copied = (text: string) => toast(`Copied ${characters(text)}`, { ms: 2500 });
  const copy = async (text: string) => ((await write(text)) ? copied(text) : refused());

  let offered: ShownToast | undefined; // the latest alone
  function offer(text: string) {
    offered?.end();
    const shown = toast(`A program wants to copy ${characters(text)}.`, {
      buttons: [
        [
          "Copy",
          () => {
            shown.end();
            copy(text);
          },
        ],
        ["Dismiss", () => shown.end()],
      ],
    });
    offered = shown;
  }

  terminal.parser.registerOscHandler(52, (data) => {
    const at = data.indexOf(";");
    const payload = data.slice(at + 1);
    // A question is answered with nothing; what a program says is for its owner, not for who watches.
    if (at < 0 || payload === "?" || watching || !isTarget(data.slice(0, at))) return true;
    const text = carried(payload);
    if (text === null) toast("A program wanted to copy more than 1 MiB: nothing was copied.", { ms: 6000, alert: true });
    if (!text) return true;
    written++;
    // Nothing is kept to be written later behind the person's back.
    if (!document.hasFocus()) offer(text);
    else write(text).then((there) => (there ? copied(text) : offer(text)));
    return true;
  });

  terminal.options.macOptionClickForcesSelection = true;
  const modifier = MAC ? "Option" : "Shift";
  const drags = () => terminal.modes.mouseTrackingMode !== "none";

  element.addEventListener(
    "keydown",
    (event) => {
      const { code, ctrlKey, shiftKey, altKey, metaKey } = event;
      const wants = code === "KeyC" && !altKey && ((ctrlKey && shiftKey && !metaKey) || (metaKey && !ctrlKey && !shiftKey));
      const insert = code === "Insert" && ctrlKey && !shiftKey && !altKey && !metaKey;
      if (!wants && !insert) return;
      if (insert && !terminal.hasSelection()) return; // a program's key
      event.preventDefault(); // or Ctrl+Shift+C opens the browser's own tools
      event.stopImmediatePropagation();
      if (terminal.hasSelection()) copy(terminal.getSelection());
      else toast(`Nothing is selected. ${drags() ? `Hold ${modifier} while you drag to select.` : "Drag to select."}`, { ms: 4000 });
    },
    true,
  );

  // A drag that a program gets may look as if nothing could be selected: said once, unless that program copied what was dragged over.
  let from: MouseEvent | undefined;
  element.addEventListener(
    "mousedown",
    (event) => {
      from = settings.get("selectHint") && event.button === 0 && drags() && !(MAC ? event.altKey : event.shiftKey) ? event : undefined;
    },
    true,
  );
  addEventListener(
    "mouseup",
    (event) => {
      const dragged = from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > 20;
      from = undefined;
      if (!dragged) return;
      const before = written;
      setTimeout(() => {
        if (written !== before || !settings.get("selectHint")) return;
        settings.set("selectHint", false);
        const keys = MAC ? "Cmd+C" : "Ctrl+Shift+C";
        const shown = toast(`The program in the terminal has the mouse. Hold ${modifier} while you drag to select, then ${keys} to copy.`, {
          buttons: [["Got it", () => shown.end()]],
        });
      }, 700);
    },
    true,
  );
}
