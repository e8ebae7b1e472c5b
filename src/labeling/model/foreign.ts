/**
 * What a model file holds besides the model: tensors and fields added by other programs. They are kept, and written back.
 *
 * The rule: a tensor whose name begins like that of a part (`encoders.`, `layers.`, `dense.`, `heads.`, `members.`) belongs to the model
 * and must be known; any other tensor is foreign. Every tensor of the model must be present. So a misspelled name is rejected, no matter on
 * which side of the dot the mistake is.
 */
import type { RawTensor } from '../../serialize/safetensors.js';
import { expectRecord } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';

/** Tensors and strings stored with a model, by name. */
export interface Foreign {
  /** With the bytes and the element type of the file. */
  readonly tensors: Readonly<Record<string, RawTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The metadata fields of a model; `words` is from version 1. */
export const FIELDS: readonly string[] = [
  ...['format', 'version', 'members', 'config', 'readers', 'words', 'labels', 'input', 'quantized'],
];

/** Whether a tensor of this name belongs to the model. */
export const isOurs = (name: string): boolean => /^(encoders|layers|dense|heads|members)\./.test(name);

/** Requires that no foreign name belongs to the model. @throws ArgumentError naming it */
export function expectForeign(foreign: Foreign): void {
  expectRecord('saveModel', 'model.foreign', foreign, '{ tensors, metadata }');
  const { tensors, metadata } = foreign;
  expectRecord('saveModel', 'model.foreign.tensors', tensors, 'tensors in bytes, by name');
  expectRecord('saveModel', 'model.foreign.metadata', metadata, 'strings by name');
  const taken = Object.keys(tensors).find(isOurs) ?? Object.keys(metadata).find((field) => FIELDS.includes(field));
  if (taken === undefined) return;
  throw new ArgumentError(`saveModel: model.foreign has ${taken}, a name that the model itself uses: rename it`);
}
