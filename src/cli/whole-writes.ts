/** Writes to a regular file that are whole, or an error. */
import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/**
 * Makes a stream of the process write every byte of a chunk if a regular file is behind it, as in `bptt tag … > labels.txt`. Node
 * calls write(2) once for each chunk and ignores how many bytes were written: on a disk that fills up, the last result would be
 * cut short without an error. The rest is written again here, which reports the full disk.
 *
 * @param stream `process.stdout` or `process.stderr`
 */
export function writeWhole(stream: Writable & { readonly fd?: number }): void {
  const { fd } = stream;
  if (fd === undefined || !isRegular(fd)) return; // terminals, pipes and sockets finish a write themselves
  stream._write = (chunk: Uint8Array, _encoding, done) => {
    try {
      for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

function isRegular(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false; // a closed descriptor: the first write reports it
  }
}
