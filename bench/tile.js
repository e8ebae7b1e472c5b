/**
 * The register tiles of assembly/tiles.js, each in a loop of its own, with every kind of loop: GFLOP/s that V8's code for them
 * reaches while their operands are in the first-level cache. A tile that computes anything but what the plain triple loop does is
 * not timed. From the repository root:
 *
 *     node bench/tile.js [--json]
 *     node --experimental-wasm-relaxed-simd bench/tile.js --relaxed     (Node 22 and newer need no flag)
 *     node --experimental-wasm-revectorize bench/tile.js                (lanes of 256 bits: Node 24 and newer, on x64)
 *
 * Tiles take turns and the fastest turn counts: another load on the machine lengthens some turns, never shortens one.
 */
import { main } from 'assemblyscript/asc';
import { Command } from 'commander';
import { PREAMBLE, tile } from '../assembly/tiles.js';
import { fail, parse } from './command.js';

const command = new Command('node bench/tile.js')
  .description("The register tiles of assembly/tiles.js, each in every kind of loop: GFLOP/s of V8's code for them")
  .option('--relaxed', 'fuse multiplication and addition, where the engine has relaxed SIMD')
  .option('--json', 'one object for scripts');
const { relaxed = false, json } = parse(command).opts();
const LOOPS = ['single', 'pairs', 3, 6];
/** Rows by panels of 8 columns. */
const SHAPES = [
  { what: '4 × 8, A and B packed', rows: 4, packed: true },
  { what: '4 × 8', rows: 4 },
  { what: '3 × 8', rows: 3 },
  { what: '2 × 8', rows: 2 },
  { what: '2 × 16', rows: 2, panels: 2 },
  { what: '1 × 8', rows: 1 },
  { what: '1 × 16', rows: 1, panels: 2 },
  { what: '1 × 32', rows: 1, panels: 4 },
  { what: '3 × 16', rows: 3, panels: 2 },
  { what: '4 × 16: twice the registers', rows: 4, panels: 2 },
  { what: '4 × 16, A and B packed', rows: 4, panels: 2, packed: true },
  { what: '6 × 8', rows: 6 },
];
const K = 100;
const [A, B, C] = [1 << 16, 2 << 16, 3 << 16];
const TURNS = 40;
const TURN_MS = 4;

const variants = SHAPES.flatMap((shape) => LOOPS.map((loop) => ({ ...shape, loop, name: nameOf(shape, loop) })));

function nameOf({ rows, panels = 1, packed = false }, loop) {
  return `t${rows}x${panels}${packed ? 'packed' : ''}${loop}`;
}

/** A module of all variants, each called `calls` times from inside. */
function source() {
  const helpers = [1, 2, 3, 4, 6].flatMap((rows) => tile(`tile${rows}`, 'For the last k.', { rows }, 'single'));
  const runs = variants.map(({ name, rows, panels = 1, packed = false }) => {
    const given = [
      'K',
      'c',
      rows > 1 && 'ldc',
      'a',
      rows > 1 && !packed && 'lda',
      'b',
      !packed && 'PANEL',
      panels > 1 && 'step',
    ];
    return `export function run_${name}(calls: i32, K: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, step: usize): void {
      for (; calls > 0; calls--) ${name}<f32>(${given.filter(Boolean).join(', ')});
    }`;
  });
  return [
    ...PREAMBLE,
    ...helpers,
    ...variants.flatMap(({ name, loop, ...shape }) => tile(name, loop, shape, loop)),
    ...runs,
  ];
}

async function start() {
  let bytes;
  const options = ['--runtime', 'stub', '--noAssert', '-O3s', '--converge', '--importMemory', '--enable', 'simd'];
  const { error, stderr } = await main(
    ['tile.ts', ...options, ...(relaxed ? ['--enable', 'relaxed-simd'] : []), '--outFile', 'tile.wasm'],
    {
      readFile: (name) => (name === 'tile.ts' ? source().join('\n') : null),
      writeFile: (name, contents) => name.endsWith('.wasm') && (bytes = contents),
    },
  );
  if (error) throw new Error(`the tiles do not compile: ${stderr.toString()}`, { cause: error });
  if (relaxed && !WebAssembly.validate(bytes)) {
    const again = 'node --experimental-wasm-relaxed-simd bench/tile.js --relaxed';
    fail('tile', `this engine, Node ${process.versions.node}, has no relaxed SIMD, or not without a flag: ${again}`);
  }
  const memory = new WebAssembly.Memory({ initial: 8 });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return { run: instance.exports, heap: new Float32Array(memory.buffer) };
}

/** Small numbers, each sum of products exact: with them one rounding or two are the same. */
const number = (i) => ((i * 7919) % 17) - 8;

/** What is wrong with a tile, or nothing. */
function faultOf({ run, heap }, { name, rows, panels = 1, packed = false }) {
  const columns = 8 * panels;
  fill(heap);
  call(run, name, 1, columns);
  const a = (m, k) => heap[A / 4 + (packed ? 4 * k + m : m * K + k)];
  const b = (k, n) => heap[B / 4 + (n >> 3) * 8 * K + 8 * k + (n & 7)];
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < columns; n++) {
      let sum = number(m * columns + n);
      for (let k = 0; k < K; k++) sum += a(m, k) * b(k, n);
      const got = heap[C / 4 + m * columns + n];
      if (got !== sum) return `element (${m}, ${n}) is ${got}, not ${sum}`;
    }
  }
  return undefined;
}

function fill(heap) {
  for (let i = 0; i < 6 * K; i++) heap[A / 4 + i] = number(i + 1);
  for (let i = 0; i < 32 * K; i++) heap[B / 4 + i] = number(3 * i + 2);
  for (let i = 0; i < 128; i++) heap[C / 4 + i] = number(i);
}

function call(run, name, calls, columns) {
  run[`run_${name}`](calls, K, C, 4 * columns, A, 4 * K, B, 32 * K);
}

const tiles = await start();
const best = new Map(variants.map(({ name }) => [name, Infinity]));
for (const variant of variants) {
  const fault = faultOf(tiles, variant);
  if (fault) throw new Error(`${variant.what}, ${variant.loop}: ${fault}`);
}
fill(tiles.heap);
tiles.heap.fill(0, B / 4, B / 4 + 32 * K); // so that the sums stay where they are
for (let turn = 0; turn < TURNS; turn++) {
  for (const { name, panels = 1 } of variants) {
    const from = performance.now();
    let calls = 0;
    let ms = 0;
    while (ms < TURN_MS) {
      call(tiles.run, name, 1000, 8 * panels);
      calls += 1000;
      ms = performance.now() - from;
    }
    best.set(name, Math.min(best.get(name), ms / calls));
  }
}
const rateOf = ({ rows, panels = 1, name }) => (2 * rows * 8 * panels * K) / best.get(name) / 1e6;
if (json) {
  const rows = variants.map((variant) => ({ tile: variant.what, loop: variant.loop, gflops: rateOf(variant) }));
  console.log(JSON.stringify({ node: process.version, relaxed, rows }, null, 2));
} else {
  console.log(`${'GFLOP/s'.padEnd(28)}${LOOPS.map((loop) => String(loop).padStart(8)).join('')}`);
  for (const { what } of SHAPES) {
    const rates = variants
      .filter((variant) => variant.what === what)
      .map((variant) => rateOf(variant).toFixed(1).padStart(8));
    console.log(what.padEnd(28) + rates.join(''));
  }
}
