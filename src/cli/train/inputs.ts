/** The input files of `bptt train`, and what one of class weights holds. */
import type { TrainOptions } from '../../labeling/training/options.js';
import { inputName } from '../../labeling/data/files.node.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { DataError } from '../../tensor/index.js';
import { named, readBytes } from '../model-io.js';
import type { Input } from '../card/files.js';
import { fileOfCell } from '../own-cell.js';
import { pathsOf } from '../corpora.js';
import type { TrainCommandOptions as Options } from './options.js';

/** The files that training reads, and their purposes. */
export function inputsOf({ task, vectors, init, cell, classWeights: weights, ...options }: Options): Input[] {
  const corpora = (['train', 'dev', 'test'] as const).flatMap((role) =>
    pathsOf(options[role], task).map((path) => ({ role, path })),
  );
  const ofWeights = typeof weights === 'string' && weights !== 'balanced' ? weights : undefined;
  const others = Object.entries({ init, vectors, cell: fileOfCell(cell), 'class weights': ofWeights });
  return [...corpora, ...others.flatMap(([role, path]) => (path === undefined ? [] : [{ role, path }]))];
}

/** Class weights in the form that training takes; weights in a file are read. @throws DataError if the file has other contents */
export async function readClassWeights({
  classWeights: weights,
}: Options): Promise<Required<Pick<TrainOptions, 'classWeights'>> | { classWeights: undefined }> {
  if (typeof weights !== 'string' || weights === 'balanced') return { classWeights: weights };
  const path = inputName(weights);
  const text = new TextDecoder().decode(await readBytes(weights));
  const read = named(path, () => parseUniqueJson(text, 'class weights'));
  if (typeof read === 'object' && read !== null && !Array.isArray(read))
    return { classWeights: read as TrainOptions['classWeights'] };
  throw new DataError(`${path}: expected an object of weights by label, {"B-PER": 2}, or by head; got another value`);
}
