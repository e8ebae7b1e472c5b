/** Checks the files that a command is about to write, before the work starts. */
import { readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SLOT_FILES } from '../labeling/data/files.node.js';
import { assertWritable, targetOf } from '../serialize/save.node.js';
import { ArgumentError } from '../tensor/index.js';

/**
 * Rejects outputs that cannot be written or that would overwrite an input, and two outputs that are the same file, under whatever
 * names (a link, even to a nonexistent file, another spelling, a file in a folder that is read).
 *
 * @param outputs paths by the options that name them
 * @throws ArgumentError, also on an empty name and on `-`, or BpttError if a path cannot be written
 */
export async function checkOutputs(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const read = inputs.flatMap((path) =>
    path === undefined ? [] : [path, ...SLOT_FILES.map((name) => join(path, name)), ...besideOf(path)],
  );
  const names = Object.entries(outputs).flatMap(([flag, path]) => (path === undefined ? [] : [{ flag, path }]));
  const empty = names.find(({ path }) => path === '');
  if (empty) throw new ArgumentError(`${empty.flag} must name a file; got an empty name: pass one`);
  const dash = names.find(({ path }) => path === '-');
  if (dash) {
    throw new ArgumentError(
      `${dash.flag} - would write a file named "-"; expected a file name, as standard output is not supported here: pass one, or ./- for that name`,
    );
  }
  for (const { flag, path } of names) {
    for (const input of read) {
      if (await areOneFile(path, input)) throw new ArgumentError(`${flag} ${path} would overwrite the input ${input}`);
    }
    await assertWritable(path);
  }
  for (const [i, { flag, path }] of names.entries()) {
    for (const other of names.slice(0, i)) {
      if (await areOneFile(other.path, path)) throw new ArgumentError(`${other.flag} and ${flag} are the same file`);
    }
  }
}

/** The other file of a brat pair; for a folder, all of its files. */
function besideOf(path: string): string[] {
  if (/\.(ann|txt)$/.test(path)) return [path.replace(/ann$|txt$/, (end) => (end === 'ann' ? 'txt' : 'ann'))];
  try {
    return readdirSync(path).filter((name) => /\.(ann|txt)$/.test(name)).map((name) => join(path, name)); // prettier-ignore
  } catch {
    return []; // not a folder
  }
}

async function areOneFile(path: string, other: string): Promise<boolean> {
  if ((await targetOf(path)) === (await targetOf(other))) return true;
  const [a, b] = await Promise.all([path, other].map((name) => stat(name).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
