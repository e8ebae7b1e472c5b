/**
 * What a model file holds beside the model: tensors and fields that another program put there. They are kept, and written back.
 *
 * The rule that tells them apart: a tensor whose name begins like that of a part (`encoders.`, `layers.`, `dense.`, `heads.`,
 * `members.`) is one of the model and must be known; any other is foreign. Every tensor of the model must be there. So a name that is
 * misspelt is refused, whichever side of the dot the slip is on.
 */
import type { RawTensor } from '../../serialize/safetensors.js';
import { expectRecord } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';

/** Tensors and strings beside a model, by name. */
export interface Foreign {
  /** In the bytes and the element type that the file has. */
  readonly tensors: Readonly<Record<string, RawTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The fields of the metadata that a model has; `words` had one of version 1. */
export const FIELDS: readonly string[] = [
  ...['format', 'version', 'members', 'config', 'readers', 'words', 'labels', 'input', 'quantized'],
];

/** Whether a tensor of this name is one of the model. */
export const isOurs = (name: string): boolean => /^(encoders|layers|dense|heads|members)\./.test(name);

/** Requires that nothing has the name of something of the model. @throws ArgumentError naming it */
export function expectForeign(foreign: Foreign): void {
  expectRecord('saveModel', 'model.foreign', foreign, '{ tensors, metadata }');
  const { tensors, metadata } = foreign;
  expectRecord('saveModel', 'model.foreign.tensors', tensors, 'tensors in bytes, by name');
  expectRecord('saveModel', 'model.foreign.metadata', metadata, 'strings by name');
  const taken = Object.keys(tensors).find(isOurs) ?? Object.keys(metadata).find((field) => FIELDS.includes(field));
  if (taken === undefined) return;
  throw new ArgumentError(`saveModel: model.foreign has ${taken}, a name of the model itself: call it otherwise`);
}
