/** What `bptt bench` makes of graphics devices and browsers, as far as none is needed. test/gpu has the rest. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withSystems } from '../../src/bench/backends';
import { gemm } from '../../src/bench/gemm';
import { libraryOfCheckout } from '../../src/bench/graphics';
import { rateOf, secondCall, slowProduct, slowTagger, tooSlow } from '../../src/bench/timeouts';
import { noPeers } from '../../src/bench/peers';
import { createAsyncInference, createAsyncTrainer, createProblem } from '../../src/bench/problem';
import { faultIn, referenceOf } from '../../src/bench/reference';
import { compare } from '../../src/bench/compare';
import { describeResult } from '../../src/bench/report';
import type { Result } from '../../src/bench/report';
import { rowsOf } from '../../src/bench/run';
import { rowOf } from '../../src/bench/statistics';
import { withoutFallback } from '../../src/bench/no-fallback';
import { tagger } from '../../src/bench/tagger';
import type { Contestant, Context, Row, Suite } from '../../src/bench/types';
import { backendsOf } from '../../src/bench/types';
import { createCpuKernels } from '../../src/kernels';
import type { AsyncKernels, Kernels } from '../../src/kernels';
import type { AsyncLayerKernel, AsyncResidentLayer } from '../../src/kernels/types';
import { DeviceError } from '../../src/tensor';
import { bptt } from '../support/cli';
import { slowDevice } from '../support/slow-device';

/** In place of tinybench, which is not CommonJS and cannot be loaded here: one sample per turn. */
jest.mock('tinybench', () => {
  type Act = () => Promise<{ overriddenDuration: number }>;
  class Bench {
    act: Act | undefined;
    add(_: string, act: Act): void {
      this.act = act;
    }
    async run() {
      const { overriddenDuration } = await this.act!();
      return [{ result: { state: 'completed', latency: { samples: [overriddenDuration] } } }];
    }
  }
  return { Bench };
});

const cpu = createCpuKernels();

/** All rows of a suite. */
async function rowsIn(context: Context, suite: Suite): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const finished of rowsOf(context, suite)) rows.push(...finished);
  return rows;
}

const QUICK = ['bench', '--quick', '--suite', 'gemm', '--case', 'addMatmul-32x32x32'];

describe('rows', () => {
  const race = { suite: 'gemm', case: 'addMatmul-1x2x3', metric: 'GFLOP/s', work: 12, contestants: [] } as const;
  const who: Omit<Contestant, 'sample'> = { system: 's', version: '1', backend: 'b', threads: 1 };
  const device = { device: 'a renderer', software: true };
  const ONE = [{ ms: [1] }];
  const plain = ['suite', 'case', 'system', 'version', 'backend', 'threads', 'metric', 'p50', 'p95', 'turns'];

  test('name the device, whether it is a software rasterizer, and the browser; the others leave the fields out', () => {
    expect(Object.keys(rowOf(race, who, ONE))).toEqual(plain);
    const here = rowOf(race, { ...who, ...device }, ONE);
    expect(Object.keys(here)).toEqual([...plain.slice(0, 6), 'device', 'software', ...plain.slice(6)]);
    expect(here).toMatchObject(device);
    expect(rowOf(race, { ...who, device: 'hardware' }, ONE).software).toBe(false);
    expect(rowOf(race, { ...who, engine: 'Chromium 1' }, ONE)).toMatchObject({ engine: 'Chromium 1' });
  });

  test('the table has a line for each device and browser', () => {
    const machine = { cpu: 'c', cores: 2, memoryGiB: 3, os: 'o', node: 'n', v8: 'v', bptt: 'b', peak: 4 };
    const rows = [
      { ...who, system: 'bptt' },
      { ...who, system: 'bptt-gpu', ...device },
      { ...who, system: 'bptt-gpu', ...device },
      { ...who, system: 'bptt-webgl2', device: 'a card', software: false, engine: 'Chromium 1' },
      { ...who, system: 'bptt-browser', engine: 'Chromium 1' },
    ].map((each): Row => rowOf(race, each, ONE));
    const lines = describeResult({ machine, rows }).split('\n');
    expect(lines.slice(-3)).toEqual([
      'bptt-gpu: b on a renderer, a software rasterizer',
      'bptt-webgl2: b on a card, in Chromium 1',
      'bptt-browser: b, in Chromium 1',
    ]);
    expect(lines.filter((line) => line.startsWith('bptt:'))).toEqual([]);
  });

  test('on a device are compared with those of the same mode, whatever name the run gave it', () => {
    const row = (system: string, backend: string, p50: number, place = {}): Row =>
      Object.assign(rowOf(race, { ...who, system, backend, ...place }, ONE), { p50, p95: p50 });
    const earlier = [
      row('bptt', 'wasm-simd', 100),
      row('bptt-gpu', 'gpu.js:headlessgl', 10, device),
      row('bptt-webgl2', 'gpu.js:webgl2', 5, device),
    ];
    expect(compare(row('bptt', 'gpu.js:headlessgl', 20, device), earlier)?.ratio).toBe(2);
    expect(compare(row('bptt', 'cpu', 50), earlier)?.ratio).toBe(0.5);
    expect(compare(row('bptt-gpu', 'gpu.js:webgpu', 20, device), earlier)).toBeNull();
  });
});

