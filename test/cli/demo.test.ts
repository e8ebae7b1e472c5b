import { execSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createTagger } from '../../src/labeling/model/tagger';
import { bptt } from '../support/cli';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

test('learns what no rule of single words can, shows it, and names commands that run as they are', () => {
  const { status, stdout, stderr } = bptt(['demo'], { cwd: space.folder });
  expect(status).toBe(0);
  expect(stderr).toMatch(/^ {2}epoch 1\/\d+ {2}loss/m);
  const percent = (name: string): number => Number(new RegExp(`^ +${name} +([\\d.]+) %`, 'm').exec(stdout)?.[1]);
  expect(percent('before training')).toBeGreaterThan(0);
  expect(percent('before training')).toBeLessThan(50);
  expect(percent('most frequent tag')).toBeLessThan(90);
  expect(percent('after training')).toBeGreaterThan(98);
  expect(stdout).toContain('the/DET cat/NOUN near/ADP the/DET dogs/NOUN sat/V.SG');
  expect(stdout).toContain('the/DET cats/NOUN near/ADP the/DET dog/NOUN sat/V.PL');
  expect(stdout).toContain('they/PRON run/VERB the/DET run/NOUN');
  expect(stdout).toMatch(/relative error +\d\.\de-\d+, they agree/);

  const file = /^Model file {2}(\S+)$/m.exec(stdout)?.[1] ?? '';
  const tagger = createTagger(readFileSync(space.at(file)));
  expect(tagger.tag([['they', 'run', 'the', 'run']])[0].labels).toEqual(['PRON', 'VERB', 'DET', 'NOUN']);

  const next = stdout
    .split(/^Next$/m)[1]
    .trim()
    .split(/\n */);
  expect(next).toHaveLength(3);
  const [tagged, checked, help] = next.map((command) => execSync(command, { cwd: space.folder, encoding: 'utf8' }));
  expect(tagged).toMatch(/^they\/PRON\/\d\.\d{4} walk\/VERB/);
  expect(checked).toMatch(/^Wh\[3, 7\]$/m);
  expect(help).toContain('--train <file>');
});
