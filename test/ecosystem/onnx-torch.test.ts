/** Graphs that PyTorch exports become models here: the scores are PyTorch's. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importOnnx } from '../../src/interchange/onnx/index';
import { createCpuKernels } from '../../src/kernels/index';
import { predict } from '../../src/labeling/index';
import { PYTHON, ROOT } from './engines';

interface Exported {
  readonly name: string;
  readonly file: string;
  readonly ids: readonly (readonly number[])[];
  readonly scores: readonly (readonly (readonly number[])[])[];
}

const folder = mkdtempSync(join(tmpdir(), 'bptt-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

const words = ['w0', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6'];
const labels = ['A', 'B', 'C'];

test('probabilities and labels are those of PyTorch, with sizes that are free and fixed', () => {
  const ran = spawnSync(PYTHON, [`${ROOT}/test/ecosystem/onnx-torch.py`, folder], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const all = JSON.parse(ran.stdout.slice(ran.stdout.indexOf('[{'))) as Exported[];
  expect(all).toHaveLength(8);
  for (const { name, file, ids, scores } of all) {
    const model = importOnnx(readFileSync(file), { words, labels, unknown: 'w0' });
    const sentences = ids.map((row) => row.map((id) => words[id]));
    const said = predict(createCpuKernels(), model, sentences, { probabilities: true });
    said.forEach((each, i) => {
      scores[i].forEach((row, t) => {
        const best = row.indexOf(Math.max(...row));
        expect([name, each.labels[t]]).toEqual([name, labels[best]]);
        expect(each.probabilities![t]).toBeCloseTo(Math.exp(row[best]), 5);
      });
    });
  }
});
