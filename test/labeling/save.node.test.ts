import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertWritable, saveFile } from '../../src/labeling/save.node';
import { BpttError } from '../../src/tensor/errors';

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
    for (const attempt of [assertWritable(path), saveFile(path, new Uint8Array(1))]) {
      const error = await attempt.then(
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
