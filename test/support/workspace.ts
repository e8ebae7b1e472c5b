/** A folder of small files for tests of the command line: corpora of the grammar, and a tagger trained on them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateCorpus } from '../../src/labeling/data/corpus';
import { formatSentence } from '../../src/labeling/data/formats';
import type { Sentence } from '../../src/labeling/data/sentence';
import { bpttHere } from './cli-here';

/** Paths in the folder; everything is removed by `remove`. */
export interface Workspace {
  readonly folder: string;
  /** A path in the folder. */
  at(name: string): string;
  /** Writes a file and returns its path. */
  write(name: string, contents: string | Uint8Array): string;
  remove(): void;
}

/** Flags of a model that trains in a moment. */
export const TINY = ['--embedding', '6', '--hidden', '7', '--batch', '8'] as const;

/** Flags with their values, and of the defaults those that are not among them: an option may be given once. */
export function overriding(defaults: readonly string[], args: readonly string[]): string[] {
  const kept = defaults.filter((text, i) => !args.includes(text.startsWith('--') ? text : defaults[i - 1]));
  return [...kept, ...args];
}

/** A new folder with `train.tsv`, `dev.tsv` and `test.tsv`. */
export function createWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-'));
  const at = (name: string): string => join(folder, name);
  const write = (name: string, contents: string | Uint8Array): string => {
    writeFileSync(at(name), contents);
    return at(name);
  };
  write('train.tsv', conll(generateCorpus({ sentences: 80, seed: 5 })));
  write('dev.tsv', conll(generateCorpus({ sentences: 30, seed: 6 })));
  write('test.tsv', conll(generateCorpus({ sentences: 40, seed: 7 })));
  return { folder, at, write, remove: () => rmSync(folder, { recursive: true }) };
}

/** Trains a small tagger into `model.safetensors` of the folder and returns its path. */
export async function trainTiny({ folder, at }: Workspace): Promise<string> {
  const args = ['train', '--train', 'train.tsv', '--epochs', '3', '--out', 'model.safetensors', '--quiet', ...TINY];
  const { status, stdout, stderr } = await bpttHere(args, folder);
  if (status !== 0 || stdout + stderr !== '') throw new Error(`training failed: ${stdout}${stderr}`);
  return at('model.safetensors');
}

/** Labeled sentences in two columns. */
export function conll(sentences: readonly Sentence[]): string {
  return sentences.map((s) => formatSentence({ ...s, labels: s.labels ?? [] }, 'conll')).join('');
}
