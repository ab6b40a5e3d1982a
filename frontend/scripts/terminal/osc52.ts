// OSC 52, by which a program writes the clipboard: what it may carry.
const BYTES_MAX = 1 << 20; // 1 MiB, decoded
const TARGETS = /^[cps0-7]*$/; // tmux names none; every one of them means the clipboard here
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const isTarget = (name: string): boolean => TARGETS.test(name);

// The text that it carries: undefined if it is none, null if it is too long.
export function carried(base64: string): string | undefined | null {
  if (!base64 || base64.length % 4) return undefined;
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  if ((base64.length / 4) * 3 - padding > BYTES_MAX) return null;
  if (!BASE64.test(base64)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
