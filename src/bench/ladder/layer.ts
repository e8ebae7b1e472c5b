/**
 * The second workload of the ladder: the forward pass of an LSTM layer, and its stepwise twin, which rungs are compared with bit
 * for bit.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BpttError, sigmoidf, tanhf } from '../../tensor/index.js';
import { randomNumbers } from '../numbers.js';
import { answerFrom } from './product.js';
import type { LayerOperands, LayerRung, LayerSizes, ProductRung, WorkItem } from './types.js';
import { allocateRoom } from './wasm.js';

/** Name of the twin's row and file. */
export const TWIN = 'stepwise';

/** Sizes with remainders of sequences, units and shares. */
export const CHECKED_LAYERS: readonly LayerSizes[] = [
  { T: 3, B: 5, H: 6 },
  { T: 2, B: 9, H: 13 },
  { T: 1, B: 1, H: 1 },
];
export const TIMED_LAYER: LayerSizes = { T: 32, B: 32, H: 128 };

/** Random operands, the same every time; the first B rows of h and c are the initial states. */
export function layerOperandsOf({ T, B, H }: LayerSizes): LayerOperands {
  const scaled = (count: number, seed: number, by: number): Float32Array =>
    randomNumbers(count, seed).map((x) => x * by);
  const states = (seed: number): Float32Array => scaled((T + 1) * B * H, seed, 1).fill(0, B * H);
  return { a: scaled(T * B * 4 * H, 4, 4), wh: scaled(4 * H * H, 5, 0.5), h: states(6), c: states(7) };
}

/** The work of one pass: the operations of its products; the bytes of a read and written, of Wh, and of the states written. */
export function layerWorkOf({ T, B, H }: LayerSizes): WorkItem {
  const operations = 2 * T * B * H * 4 * H;
  const floats = 2 * T * B * 4 * H + 4 * H * H + 2 * (T + 1) * B * H;
  return { sizes: { T, B, H }, operations, intensity: operations / (4 * floats) };
}

type Stepwise = (
  multiply: (M: number, N: number, K: number, a: number, b: number, out: number) => void,
  math: { sigmoid(x: number): number; tanh(x: number): number },
  sizes: LayerSizes,
  operands: Record<string, { readonly at: number; readonly data: Float32Array }>,
) => void;

/**
 * Opens the twin of a rung, based on a product.
 *
 * @throws BpttError if no correct WebAssembly product precedes it, or `stepwise.js` is missing
 */
export async function openTwin(beside: LayerRung, product: ProductRung | undefined): Promise<LayerRung> {
  const path = resolve(dirname(beside.file.path), `${TWIN}.js`);
  const inMemory = product?.inMemory;
  if (inMemory === undefined) {
    throw new BpttError('its twin needs a right product in WebAssembly, with the bits of rung 1, before it; add one');
  }
  if (!existsSync(path))
    throw new BpttError(`its twin ${TWIN}.js is not next to it; copy that file of bench/ladder there`);
  const { lstm } = (await import(pathToFileURL(path).href)) as { lstm: Stepwise };
  const title = `step by step, over ${product?.file.title}`;
  return {
    work: 'lstm',
    file: { name: TWIN, path: join(dirname(path), `${TWIN}.js`), title },
    threads: 1,
    async prepare(sizes) {
      const { T, B, H } = sizes;
      const states = (T + 1) * B * H;
      const bytes = inMemory.scratchBytes([B, H, 4 * H]);
      const { memory, places, scratch } = allocateRoom([4 * T * B * H, 4 * H * H, states, states], bytes);
      const [a, wh, h, c] = places;
      const product = inMemory.open(memory);
      const multiply: Parameters<Stepwise>[0] = (...values) => void product(...values, scratch);
      return {
        set: (from) => [from.a, from.wh, from.h, from.c].forEach((data, i) => places[i].data.set(data)),
        run: () => lstm(multiply, { sigmoid: sigmoidf, tanh: tanhf }, sizes, { a, wh, h, c }),
        get: () => ({ h: h.data.slice(), c: c.data.slice() }),
        close: () => undefined,
      };
    },
  };
}

/** States after a pass over operands. */
export async function statesOf(
  rung: LayerRung,
  sizes: LayerSizes,
  operands: LayerOperands,
): Promise<Pick<LayerOperands, 'h' | 'c'>> {
  return answerFrom(await rung.prepare(sizes), operands);
}

/** Explains why states are wrong; undefined if they equal the twin's, bit for bit. */
export function faultOfStates(
  { T, B, H }: LayerSizes,
  got: Pick<LayerOperands, 'h' | 'c'>,
  want: Pick<LayerOperands, 'h' | 'c'>,
): string | undefined {
  for (const name of ['h', 'c'] as const) {
    const i = want[name].findIndex((x, at) => !Object.is(x, got[name][at]));
    if (i < 0) continue;
    const [row, unit] = [Math.floor(i / H), i % H];
    const where = `${name}, step ${Math.floor(row / B)}, sequence ${row % B}, unit ${unit}`;
    return `differs from its twin at T=${T} B=${B} H=${H}: ${where} is ${got[name][i]}, not ${want[name][i]}`;
  }
  return undefined;
}
