/**
 * The identity of a search, so that its state is never mistaken for that of another: space, seed, data, settings, rungs. File
 * contents count, but not their paths, nor the number of processes, which does not change results.
 */
import { createHash } from 'node:crypto';
import type { Sentence } from '../../labeling/data/sentence.js';
import { readPackageInfo } from '../../bench/package-info.js';
import type { Corpora } from '../../labeling/training/run.js';
import { mapPaths } from '../config.js';
import { readBytes } from '../model-io.js';
import type { Rung } from './schedule.js';
import type { Space } from './space.js';
import type { Settings } from './trial-settings.js';

/** Everything that determines the result of a search. */
export interface SearchKey {
  readonly version: string;
  /** Number of sampled trials; null for a grid. */
  readonly random: number | null;
  readonly seed: number;
  readonly space: Space;
  readonly rungs: readonly Rung[];
  /** SHA-256 of the sentences as read. */
  readonly train: string;
  readonly dev: string;
  /** Settings of the trial that samples nothing; for a file, its SHA-256. */
  readonly settings: Settings;
}

const hashOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function hashOfSentences(sentences: readonly Sentence[] = []): string {
  const hash = createHash('sha256');
  for (const { tokens, labels, columns, category } of sentences) {
    hash.update(`${JSON.stringify([tokens, labels ?? null, columns ?? null, category ?? null])}\n`);
  }
  return hash.digest('hex');
}

/** Configuration keys that are compared differently: corpora by their sentences. */
const APART = ['bptt', 'train', 'dev', 'split', 'seed'];

/**
 * The key of a search.
 *
 * @param config the configuration of the trial that samples nothing, in the form of a file
 * @param options the same settings with paths as given
 * @throws DataError if a file that it names cannot be read
 */
export async function searchKey(
  search: Pick<SearchKey, 'random' | 'seed' | 'space' | 'rungs'>,
  corpora: Corpora,
  config: string,
  options: Settings,
): Promise<SearchKey> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(JSON.parse(config) as Record<string, unknown>)) {
    if (APART.includes(name)) continue;
    const files: string[] = [];
    mapPaths(name, options[name], false, (path) => {
      files.push(path);
      return path;
    });
    settings[name] = files.length === 0 ? value : hashOf(await readBytes(files[0]));
  }
  const { random, seed, space, rungs } = search;
  const [train, dev] = [hashOfSentences(corpora.train), hashOfSentences(corpora.dev)];
  return { version: readPackageInfo().version, random, seed, space, rungs, train, dev, settings };
}

/** Describes the difference between two keys, ours first; undefined if they are equal. */
export function differenceOf(ours: SearchKey, theirs: SearchKey): string | undefined {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const said = (what: string, a: unknown, b: unknown): string => `${what} (now ${short(a)}, there ${short(b)})`;
  if (ours.version !== theirs.version) return said('the version of bptt', ours.version, theirs.version);
  if (ours.train !== theirs.train) return 'the training data';
  if (ours.dev !== theirs.dev) return 'the development data';
  if (ours.seed !== theirs.seed) return said('--seed', ours.seed, theirs.seed);
  if (ours.random !== theirs.random) return said('--random', ours.random ?? 'a grid', theirs.random ?? 'a grid');
  const names = [...new Set([...Object.keys(ours.settings), ...Object.keys(theirs.settings)])];
  const name = names.find((each) => !same(ours.settings[each], theirs.settings[each]));
  if (name !== undefined) return said(`the setting ${name}`, ours.settings[name], theirs.settings[name]);
  if (!same(ours.space, theirs.space)) return 'the space';
  return same(ours.rungs, theirs.rungs) ? undefined : 'the rungs: --epochs, --eta or --no-halving';
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
