/** The golden file of `test/golden/make_labeling_golden.py`: a CRF, sums of embeddings and characters, beside what src makes of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packingOf } from '../../src/autograd/packing.js';
import type { Kernels } from '../../src/kernels/index.js';
import { listsOf } from '../../src/labeling/data/features.js';
import { characterConfig, characters } from '../../src/labeling/model/encoders/characters.js';
import type { CharacterNetworkName } from '../../src/labeling/model/encoders/character-network.js';
import { crfLossBackward, crfLossForward } from '../../src/layers/crf.js';
import type { CrfParams } from '../../src/layers/crf-lattice.js';
import { embeddingBagBackward, embeddingBagForward } from '../../src/layers/embedding-bag.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, viewOf } from '../../src/tensor/view.js';

/** What was computed, and what PyTorch has: tensors by name, a loss as one of one element. */
export interface Compared {
  readonly name: string;
  readonly found: Readonly<Record<string, Tensor>>;
  readonly expected: Readonly<Record<string, Tensor>>;
}

type Stored = Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>;

interface Solved {
  readonly tensors: Stored;
  readonly grads: Stored;
}
interface StoredCrf extends Solved {
  readonly K: number;
  readonly lengths: number[];
  readonly targets: number[];
  readonly loss: number;
}
interface StoredBag extends Solved {
  readonly columns: number;
  readonly rows: number[];
  readonly cotangent: Stored;
  readonly output: Stored;
}
interface StoredCharacters extends Solved {
  readonly network: CharacterNetworkName;
  readonly size: number;
  readonly embedding: number;
  readonly width: number;
  readonly window: number;
  readonly words: number[][];
  readonly cotangent: Stored;
  readonly output: Stored;
}
interface Golden {
  readonly crf: StoredCrf[];
  readonly bags: StoredBag[];
  readonly characters: StoredCharacters[];
}

const tensorsOf = (stored: Stored): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(stored).map(([name, x]) => [name, viewOf(Float64Array.from(x.data), x.shape)]));
const zerosLike = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, allocate(shape, 'float64')]));
const scalar = (x: number): Tensor => viewOf(Float64Array.of(x), [1]);

/** Every case of the file. */
export function comparedWithGolden(kernels: Kernels): Compared[] {
  const golden = JSON.parse(readFileSync(join(process.cwd(), 'test/golden/labeling.json'), 'utf8')) as Golden;
  return [...golden.crf.map((each) => crfCase(kernels, each)), ...golden.bags.map((each) => bagCase(kernels, each)), ...golden.characters.map((each) => characterCase(kernels, each))]; // prettier-ignore
}

function crfCase(kernels: Kernels, { K, lengths, targets, loss, tensors: stored, grads }: StoredCrf): Compared {
  const { emissions, ...params } = tensorsOf(stored);
  const found = zerosLike({ emissions, ...params });
  const forward = crfLossForward(kernels, params as CrfParams, emissions, packingOf(lengths), Int32Array.from(targets));
  crfLossBackward(kernels, params as CrfParams, forward, found.emissions, found as unknown as CrfParams);
  const missing = targets.some((y) => y < 0) ? ', labels missing' : '';
  return {
    name: `CRF, K = ${K}, lengths ${lengths.join(' ')}${missing}`,
    found: { ...found, loss: scalar(forward.loss) },
    expected: { ...tensorsOf(grads), loss: scalar(loss) },
  };
}

function bagCase(kernels: Kernels, { columns, rows, ...stored }: StoredBag): Compared {
  const { weight } = tensorsOf(stored.tensors);
  const ids = Int32Array.from(rows);
  const found = zerosLike({ weight });
  const y = embeddingBagForward(kernels, { weight }, ids, columns);
  embeddingBagBackward(kernels, ids, columns, tensorsOf(stored.cotangent).y, found as { weight: Tensor });
  return { name: `embedding bag, k = ${columns}`, found: { ...found, y }, expected: { ...tensorsOf(stored.grads), ...tensorsOf(stored.output) } }; // prettier-ignore
}

function characterCase(kernels: Kernels, { words, ...stored }: StoredCharacters): Compared {
  const { network, size, embedding, width, window } = stored;
  const layer = characters.layer(characterConfig({ network, size, embedding, width, window })); // prettier-ignore
  const params = tensorsOf(stored.tensors);
  const found = zerosLike(params);
  const pass = layer.forward(kernels, params, { characters: listsOf(words) });
  layer.backward(kernels, params, pass, tensorsOf(stored.cotangent).y, found);
  return {
    name: `characters, ${network}, window ${window}`,
    found: { ...found, y: pass.y },
    expected: { ...tensorsOf(stored.grads), ...tensorsOf(stored.output) },
  };
}

/** max|a − b| / max|b| of every tensor; max|a| where all of b are 0. */
export function errorsOf({ found, expected }: Compared): Record<string, number> {
  return Object.fromEntries(
    Object.entries(expected).map(([name, { data }]) => {
      const own = found[name].data;
      if (own.length !== data.length) return [name, Infinity];
      const worst = Array.from(data).reduce((most, x, i) => Math.max(most, Math.abs(own[i] - x)), 0);
      return [name, worst / (Array.from(data).reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1)];
    }),
  );
}
