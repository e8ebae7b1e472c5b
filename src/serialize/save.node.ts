/**
 * Writes files atomically: the bytes go to a temporary file next to the target, are flushed to disk, and one rename gives them
 * the target's name. An interrupted or failed write leaves the earlier file unchanged.
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { constants, promises as fs, rmSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { BpttError } from '../tensor/errors.js';

/**
 * Checks that a later {@link saveFile} to `path` can succeed, without creating or changing anything: a typing mistake should not
 * cost hours of training.
 *
 * @throws BpttError when `path` is empty, a directory or a device, its folder is missing or not a folder, or either is not
 * writable
 */
export async function assertWritable(path: string): Promise<void> {
  if (path === '')
    throw new BpttError('cannot write a file without a name: give a path; perhaps a variable is not set');
  if (path.endsWith('/') || path.endsWith(sep))
    throw unwritable(path, 'it names a folder; give the path of a file in it');
  const folder = dirname(await targetOf(path));
  const place = await stat(folder);
  if (place === undefined) throw unwritable(path, `the folder ${folder} does not exist; create it first`);
  if (!place.isDirectory()) throw unwritable(path, `${folder} is a file, not a folder; choose another path`);
  const target = await stat(path);
  if (target?.isDirectory()) throw unwritable(path, 'it is a directory; give the path of a file in it');
  if (target && !target.isFile()) throw unwritable(path, 'it is not a regular file, and replacing it would remove it');
  if (!(await allows(folder))) throw unwritable(path, `the folder ${folder} is not writable; choose another one`);
  if (target && !(await allows(path))) throw unwritable(path, 'the file is write-protected; choose another path');
  const draft = draftOf(await targetOf(path)); // a system that rejects such a name does so now, not after training
  const obstacle = await fs.stat(draft).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : error.message),
  );
  if (obstacle !== undefined) throw unwritable(path, obstacle);
}

/**
 * The file to which a name refers, with links followed, even if the last one points to a file that does not exist yet. Two names
 * with one target are one file.
 *
 * @returns an absolute path without links, as far as its folders exist
 */
export async function targetOf(path: string): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < 40; links++) {
    const found = await fs.realpath(at).catch(() => undefined);
    if (found !== undefined) return found;
    const folder = await fs.realpath(dirname(at)).catch(() => dirname(at));
    const link = await fs.readlink(at).catch(() => undefined);
    if (link === undefined) return join(folder, basename(at));
    at = resolve(folder, link);
  }
  return at; // circular links: opening the file reports them
}

/**
 * Writes `bytes` to `path` atomically: afterwards the file has either all of the new contents or all of the old ones. A link
 * stays a link, and the new file inherits the permissions of an earlier one, and its owner if the system allows it.
 *
 * @throws BpttError that says why, with the system's error as its cause; an existing file is untouched
 */
export async function saveFile(path: string, bytes: Uint8Array): Promise<void> {
  await assertWritable(path);
  const target = await targetOf(path);
  await removeStaleDrafts(target);
  const draft = draftOf(target);
  const remove = (): void => rmSync(draft, { force: true });
  process.once('exit', remove); // a second Ctrl-C ends the process at once
  active.add(draft);
  try {
    await writeWhole(draft, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), await stat(target));
    await fs.rename(draft, target);
  } catch (error) {
    remove();
    throw unwritable(path, (error as Error).message, error);
  } finally {
    active.delete(draft);
    process.off('exit', remove);
  }
}

/** A file that is being written under another name. */
export interface Draft {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the draft the file, atomically. @throws BpttError that says why it cannot */
  commit(): Promise<void>;
  /** Removes it, unless it was committed. */
  discard(): Promise<void>;
}

/**
 * Begins a file that is written piece by piece, with the guarantees of {@link saveFile}: nothing of it is visible before
 * `commit`. If the process exits before that, the draft is removed; if it is killed, the next draft of that file removes it.
 *
 * @throws BpttError as `saveFile` does
 */
export async function openDraft(path: string): Promise<Draft> {
  await assertWritable(path);
  const target = await targetOf(path);
  await removeStaleDrafts(target);
  const draft = draftOf(target);
  const earlier = await stat(target);
  const file = await fs
    .open(draft, 'wx')
    .catch((error: Error) => Promise.reject(unwritable(path, error.message, error)));
  const remove = (): void => rmSync(draft, { force: true });
  process.once('exit', remove);
  active.add(draft);
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    await act().catch((error: Error) => Promise.reject(unwritable(path, error.message, error)));
  };
  const end = (): void => {
    active.delete(draft);
    process.off('exit', remove);
  };
  return {
    write: (bytes) => attempt(() => file.appendFile(bytes)),
    commit: () =>
      attempt(async () => {
        if (earlier) {
          await file.chmod(earlier.mode);
          await file.chown(earlier.uid, earlier.gid).catch(() => undefined);
        }
        await file.sync();
        await file.close();
        await fs.rename(draft, target);
        end();
      }),
    async discard() {
      if (!active.has(draft)) return;
      await file.close().catch(() => undefined);
      remove();
      end();
    },
  };
}

let drafts = 0;

/** Drafts that this process is writing. */
const active = new Set<string>();

/** The prefix of the drafts of a file. It is short, whatever the name of the file, because systems limit names to 255 bytes. */
function draftPrefix(target: string): string {
  return `.bptt-${createHash('sha256').update(basename(target)).digest('hex').slice(0, 12)}-`;
}

/** A name for the next draft of a file, in the same folder: a rename cannot cross file systems. */
function draftOf(target: string): string {
  return join(dirname(target), `${draftPrefix(target)}${process.pid}-${++drafts}`);
}

/** Removes drafts left by processes that were killed while saving this file. */
async function removeStaleDrafts(target: string): Promise<void> {
  const folder = dirname(target);
  const prefix = draftPrefix(target);
  const names = await fs.readdir(folder).catch(() => []); // a folder may be writable but not readable
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    const pid = Number(/^\d+(?=-\d+$)/.exec(name.slice(prefix.length))?.[0]);
    const draft = join(folder, name);
    const stale = pid === process.pid ? !active.has(draft) : pid > 0 && !isRunning(pid);
    if (stale) await fs.rm(draft, { force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only tests for existence
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Writes a new file and flushes it to disk. `FileHandle.writeFile` continues after partial writes, so a full disk is an error,
 * not a short file.
 */
async function writeWhole(path: string, bytes: Buffer, earlier: Stats | undefined): Promise<void> {
  const file = await fs.open(path, 'wx');
  try {
    await file.writeFile(bytes);
    if (earlier) {
      await file.chmod(earlier.mode);
      await file.chown(earlier.uid, earlier.gid).catch(() => undefined);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What is at `path`, or nothing; a path through a file (`file/x`) counts as nothing. */
async function stat(path: string): Promise<Stats | undefined> {
  try {
    return await fs.stat(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unwritable(path, message, error);
  }
}

async function allows(path: string): Promise<boolean> {
  return fs.access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

function unwritable(path: string, why: string, cause?: unknown): BpttError {
  return new BpttError(`cannot write ${path}: ${why}`, cause === undefined ? undefined : { cause });
}
