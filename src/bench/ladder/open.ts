/** Opens a rung: loads or compiles its file, and derives from its exports what it computes and how to call it. */
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openDevice } from '../../kernels/gpu/device/device.js';
import type { Gpu, GpuLibrary } from '../../kernels/gpu/device/library.js';
import { loadGpuLibrary } from '../../kernels/gpu/device/library.js';
import { loadedRenderer } from '../../kernels/gpu/device/machine.node.js';
import { BpttError } from '../../tensor/index.js';
import type { Tensor } from '../../tensor/index.js';
import { libraryOfCheckout } from '../graphics.js';
import { matrix } from '../numbers.js';
import type {
  LayerOperands,
  LayerRung,
  LayerSizes,
  Operands,
  Prepared,
  ProductRung,
  Rung,
  RungFile,
  Size,
} from './types.js';
import type { Exports } from './wasm.js';
import { allocateRoom, compileRung, exportsOf, instantiate } from './wasm.js';

type AddMatmul = (out: Tensor, a: Tensor, b: Tensor) => unknown;
type Layer = Prepared<LayerOperands, Pick<LayerOperands, 'h' | 'c'>>;

/** Possible exports of a JavaScript rung. */
interface Exported {
  readonly addMatmul?: AddMatmul;
  readonly openProduct?: (device: { gpu: Gpu; input: GpuLibrary['input'] }, size: Size) => AddMatmul;
  readonly openLstm?: (tools: {
    compile(file: string, options?: { shared: boolean }): Promise<object>;
    sizes: LayerSizes;
    threads: number;
  }) => Promise<Layer>;
  readonly roundings?: (K: number) => number;
}

/**
 * Opens a rung.
 *
 * @throws UnsupportedError if this machine cannot run it: no compiler, no GPU
 * @throws whatever its file throws while loading, and BpttError if it exports no function to call
 */
export async function openRung(file: RungFile): Promise<Rung> {
  if (file.path.endsWith('.ts')) return openCompiled(file);
  const exported = (await import(pathToFileURL(resolve(file.path)).href)) as Exported;
  const { addMatmul, openProduct, openLstm, roundings } = exported;
  if (addMatmul !== undefined)
    return { work: 'product', file, roundings, prepare: async (size) => plain(addMatmul, size) };
  if (openProduct !== undefined) return openOnDevice(file, openProduct, roundings);
  if (openLstm === undefined) {
    throw new BpttError('it exports none of addMatmul, openProduct and openLstm; export the function that computes');
  }
  const compile = (name: string, options = { shared: false }) =>
    compileRung(resolve(dirname(file.path), name), options);
  const threads = availableParallelism();
  return { work: 'lstm', file, threads, prepare: (sizes) => openLstm({ compile, sizes, threads }) };
}

/** A product in JavaScript: operands are matrices over separate arrays. */
function plain(addMatmul: AddMatmul, [M, K, N]: Size): Prepared<Operands, Float32Array> {
  const room = { out: new Float32Array(M * N), a: new Float32Array(M * K), b: new Float32Array(K * N) };
  const [out, a, b] = [matrix(room.out, M, N), matrix(room.a, M, K), matrix(room.b, K, N)];
  return {
    set: (from) => (['out', 'a', 'b'] as const).forEach((name) => room[name].set(from[name])),
    run: () => addMatmul(out, a, b) as void | Promise<void>,
    get: () => room.out.slice(),
    close: () => undefined,
  };
}

async function openOnDevice(
  file: RungFile,
  openProduct: NonNullable<Exported['openProduct']>,
  roundings: Exported['roundings'],
): Promise<ProductRung> {
  const library = libraryOfCheckout() ?? (await loadGpuLibrary());
  const { gpu, info } = await openDevice({ mode: 'headlessgl', library, renderer: loadedRenderer });
  const prepare = async (size: Size) => plain(openProduct({ gpu, input: library.input }, size), size);
  return { work: 'product', file, roundings, device: info.renderer, prepare };
}

async function openCompiled(file: RungFile): Promise<Rung> {
  const compiled = await compileRung(resolve(file.path));
  const names = exportsOf(compiled);
  if (names.includes('multiply')) return openMultiply(file, compiled);
  if (names.includes('lstm')) return openLayer(file, compiled);
  throw new BpttError('it exports neither multiply nor lstm; export the function that computes');
}

function openMultiply(file: RungFile, compiled: object): ProductRung {
  const { roundings, scratchBytes } = instantiate(compiled, allocateRoom([], 0).memory);
  const bytes = ([M, K, N]: Size): number => scratchBytes?.(M, N, K) ?? 0;
  const inMemory = { scratchBytes: bytes, open: (memory: object) => called(instantiate(compiled, memory), 'multiply') };
  return {
    work: 'product',
    file,
    roundings,
    inMemory,
    async prepare(size) {
      const [M, K, N] = size;
      const { memory, places, scratch } = allocateRoom([M * N, M * K, K * N], bytes(size));
      const [out, a, b] = places;
      const multiply = inMemory.open(memory);
      return {
        set: (from) => [from.out, from.a, from.b].forEach((data, i) => places[i].data.set(data)),
        run: () => void multiply(M, N, K, a.at, b.at, out.at, scratch),
        get: () => out.data.slice(),
        close: () => undefined,
      };
    },
  };
}

function openLayer(file: RungFile, compiled: object): LayerRung {
  const { scratchBytes } = instantiate(compiled, allocateRoom([], 0).memory);
  return {
    work: 'lstm',
    file,
    threads: 1,
    async prepare({ T, B, H }) {
      const states = (T + 1) * B * H;
      const room = allocateRoom([4 * T * B * H, 4 * H * H, states, states], scratchBytes?.(B, H) ?? 0);
      const [a, wh, h, c] = room.places;
      const lstm = called(instantiate(compiled, room.memory), 'lstm');
      return {
        set: (from) => [from.a, from.wh, from.h, from.c].forEach((data, i) => room.places[i].data.set(data)),
        run: () => void lstm(T, B, H, a.at, wh.at, h.at, c.at, room.scratch),
        get: () => ({ h: h.data.slice(), c: c.data.slice() }),
        close: () => undefined,
      };
    },
  };
}

function called(exported: Exports, name: string): (...values: number[]) => number {
  const act = exported[name];
  if (typeof act !== 'function')
    throw new BpttError(`its export ${name} is not a function; export the function that computes`);
  return act;
}