describe('what takes a device too long', () => {
  test('is told beforehand', () => {
    expect(tooSlow(4999, 5000)).toBeUndefined();
    expect(tooSlow(7412, 5000)).toBe('slower than 5 s a call: about 7.4 s');
    expect(slowProduct([1024, 1024, 1024], 0.3, 5000)).toBe('slower than 5 s a call: about 7.2 s');
    expect(slowProduct([512, 512, 512], 0.3, 5000)).toBeUndefined();
    expect(slowTagger('infer', 900, 1000)).toBeUndefined();
    expect(slowTagger('train', 900, 1000)).toBe('slower than 1 s a call: about 2.7 s');
  });

  test('the second of two calls is timed, and a product of 128 × 128', async () => {
    let calls = 0;
    expect(await secondCall(() => calls++)).toBeGreaterThanOrEqual(0);
    expect(calls).toBe(2);
    const sizes: (readonly number[])[] = [];
    const addMatmul: Kernels['addMatmul'] = (out, a, b) => void sizes.push(out.shape, a.shape, b.shape);
    expect(await rateOf({ addMatmul })).toBeGreaterThan(0);
    expect(sizes).toEqual(new Array(6).fill([128, 128]));
  });
});

describe('suites on a device', () => {
  const place = { device: 'a renderer', software: true };
  const contextOf = (kernels: Kernels, rate: number, slowestMs: number) => {
    const notes: string[] = [];
    const faults: string[] = [];
    const context: Context = {
      version: '1',
      budget: { turns: 1, leastTurns: 1, turnMs: 1, warmupMs: 1, slowestMs },
      backends: [{ system: 'bptt', backend: 'gpu.js:fake', kernels, graphics: { place, rate } }],
      peers: noPeers,
      plotting: false,
      quick: true,
      steps: 1,
      wants: (name) => name === 'addMatmul-32x32x32' || name === 'infer-b1-rnn',
      progress: () => undefined,
      note: (line) => void notes.push(line),
      wrong: (line) => void faults.push(line),
    };
    return { context, notes, faults };
  };
  const lost: Kernels['addMatmul'] = () => {
    throw new DeviceError('context lost');
  };

  test.each([
    ['gemm', gemm],
    ['tagger', tagger],
  ] as const)('%s times it, and names it in its rows', async (_, suite) => {
    const { context, notes, faults } = contextOf(cpu, 1, 60_000);
    expect(await rowsIn(context, suite)).toEqual([
      expect.objectContaining({ system: 'bptt', backend: 'gpu.js:fake', ...place }),
    ]);
    expect([notes, faults]).toEqual([[], []]);
  });

  test.each([
    ['gemm', gemm, /^skipped bptt in gemm addMatmul-32x32x32: slower than 0 s a call/],
    ['tagger', tagger, /^skipped bptt in tagger infer-b1-rnn: slower than 0 s a call/],
  ] as const)('%s skips what takes too long', async (_, suite, reason) => {
    const { context, notes, faults } = contextOf(cpu, 1, 0);
    expect(await rowsIn(context, suite)).toEqual([]);
    expect([notes, faults]).toEqual([[expect.stringMatching(reason)], []]);
  });

  test.each([
    ['gemm', gemm, 'skipped bptt in gemm addMatmul-32x32x32: context lost'],
    ['tagger', tagger, 'skipped bptt in tagger infer-b1-rnn: context lost'],
  ] as const)('%s skips a device that is lost', async (_, suite, reason) => {
    const { context, notes, faults } = contextOf({ ...cpu, addMatmul: lost }, 1, 60_000);
    expect(await rowsIn(context, suite)).toEqual([]);
    expect([notes, faults]).toEqual([[reason], []]);
  });

  test.each([
    ['gemm', gemm, 'gemm addMatmul-32x32x32: bptt is wrong and was not timed: differs from matmul1'],
    ['tagger', tagger, 'tagger infer-b1-rnn: bptt is wrong and was not timed: logits differ'],
  ] as const)('%s names one that is wrong', async (_, suite, fault) => {
    const { context, faults } = contextOf({ ...cpu, addMatmul: (out) => void out.data.fill(1) }, 1, 60_000);
    expect(await rowsIn(context, suite)).toEqual([]);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });
});

