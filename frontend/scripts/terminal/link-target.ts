// What is an address in plain text, and where a link goes.
const SCHEMES = ["http:", "https:", "mailto:"];

// Ends neither in punctuation nor in a bracket; no quotes, and nothing that an address has to write otherwise.
export const ADDRESS = /https?:\/\/[^\s"'!*(){}|\\^<>`]*[^\s"':,.!?{}|\\^~[\]`()<>]/i;

// What the browser would really go to, in ASCII: no look-alike letters, no text that runs backwards. Undefined: nowhere that is opened from here.
export function target(uri: string): string | undefined {
  try {
    const url = new URL(uri);
    return SCHEMES.includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
