// What is an address in plain text, and where a link goes.
const SCHEMES = ["http:", "https:", "mailto:"];

// Ends neither in punctuation nor in a bracket; no quotes, and nothing that an address has to write otherwise.
export const ADDRESS = /https?:\/\/[^\s"'!*(){}|\\^<>`]*[^\s"':,.!?{}|\\^~[\]`()<>]/i;

// Whether a link leads to the machine that the browser runs on, or to another port of this page's host: any account of that machine can serve one.
export function isNextDoor(href: string, own: string): boolean {
  const { hostname, host, protocol } = new URL(href);
  if (protocol === "mailto:") return false;
  const loopback =
    hostname === "localhost" || hostname.endsWith(".localhost") || /^127\.[\d.]+$/.test(hostname) || hostname === "[::1]" || hostname.startsWith("[::ffff:7f");
  return loopback || (hostname === new URL(own).hostname && host !== new URL(own).host);
}

// What the browser would really go to, in ASCII: no look-alike letters, no text that runs backwards. Undefined: nowhere that is opened from here.
export function target(uri: string): string | undefined {
  try {
    const url = new URL(uri);
    return SCHEMES.includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
