/** PyTorch: reads and writes a folder with a module and its weights, and reads a plain state dict. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Option } from 'commander';
import {
  decodePt,
  exportPyTorch,
  fromPlainStateDict,
  importPyTorch,
  readStateDict,
  trainingShards,
} from '../../interchange/index.js';
import type { StateDict, StateDictNames } from '../../interchange/index.js';
import { FOLDER_FILES } from '../../interchange/pytorch/export.js';
import { weightsIn } from '../../interchange/pytorch/import.js';
import { isZip } from '../../interchange/pytorch/read.js';
import { inputName } from '../../labeling/data/files.node.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { positiveInteger } from '../arguments.js';
import { readGold } from '../gold.js';
import { named, readBytes } from '../model-io.js';
import type { Terminal } from '../terminal.js';
import { collectWarnings } from '../warnings.js';
import type { ExportFormat, Imported, ImportFormat } from './formats.js';
import { guessesOf, NAMES, readNames } from './names.js';

/** `--torch`. */
export const torchExport: ExportFormat = {
  target: new Option(
    '--torch <folder>',
    'PyTorch: a readable module (model.py), its configuration, words, labels and weights',
  ),
  options: [
    new Option('--pt', 'with --torch: the weights as weights.pt, which torch.load reads, instead of safetensors'),
    new Option('--train <file>', 'with --torch: labeled sentences, written as shards, and train_ddp.py'),
    new Option('--shards <n>', 'with --train: files of sentences, at least as many as ranks (default: 8)').argParser(positiveInteger), // prettier-ignore
  ],
  help: `
--torch writes model.py, which needs only torch, and config.json, vocabulary.json, labels.json and weights.safetensors. python3
model.py tags sentences; bptt import reads the folder back, even after training in PyTorch.

--train adds files for training on several machines: the sentences in --shards files, and train_ddp.py, which uses
DistributedDataParallel through torchrun or the variables RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT. The file is read like
the training data of the model.`,
  examples: [
    'bptt export tagger.safetensors --torch tagger-torch',
    'bptt export tagger.safetensors --torch tagger-torch --train train.conllu --force',
  ],
  inputs: ({ train }: ExportOptions) => (train === undefined ? [] : [train]),
  async write(model, folder, options: ExportOptions, terminal) {
    const { pt, train, shards } = options;
    if (train === undefined && shards !== undefined) throw new ArgumentError('--shards has no effect without --train: add it, or leave it out'); // prettier-ignore
    const own = exportPyTorch(model, pt ? { weights: 'pt' } : {});
    const training = train === undefined ? undefined : await shardsOf(model, train, shards, terminal);
    const files = Object.entries({ ...own, ...training?.files });
    return { files: files.map(([name, bytes]) => ({ path: join(folder, name), bytes })), lines: training?.lines ?? [] };
  },
};

interface ExportOptions {
  readonly pt?: boolean;
  readonly train?: string;
  readonly shards?: number;
}

/** Default number of shards. */
const SHARDS = 8;

/** The training files, and the messages about them. */
async function shardsOf(model: Model, path: string, asked: number | undefined, terminal: Terminal) {
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const task = model.heads.every(({ kind }) => kind.unit === 'sentence') ? 'classify' : 'tag';
  const sentences = await readGold(model, path, task, {}, warnings);
  const filled = sentences.filter(({ tokens }) => tokens.length > 0).length;
  const { files, empty, unknown } = named(inputName(path), () => trainingShards(model, sentences, asked ?? Math.min(SHARDS, filled))); // prettier-ignore
  if (empty > 0) warnings.add({ kind: 'empty-sentences', message: `${inputName(path)}: ${counted(empty, 'sentence')} without words left out` }); // prettier-ignore
  for (const [head, count] of Object.entries(unknown)) {
    const message = `${inputName(path)}: ${counted(count, 'label')} of the head ${head} that the model does not have: no loss counts them`;
    warnings.add({ kind: 'unknown-labels', message, count });
  }
  const shards = Object.keys(files).length - 2;
  return { files, lines: [`${counted(filled, 'sentence')} of ${path} in ${counted(shards, 'shard')}`] };
}

interface Options {
  readonly weights?: string;
  readonly names?: string;
  readonly part?: string;
}

/** A folder of `--torch`, or a state dict. */
export const torchImport: ImportFormat = {
  name: 'PyTorch',
  options: [
    new Option('--weights <file>', 'a PyTorch folder: take the weights from this file, .safetensors or .pt'),
    NAMES,
    new Option('--part <key>', 'a .pt of several objects: the state dict is under this key'),
  ],
  help: `
PyTorch: a folder from bptt export --torch, or the state dict of your own tagger, .safetensors or .pt, with --names: a JSON file
{"words": [...], "labels": [...]} with the words of the embedding's rows and the labels of the output, in order. It may also
have "unknown" (the word for unknown ones; default <unk>, [UNK] or the first), "lowerCase", "cell", "prefix", "embedding",
"output", "crf" and "ignore" (tensors to leave out). A .pt file is read without running any of it; anything that a state dict
does not need is refused by name.`,
  examples: [
    'bptt import tagger-torch --out tagger.safetensors',
    'bptt import best.pt --names names.json --out tagger.safetensors',
  ],
  recognizes: (path, begin) =>
    begin === undefined || isZip(begin) || /\.(safetensors|pt|pth|bin)$/.test(path) || basename(path) === 'config.json',
  read: (path, values) => (statSync(path).isDirectory() ? readFolder(path, values) : readPlain(path, values)),
};

async function readFolder(folder: string, { weights, names, part }: Options): Promise<Imported> {
  if (names !== undefined)
    throw new ArgumentError('--names does not apply to a folder, which has its words and labels: leave it out');
  const files: Record<string, Uint8Array> = {};
  for (const name of [FOLDER_FILES.config, FOLDER_FILES.vocabulary, FOLDER_FILES.labels]) {
    files[name] = await readBytes(join(folder, name));
  }
  const own = named(folder, () => weightsIn(files[FOLDER_FILES.config]));
  if (basename(own) !== own) throw new DataError(`${folder}: config.json: weights must be a file of the folder: export the model again`); // prettier-ignore
  const path = weights ?? join(folder, own);
  const state = await readState(path, part);
  return { model: named(folder, () => importPyTorch(files, state)), lines: [`weights: ${path}`] };
}

async function readPlain(path: string, { weights, names, part }: Options): Promise<Imported> {
  if (weights !== undefined)
    throw new ArgumentError('--weights applies only to a folder of bptt export --torch: leave it out');
  if (names === undefined) {
    throw new ArgumentError(
      'a state dict holds no words or labels: pass --names FILE, JSON such as {"words": ["<unk>", …], "labels": ["O", …]}',
    );
  }
  const state = await readState(path, part);
  const said = (await readNames(names)) as StateDictNames;
  try {
    return { model: named(path, () => fromPlainStateDict(state, said)), lines: guessesOf(said) };
  } catch (error) {
    if (!(error instanceof BpttError) || error instanceof DataError) throw error;
    throw new DataError(`${names}: ${error.message}`, { cause: error });
  }
}

async function readState(path: string, part: string | undefined): Promise<StateDict> {
  const bytes = await readBytes(path);
  if (part !== undefined && !isZip(bytes))
    throw new ArgumentError(`--part applies only to a .pt file, and ${path} is not one: leave it out`);
  return named(path, () => (isZip(bytes) ? decodePt(bytes, part === undefined ? {} : { part }) : readStateDict(bytes)));
}
