/** Values of the options of `bptt serve`. */
import { InvalidArgumentError } from 'commander';

/** A TCP port, or 0 for a free one. */
export function portNumber(text: string): number {
  const n = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(n <= 65_535)) throw new InvalidArgumentError('It must be an integer from 0 to 65535; 0 picks a free port.');
  return n;
}

/** Comma-separated host names, in lower case. */
export function hostNames(text: string): string[] {
  const names = text.toLowerCase().split(',');
  if (names.every((name) => /^([a-z\d_-]+(\.[a-z\d_-]+)*|\[[\da-f:.]+\])$/.test(name))) return names;
  throw new InvalidArgumentError(
    'It must be names of machines without a port, joined by commas, such as tags.example.org.',
  );
}

/** Whether an address, or a name in the Host header, is reachable only from this machine. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|.+\.localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);

/** An origin as sent by a browser, or `*`. */
export function corsOrigin(text: string): string {
  if (text === '*') return text;
  let origin: string | undefined;
  try {
    ({ origin } = new URL(text));
  } catch {
    origin = undefined; // not a URL
  }
  if (origin === text && /^https?:/.test(text)) return text;
  throw new InvalidArgumentError('It must be an origin without a path, such as https://example.org, or *.');
}
