/**
 * `bptt train --card F`: a model card, which describes a model, its data, its scores and its limitations: YAML for the Hub, then
 * Markdown for people. Everything in it was measured or counted in training; nothing is guessed.
 *
 * Source: Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename, dirname } from 'node:path';
import { labeledFiles } from '../../labeling/data/files.node.js';
import type { Note } from '../../labeling/data/notes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { ModelScores } from '../../labeling/scoring/evaluate.js';
import type { PrecisionRecall } from '../../labeling/scoring/precision-recall.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import type { TrainResult } from '../../labeling/training/record.js';
import type { Corpora } from '../../labeling/training/run.js';
import type { SeedsResult } from '../../labeling/training/seeds.js';
import type { EnsembleResult } from '../../labeling/training/ensemble.js';
import { readPackageInfo } from '../../bench/package-info.js';
import { saveFile } from '../../serialize/save.node.js';
import { messageOf } from '../../tensor/errors.js';
import { BpttError } from '../../tensor/index.js';
import { counted, grouped } from '../../tensor/print.js';
import { toFolder } from '../config.js';
import { scoreLines } from '../head-report.js';
import { formatDuration, formatRate } from '../progress.js';
import { percent } from '../report.js';
import { describeEnsemble, describeSeeds } from '../train/seeds-report.js';
import type { CorpusFacts, HeadFacts, Scored } from './data-facts.js';
import { factsOfCorpus, factsOfHeads, SCORED } from './data-facts.js';
import type { HashedFile, Input } from './files.js';
import { hashInputs, hashOf } from './files.js';
import type { DatasetName } from './front-matter.js';
import { frontMatterOf } from './front-matter.js';
import { countIn, limitsOf, typeName } from './limits.js';
import { bullets, fenced, plain, table } from './markdown.js';
import { toYaml } from './yaml.js';

/** Command-line options. */
export interface CardOptions {
  readonly card?: string;
  readonly language?: readonly string[];
  /** The model file. */
  readonly out: string;
  readonly seed: number;
  readonly split?: object;
  /** As given on the command line, for the names of corpora. */
  readonly train: string;
  readonly dev?: string;
  readonly test?: string;
}

/** A finished training run. */
export interface Finished {
  readonly result: TrainResult;
  readonly seeds?: SeedsResult;
  readonly ensemble?: EnsembleResult;
  readonly corpora: Corpora;
  /** The text of its configuration, with paths relative to the card. */
  readonly settings: string;
  readonly backend: string;
  readonly notes: readonly Note[];
}

/** A card to be written. */
export interface Card {
  /** Writes it. @throws BpttError if it cannot be written; the model is already saved */
  write(training: Finished): Promise<void>;
}

/**
 * Computes the hashes of all inputs before they are read.
 *
 * @param path path of the card
 * @throws ArgumentError on inputs that cannot be read twice
 */
export async function openCard(path: string, options: CardOptions, inputs: readonly Input[]): Promise<Card> {
  const files = await hashInputs(inputs);
  return {
    async write(training) {
      try {
        const text = await textOf(path, options, training, files);
        await saveFile(path, new TextEncoder().encode(text));
      } catch (error) {
        throw new BpttError(`${messageOf(error)}; the model was saved to ${options.out}`, { cause: error });
      }
    },
  };
}

/** Input for all sections of a card. */
interface Facts extends Finished {
  readonly path: string;
  readonly options: CardOptions;
  readonly files: readonly HashedFile[];
  readonly modelHash: string;
  readonly heads: readonly HeadFacts[];
  readonly sizes: Readonly<Record<'train' | Scored, CorpusFacts | null>>;
  readonly scores: Readonly<Record<Scored, ModelScores | null>>;
}

