/** Keras: reads and writes `.keras` files, and reads an `.h5` of a whole model. */
import { Option } from 'commander';
import { exportKeras, importKeras } from '../../interchange/index.js';
import type { KerasImportOptions, StateDictNames } from '../../interchange/index.js';
import { isConstrained } from '../../interchange/keras/export.js';
import { isHdf5, OWN_NAMES } from '../../interchange/keras/import.js';
import { isZip } from '../../interchange/pytorch/read.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { named, readBytes } from '../model-io.js';
import type { ExportFormat, ImportFormat } from './formats.js';
import { guessesOf, NAMES, readNames } from './names.js';

/** `--keras`. */
export const kerasExport: ExportFormat = {
  target: new Option('--keras <file>', 'Keras 3: a Sequential model with its weights (.keras)'),
  options: [],
  help: `
--keras writes a Sequential model from word ids to label probabilities: word embeddings, LSTM, GRU or SimpleRNN layers, a
softmax head. Words and labels are in the archive too (bptt.json), where bptt import finds them.`,
  examples: ['bptt export tagger.safetensors --keras tagger.keras'],
  write(model, path) {
    const lines = isConstrained(model)
      ? ['Keras does not constrain label transitions: its most probable labels can differ']
      : [];
    return { files: [{ path, bytes: exportKeras(model) }], lines };
  },
};

/** A `.keras` archive or an `.h5` file. */
export const kerasImport: ImportFormat = {
  name: 'Keras',
  options: [NAMES],
  help: `
Keras: a .keras archive, or an .h5 file with a whole model. jsfive reads the weights: npm i jsfive. The layers are an Embedding,
then LSTM, GRU or SimpleRNN in one direction or both, then a Dense layer. Your own model needs --names, as for PyTorch.`,
  examples: ['bptt import tagger.keras --names names.json --out tagger.safetensors'],
  recognizes: (path, begin) => begin !== undefined && (isHdf5(begin) || (/\.keras$/.test(path) && isZip(begin))),
  async read(path, { names }) {
    const bytes = await readBytes(path);
    const said = typeof names === 'string' ? await readNames(names) : undefined;
    try {
      const { model, leftOut } = await importKeras(
        bytes,
        said === undefined ? {} : { names: said as KerasImportOptions['names'] },
      );
      const left = leftOut.length === 0 ? [] : [`layers that act only in training, left out: ${leftOut.join(', ')}`];
      return { model, lines: [...left, ...(said === undefined ? [] : guessesOf(said as StateDictNames))] };
    } catch (error) {
      if (said !== undefined && error instanceof ArgumentError && error.message !== OWN_NAMES) {
        throw new DataError(`${String(names)}: ${error.message}`, { cause: error });
      }
      return named(path, () => {
        throw error;
      });
    }
  },
};
