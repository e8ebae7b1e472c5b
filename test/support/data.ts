/** Real corpora for tests. They lie outside the project; where they are absent the tests say so and are skipped. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(process.env.BPTT_DATA ?? join(__dirname, '../../../shared/data'));

/** Path of a file or folder of the data. */
export function dataPath(...parts: string[]): string {
  return join(ROOT, ...parts);
}

/** `describe`, skipped with the reason in its title where `folder` of the data is absent. */
export function describeWithData(folder: string, name: string, fn: () => void): void {
  if (existsSync(dataPath(folder))) describe(name, fn);
  else describe.skip(`${name} (skipped: no data at ${dataPath(folder)}; set BPTT_DATA)`, fn);
}