async function textOf(
  path: string,
  options: CardOptions,
  training: Finished,
  files: readonly HashedFile[],
): Promise<string> {
  const { result, corpora } = training;
  const size = (sentences: readonly Sentence[] | undefined): CorpusFacts | null =>
    sentences ? factsOfCorpus(sentences, corpora.train) : null;
  const facts: Facts = {
    ...training,
    ...{ path, options, files },
    modelHash: await hashOf(options.out),
    heads: factsOfHeads(result.model, corpora),
    sizes: { train: size(corpora.train), dev: size(corpora.dev), test: size(corpora.test) },
    scores: { dev: result.dev, test: result.test },
  };
  const front = frontMatterOf({
    name: nameOf(options),
    languages: options.language ?? [],
    model: result.model,
    scores: facts.scores,
    datasets: { dev: datasetOf('dev', facts), test: datasetOf('test', facts) },
  });
  const sections = [
    headOf(facts),
    `## Data\n\n${dataSection(facts)}`,
    `## Scores\n\n${scoresSection(facts)}`,
    `## Limits\n\n${limitsSection(facts)}`,
    `## Training\n\n${trainingSection(facts)}`,
    `## Settings\n\nAs \`--save-config\` writes them; paths are relative to this page.\n\n${fenced(facts.settings, 'json')}`,
  ];
  return `---\n${toYaml(front)}---\n\n${sections.join('\n\n')}\n`;
}

const nameOf = ({ out }: CardOptions): string => basename(out).replace(/(?<=.)\.safetensors$/, '');

/** A corpus, by the names of its files; for a single file, with its hash. */
function datasetOf(part: Scored, { options, files }: Facts): DatasetName {
  const given = options[part];
  const own = files.filter(({ role }) => role === (given === undefined ? 'train' : part));
  const paths = labeledFiles(given ?? options.train)?.map(({ path }) => path) ?? [given ?? options.train];
  const name = paths.map((path) => basename(path)).join(', ');
  return { name, ...(own.length === 1 && { sha256: own[0].sha256 }) };
}

function headOf({ result: { model, parameters }, options, modelHash, heads }: Facts): string {
  const { body, encoders } = model.config;
  const kinds = model.config.heads.map(({ kind, name }) => (heads.length > 1 ? `${plain(name)}: ${plain(kind)}` : plain(kind))); // prettier-ignore
  const units = [...new Set(heads.map(({ unit }) => (unit === 'token' ? 'words' : 'sentences')))].join(' and ');
  const layers = `${counted(body.hidden.length, 'layer')} of ${body.hidden.join(', ')} units${body.bidirectional ? ', in both directions' : ''}`;
  return [
    `# ${plain(nameOf(options))}`,
    `A recurrent network that labels ${units}, trained with bptt ${readPackageInfo().version}: cell ${plain(body.cell)}, ${layers}; ` +
      `encoders ${encoders.map(({ kind }) => plain(kind)).join(', ')}; head ${kinds.join(', ')}.`,
    table([
      ['file', 'parameters', 'SHA-256'],
      [plain(basename(options.out)), grouped(parameters), modelHash],
    ]),
    `Label a text with it: \`bptt tag\` and the file of the model. \`bptt train\` wrote this card; every number in it was measured or counted.`,
  ].join('\n\n');
}

function dataSection({ sizes, files, options, path, corpora, heads }: Facts): string {
  const parts = (['train', ...SCORED] as const).flatMap((part) => {
    const size = sizes[part];
    if (size === null) return [];
    const of = plain(corpora.sources?.[part] ?? part);
    return [[part, of, grouped(size.sentences), grouped(size.tokens), grouped(size.longest)]];
  });
  const from = (file: string): string => plain(toFolder(dirname(path), file));
  const split = options.split ? `\n\nThe parts were drawn from one file with seed ${options.seed}.` : '';
  const labels = heads.map(({ name, labels: own, spans }) => {
    const of = heads.length > 1 ? `${plain(name)}: ` : '';
    return `${of}${counted(own.size, 'label')}${spans ? `, ${counted(spans.size, 'type')} of spans` : ''}`;
  });
  return [
    table([['corpus', 'source', 'sentences', 'tokens', 'longest'], ...parts]) + split,
    table([['file', 'for', 'SHA-256'], ...files.map(({ role, path: file, sha256 }) => [from(file), role, sha256])]),
    `Learned from train: ${labels.join('; ')}.`,
  ].join('\n\n');
}

