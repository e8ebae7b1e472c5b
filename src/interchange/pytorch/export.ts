/** Exports a model as a PyTorch folder: a readable module, its configuration, words, labels and weights. */
import type { Model } from '../../labeling/model/model.js';
import { decodingOf } from '../../labeling/model/heads/decoding.js';
import type { Scheme } from '../../labeling/data/schemes.js';
import { convertLabels } from '../../labeling/data/schemes.js';
import type { CharacterVocabulary } from '../../labeling/data/characters.js';
import { encodeSafetensors } from '../../serialize/safetensors.js';
import { encodeUtf8 } from '../../serialize/utf8.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../tensor/checks.js';
import { UnsupportedError } from '../../tensor/errors.js';
import { encodePt } from './pt.js';
import { moduleSource } from './source.js';
import { factsOf, toStateDict } from './state-dict.js';

/** Version of the folder format; a reader rejects a higher version. */
export const FOLDER_VERSION = 1;

/** Format name in `config.json`. */
export const FOLDER_FORMAT = 'bptt-pytorch';

/** Names of the files in such a folder. */
export const FOLDER_FILES = {
  module: 'model.py',
  config: 'config.json',
  vocabulary: 'vocabulary.json',
  labels: 'labels.json',
} as const;

/** Options of a PyTorch export. */
export interface PyTorchExportOptions {
  /** The format of the weights: `safetensors` (default), or `pt`, as `torch.save` writes. */
  readonly weights?: 'safetensors' | 'pt';
}

const KEYS = keysOf<PyTorchExportOptions>({ weights: true });

/**
 * Returns the files of a folder that `python3 model.py` tags from and that `importPyTorch` reads back.
 *
 * @returns bytes by file name
 * @throws UnsupportedError naming a part that cannot be rebuilt: cells that PyTorch lacks, zoneout, ensembles, custom parts,
 *   characters by grapheme
 */
export function exportPyTorch(model: Model, options: PyTorchExportOptions = {}): Record<string, Uint8Array> {
  expectKnownKeys('exportPyTorch', 'options', options, KEYS);
  const { weights: format = 'safetensors' } = options;
  expectOneOf('exportPyTorch', 'weights', format, ['safetensors', 'pt']);
  const state = toStateDict(model);
  const weights = `weights.${format}`;
  expectCodePoints(model);
  const { config, readers, input } = model;
  const facts = factsOf(model);
  const described = {
    format: FOLDER_FORMAT,
    version: FOLDER_VERSION,
    model: Number(facts.version),
    weights,
    config,
    ...(input && { input }),
  };
  return {
    [FOLDER_FILES.module]: encodeUtf8(moduleSource(config)),
    [FOLDER_FILES.config]: json(described),
    [FOLDER_FILES.vocabulary]: json(Object.fromEntries(config.encoders.map(({ kind }, e) => [kind, readers[e].toJSON()]))), // prettier-ignore
    [FOLDER_FILES.labels]: json(config.heads.map((_, h) => headFacts(model, h))),
    [weights]: format === 'pt' ? encodePt(state) : encodeSafetensors(state, { format: 'pt' }),
  };
}

const json = (value: unknown): Uint8Array => encodeUtf8(`${JSON.stringify(value, null, 1)}\n`);

/** Python's standard library splits text only into code points. */
function expectCodePoints({ config, readers }: Model): void {
  config.encoders.forEach(({ kind }, e) => {
    if (kind !== 'characters' || (readers[e].toJSON() as CharacterVocabulary).unit === 'code-point') return;
    throw new UnsupportedError(
      'characters by grapheme need a segmenter that Python lacks: train with --character-unit code-point',
    );
  });
}

/** What the module needs for a head besides its configuration: labels, permitted transitions, labels in the scheme of the data. */
function headFacts({ config, heads, params }: Model, h: number): object {
  const head = config.heads[h];
  const { labels } = heads[h].labels;
  const { mask, schemes } = decodingOf(head);
  const K = labels.length;
  const query = params.heads[head.name]['pool.v'] as { readonly shape: readonly number[] } | undefined;
  const bits = mask && {
    start: Array.from(mask.start),
    transitions: labels.map((_, k) => Array.from(mask.transitions).slice(k * K, k * K + K)),
    end: Array.from(mask.end),
  };
  return {
    name: head.name,
    labels,
    ...(bits && { permitted: bits }),
    ...(schemes && { scheme: labels.map((_, k) => conversionOf(labels, k, schemes)) }),
    ...(query && { attention: query.shape[0] }),
  };
}

type Schemes = NonNullable<ReturnType<typeof decodingOf>['schemes']>;

/**
 * The output form of a learned label, by the group of the label before it and of the label after it; "no label" has index K.
 * IOBES marks whether a span begins or ends here, and IOB1 and IOE1 whether a span of the same type touches it: neighbors that
 * agree in these respects form one group.
 */
function conversionOf(labels: readonly string[], k: number, { learned, data }: Schemes): object {
  type Neighbor = string | undefined;
  const written = (before: Neighbor, behind: Neighbor, to: Scheme): string => {
    const path = [before, labels[k], behind].filter((each) => each !== undefined);
    return convertLabels(path, learned, to).labels[before === undefined ? 0 : 1];
  };
  const neighbors: readonly Neighbor[] = [...labels, undefined];
  const before = grouped(neighbors.map((p) => `${written(p, undefined, 'IOBES')} ${written(p, undefined, 'IOB1')}`));
  const behind = grouped(neighbors.map((n) => `${written(undefined, n, 'IOBES')} ${written(undefined, n, 'IOE1')}`));
  const firsts = (groups: readonly number[]): Neighbor[] => [...new Set(groups)].map((g) => neighbors[groups.indexOf(g)]); // prettier-ignore
  const given = firsts(before).map((p) => firsts(behind).map((n) => written(p, n, data)));
  return { before, behind, given };
}

/** Numbers texts in order of first occurrence; equal texts get the same number. */
function grouped(texts: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return texts.map((text) => numbers.get(text) ?? (numbers.set(text, numbers.size), numbers.size - 1));
}
