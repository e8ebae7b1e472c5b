/** Sentences, models and the schema for the tests of reading gradients. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { createCpuKernels } from '../../src/kernels/index.js';

export const kernels = createCpuKernels();

export const CELLS = ['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'] as const;

export const CAT = { tokens: ['the', 'cat', 'sat'], labels: ['DET', 'NOUN', 'VERB'] };

const validate = new Ajv({ allErrors: true }).compile(
  JSON.parse(readFileSync(join(process.cwd(), 'schema/trace-1.json'), 'utf8')) as object,
);

/** What is wrong with a JSON value by the published schema; empty where it fits. */
export function schemaFaults(json: string): string[] {
  if (validate(JSON.parse(json))) return [];
  return (validate.errors ?? []).map(({ dataPath, message }) => `${dataPath} ${message}`);
}

/** Largest |a − b| over lists of numbers of any nesting. */
export function gap(a: unknown, b: unknown): number {
  const [u, v] = [flat(a), flat(b)];
  if (u.length !== v.length) return Infinity;
  return u.reduce((worst, each, i) => Math.max(worst, Math.abs(each - v[i])), 0);
}

export function flat(x: unknown): number[] {
  if (typeof x === 'number') return [x];
  return typeof x === 'object' && x !== null ? Object.values(x).flatMap(flat) : [];
}
