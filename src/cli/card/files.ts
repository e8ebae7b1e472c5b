/** The files that training reads, with their SHA-256. */
import { createHash } from 'node:crypto';
import { createReadStream, promises as fs } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bratPairs, SLOT_FILES } from '../../labeling/data/files.node.js';
import { messageOf } from '../../tensor/errors.js';
import { ArgumentError, DataError } from '../../tensor/index.js';

/** An input: a file, or a folder with the files of a slot-filling corpus, or with texts and their annotations (brat). */
export interface Input {
  /** Its purpose: `train`, `dev`, `test`, `vectors`, …. */
  readonly role: string;
  readonly path: string;
}

/** A file read in training. */
export interface HashedFile extends Input {
  /** In lowercase hexadecimal. */
  readonly sha256: string;
}

/**
 * The files of inputs with their hashes. Nonexistent files are left out: reading them fails with a better message.
 *
 * @throws ArgumentError on standard input and on pipes, which cannot be read twice
 */
export async function hashInputs(inputs: readonly Input[]): Promise<HashedFile[]> {
  const files: HashedFile[] = [];
  for (const { role, path } of inputs) {
    for (const file of await filesOf(path)) files.push({ role, path: file, sha256: await hashOf(file) });
  }
  return files;
}

/** The SHA-256 of a file. @throws DataError if it cannot be read */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new DataError(`${path}: cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return hash.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  if (path === '-') throw unhashable('standard input');
  const found = await fs.stat(path).catch(() => undefined);
  if (found === undefined) return [];
  const pairs = await bratPairs(path);
  if (pairs !== undefined) return existing(pairs.flatMap(({ text, annotations }) => [text, annotations]));
  if (found.isDirectory()) return slotFiles(path);
  if (!found.isFile()) throw unhashable(path);
  // The seq.in of a slot-filling folder stands for all of it.
  return basename(path) === 'seq.in' ? slotFiles(dirname(path)) : [path];
}

function slotFiles(folder: string): Promise<string[]> {
  return existing(SLOT_FILES.map((name) => join(folder, name)));
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const there = await Promise.all(paths.map((path) => fs.stat(path).then((found) => found.isFile(), () => false))); // prettier-ignore
  return paths.filter((_, i) => there[i]);
}

function unhashable(name: string): ArgumentError {
  return new ArgumentError(
    `--card states the SHA-256 of every input, and ${name} cannot be read twice; expected a file: write it to one first`,
  );
}
