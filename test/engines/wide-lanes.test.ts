/** Lanes of 256 bits by V8's flag, in the built package: where they are on, that models keep their bits, and that threads get them. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const DIST = resolve(__dirname, '../../dist');
const MAIN = join(DIST, 'esm/cli/main.js');
const nodeOf = (version: number): string => join(__dirname, `node_modules/node-${version}-${process.arch}/bin/node`);
const REVECTORIZES = process.arch === 'x64' && process.platform !== 'darwin';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-lanes-'));
  const words = ['the', 'cat', 'sees', 'a', 'dog', 'runs'];
  const sentence = (i: number) =>
    Array.from({ length: 2 + (i % 5) }, (_, t) => words[(i * 7 + t * 3) % 6]).map((word) => `${word}\t${word[0]}`);
  const sentences = Array.from({ length: 60 }, (_, i) => sentence(i).join('\n'));
  writeFileSync(join(folder, 'train.tsv'), `${sentences.join('\n\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(version: number, args: readonly string[], lanes?: string) {
  const env = { ...process.env, BPTT_WIDE_LANES: lanes ?? '' };
  return spawnSync(nodeOf(version), args, { encoding: 'utf8', maxBuffer: 1 << 28, env });
}

const there = (...versions: number[]) => (versions.every((version) => existsSync(nodeOf(version))) ? it : it.skip);

describe('bptt doctor', () => {
  const lanesOf = (version: number, lanes?: string): string | undefined => {
    const { status, stdout, stderr } = run(version, [MAIN, 'doctor'], lanes);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return /^lanes +(.*)$/m.exec(stdout)?.[1];
  };
  const WIDE =
    /^256 bits: V8's flag --experimental-wasm-revectorize, identical bits in \d+ calls, checked in \d+ ms; tiles of 4 × \d+, \d+ GFLOP\/s \(4 × \d+: \d+\)$/;

  there(20)('says that the engine of Node 20 lacks wider lanes', () => {
    expect(lanesOf(20)).toMatch(/^128 bits: this V8 has no re-vectorization; use Node 24 or newer on x64/);
  });

  there(22)('says that the engine of Node 22 gains nothing', () => {
    expect(lanesOf(22)).toMatch(
      REVECTORIZES ? /^128 bits: V8 12\.4\.\S+ gains nothing from --exp/ : /^128 bits: this V8 has/,
    );
  });

  there(24)('says that they are on in Node 24, or why not', () => {
    expect(lanesOf(24)).toMatch(REVECTORIZES ? WIDE : /^128 bits: V8 is/);
    const { stdout } = run(24, REVECTORIZES ? ['--trace-wasm-revectorize', MAIN, 'doctor'] : [MAIN, 'doctor']);
    expect(stdout.includes('Begin revec function')).toBe(REVECTORIZES);
    expect(lanesOf(24, 'off')).toMatch(/^128 bits: BPTT_WIDE_LANES=off$/);
    expect(run(24, [MAIN, 'doctor'], 'yes')).toMatchObject({
      status: 2,
      stderr: 'bptt: BPTT_WIDE_LANES must be on or off; got yes\n',
    });
  });
});

describe('training', () => {
  const hashOf = (version: number, lanes: string, more: readonly string[]): string => {
    const out = join(folder, 'model.safetensors');
    const options = ['--train', join(folder, 'train.tsv'), '--out', out, '--epochs', '2', '--quiet', ...more];
    const { status, stderr } = run(version, [MAIN, 'train', ...options], lanes);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return createHash('sha256').update(readFileSync(out)).digest('hex');
  };

  there(20, 24).each([
    [['--cell', 'lstm']],
    [['--cell', 'gru', '--hidden', '21']],
    [['--head', 'crf', '--threads', '2']],
  ])('gives the same model with lanes of 128 bits, of 256, and on Node 20: %s', (more) => {
    const narrow = hashOf(24, 'off', more);
    expect(hashOf(24, 'on', more)).toBe(narrow);
    expect(hashOf(20, 'on', more)).toBe(narrow);
  });
});

describe('a program', () => {
  there(24)('has them by one line, and its worker threads by the same', () => {
    const worker = join(folder, 'worker.mjs');
    const entry = (format: string) => JSON.stringify(pathToFileURL(join(DIST, format, 'kernels/wide-lanes.node.js')));
    writeFileSync(
      worker,
      `import { enableWideLanes } from ${entry('esm')}; import { parentPort } from 'node:worker_threads';
      parentPort.postMessage(await enableWideLanes());`,
    );
    const script = (format: string, load: string) => `${load}
      const { Worker } = ${format === 'esm' ? 'await import' : 'require'}('node:worker_threads');
      const start = () => new Promise((done) => new Worker(${JSON.stringify(worker)}).on('message', done));
      (async () => {
        const before = await start();
        const here = await enableWideLanes();
        console.log(JSON.stringify({ before, here, after: await start() }));
      })();`;
    const files = [
      ['a.mjs', script('esm', `import { enableWideLanes } from ${entry('esm')};`)],
      ['a.cjs', script('cjs', `const { enableWideLanes } = require(${JSON.stringify(join(DIST, 'cjs/kernels/wide-lanes.node.js'))});`)], // prettier-ignore
    ];
    for (const [file, text] of files) {
      writeFileSync(join(folder, file), text);
      const { stdout, stderr } = run(24, [join(folder, file)]);
      expect(stderr).toBe('');
      const { before, here, after } = JSON.parse(stdout) as Record<
        string,
        { on: boolean; reason: string; ms?: number }
      >;
      expect(here.on).toBe(REVECTORIZES);
      expect(before.on).toBe(false);
      expect(after).toMatchObject({ on: here.on, reason: here.reason });
      expect(after.ms).toBeUndefined(); // it takes what the main thread checked
    }
  });
});
