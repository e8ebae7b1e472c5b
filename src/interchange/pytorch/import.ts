/** Imports a model from a folder that `exportPyTorch` wrote, with its original weights or with weights trained in PyTorch. */
import type { Model } from '../../labeling/model/model.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { decodeUtf8 } from '../../serialize/utf8.js';
import { expectRecord } from '../../tensor/arguments.js';
import { DataError } from '../../tensor/errors.js';
import { FOLDER_FILES, FOLDER_FORMAT, FOLDER_VERSION } from './export.js';
import { readStateDict } from './read.js';
import type { StateDict } from './state-dict.js';
import { asData, fromStateDict } from './state-dict.js';

/** Files of a folder by name. */
export type FolderFiles = Readonly<Record<string, Uint8Array>>;

type Json = Readonly<Record<string, unknown>>;

/** Returns the name of the weights file given in a `config.json`. @throws DataError if the file is not from an exported folder */
export function weightsIn(config: Uint8Array): string {
  const { weights } = configOf(config);
  if (typeof weights === 'string' && weights !== '') return weights;
  throw wrong('weights', 'the name of a file');
}

/**
 * Returns the model in an exported folder.
 *
 * @param files `config.json`, `vocabulary.json`, `labels.json` and the weights file that `config.json` names
 * @param weights a state dict to use instead of that file
 * @throws DataError naming the file, or the tensor, that is missing or damaged
 */
export function importPyTorch(files: FolderFiles, weights?: Readonly<StateDict>): Model {
  expectRecord('importPyTorch', 'files', files, 'files by name');
  const config = configOf(fileIn(files, FOLDER_FILES.config));
  const vocabulary = objectOf(FOLDER_FILES.vocabulary, files);
  const heads = parsed(FOLDER_FILES.labels, fileIn(files, FOLDER_FILES.labels));
  if (!Array.isArray(heads))
    throw new DataError(`${FOLDER_FILES.labels}: expected a list of heads: the file is damaged`);
  const labels = Object.fromEntries((heads as Json[]).map((head) => [String(head?.name), head?.labels]));
  const facts = {
    format: 'bptt',
    version: String(config.model),
    config: JSON.stringify(config.config),
    readers: JSON.stringify(vocabulary),
    labels: JSON.stringify(labels),
    ...(config.input !== undefined && { input: JSON.stringify(config.input) }),
  };
  const state = weights ?? readStateDict(fileIn(files, weightsIn(fileIn(files, FOLDER_FILES.config))));
  return asData(() => fromStateDict(facts, state));
}

function configOf(bytes: Uint8Array): Json {
  const config = parsed(FOLDER_FILES.config, bytes) as Json | null;
  if (config?.format !== FOLDER_FORMAT) throw wrong('format', `'${FOLDER_FORMAT}', as bptt export --torch writes`);
  const { version, config: parts } = config;
  if (typeof version !== 'number' || version < 1) throw wrong('version', 'a number of at least 1');
  if (version > FOLDER_VERSION) throw new DataError(`config.json: version ${version} was written by a newer bptt: update bptt`); // prettier-ignore
  if (typeof parts !== 'object' || parts === null) throw wrong('config', 'the configuration of a model');
  return config;
}

const wrong = (field: string, expected: string): DataError =>
  new DataError(`${FOLDER_FILES.config}: expected ${field} to be ${expected}: export the model again`);

function fileIn(files: FolderFiles, name: string): Uint8Array {
  if (Object.hasOwn(files, name)) return files[name];
  throw new DataError(`the folder has no ${name}: export the model again`);
}

function objectOf(name: string, files: FolderFiles): Json {
  const value = parsed(name, fileIn(files, name));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new DataError(`${name}: expected an object: the file is damaged`);
}

function parsed(name: string, bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new DataError(`${name} is not valid UTF-8: the file is damaged`);
  return parseUniqueJson(text, name);
}
