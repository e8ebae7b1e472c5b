/** A PyTorch state dict, as safetensors or .pt, instead of a model file. */
import { fromPyTorch } from '../../inspect/index.js';
import type { PyTorchModel, PyTorchOptions } from '../../inspect/index.js';
import { readStateDict } from '../../interchange/index.js';
import { isZip } from '../../interchange/pytorch/read.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { quoted } from '../../tensor/visible.js';
import { readBytes } from '../model-io.js';
import { fileOfCell } from '../own-cell.js';
import type { ModelOptions } from './options.js';

/** Whether a file holds recurrent weights under PyTorch's names, or is an archive written by `torch.save`. */
export function isPyTorch(bytes: Uint8Array): boolean {
  if (isZip(bytes)) return true;
  try {
    return Object.keys(readStateDict(bytes)).some((name) => /(^|\.)weight_hh_l0$/.test(name));
  } catch (error) {
    if (error instanceof DataError) return false;
    throw error;
  }
}

/** The model in such a file; if it has no embedding, the words of the sentence get random vectors. */
export async function openPyTorch(
  path: string,
  bytes: Uint8Array,
  tokens: readonly string[],
  options: ModelOptions,
): Promise<PyTorchModel> {
  const { cell, words, labels, prefix, embeddingWeight: embedding, outputWeight: output } = options;
  const list = words === undefined ? undefined : await wordsIn(words);
  if (cell !== undefined && fileOfCell(cell) !== undefined)
    throw new ArgumentError(`--cell ${cell}: a state dict of PyTorch has a built-in cell: leave it out`);
  const given: PyTorchOptions = {
    ...(cell !== undefined && { cell: cell as PyTorchOptions['cell'] }),
    ...(list && { words: list }),
    ...(labels !== undefined && { labels: labels.trim().split(/\s+/) }),
    ...(prefix !== undefined && { prefix }),
    ...(embedding !== undefined && { embedding }),
    ...(output !== undefined && { output }),
  };
  try {
    return fromPyTorch(readStateDict(bytes), [{ tokens }], given);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const rows = /its embedding has (\d+) rows; .* got (\d+)$/.exec(error.message);
    const message = rows ? otherRows(words!, path, rows) : `${path}: ${flagged(error.message)}`;
    throw new DataError(message, { cause: error });
  }
}

/** The error concerns the file of words. */
const otherRows = (words: string, model: string, [, rows, got]: readonly string[]): string =>
  `${words}: expected ${rows} words, one for each row of the embedding of ${model}; got ${got}: correct the list`;

/** The words of the embedding's rows, one per line. */
async function wordsIn(path: string): Promise<string[]> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readBytes(path));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new DataError(`${path}: expected words in UTF-8, one a line; it is not UTF-8`, { cause });
  }
  const found = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const blank = found.findIndex((word, i) => i > 0 && word === '');
  if (blank > 0) throw new DataError(`${path}: line ${blank + 1} is empty; expected a word: remove the line`);
  const seen = new Set<string>();
  const twice = found.slice(1).find((word) => seen.size === seen.add(word).size);
  if (twice === undefined) return found;
  throw new DataError(`${path}: ${quoted(twice)} occurs twice; expected each word once: remove one`);
}

/** Rewrites the advice of a message in terms of command-line options. */
const flagged = (message: string): string =>
  message
    .replace(/choose one with prefix$/, 'choose one with --prefix')
    .replace(/choose with embedding or output$/, 'choose with --embedding-weight or --output-weight')
    .replace(/ in labels$/, ' in --labels')
    .replace(
      /as many words, in their order; got none$/,
      'as many words, in their order: pass a file of them with --words',
    );

const FLAGS = {
  words: '--words',
  labels: '--labels',
  prefix: '--prefix',
  embeddingWeight: '--embedding-weight',
  outputWeight: '--output-weight',
} as const;

/** Rejects options that apply only to such a file. @throws ArgumentError naming the option */
export function refuseForOthers(options: ModelOptions): void {
  const given = (Object.keys(FLAGS) as (keyof typeof FLAGS)[]).find((name) => options[name] !== undefined);
  if (given) throw new ArgumentError(`${FLAGS[given]} applies only to a state dict of PyTorch: leave it out`);
}
