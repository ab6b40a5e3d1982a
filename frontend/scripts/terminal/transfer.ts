// What the browser brings: text that is pasted or dropped goes into the session as a paste, files go to its host.
import type { Context } from "./context";
import type { Paste } from "./paste";
import type { Upload } from "./upload";

export function transfer({ element, terminal }: Context, paste: Paste, upload: Upload) {
  element.addEventListener(
    "paste",
    (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const files = [...(event.clipboardData?.files ?? [])];
      if (terminal.textarea) terminal.textarea.value = "";
      // An office program gives a picture of its text as well.
      if (text) paste.paste(text);
      else if (files.length) upload.send(files);
    },
    true,
  );

  // A file is never what the browser goes to, wherever on the page it is dropped.
  const carries = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const over = (event: DragEvent) => element.contains(event.target as Node | null);
  let inside = 0;
  const lit = (on: boolean) => document.body.classList.toggle("drops", on && !upload.refusal);
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    inside++;
    lit(true);
  });
  addEventListener("dragleave", (event) => {
    if (!carries(event) || --inside > 0) return;
    inside = 0;
    lit(false);
  });
  addEventListener("dragover", (event) => {
    const files = carries(event);
    if (files || over(event)) event.preventDefault();
    if (files && event.dataTransfer) event.dataTransfer.dropEffect = upload.refusal ? "none" : "copy";
  });
  addEventListener("drop", (event) => {
    inside = 0;
    lit(false);
    const data = event.dataTransfer;
    if (!data || !carries(event)) {
      // Text, or a link, which the browser would follow: a paste.
      if (!over(event)) return;
      event.preventDefault();
      paste.paste(data?.getData("text/plain") ?? "");
      terminal.focus();
      return;
    }
    event.preventDefault();
    const items = [...data.items].filter((item) => item.kind === "file");
    const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry?.()?.isDirectory ?? false;
    const folder = items.some(isFolder);
    const files = items.filter((item) => !isFolder(item)).flatMap((item) => item.getAsFile() ?? []);
    if (folder) upload.complain("A folder cannot be uploaded, only its files.");
    if (files.length) upload.send(files);
    terminal.focus();
  });
}
