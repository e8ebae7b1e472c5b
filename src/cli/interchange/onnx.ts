/** ONNX: writes a file for ONNX Runtime with its companion files; reads it back, or a file from another program. */
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { Option } from 'commander';
import { importOnnx, onnxFiles } from '../../interchange/index.js';
import type { OnnxImportOptions } from '../../interchange/index.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { quoted } from '../../tensor/visible.js';
import { named, readBytes } from '../model-io.js';
import type { ExportFormat, Imported, ImportFormat } from './formats.js';
import { NAMES, readNames } from './names.js';

/** `--onnx`. */
export const onnxExport: ExportFormat = {
  target: new Option('--onnx <file>', 'ONNX: a graph for ONNX Runtime, and decoders in JavaScript and Python'),
  options: [],
  help: `
--onnx F.onnx writes the graph (IR 8, operators 14), F.decode.json with words and labels, and F.decode.mjs and F.decode.py,
which turn words into inputs and outputs into labels. For a model that reads characters, affixes or vectors it also writes
F.spelling.mjs and F.spelling.py.`,
  examples: ['bptt export tagger.safetensors --onnx tagger.onnx'],
  write(model, path) {
    if (extname(path) !== '.onnx') throw new ArgumentError(`--onnx must name a file that ends in .onnx; got ${quoted(path)}: rename it`); // prettier-ignore
    const files = Object.entries(onnxFiles(model, basename(path, '.onnx')));
    return { files: files.map(([name, bytes]) => ({ path: join(dirname(path), name), bytes })) };
  },
};

/** Fields of the --names file that apply to an ONNX file. */
const FIELDS = ['words', 'labels', 'unknown', 'lowerCase', 'output'];

/** A file from `--onnx`, or from another program. */
export const onnxImport: ImportFormat = {
  name: 'ONNX',
  options: [NAMES],
  help: `
ONNX: a file from bptt export --onnx, or an .onnx file from another program with --names: LSTM, GRU or RNN layers between one
table of word vectors and one linear map. The JSON file has "words" and "labels" in the order of their ids, and may have
"unknown" (null for none), "lowerCase" and "output". A node without a counterpart is refused by name and operator.`,
  examples: [
    'bptt import tagger.onnx --out tagger.safetensors',
    'bptt import pytorch.onnx --names names.json --out tagger.safetensors',
  ],
  recognizes: (path, begin) => begin !== undefined && extname(path) === '.onnx',
  async read(path, { names }): Promise<Imported> {
    const bytes = await readBytes(path);
    const options = typeof names === 'string' ? optionsOf(names, await readNames(names)) : {};
    try {
      return { model: named(path, () => importOnnx(bytes, { ...options, external: filesBeside(path) })) };
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      if (typeof names === 'string') throw new DataError(`${names}: ${error.message}`, { cause: error });
      throw new ArgumentError(`${path} is from another program, and holds no words or labels: pass --names FILE, JSON such as {"words": ["<unk>", …], "labels": ["O", …]}`, { cause: error }); // prettier-ignore
    }
  },
};

/** External tensor files, which must be in the folder of the model: references elsewhere are rejected. Each is read once. */
function filesBeside(path: string): (location: string) => Uint8Array {
  const files = new Map<string, Uint8Array>();
  return (location) => {
    if (basename(location) !== location || location === '' || location.includes('\\')) {
      throw new DataError(`onnx: its tensors lie in ${quoted(location)}; expected a file next to the model: save both in one folder`); // prettier-ignore
    }
    try {
      if (!files.has(location)) files.set(location, new Uint8Array(readFileSync(join(dirname(path), location))));
    } catch (cause) {
      throw new DataError(`onnx: its tensors lie in ${quoted(location)}, which cannot be read (${(cause as Error).message}): put the file next to the model`, { cause }); // prettier-ignore
    }
    return files.get(location)!;
  };
}

function optionsOf(path: string, json: unknown): OnnxImportOptions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new DataError(`${path}: expected an object with words and labels: write {"words": […], "labels": […]}`);
  }
  const odd = Object.keys(json).find((field) => !FIELDS.includes(field));
  if (odd === undefined) return json as OnnxImportOptions;
  throw new DataError(`${path}: unknown field ${quoted(odd)}; expected ${FIELDS.join(', ')}: leave it out`);
}
