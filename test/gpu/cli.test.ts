/** The command line beside an installed gpu.js: the same losses as on the CPU, and one clear line where there is no device. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatSentence } from '../../src/labeling/index';
import { mainFile } from '../support/cli';
import { CORPORA, expectSameLosses } from '../support/device-training';

const PACKAGE = join(__dirname, 'node_modules/bptt');
const MODEL = [
  '--embedding',
  '8',
  '--hidden',
  '9',
  '--layers',
  '2',
  '--epochs',
  '2',
  '--lr',
  '0.01',
  '--dropout',
  '0.1',
];

let folder: string;

beforeAll(() => {
  // A copy, not a link: gpu.js is looked up from where the files are.
  rmSync(PACKAGE, { recursive: true, force: true });
  cpSync(dirname(dirname(mainFile())), PACKAGE, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'bptt-gpu-cli-'));
  const sentences = CORPORA.train.map((s) => formatSentence({ ...s, labels: s.labels! }, 'conll'));
  writeFileSync(join(folder, 'train.conll'), sentences.join(''));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(PACKAGE, { recursive: true });
});

function bptt(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PACKAGE, 'cli/main.js'), ...args], {
    cwd: folder,
    env: { ...env, NODE_OPTIONS: '', XDG_CACHE_HOME: join(folder, 'cache') },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const train = (backend: string, ...more: string[]) =>
  ['train', '--train', 'train.conll', ...MODEL, '--batch', '16', '--backend', backend, ...more] as const;

const noDisplay = (): NodeJS.ProcessEnv => {
  const env = { ...process.env };
  delete env.DISPLAY;
  return env;
};

describe('bptt beside gpu.js', () => {
  it('train --backend gpu has the losses of the CPU', async () => {
    const { status, stderr } = bptt(train('gpu', '--log', 'gpu.jsonl', '--out', 'gpu.safetensors'));
    expect(stderr).toMatch(/backend gpu\.js:headlessgl\+wasm-simd \(selected by name\)/);
    expect(stderr).not.toMatch(/GPU disabled/);
    expect(status).toBe(0);
    const records = readFileSync(join(folder, 'gpu.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records[0]).toMatchObject({ event: 'start', backend: 'gpu.js:headlessgl+wasm-simd' });
    const losses = records.filter(({ event }) => event === 'epoch').map(({ loss }) => loss as number);
    await expectSameLosses(losses, { every: 4 });
  });

  it('tag and eval --backend gpu say what they say on the CPU', () => {
    writeFileSync(join(folder, 'raw.txt'), 'the cat near the dogs sat\nthey run the run\n');
    for (const args of [
      ['tag', 'gpu.safetensors', 'raw.txt'],
      ['eval', 'gpu.safetensors', 'train.conll'],
    ]) {
      const onCpu = bptt([...args, '--backend', 'cpu']);
      expect(bptt([...args, '--backend', 'gpu'])).toEqual({ ...onCpu, status: 0 });
    }
  });

  it('says in one line that there is no display, and exits with 1', () => {
    const { status, stdout, stderr } = bptt(train('gpu'), noDisplay());
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      /^bptt: backend gpu is unavailable for float32: gpu\.js cannot use headlessgl: .*an X display.*\n$/,
    );
  });

  it('takes the CPU by itself, without a display and with a software rasterizer', () => {
    const missing = /\(the preferred backend; no gpu: an X display missing, see bptt doctor\)/;
    const cases = [
      [process.env, /\(the preferred backend; (no gpu: .*a software rasterizer|.* is faster)/],
      [noDisplay(), process.platform === 'linux' ? missing : /\(the preferred backend/],
    ] as const;
    for (const [env, why] of cases) {
      const { status, stderr } = bptt(train('auto', '--out', 'auto.safetensors'), env);
      expect(stderr).toMatch(why);
      expect(status).toBe(0);
    }
  });

  it('doctor --calibrate times the device and keeps what it found', () => {
    const { stdout } = bptt(['doctor', '--calibrate']);
    expect(stdout).toMatch(/^measured +addMatmul 64: [\d.e+]+ ms on the device, [\d.e+]+ ms on wasm-simd$/m);
    expect(stdout).toMatch(/^measured +lstm of \d+ sequences, \d+ units, .*: [\d.e+]+ ms on the device, /m);
    const path = join(folder, 'cache/bptt/gpu.json');
    const [line] = /^calibrated +.*$/m.exec(stdout)!;
    expect(line).toContain(path);
    expect(bptt(['doctor']).stdout).toContain(line);
    const { calibration } = JSON.parse(readFileSync(path, 'utf8')) as {
      calibration: { device: { software: boolean } };
    };
    if (calibration.device.software)
      expect(line).toMatch(/a software rasterizer: products and layers stay on wasm-simd/);
  });

  it('doctor names the device, or what is missing', () => {
    expect(bptt(['doctor']).stdout).toMatch(/^found +gpu: runs as gpu\.js:headlessgl\+wasm-simd on \S/m);
    const { stdout } = bptt(['doctor'], noDisplay());
    expect(stdout).toMatch(/^declined +gpu: gpu\.js cannot use headlessgl/m);
    expect(stdout).toMatch(/^missing +an X display: .*xvfb-run -a bptt/m);
  });
});
