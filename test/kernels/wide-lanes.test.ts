/** Lanes of 256 bits: when they are switched on, the check of their bits, and that it notices a wrong instruction. */
import { ArgumentError } from '../../src/tensor/errors';
import { trialCalls } from '../../src/kernels/wasm/lanes/calls';
import type { Host } from '../../src/kernels/wasm/lanes/enable.node';
import { enableOn } from '../../src/kernels/wasm/lanes/enable.node';
import { digests, started } from '../../src/kernels/wasm/lanes/trial';
import { bytesOf, compile, instantiate } from '../../src/kernels/wasm/module';
import { enableWideLanes } from '../../src/kernels/wide-lanes.node';

const realm = globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object; validate(bytes: Uint8Array): boolean } }; // prettier-ignore
const whole = realm.WebAssembly;
afterEach(() => {
  realm.WebAssembly = whole;
});

const FLAG = '--experimental-wasm-revectorize';

/** Where the instruction with the bytes `fd, code, 1` may be. */
function placesOf(bytes: Uint8Array, code: number): number[] {
  return [...bytes.keys()].filter((i) => bytes[i] === 0xfd && bytes[i + 1] === code && bytes[i + 2] === 1);
}

function changed(bytes: Uint8Array, at: number, code: number): Uint8Array {
  const copy = bytes.slice();
  copy[at + 1] = code;
  return copy;
}

/** Instructions by opcode, and what stands in for each. */
const INSTEAD = [
  ['f32x4.add', 0xe4, 0xe5],
  ['f32x4.mul', 0xe6, 0xe4],
  ['f32x4.div', 0xe7, 0xe6],
  ['f64x2.add', 0xf0, 0xf1],
  ['f64x2.mul', 0xf2, 0xf0],
] as const;

describe('the check', () => {
  it('notices one wrong instruction, wherever it stands', async () => {
    const bytes = await bytesOf(false);
    const calls = trialCalls();
    /** With the tiles of one panel and with those of two, as the check has it. */
    const both = (module: Uint8Array): number[] => {
      const trial = started(compile(module));
      return ([0, 1] as const).flatMap((tiles) => (trial.wasm.useWideTiles(tiles), digests(calls, trial)));
    };
    const want = both(bytes);
    for (const [, code, instead] of INSTEAD) {
      const places = placesOf(bytes, code);
      expect(places.length).toBeGreaterThan(5);
      const some = places.filter((_, i) => i % Math.floor(places.length / 3) === 1);
      const missed = some.filter((at) => {
        const got = both(changed(bytes, at, instead));
        return got.every((hash, i) => hash === want[i]);
      });
      expect(missed).toEqual([]);
    }
  });

  it('calls all that the module exports', async () => {
    const { wasm, memory } = started(compile(await bytesOf(false)));
    const called = new Set<string>();
    const watched = new Proxy(wasm, { get: (exports, name: string) => (called.add(name), exports[name as 'lstmForward']) }); // prettier-ignore
    digests(trialCalls(), { wasm: watched, memory });
    const functions = Object.entries(wasm).filter(([, each]) => typeof each === 'function');
    called.add('useWideTiles'); // by the trial itself, for all calls
    expect([...called].sort()).toEqual(functions.map(([name]) => name).sort());
  });
});

const { fround } = Math;

/** `out + Σ_k a[m, k] · b[k, n]`, one rounding after each multiplication and each addition, in the order of k. */
function documentedSum(out: number, a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, k) => fround(sum + fround(x * b[k])), out);
}

describe('tiles of 4 × 8 and of 4 × 16', () => {
  const SCRATCH = 65536;
  const [C, A, B] = [1 << 19, 2 << 19, 3 << 19];

  it.each([0, 1] as const)('form every element by the documented sum, to the bit: useWideTiles(%d)', async (wide) => {
    const { wasm, memory } = instantiate(compile(await bytesOf(false)), 64);
    wasm.useWideTiles(wide);
    const heap = new Float32Array(memory.buffer);
    const value = (i: number) => Math.fround(Math.sin(i) * 2);
    const columns = [5, 8, 16, 20, 24, 39, 48];
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 13].flatMap((M) => columns.flatMap((N) => [41, 44].map((K) => [M, N, K])));
    for (const [M, N, K] of [...sizes, [67, 17, 523]]) {
      const c = Float32Array.from({ length: M * N }, (_, i) => value(i + 1));
      const a = Float32Array.from({ length: M * K }, (_, i) => value(3 * i + 2));
      const b = Float32Array.from({ length: K * N }, (_, i) => value(5 * i + 3));
      heap.set(c, C / 4);
      heap.set(a, A / 4);
      heap.set(b, B / 4);
      const panels = B + 4 * K * N + 64;
      wasm.packRows32(K, N, B, 4 * N, panels);
      wasm.multiply32(M, N, K, C, 4 * N, A, 4 * K, 4, panels, 32, 32 * K, SCRATCH);
      const rows = Array.from({ length: M }, (_, m) => Array.from(a.subarray(m * K, m * K + K)));
      const columnsOfB = Array.from({ length: N }, (_, n) => Array.from({ length: K }, (_, k) => b[k * N + n]));
      const want = rows.flatMap((row, m) => columnsOfB.map((column, n) => documentedSum(c[m * N + n], row, column)));
      expect({ M, N, K, out: [...heap.subarray(C / 4, C / 4 + M * N)] }).toEqual({ M, N, K, out: want });
    }
  });

  it('are chosen by the faster one, for the main thread and its workers', async () => {
    const { host, table } = hostOf();
    const { gflops } = await enableOn(host, false);
    const [shared] = table.values();
    expect(gflops!.narrow).toBeGreaterThan(0);
    expect(shared).toMatchObject({ wideTiles: gflops!.wide > gflops!.narrow, gflops });
  });
});

