/** PyTorch: a folder with a module and its weights, written and read; a plain state dict, read. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Option } from 'commander';
import { decodePt, exportPyTorch, fromPlainStateDict, importPyTorch, readStateDict } from '../../interchange/index.js';
import type { StateDict, StateDictNames } from '../../interchange/index.js';
import { FOLDER_FILES } from '../../interchange/pytorch/export.js';
import { weightsIn } from '../../interchange/pytorch/import.js';
import { isZip } from '../../interchange/pytorch/read.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { decodeUtf8 } from '../../serialize/utf8.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/index.js';
import { named, readBytes } from '../model-io.js';
import type { ExportFormat, Imported, ImportFormat } from './formats.js';

/** `--torch`. */
export const torchExport: ExportFormat = {
  target: new Option(
    '--torch <folder>',
    'PyTorch: a module to read (model.py), its configuration, words, labels and weights',
  ),
  options: [],
  help: `
--torch writes model.py, which needs torch alone, config.json, vocabulary.json, labels.json and weights.safetensors. python3 model.py
tags sentences; bptt import reads the folder back, also after a training in PyTorch.`,
  examples: ['bptt export tagger.safetensors --torch tagger-torch', 'python3 tagger-torch/model.py < sentences.txt'],
  write(model, folder) {
    const files = exportPyTorch(model);
    return { files: Object.entries(files).map(([name, bytes]) => ({ path: join(folder, name), bytes })) };
  },
};

interface Options {
  readonly weights?: string;
  readonly names?: string;
  readonly part?: string;
}

/** A folder of `--torch`, or a state dict. */
export const torchImport: ImportFormat = {
  name: 'PyTorch',
  options: [
    new Option('--weights <file>', 'a folder of PyTorch: take the weights of this file, .safetensors or .pt'),
    new Option('--names <file>', 'a state dict of your own: JSON with its words and labels'),
    new Option('--part <key>', 'a .pt of several objects: the state dict is under this key'),
  ],
  help: `
PyTorch: a folder of bptt export --torch, or the state dict of a tagger of your own, .safetensors or .pt, with --names: a JSON file
{ "words": [...], "labels": [...] } with the words of the embedding's rows and the labels of the output, in order. It may also say
"unknown" (the word that stands for unknown ones; default <unk> or the first), "lowerCase", "cell", "prefix", "embedding", "output", "crf" and
"ignore" (tensors to leave out). A .pt is read without running anything of it: what a state dict does not need is refused by name.`,
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
    throw new ArgumentError('--names is for a state dict by itself: leave it out, the folder has its words and labels');
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
    throw new ArgumentError('--weights is for a folder of bptt export --torch: leave it out, the file has its weights');
  if (names === undefined) {
    throw new ArgumentError(
      'a state dict does not say its words and labels: pass --names FILE, JSON such as {"words": ["<unk>", …], "labels": ["O", …]}',
    );
  }
  const state = await readState(path, part);
  const said = await readNames(names);
  try {
    return { model: named(path, () => fromPlainStateDict(state, said)) };
  } catch (error) {
    if (!(error instanceof BpttError) || error instanceof DataError) throw error;
    throw new DataError(`${names}: ${error.message}`, { cause: error });
  }
}

async function readState(path: string, part: string | undefined): Promise<StateDict> {
  const bytes = await readBytes(path);
  if (part !== undefined && !isZip(bytes))
    throw new ArgumentError(`--part is for a .pt, and ${path} is none: leave it out`);
  return named(path, () => (isZip(bytes) ? decodePt(bytes, part === undefined ? {} : { part }) : readStateDict(bytes)));
}

async function readNames(path: string): Promise<StateDictNames> {
  const text = decodeUtf8(await readBytes(path));
  if (text === undefined) throw new DataError(`${path}: expected JSON in UTF-8; it is not UTF-8`);
  return parseUniqueJson(text, path) as StateDictNames;
}
