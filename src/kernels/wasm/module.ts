/**
 * The compiled module: its functions, whether this engine can run it, and how it is started. Addresses and steps between rows are
 * in bytes; the sources and descriptions of the functions are in assembly/.
 */
import { BINARY } from './binary.js';
import { bytesOfText } from './text.js';

/** The members of the `WebAssembly` global that are used: neither the Node nor the ECMAScript types declare it. */
interface WebAssemblyGlobal {
  validate(bytes: Uint8Array): boolean;
  instantiate(bytes: Uint8Array, imports: Imports): Promise<{ instance: Instance }>;
  instantiate(module: CompiledModule, imports: Imports): Promise<Instance>;
  Module: new (bytes: Uint8Array) => CompiledModule;
  Instance: new (module: CompiledModule, imports: Imports) => Instance;
  Memory: new (limits: { initial: number; maximum?: number }) => Memory;
}

interface Imports {
  readonly env: { readonly memory: Memory };
}

interface Instance {
  readonly exports: unknown;
}

/** `WebAssembly.Module`. */
export type CompiledModule = object;

/** `WebAssembly.Memory`. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB; throws RangeError if they are unavailable. */
  grow(pages: number): number;
}

type Multiply = (
  M: number,
  N: number,
  K: number,
  c: number,
  ldc: number,
  a: number,
  lda: number,
  ka: number,
  b: number,
  ldb: number,
  step: number,
  scratch: number,
) => void;
type Pack = (K: number, N: number, b: number, ldb: number, panels: number) => void;

/** In place over `count` float32, a multiple of 4, at address `x`. */
type Map32 = (count: number, x: number) => void;
/** The time loop of a cell: numbers and addresses, named as in its source in assembly/. */
type Scan = (...numbersAndAddresses: number[]) => void;

/** The exported functions. */
export interface Exports {
  readonly multiply32: Multiply;
  readonly multiply64: Multiply;
  readonly packRows32: Pack;
  readonly packRows64: Pack;
  readonly packColumns32: Pack;
  readonly packColumns64: Pack;
  /** 1 for tiles two panels wide, 0 for tiles of one panel; results do not depend on it. */
  readonly useWideTiles: (on: 0 | 1) => void;
  readonly dot32: (N: number, K: number, c: number, a: number, b: number, ldb: number) => void;
  readonly exp32: Map32;
  readonly tanh32: Map32;
  readonly sigmoid32: Map32;
  readonly log32: Map32;
  /** The time loops of `cells/`: `lstmForward`, `lstmBackward`, … */
  readonly [loop: `${string}Forward`]: Scan;
  readonly [loop: `${string}Backward`]: Scan;
  /** Row operations of assembly/rows.ts and draw.ts, updates of assembly/optim.ts: numbers and addresses, named as there. */
  readonly crfViterbi: Scan;
  readonly softmaxRows: Scan;
  readonly softmaxLogs: Scan;
  readonly addToEveryRow: Scan;
  readonly addSumRows: Scan;
  readonly addMatrix: Scan;
  readonly gather: Scan;
  readonly scatter: Scan;
  readonly scatterAdd: Scan;
  readonly copyRows: Scan;
  readonly addMasked: Scan;
  readonly drawFactors: Scan;
  readonly scale: Scan;
  readonly sumOfSquares: (count: number, x: number) => number;
  readonly adamFactors: Scan;
  readonly adam: Scan;
  readonly adamRows: Scan;
}

/** Bytes of one page of memory. */
export const PAGE = 65536;

function webAssembly(): WebAssemblyGlobal | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyGlobal }).WebAssembly;
}

/** Assembles the module with relaxed SIMD. It is loaded only on request, so that a bundle need not contain it. */
async function relaxedBytes(): Promise<Uint8Array> {
  const { PIECES } = await import('./binary-relaxed.js');
  const plain = bytesOfText(BINARY);
  let end = 0;
  const bytes = PIECES.flatMap((piece) => {
    if (typeof piece === 'string') return Array.from(bytesOfText(piece));
    const [skip, count] = piece;
    const start = end + skip;
    end = start + count;
    return Array.from(plain.subarray(start, end));
  });
  return Uint8Array.from(bytes);
}

/** Why this engine cannot run the module, or undefined if it can. Validation compiles nothing and itself detects SIMD. */
export function obstacle(): string | undefined {
  return obstacleOf(bytesOfText(BINARY), 'WebAssembly SIMD');
}

/** The same for the module with relaxed SIMD. */
export async function relaxedObstacle(): Promise<string | undefined> {
  return obstacleOf(
    await relaxedBytes(),
    'WebAssembly relaxed SIMD: Node 22 and newer have it, and Node 20 with --experimental-wasm-relaxed-simd',
  );
}

function obstacleOf(bytes: Uint8Array, feature: string): string | undefined {
  const engine = webAssembly();
  if (engine === undefined) return 'this JavaScript engine has no WebAssembly';
  if (!engine.validate(bytes)) return `this JavaScript engine has no ${feature}`;
  return undefined;
}

/** A module compiled ahead of time with wider lanes, and checked. */
export interface Ahead {
  readonly compiled: CompiledModule;
  /** Whether tiles two panels wide are faster. */
  readonly wideTiles: boolean;
}

const ahead: { plain?: Ahead; relaxed?: Ahead } = {};

/** From now on `start` uses this module, `relaxed` or not, and compiles none. */
export function startWith({ compiled, wideTiles }: Ahead, relaxed: boolean): void {
  ahead[relaxed ? 'relaxed' : 'plain'] = { compiled, wideTiles };
}

/** The bytes of the module, `relaxed` or not. */
export async function bytesOf(relaxed: boolean): Promise<Uint8Array> {
  return relaxed ? relaxedBytes() : bytesOfText(BINARY);
}

/** Compiles a module synchronously. */
export function compile(bytes: Uint8Array): CompiledModule {
  const { Module } = webAssembly() as WebAssemblyGlobal;
  return new Module(bytes);
}

/** Starts a module synchronously, on a new memory of this many pages. */
export function instantiate(compiled: CompiledModule, pages: number): { wasm: Exports; memory: Memory } {
  const { Instance, Memory } = webAssembly() as WebAssemblyGlobal;
  const memory = new Memory({ initial: pages });
  return { wasm: new Instance(compiled, { env: { memory } }).exports as Exports, memory };
}

/**
 * Compiles and starts the module, `relaxed` or not, on a new memory of one page. Rejects if the page forbids compiling
 * WebAssembly.
 */
export async function start(maximumPages: number, relaxed = false): Promise<{ wasm: Exports; memory: Memory }> {
  const engine = webAssembly() as WebAssemblyGlobal;
  const memory = new engine.Memory({ initial: 1, maximum: maximumPages });
  const imports = { env: { memory } };
  const ready = ahead[relaxed ? 'relaxed' : 'plain'];
  const instance = ready
    ? await engine.instantiate(ready.compiled, imports)
    : (await engine.instantiate(await bytesOf(relaxed), imports)).instance;
  const wasm = instance.exports as Exports;
  if (ready?.wideTiles) wasm.useWideTiles(1);
  return { wasm, memory };
}
