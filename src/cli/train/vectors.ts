/** Pretrained vectors of `bptt train`: reads them, with progress, and reports how much of the corpora they cover. */
import { inputName } from '../../labeling/data/files.node.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { openVectors } from '../../labeling/data/vectors/files.node.js';
import type { OpenedVectors } from '../../labeling/data/vectors/files.node.js';
import type { VectorDigits } from '../../labeling/data/vectors/lookup.js';
import type { VectorFormat } from '../../labeling/data/vectors/options.js';
import type { CoverageCounts, VectorCoverage } from '../../labeling/data/vectors/word-vectors.js';
import { vectorCoverage } from '../../labeling/data/vectors/word-vectors.js';
import type { VectorMode } from '../../labeling/model/encoders/vectors.js';
import type { Corpora } from '../../labeling/training/run.js';
import { counted, grouped } from '../../tensor/print.js';
import type { Progress } from '../progress.js';
import { PATIENCE_MS } from '../progress.js';
import { percent } from '../report.js';

/** Command-line options about vectors. */
export interface VectorOptions {
  readonly vectors?: string;
  readonly vectorsKeep: number | 'all';
  readonly vectorsMode: VectorMode;
  readonly vectorsDigits: VectorDigits;
}

/** Vectors, and the report about them. */
export interface TrainVectors {
  readonly vectors: OpenedVectors;
  /** For people. */
  readonly lines: readonly string[];
  /** For `--json`. */
  readonly report: object;
}

const PARTS = ['train', 'dev', 'test'] as const;

const FORMATS: Readonly<Record<VectorFormat, string>> = {
  glove: 'GloVe text',
  'word2vec-text': 'word2vec text, as fastText .vec',
  'word2vec-binary': 'word2vec binary',
};

/** The vectors requested for training. @throws DataError if the file does not contain vectors */
export async function readTrainVectors(
  options: VectorOptions,
  corpora: Corpora,
  warnings: NoteCollector,
  progress: Progress,
  now: () => number = () => performance.now(),
): Promise<TrainVectors | undefined> {
  const { vectors: path, vectorsKeep, vectorsDigits: digits } = options;
  if (path === undefined) return undefined;
  const source = inputName(path);
  const words = new Set(PARTS.flatMap((part) => corpora[part] ?? []).flatMap(({ tokens }) => tokens));
  const keep = vectorsKeep === 'all' ? Infinity : vectorsKeep;
  const vectors = await openVectors(path, { words, keep, digits }, reporter(`vectors ${source}`, progress, now));
  progress.stop();
  const { duplicates } = vectors.file;
  if (duplicates > 0) {
    const message = `${source}: ${counted(duplicates, 'row')} left out: an earlier row has the same word, and the first counts`;
    warnings.add({ kind: 'vector-duplicates', message, source, count: duplicates });
  }
  const coverage = PARTS.flatMap((part) => {
    const sentences = corpora[part];
    return sentences ? [[part, vectorCoverage(vectors, sentences, { digits })] as const] : [];
  });
  const [[, ofTrain]] = coverage;
  if (2 * foundOf(ofTrain.tokens) < ofTrain.tokens.total) {
    const message = `${source}: the vectors cover only ${shareOf(ofTrain.tokens)} of the tokens of train: check their language, case and tokens`;
    warnings.add({ kind: 'vector-coverage', message, source });
  }
  return {
    vectors,
    lines: [describe(vectors, source, options), ...coverage.map(([part, each]) => describeCoverage(part, each))],
    report: reportOf(vectors, path, options, Object.fromEntries(coverage)),
  };
}

/** Shows the progress of reading after two seconds. */
function reporter(label: string, progress: Progress, now: () => number): (read: number, total: number) => void {
  const begun = now();
  return (read, total) => {
    const elapsed = now() - begun;
    if (total === 0 || elapsed < PATIENCE_MS) return;
    const [done, all] = [read, total].map((bytes) => bytes / 1e6);
    progress.update({ label, done, total: all, rate: (1000 * done) / elapsed, unit: 'MB' });
  };
}

/** The line about the file and the vectors kept from it. */
function describe({ file, words, size, compressed }: OpenedVectors, source: string, options: VectorOptions): string {
  const { vectorsKeep, vectorsMode } = options;
  const kept =
    vectorsKeep === 'all' ? 'all of them' : `those of words of the data, and the first ${grouped(vectorsKeep)}`;
  const spaced = file.spaced > 0 ? `, ${counted(file.spaced, 'word')} with spaces` : '';
  const packed = compressed ? ', gzip' : '';
  return (
    `vectors ${source}: ${FORMATS[file.format]}${packed}, ${counted(file.rows, 'row')} of ${size}${spaced}; ` +
    `${grouped(words.length)} kept, ${vectorsMode} (${kept}): ${grouped(4 * (words.length + 1) * size)} bytes of the model`
  );
}

function describeCoverage(part: string, { types, tokens }: VectorCoverage): string {
  return `vectors of ${part}: ${describeCounts(types)} of the words, ${describeCounts(tokens)} of the tokens`;
}

function describeCounts(counts: CoverageCounts): string {
  const { total, exact, lowerCase, digits } = counts;
  const ways = [`${percent(exact / total)} as they are`, `${percent(lowerCase / total)} in lower case`];
  if (digits > 0) ways.push(`${percent(digits / total)} by digits`);
  return `${shareOf(counts)} (${ways.join(', ')})`;
}

const foundOf = ({ exact, lowerCase, digits }: CoverageCounts): number => exact + lowerCase + digits;
const shareOf = (counts: CoverageCounts): string => percent(foundOf(counts) / counts.total);

function reportOf(
  { file, words, size, compressed }: OpenedVectors,
  path: string,
  { vectorsMode: mode }: VectorOptions,
  coverage: object,
): object {
  return { path, ...file, compressed, size, kept: words.length, mode, coverage };
}