/** A host that records what is done to it. */
function hostOf(change: Partial<Host> = {}) {
  const flags: string[] = [];
  const warnings: string[] = [];
  const table = new Map<string, ReturnType<Host['shared']>>();
  const host: Host = {
    v8: '13.6.233.17-node.63',
    known: true,
    mainThread: true,
    variable: undefined,
    setFlag: (flag) => void flags.push(flag),
    warn: (message) => void warnings.push(message),
    share: (key, value) => void table.set(key, value),
    shared: (key) => table.get(key),
    ...change,
  };
  return { host, flags, warnings, table };
}

const EARLY = ['--wasm-sync-tier-up', '--wasm-tiering-budget=1000'];
const LATE = ['--no-wasm-sync-tier-up', '--wasm-tiering-budget=13000000'];

describe('wider lanes', () => {
  it('are switched on before the module is compiled, and worker threads get the module', async () => {
    const { host, flags, warnings, table } = hostOf();
    const lanes = await enableOn(host, false);
    expect(lanes).toMatchObject({ on: true, calls: trialCalls().length });
    expect(lanes.reason).toBe(`V8's flag ${FLAG}, identical bits in ${lanes.calls} calls`);
    expect(flags).toEqual([FLAG, ...EARLY, ...LATE]);
    expect(warnings).toEqual([]);
    const worker = hostOf({ mainThread: false, shared: (key) => table.get(key) });
    const { ms, ...others } = lanes;
    expect(ms).toBeGreaterThan(0);
    expect(await enableOn(worker.host, false)).toEqual(others);
    expect(worker.flags).toEqual([]);
  });

  it('are switched off again where one call gives other bits, with a warning', async () => {
    let wide = false;
    const { host, flags, warnings, table } = hostOf();
    const { Module } = whole;
    const setFlag = (flag: string) => {
      flags.push(flag);
      wide ||= flag === FLAG;
    };
    class Wrong {
      constructor(bytes: Uint8Array) {
        const at = placesOf(bytes, 0xe6)[200];
        return new Module(wide ? changed(bytes, at, 0xe4) : bytes);
      }
    }
    realm.WebAssembly = Object.assign(Object.create(whole) as typeof whole, { Module: Wrong });
    const lanes = await enableOn({ ...host, setFlag }, false);
    expect(lanes.on).toBe(false);
    expect(lanes.reason).toMatch(/^V8's flag --experimental-wasm-revectorize changes results on this engine \(.+\)$/);
    expect(flags).toEqual([FLAG, ...EARLY, ...LATE, '--no-experimental-wasm-revectorize']);
    expect(warnings).toEqual([`${lanes.reason}; continuing with lanes of 128 bits. Set BPTT_WIDE_LANES=off to skip the check.`]); // prettier-ignore
    expect(table.size).toBe(0);
  });

  it.each([
    ['the variable is off', { variable: 'off' }, /^BPTT_WIDE_LANES=off$/],
    ['the engine does not know the flag', { known: false }, /no re-vectorization.*Node 24 or newer on x64/],
    ['V8 is that of Node 22', { v8: '12.4.254.21-node.57' }, /^V8 12\.4\.254\.21-node\.57 gains nothing from --exp/],
    ['a worker was started before', { mainThread: false }, /^the main thread did not call enableWideLanes before/],
  ])('stay off, and no flag is touched, where %s', async (_, change, reason) => {
    const { host, flags, table } = hostOf(change);
    const lanes = await enableOn(host, false);
    expect(lanes).toEqual({ on: false, reason: expect.stringMatching(reason) as string });
    expect([flags, table.size]).toEqual([[], 0]);
  });

  it('refuse another value of the variable, and other options', async () => {
    await expect(enableOn(hostOf({ variable: 'no' }).host, false)).rejects.toThrow(
      new ArgumentError('BPTT_WIDE_LANES must be on or off; got no'),
    );
    await expect(enableWideLanes({ relaxed: true } as object)).rejects.toThrow(ArgumentError);
  });

  it('are said once per process', async () => {
    expect(await enableWideLanes()).toBe(await enableWideLanes({ relaxedSimd: false }));
  });
});
