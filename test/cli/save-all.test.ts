/** Files that belong together: what is left where one of them cannot be written. */
import { existsSync, readFileSync } from 'node:fs';
import { saveAll } from '../../src/cli/save-all';
import { ArgumentError, BpttError } from '../../src/tensor/errors';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const bytes = new TextEncoder().encode('new');
const at = (...names: string[]) => names.map((name) => ({ path: space.at(name), bytes }));
const unwritable = `deep/${'n'.repeat(300)}`; // longer than a name may be

test('new files and folders are removed again, and others stay as they were', async () => {
  const [kept] = at('kept.txt');
  await saveAll([kept], []);
  await expect(saveAll(at('first.txt', 'deep/er/second.txt', unwritable), [])).rejects.toThrow(BpttError);
  expect(['first.txt', 'deep'].map((name) => existsSync(space.at(name)))).toEqual([false, false]);
  expect(readFileSync(kept.path, 'utf8')).toBe('new');
});

test('an input is never overwritten, and no folder is left behind', async () => {
  const [input] = at('input.txt');
  await saveAll([input], []);
  await expect(saveAll([...at('other/first.txt'), input], [input.path])).rejects.toThrow(ArgumentError);
  expect(existsSync(space.at('other'))).toBe(false);
});