test('a device that is lost is no more timed: its products throw, also those after the first', () => {
  let broken = false;
  const addMatmul: Kernels['addMatmul'] = (...operands) => {
    if (broken) throw new DeviceError('context lost');
    cpu.addMatmul(...operands);
  };
  const kernels = withoutFallback({ ...cpu, backend: 'gpu.js:fake', dtypes: ['float32'], addMatmul }, cpu);
  const [out, a, b] = [0, 1, 2].map((x) => ({ data: Float32Array.of(x), shape: [1, 1], stride: [1, 1], offset: 0 }));
  kernels.addMatmul(out, a, b);
  expect(out.data[0]).toBe(2);
  broken = true;
  for (const act of [kernels.addMatmul, kernels.addMatmul, kernels.addMatmulTA, kernels.addMatmulTB])
    expect(() => act(out, a, b)).toThrow(new DeviceError('context lost'));
  expect(out.data[0]).toBe(2);
});

test('a tagger on an asynchronous device gives right logits and losses, and a wrong one is caught', async () => {
  const { device: later, done } = slowDevice(cpu, ['lstm']);
  const problem = createProblem('lstm', 3, { V: 11, E: 5, H: 4, K: 3, T: 6 });
  const reference = referenceOf(problem);
  for (const [device, fault] of [
    [later, undefined],
    [forgetful(later), expect.stringMatching(/^losses differ/)],
  ] as const) {
    const logits = await createAsyncInference(device, cpu, problem)(0);
    expect(faultIn('logits', logits.data, reference.logits())).toBeUndefined();
    done.length = 0;
    const { step, close } = createAsyncTrainer(device, cpu, problem);
    const losses = [await step(0), await step(0), await step(0)];
    close();
    expect(done.filter((act) => act === 'lstm backward')).toHaveLength(3 * 2); // both directions, in each step
    expect(faultIn('losses', losses, reference.training().losses)).toEqual(fault);
  }
});

/** The device, but its layers leave no gradient of the recurrent weights. */
function forgetful(device: AsyncKernels): AsyncKernels {
  const { lstm } = device.layers!;
  const forward: AsyncLayerKernel['forward'] = async (layer) => {
    const resident = (await lstm.forward(layer))!;
    const backward: AsyncResidentLayer['backward'] = async (gradients) => {
      const known = await resident.backward(gradients);
      gradients.grads.Wh.data.fill(0);
      return known;
    };
    return { ...resident, backward };
  };
  return { ...device, layers: { lstm: { ...lstm, forward } } };
}

describe('names of backends', () => {
  const disposed: string[] = [];
  const backend = (name: string, what: string) => {
    const kernels: Kernels = { ...cpu, backend: what, dispose: () => void disposed.push(name) };
    return { name, backend: what, kernels };
  };
  beforeEach(() => void disposed.splice(0));
  const auto = backend('auto', 'wasm-simd');
  const systems = (opened: Parameters<typeof withSystems>[0], asked: boolean) =>
    withSystems(opened, auto, asked).map(({ system, kernels }) => [system, kernels.backend]);

  test('the device is bptt where what auto takes is not there', () => {
    const gpu = backend('gpu', 'gpu.js:headlessgl');
    const wasm = backend('wasm', 'wasm-simd');
    expect(systems([gpu], true)).toEqual([['bptt', 'gpu.js:headlessgl']]);
    expect(disposed).toEqual(['auto']);
    expect(systems([gpu, backend('cpu', 'cpu')], true)).toEqual([
      ['bptt', 'gpu.js:headlessgl'],
      ['bptt-cpu', 'cpu'],
    ]);
    expect(systems([gpu, wasm], true)).toEqual([
      ['bptt-gpu', 'gpu.js:headlessgl'],
      ['bptt', 'wasm-simd'],
    ]);
  });

  test('without names the device takes part in products and taggers', () => {
    const all = withSystems([auto, backend('wasm', 'wasm-simd'), backend('gpu', 'gpu.js:headlessgl')], auto, false);
    expect(all.map(({ system }) => system)).toEqual(['bptt', 'bptt-gpu']);
    expect(disposed).toEqual(['wasm']);
    const taking = (suite: 'gemm' | 'layer' | 'tagger') => backendsOf({ backends: all }, suite).length;
    expect([taking('gemm'), taking('layer'), taking('tagger')]).toEqual([2, 1, 2]);
  });
});

test('where there is no checkout with the packages of its tests, gpu.js is the own one of the package', () => {
  expect(libraryOfCheckout(join(tmpdir(), 'no-checkout'))).toBeUndefined();
});

