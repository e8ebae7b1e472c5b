/**
 * Several models of one configuration as one: an ensemble returns the mean of its members' probabilities (heads/decoding.ts lists which
 * probabilities). It is a `Model` with `members`, saved as one file.
 */
import { ArgumentError } from '../../tensor/errors.js';
import { expectList, expectNumber } from '../../tensor/arguments.js';
import { expectModel } from './checks.js';
import type { Foreign } from './foreign.js';
import type { Model } from './model.js';
import { createModel } from './model.js';
import { MOST_MEMBERS } from './heads/head.js';

/**
 * Joins models that differ only in their weights, such as those of training runs with different seeds. They share words, labels and
 * options; each contributes its parameters, which are not copied. The members of ensembles are joined individually. A single model is
 * returned as it is.
 *
 * @param models 1 to 100
 * @throws ArgumentError if the models differ in more than their weights, naming the difference, or if a custom head cannot be averaged
 */
export function ensembleOf(models: readonly Model[]): Model {
  expectList('ensembleOf', 'models', models, 'models of one configuration');
  models.forEach((model, k) => expectModel('ensembleOf', model, `models[${k}]`));
  if (models.length === 0)
    throw new ArgumentError(`ensembleOf: models must have 1 to ${MOST_MEMBERS} elements; got none`);
  const [first, ...others] = models;
  if (others.length === 0) return first;
  others.forEach((other, k) => expectAlike(first, other, k + 1));
  const { config, readers, heads, input, own } = first;
  const beside = joinedForeign(models);
  const members = models.flatMap((model) => model.members ?? [model.params]);
  const foreign = heads.find(({ kind }) => own.heads?.some((each) => each.kind === kind.kind) && !kind.ensembles);
  if (foreign)
    throw new ArgumentError(
      `ensembleOf: the head '${foreign.kind.kind}' cannot be averaged: it lacks ensembles: true, and a predict that averages pass.members`,
    );
  if (members.length > MOST_MEMBERS)
    throw new ArgumentError(`ensembleOf: models must have at most ${MOST_MEMBERS} members; got ${members.length}`);
  const pieces = { config, readers, labels: heads.map(({ labels }) => labels), ...(input && { input }) };
  const quantized = models.find((model) => model.quantized)?.quantized;
  return createModel({ ...pieces, params: members[0], members, foreign: beside, quantized }, own);
}

/** Merges the foreign contents of several model files. @throws ArgumentError if one name has different contents */
function joinedForeign(models: readonly Model[]): Foreign | undefined {
  const all = models.flatMap(({ foreign }) => (foreign ? [foreign] : []));
  if (all.length === 0) return undefined;
  const join = <T>(records: readonly Readonly<Record<string, T>>[], same: (x: T, y: T) => boolean) => {
    const joined = new Map<string, T>();
    for (const [name, value] of records.flatMap((each) => Object.entries(each))) {
      const before = joined.get(name);
      if (before !== undefined && !same(before, value))
        throw new ArgumentError(
          `ensembleOf: models differ in ${name}, which their files store too: leave it out of all but one`,
        );
      joined.set(name, value);
    }
    return Object.fromEntries(joined);
  };
  return {
    tensors: join(
      all.map(({ tensors }) => tensors),
      (x, y) => x.dtype === y.dtype && x.shape.join() === y.shape.join() && x.bytes.every((b, i) => b === y.bytes[i]),
    ),
    metadata: join(
      all.map(({ metadata }) => metadata),
      (x, y) => x === y,
    ),
  };
}

/** Returns model k of the ensemble, counted from 0, as a model in its own right. @throws ArgumentError if there is no such member */
export function memberOf(model: Model, k: number): Model {
  expectModel('memberOf', model);
  expectNumber('memberOf', 'k', k);
  const { config, readers, heads, input, foreign, quantized, own, params, members = [params] } = model;
  if (!Number.isInteger(k) || k < 0 || k >= members.length)
    throw new ArgumentError(`memberOf: k must be an integer from 0 to ${members.length - 1}; got ${k}`);
  const pieces = { config, readers, labels: heads.map(({ labels }) => labels), ...(input && { input }) };
  return createModel({ ...pieces, params: members[k], foreign, quantized }, own);
}

/** The parts that must be equal in both models, as text. */
const PARTS: readonly (readonly [string, (model: Model) => unknown])[] = [
  ['configuration', ({ config }) => config],
  ['words', ({ readers }) => readers.map((reader) => reader.toJSON())],
  ['labels', ({ heads }) => heads.map(({ labels }) => labels.toJSON())],
  ['input', ({ input }) => input],
];

function expectAlike(first: Model, other: Model, k: number): void {
  const what = PARTS.find(([, part]) => JSON.stringify(part(first)) !== JSON.stringify(part(other)))?.[0];
  const parts = ['cell', 'encoders', 'heads'] as const;
  const isOwn = parts.every((part) => JSON.stringify(first.own[part]) === JSON.stringify(other.own[part]) && first.own.cell === other.own.cell); // prettier-ignore
  if (what === undefined && isOwn) return;
  throw new ArgumentError(
    `ensembleOf: models[${k}] differs from models[0] in ${what ?? 'custom parts'}: join models trained on the same data with the same options`,
  );
}
