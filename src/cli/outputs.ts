/** The files a command is about to write, checked before the work begins. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SLOT_FILES } from '../labeling/data/files.node.js';
import { assertWritable } from '../serialize/save.node.js';
import { ArgumentError } from '../tensor/index.js';

/**
 * Refuses outputs that cannot be written, that would overwrite an input under whatever name (a link, another spelling, a
 * file of a folder that is read), and two outputs that are one file.
 *
 * @param outputs paths by the options that name them
 * @throws ArgumentError, or BpttError where a path cannot be written
 */
export async function checkOutputs(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const read = inputs.flatMap((path) =>
    path === undefined ? [] : [path, ...SLOT_FILES.map((name) => join(path, name))],
  );
  const names = Object.entries(outputs).flatMap(([flag, path]) => (path === undefined ? [] : [{ flag, path }]));
  for (const { flag, path } of names) {
    for (const input of read) {
      if (await areOneFile(path, input)) throw new ArgumentError(`${flag} ${path} would overwrite the input ${input}`);
    }
    await assertWritable(path);
  }
  for (const [i, { flag, path }] of names.entries()) {
    const same = names.slice(0, i).find((other) => resolve(other.path) === resolve(path));
    if (same) throw new ArgumentError(`${same.flag} and ${flag} are the same file`);
  }
}

async function areOneFile(path: string, other: string): Promise<boolean> {
  if (resolve(path) === resolve(other)) return true;
  const [a, b] = await Promise.all([path, other].map((name) => stat(name).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
