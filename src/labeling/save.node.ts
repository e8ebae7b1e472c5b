/**
 * Writing a file so that nobody ever sees half of it: the bytes go to a temporary file beside the target, reach the disk,
 * and take the target's name in one rename. An interrupted or failed write leaves the earlier file as it was.
 */
import { constants, promises as fs } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
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
 * Writes `bytes` to `path` atomically: afterwards the file has either all of the new contents or all of the old ones.
 *
 * @throws BpttError that says why, with the system's error as its cause; an existing file is untouched
 */
export async function saveFile(path: string, bytes: Uint8Array): Promise<void> {
  await assertWritable(path);
  try {
    await writeFileAtomic(path, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    throw new BpttError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What is at `path`, or nothing; a path through a file (`file/x`) counts as nothing. */
async function stat(path: string): Promise<Awaited<ReturnType<typeof fs.stat>> | undefined> {
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
