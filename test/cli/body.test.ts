/** Options of `bptt train` about masks and what stands around the recurrent layers. */
import { readFileSync } from 'node:fs';
import { loadModel } from '../../src/labeling/model/file';
import { bpttHere } from '../support/cli-here';
import type { Workspace } from '../support/workspace';
import { createWorkspace, TINY } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

const train = (...args: string[]) =>
  bpttHere(
    ['train', '--train', 'train.tsv', ...TINY, '--epochs', '1', '--out', 'm.safetensors', ...args],
    space.folder,
  );

test.each([
  [['--dropout-kind', 'variational'], { variational: true }],
  [['--recurrent-dropout', '0.2'], { recurrentDropout: 0.2 }],
  [['--zoneout', '0.1'], { zoneout: { h: 0.1, c: 0.1 } }],
  [['--zoneout', 'c=0.5,h=0.05'], { zoneout: { c: 0.5, h: 0.05 } }],
  [['--cell', 'gru', '--zoneout', '0.1'], { zoneout: { h: 0.1 } }],
  [['--layers', '2', '--residual'], { residual: true }],
  [['--dense', '6'], { dense: 6 }],
])('%j: the model file says %j, and the model labels', async (args, extras) => {
  const { status } = await train('--dropout', '0.3', ...args);
  expect(status).toBe(0);
  expect(loadModel(readFileSync(space.at('m.safetensors'))).config.body).toMatchObject(extras);
  const told = await bpttHere(['eval', 'm.safetensors', 'train.tsv', '--json'], space.folder);
  expect(told.status).toBe(0);
});

test.each([
  [['--dropout-kind', 'none'], /--dropout-kind/],
  [['--dropout-kind', 'variational', '--dropout', '0'], /--dropout-kind variational has no effect without dropout/],
  [['--recurrent-dropout', '1'], /--recurrent-dropout/],
  [['--zoneout', '1.5'], /--zoneout/],
  [['--zoneout', 'h=0.1,h=0.2'], /--zoneout/],
  [['--zoneout', 'h=0.1=2'], /--zoneout/],
  [['--zoneout', 'h=much'], /--zoneout/],
  [['--cell', 'gru', '--zoneout', 'c=0.1'], /train: unknown key "c" in zoneout \(--zoneout\)/],
  [['--residual'], /--residual has no effect with one layer/],
  [['--dense', '0'], /--dense/],
  [['--task', 'classify', '--pooling', 'last', '--dense', '4'], /--pooling last needs the outputs of both directions/],
])('%j is refused by name, status 2', async (args, message) => {
  const { status, stderr } = await train(...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});