/** Maximum number of rows in the table of types. */
const ROWS = 100;

function scoresSection({ scores, seeds, ensemble, result, heads }: Facts): string {
  const parts = SCORED.flatMap((part) => {
    const own = scores[part];
    if (own === null) return [];
    const each: (readonly [string | undefined, Scores])[] = own.heads ? Object.entries(own.heads) : [[undefined, own]];
    const tables = each.map(([name, of]) => {
      const facts = heads.find((head) => name === undefined || head.name === name)!;
      return `${name === undefined ? '' : `**${plain(name)}**\n\n`}${typesTable(of, facts)}`;
    });
    return [`### ${part}`, fenced(scoreLines(part, own).join('\n'), 'text'), ...tables];
  });
  if (parts.length === 0) return 'No corpus was scored.';
  const several = ensemble ? describeEnsemble(ensemble, result.parameters, null) : seeds && describeSeeds(seeds, null);
  const rows = several?.split('\n').filter((line) => !line.startsWith('model '));
  const what = ensemble ? 'The members, and their mean' : 'All seeds; the scores above are those of the model that was kept'; // prettier-ignore
  return [...parts, ...(rows && seeds?.runs.length ? [`### Seeds\n\n${what}.`, fenced(rows.join('\n'), 'text')] : [])].join('\n\n'); // prettier-ignore
}

/** Precision, recall and F1 by type of span, or by label, with the number of training examples of each; most frequent first. */
function typesTable({ spans, labels }: Scores, facts: HeadFacts): string {
  const [what, own, trained] = spans ? (['type', spans.types, facts.spans] as const) : (['label', labels, facts.labels] as const); // prettier-ignore
  const all = Object.entries(own).sort(([, a], [, b]) => b.gold - a.gold);
  const row = ([name, { precision, recall, f1, gold }]: [string, PrecisionRecall]): string[] => [
    plain(typeName(name)),
    ...[precision, recall, f1].map(percent),
    grouped(gold),
    countIn(trained, name),
  ];
  const more = all.length > ROWS ? `\n\nLeft out are the ${grouped(all.length - ROWS)} rarest.` : '';
  return table([[what, 'precision', 'recall', 'F1', 'gold', 'in train'], ...all.slice(0, ROWS).map(row)]) + more;
}

function limitsSection({ heads, sizes, scores, corpora, options, seeds, ensemble, result, notes }: Facts): string {
  return bullets(
    limitsOf({
      ...{ heads, scores, notes },
      train: sizes.train!,
      scored: sizes,
      sources: corpora.sources,
      splitSeed: options.split ? options.seed : null,
      chosenAmong: seeds && !ensemble ? seeds.runs.length : 1,
      epochs: result.epochs,
      interrupted: (seeds ?? result).interrupted,
    }),
  );
}

function trainingSection({ result, seeds, ensemble, options, backend }: Facts): string {
  const { epochs, bestEpoch, seconds, tokensPerSecond, parameters, threads } = result;
  const all = seeds?.runs.map(({ seed }) => seed) ?? [];
  const seed = ensemble
    ? `seeds ${all.join(', ')}, a member each`
    : all.length > 0 && seeds
      ? `seed ${seeds.bestSeed}, chosen among ${all.join(', ')}`
      : `seed ${options.seed}`;
  const whole = ensemble || !seeds ? '' : `; all seeds ${formatDuration(seeds.runs.reduce((sum, run) => sum + run.seconds, 0))}`; // prettier-ignore
  const model = cpus().at(0)?.model.trim() || 'unknown processor';
  return bullets([
    seed,
    `${counted(epochs, 'epoch')}, the weights are those of epoch ${bestEpoch}`,
    `${grouped(parameters)} parameters`,
    `${formatDuration(seconds)} of training without evaluation${whole}, ${formatRate(tokensPerSecond)} tokens/s`,
    `backend ${plain(backend)}, ${counted(threads, 'thread')}`,
    `${plain(model)}, ${counted(availableParallelism(), 'core')}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${process.platform} ${process.arch}`,
    `Node ${process.versions.node}, bptt ${readPackageInfo().version}`,
  ]);
}
