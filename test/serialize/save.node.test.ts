import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { assertWritable, saveFile, targetOf } from '../../src/serialize/save.node';
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
    ['/dev/null', /not a regular file/],
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

test('a link to what does not exist yet stays a link, and what it names is written', async () => {
  mkdirSync(join(folder, 'models'));
  symlinkSync('models/new', join(folder, 'link'));
  symlinkSync('link', join(folder, 'second'));
  expect(await targetOf(join(folder, 'second'))).toBe(join(realpathSync(folder), 'models/new'));
  await saveFile(join(folder, 'second'), Uint8Array.of(6));
  expect([...readFileSync(join(folder, 'models/new'))]).toEqual([6]);
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  symlinkSync('nowhere/new', join(folder, 'astray'));
  await expect(assertWritable(join(folder, 'astray'))).rejects.toThrow(/the folder .*nowhere does not exist/);
  symlinkSync('circle', join(folder, 'circle'));
  await expect(assertWritable(join(folder, 'circle'))).rejects.toThrow(/cannot write .*circle: ELOOP/);
});

test('a name as long as the system takes is saved, a longer one is refused beforehand', async () => {
  for (const length of [250, 255]) {
    const path = join(folder, 'm'.repeat(length));
    await assertWritable(path);
    await saveFile(path, Uint8Array.of(7));
    expect([...readFileSync(path)]).toEqual([7]);
  }
  await expect(assertWritable(join(folder, 'm'.repeat(256)))).rejects.toThrow(/ENAMETOOLONG/);
});

test('killed at any moment inside the save, a hundred times, the file is the old one or the new one; the next save tidies up', async () => {
  const path = join(folder, 'm');
  const [old, fresh] = [Buffer.alloc(5000, 'o'), Buffer.alloc(7000, 'n')];
  const module = pathToFileURL(join(dirname(mainFile()), '../serialize/save.node.js')).href;
  // Every call of the save to the system counts as a moment before and one after; a write is cut into pieces, each with its own.
  const script = `
    const { promises: fs } = await import('node:fs');
    const { saveFile } = await import(${JSON.stringify(module)});
    let left = Number(process.argv[1]);
    const moment = () => { if (left-- === 0) process.kill(process.pid, 'SIGKILL'); };
    const around = (object, name) => {
      const own = object[name];
      object[name] = async function (...args) { moment(); const value = await own.apply(this, args); moment(); return value; };
    };
    const probe = await fs.open(process.execPath);
    const handle = Object.getPrototypeOf(probe);
    await probe.close();
    handle.writeFile = async function (bytes) {
      for (let at = 0; at < bytes.length; at += 100) { await this.write(bytes.subarray(at, at + 100)); moment(); }
    };
    for (const name of ['chmod', 'chown', 'sync', 'close']) around(handle, name);
    for (const name of ['open', 'rename', 'readdir', 'realpath']) around(fs, name);
    await saveFile(process.argv[2], Buffer.alloc(7000, 'n'));
    console.log(Number(process.argv[1]) - left);`;
  const run = (kill: number) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script, String(kill), path], { encoding: 'utf8' });
  const seen = new Set<string>();
  writeFileSync(path, old);
  const moments = Number(run(1e9).stdout); // of a whole save
  expect(moments).toBeGreaterThan(80);
  for (let k = 0; k < 100; k++) {
    writeFileSync(path, old);
    const { signal } = run(k % moments);
    expect(signal).toBe('SIGKILL');
    const now = readFileSync(path);
    expect(now.equals(old) || now.equals(fresh)).toBe(true);
    seen.add(now.toString('latin1', 0, 1));
  }
  expect(seen).toEqual(new Set(['o', 'n'])); // before the rename, and after it
  expect(readdirSync(folder).length).toBeGreaterThan(1); // the draft of the last one that was killed before
  writeFileSync(join(folder, '.bptt-of-somebody-else'), '');
  await saveFile(path, Uint8Array.of(1));
  expect(readdirSync(folder)).toEqual(['.bptt-of-somebody-else', 'm']);
});
