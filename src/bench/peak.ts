/**
 * The peak of one core in 128-bit lanes: a WebAssembly loop that multiplies and adds in registers and does not access memory.
 * Twelve independent chains hide the latency of both operations, and with the two constants fit in the 15 registers that V8 has
 * on x64. Multiplication and addition are separate instructions, as in the kernels of this package: a library with fused or wider
 * arithmetic can exceed this peak.
 */
const CHAINS = 12;
const LANES = 4;

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const SPLAT = [0xfd, 0x13];
const EXTRACT_0 = [0xfd, 0x1f, 0];
const ADD = [0xfd, 0xe4, 0x01];
const MUL = [0xfd, 0xe6, 0x01];
const HALF = [0x43, 0, 0, 0, 0x3f]; // f32.const 0.5

/** `run(n)`: n rounds of x ← x/2 + 1/2 in every chain; returns a sum so that nothing can be optimized away. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const chains = Array.from({ length: CHAINS }, (_, i) => i + 3);
  const round = chains.flatMap((x) => [LOCAL_GET, x, LOCAL_GET, 1, ...MUL, LOCAL_GET, 2, ...ADD, LOCAL_SET, x]);
  const code = [
    ...[1, CHAINS + 2, 0x7b], // locals 1 … CHAINS + 2 are v128
    ...[...HALF, ...SPLAT, LOCAL_SET, 1, ...HALF, ...SPLAT, LOCAL_SET, 2],
    ...[0x03, 0x40, ...round], // loop
    ...[LOCAL_GET, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // n ← n − 1; repeat while it is not 0; end
    ...[LOCAL_GET, 3, ...chains.slice(1).flatMap((x) => [LOCAL_GET, x, ...ADD]), ...EXTRACT_0, 0x0b],
  ];
  const size = [(code.length & 0x7f) | 0x80, code.length >> 7];
  const body = [1, ...size, ...code];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7d], // type: (i32) → f32
    ...[3, 2, 1, 0], // function 0 has type 0
    ...[7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 0], // export "run"
    ...[10, (body.length & 0x7f) | 0x80, body.length >> 7, ...body],
  ]);
}

/** The used part of the global; Node provides it, the type library of this project does not. */
interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: { readonly run: (rounds: number) => number } };
}

/** The loop, compiled; undefined if the engine has no WebAssembly SIMD. */
function openLoop(): ((rounds: number) => number) | undefined {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyGlobal };
  const bytes = moduleBytes();
  if (WebAssembly === undefined || !WebAssembly.validate(bytes)) return undefined;
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.run;
}

/** GFLOP/s of a number of rounds of the loop, measured now. */
function rateNow(loop: (rounds: number) => number, rounds: number): number {
  const start = performance.now();
  loop(rounds);
  return (2 * LANES * CHAINS * rounds) / Math.max(performance.now() - start, 1e-3) / 1e6;
}

/**
 * Peak of one core, GFLOP/s in float32: the best of many short runs, because other load on the machine can only lengthen a run.
 * Null if the engine has no WebAssembly SIMD.
 */
export function measurePeak(runs = 60): number | null {
  const loop = openLoop();
  if (loop === undefined) return null;
  return Math.max(...Array.from({ length: runs }, () => rateNow(loop, 100_000)));
}

/**
 * A yardstick: GFLOP/s that the machine reaches at the time of the call, in about two milliseconds of work that is the same in
 * all versions of this package. If it falls, the machine has become slower, not the program. Undefined without WebAssembly SIMD.
 */
export function openPace(): (() => number) | undefined {
  const loop = openLoop();
  return loop && (() => rateNow(loop, 800_000));
}

/** Size in bytes of a copy that is larger than the caches of a core. */
const COPIED = 2 ** 26;

/** GB/s of one core to and from memory: bytes read and written by the fastest of several copies. */
export function measureBandwidth(runs = 6): number {
  const [from, to] = [0, 1].map(() => new Float64Array(COPIED / 8).fill(1)); // filled, so that every page is mapped
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    to.set(from);
    best = Math.min(best, performance.now() - start);
  }
  return (2 * COPIED) / best / 1e6;
}
