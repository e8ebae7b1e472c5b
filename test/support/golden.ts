/** The golden files of `test/golden/make_golden.py` and `make_variants_golden.py`: problems with PyTorch's solutions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';
import type { Case, Problem, Solution } from './cases.js';

type Stored = Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>;
type StoredCase = Case & Record<'tensors' | 'cotangents' | 'outputs' | 'grads', Stored>;

const tensors = (stored: Stored): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(stored).map(([name, { shape, data }]) => [name, viewOf(Float64Array.from(data), shape)]),
  );

/**
 * Every problem of the golden file with its solution.
 *
 * @param root the project's folder
 * @param name of the file: `recurrent`, or `variants`
 */
export function goldenCases(root = process.cwd(), name = 'recurrent'): { problem: Problem; solution: Solution }[] {
  const text = readFileSync(join(root, `test/golden/${name}.json`), 'utf8');
  const { cases } = JSON.parse(text) as { cases: StoredCase[] };
  return cases.map(({ tensors: given, cotangents, outputs, grads, ...c }) => ({
    problem: { case: c, tensors: tensors(given), cotangents: tensors(cotangents) },
    solution: { outputs: tensors(outputs), grads: tensors(grads) },
  }));
}