test('--backend gpu alone, without a display, is one clear line and status 1', () => {
  const { status, stdout, stderr } = bptt([...QUICK, '--no-peers', '--backend', 'gpu'], { env: { DISPLAY: '' } });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^bptt: gpu\.js (is not installed; install it: npm i gpu\.js|cannot use headlessgl: .*)\n$/);
});

describe('--browser', () => {
  /** An adapter in place of a browser: says hello, and answers every product with an expression over the request. */
  const adapter = (hello: string, answer: string) => `
    process.stdout.write(JSON.stringify(${hello}) + '\\n');
    const f32 = (text) => { const b = Buffer.from(text, 'base64'); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };
    const multiply = ({ size: [M, K, N], a, b }) => {
      const [x, y, out] = [f32(a), f32(b), new Float32Array(M * N)];
      for (let i = 0; i < M; i++) for (let k = 0; k < K; k++) for (let j = 0; j < N; j++) out[i * N + j] += x[i * K + k] * y[k * N + j];
      return { out: Buffer.from(out.buffer).toString('base64') };
    };
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      process.stdout.write(JSON.stringify(request.op === 'sample' ? { ms: 2, cost: 4 } : ${answer}) + '\\n');
    });`;
  const DEVICE = "backend: 'gpu.js:webgl2', threads: 1, device: 'SwiftShader', engine: 'Chromium 1'";
  const entry = (system: string, script: string, browser?: true) => {
    return { system, programs: ['node'], arguments: [script], threads: 1, suites: ['gemm'], browser };
  };
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bptt-bench-browser-'));
    const list = [
      entry('other', 'other.cjs'),
      entry('bptt-webgl2', 'page.cjs', true),
      entry('bptt-webgpu', 'absent.cjs', true),
    ];
    writeFileSync(join(folder, 'peers.json'), JSON.stringify(list));
    writeFileSync(
      join(folder, 'other.cjs'),
      adapter("{ version: '9', backend: 'x', threads: 1 }", 'multiply(request)'),
    );
    writeFileSync(join(folder, 'page.cjs'), adapter(`{ ${DEVICE} }`, 'multiply(request)'));
    writeFileSync(join(folder, 'absent.cjs'), `console.log('{"absent":"no adapter here"}');`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (...args: string[]) => {
    const { status, stdout, stderr } = bptt([
      ...QUICK,
      '--backend',
      'cpu',
      '--peers-folder',
      folder,
      '--json',
      ...args,
    ]);
    return { status, stderr, rows: status === 2 ? [] : (JSON.parse(stdout) as Result).rows };
  };

  test('adds this package in a browser, beside other systems or without them', () => {
    const alone = run('--browser', '--no-peers');
    expect([alone.status, alone.rows.map(({ system }) => system)]).toEqual([0, ['bptt-cpu', 'bptt-webgl2']]);
    const { version } = alone.rows[0];
    const place = { device: 'SwiftShader', software: true, engine: 'Chromium 1' };
    expect(alone.rows[1]).toMatchObject({ backend: 'gpu.js:webgl2', version, ...place });
    expect(alone.stderr).toMatch(/^skipped bptt-webgpu \(threads: 1\): no adapter here$/m);
    const both = run('--browser', '--peers', 'other');
    expect(both.rows.map(({ system }) => system)).toEqual(['bptt-cpu', 'other', 'bptt-webgl2']);
  });

  test('without it no browser is started, unless by its name', () => {
    expect(run().rows.map(({ system }) => system)).toEqual(['bptt-cpu', 'other']);
    expect(run('--peers', 'bptt-webgl2').rows.map(({ system }) => system)).toEqual(['bptt-cpu', 'bptt-webgl2']);
  });

  test('a page that is wrong fails the command; one that declines does not', () => {
    writeFileSync(join(folder, 'page.cjs'), adapter(`{ ${DEVICE} }`, 'multiply({ ...request, a: request.b })'));
    const wrong = run('--browser', '--no-peers');
    expect([wrong.status, wrong.rows.length]).toEqual([1, 1]);
    expect(wrong.stderr).toMatch(
      /^bptt: gemm addMatmul-32x32x32: bptt-webgl2 is wrong and was not timed: differs from/m,
    );
    writeFileSync(
      join(folder, 'page.cjs'),
      adapter(`{ ${DEVICE} }`, '{ declined: `slower than ${request.slowestMs}` }'),
    );
    const slow = run('--browser', '--no-peers');
    expect([slow.status, slow.rows.length]).toEqual([0, 1]);
    expect(slow.stderr).toMatch(/^skipped bptt-webgl2 in gemm addMatmul-32x32x32: slower than 1000$/m);
  });

  test('needs a checkout', () => {
    const { status, stderr } = bptt([...QUICK, '--browser', '--peers-folder', join(folder, 'none')]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/--peers-folder \S+none has no peers\.json/)]);
  });
});
