/**
 * Writing a file so that nobody ever sees half of it: the bytes go to a temporary file beside the target, reach the disk,
 * and take the target's name in one rename. An interrupted or failed write leaves the earlier file as it was.
 */
import type { Stats } from 'node:fs';
import { constants, promises as fs, rmSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { BpttError } from '../tensor/errors.js';

/**
 * Checks that a later {@link saveFile} to `path` can succeed, without creating or changing anything: hours of training
 * should not end in a typing mistake.
 *
 * @throws BpttError when `path` is empty, a directory or a device, its folder is missing or no folder, or either may not be
 *   written
 */
export async function assertWritable(path: string): Promise<void> {
  if (path === '')
    throw new BpttError('cannot write a file without a name: give a path; perhaps a variable is not set');
  if (path.endsWith('/') || path.endsWith(sep))
    throw unwritable(path, 'it names a folder; give the path of a file in it');
  const folder = dirname(resolve(path));
  const place = await stat(folder);
  if (place === undefined) throw unwritable(path, `the folder ${folder} does not exist; create it first`);
  if (!place.isDirectory()) throw unwritable(path, `${folder} is a file, not a folder; choose another path`);
  const target = await stat(path);
  if (target?.isDirectory()) throw unwritable(path, 'it is a directory; give the path of a file in it');
  if (target && !target.isFile()) throw unwritable(path, 'it is no regular file, and replacing it would remove it');
  if (!(await allows(folder))) throw unwritable(path, `the folder ${folder} may not be written; choose another one`);
  if (target && !(await allows(path))) throw unwritable(path, 'the file is write-protected; choose another path');
}

/**
 * Writes `bytes` to `path` atomically: afterwards the file has either all of the new contents or all of the old ones. A link
 * stays a link, and an earlier file leaves its permissions, and its owner where the system allows it, to the new one.
 *
 * @throws BpttError that says why, with the system's error as its cause; an existing file is untouched
 */
export async function saveFile(path: string, bytes: Uint8Array): Promise<void> {
  await assertWritable(path);
  const target = await fs.realpath(path).catch(() => resolve(path));
  const draft = `${target}.${process.pid}-${++drafts}`; // beside the target: a rename cannot leave the file system
  const remove = (): void => rmSync(draft, { force: true });
  process.once('exit', remove); // a second Ctrl-C ends the process at once
  try {
    await writeWhole(draft, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), await stat(target));
    await fs.rename(draft, target);
  } catch (error) {
    remove();
    throw unwritable(path, (error as Error).message, error);
  } finally {
    process.off('exit', remove);
  }
}

let drafts = 0;

/**
 * A new file that reaches the disk. `FileHandle.writeFile` goes on where the system took a part only, so that a full disk is
 * an error and not a short file.
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
