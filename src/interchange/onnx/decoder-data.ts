/**
 * Data for the decoder next to an ONNX file, as plain JSON: how words become integers, and how scores become labels. ONNX Runtime
 * for JavaScript does not expose the metadata of a file, so these data are also written to a separate file.
 */
import type { Model } from '../../labeling/index.js';
import type { AffixConfig, EncoderConfig, HeadConfig } from '../../labeling/index.js';
import type { GivenBack } from '../../labeling/model/heads/converted.js';
import { tablesGivenBack } from '../../labeling/model/heads/converted.js';
import { decodingOf } from '../../labeling/model/heads/decoding.js';
import type { TensorRecord } from '../../autograd/grads.js';
import { flatCopy } from '../../tensor/view.js';
import { scoresOf } from './heads.js';

/** How one encoder reads words: the JSON of its reader, and the number of integers per word if it is constant. */
export type ReaderData = Readonly<Record<string, unknown>> & { readonly kind: string; readonly columns?: number };

/** Transition scores of a chain; null if a label may not start, follow or end. */
export interface ChainData {
  readonly start: readonly (number | null)[];
  readonly transitions: readonly (readonly (number | null)[])[];
  readonly end: readonly (number | null)[];
}

/** How the scores of one head become labels. */
export interface HeadData {
  readonly name: string;
  readonly unit: 'token' | 'sentence';
  /** The name of the graph's output. */
  readonly output: string;
  readonly labels: readonly string[];
  /** Present if the labels are those of the best path. */
  readonly chain?: ChainData;
  /** Present if labels are returned in a different scheme from the one they were learned in. */
  readonly given?: readonly GivenBack[];
}

/** The complete data of a decoder. */
export interface DecoderData {
  readonly readers: readonly ReaderData[];
  readonly heads: readonly HeadData[];
}

/** Returns the data that the decoders of a model need. */
export function decoderData({ config, readers, heads, params }: Model): DecoderData {
  return {
    readers: config.encoders.map((each, i) => readerData(each, readers[i].toJSON())),
    heads: config.heads.map((each, h) => headData(each, heads[h].labels.labels, params.heads[each.name])),
  };
}

function readerData(config: EncoderConfig, json: unknown): ReaderData {
  const { kind } = config;
  if (kind === 'affixes') {
    const { prefixes, suffixes, rows, exact } = config as AffixConfig;
    const { known } = json as { readonly known?: readonly number[] };
    const values = { ...(known && { known }), ...(exact && { exact }) };
    return { kind, columns: prefixes + suffixes + 2, prefixes, suffixes, rows, ...values };
  }
  const own = Object.entries(json as Record<string, unknown>).filter(([name]) => !TRAINING.includes(name));
  return { kind, ...(kind !== 'characters' && { columns: 1 }), ...Object.fromEntries(own) };
}

/** Fields of a word reader that only training needs, not lookup. */
const TRAINING = ['rare', 'minCount'];

function headData(config: HeadConfig, labels: readonly string[], params: TensorRecord): HeadData {
  const { kind, name } = config;
  const place = { name, output: scoresOf(config), labels };
  if (kind === 'sentence') return { ...place, unit: 'sentence' };
  const { schemes } = decodingOf(config);
  const chain = chainOf(config, labels.length, params);
  return {
    ...place,
    unit: 'token',
    ...(chain && { chain }),
    ...(schemes && { given: tablesGivenBack(labels, schemes) }),
  };
}

/** Transition scores, if the head has any, and the transitions that its mask forbids. */
function chainOf(config: HeadConfig, K: number, { transitions, start, end }: TensorRecord): ChainData | undefined {
  const { mask } = decodingOf(config);
  const crf = config.kind === 'crf';
  if (!crf && mask === undefined) return undefined;
  const of = (name: 'start' | 'transitions' | 'end', own: number[]): (number | null)[] =>
    own.map((score, i) => (mask && !mask[name][i] ? null : score));
  const numbers = (x: typeof start, size: number): number[] =>
    crf ? [...flatCopy(x)] : new Array<number>(size).fill(0);
  const all = of('transitions', numbers(transitions, K * K));
  return {
    start: of('start', numbers(start, K)),
    transitions: Array.from({ length: K }, (_, i) => all.slice(i * K, (i + 1) * K)),
    end: of('end', numbers(end, K)),
  };
}
