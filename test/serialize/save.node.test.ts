import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { assertWritable, saveFile } from '../../src/serialize/save.node';
import { BpttError } from '../../src/tensor/errors';
import { mainFile } from '../support/cli';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('writes the given part of a buffer, and replaces a file', async () => {
  const path = join(folder, 'm');
  await saveFile(path, Uint8Array.of(9, 1, 2, 9).subarray(1, 3));
  expect([...readFileSync(path)]).toEqual([1, 2]);
  await saveFile(path, Uint8Array.of(3));
  expect([...readFileSync(path)]).toEqual([3]);
  expect(readdirSync(folder)).toEqual(['m']);
});

test('the check creates nothing', async () => {
  await assertWritable(join(folder, 'new'));
  expect(readdirSync(folder)).toEqual([]);
});

test('each obstacle is named, and nothing is changed', async () => {
  writeFileSync(join(folder, 'file'), 'kept');
  mkdirSync(join(folder, 'dir'));
  const cases: [string, RegExp][] = [
    [join(folder, 'dir'), /it is a directory/],
    [join(folder, 'none', 'm'), /the folder .*none does not exist/],
    [join(folder, 'file', 'm'), /file is a file, not a folder/],
    [join(folder, 'file', 'deeper', 'm'), /deeper does not exist/],
    [join(folder, '\0'), /null bytes/],
    ['/dev/null', /no regular file/],
    ['', /without a name/],
    [`${folder}/new/`, /it names a folder/],
  ];
  for (const [path, message] of cases) {
    for (const attempt of [assertWritable, (to: string) => saveFile(to, new Uint8Array(1))]) {
      const error = await attempt(path).then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(BpttError);
      expect((error as Error).message).toMatch(message);
    }
  }
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('kept');
});

test('a write that fails leaves the earlier file', async () => {
  const path = join(folder, 'm');
  writeFileSync(path, 'kept');
  const unreadable = { buffer: new ArrayBuffer(4), byteOffset: 2, byteLength: 8 } as Uint8Array<ArrayBuffer>;
  await expect(saveFile(path, unreadable)).rejects.toBeInstanceOf(BpttError);
  expect(readFileSync(path, 'utf8')).toBe('kept');
  expect(readdirSync(folder)).toEqual(['m']);
});

test('a disk that takes a part only is an error, not a short file', () => {
  // A limit on the size of files stands for the full disk: in either case the first write is cut short, the next one fails.
  const path = join(folder, 'm');
  writeFileSync(path, 'kept');
  const module = join(dirname(mainFile()), '../serialize/save.node.js');
  const script = `const { saveFile } = await import(${JSON.stringify(pathToFileURL(module).href)});
    await saveFile(${JSON.stringify(path)}, new Uint8Array(1 << 20)).catch((error) => console.log(error.message));`;
  const limited = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`;
  const { stdout } = spawnSync('sh', ['-c', limited, process.execPath, script], { encoding: 'utf8' });
  expect(stdout).toMatch(/^cannot write .*m: EFBIG/);
  expect(readFileSync(path, 'utf8')).toBe('kept');
  expect(readdirSync(folder)).toEqual(['m']);
});

test('a link stays a link, and permissions stay', async () => {
  const path = join(folder, 'm');
  writeFileSync(path, 'old');
  chmodSync(path, 0o640);
  symlinkSync('m', join(folder, 'link'));
  await saveFile(join(folder, 'link'), Uint8Array.of(5));
  expect([...readFileSync(path)]).toEqual([5]);
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(['link', 'm']);
});
