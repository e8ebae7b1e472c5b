/** `bptt train --backend reference` runs the files that docs/reading-order.md lists, and no faster twin of any of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entered, Walk } from '../support/walk';
import { isCheck, walk } from '../support/walk';

const PAGE = join(__dirname, '../../docs/reading-order.md');
const page = readFileSync(PAGE, 'utf8');
const stops = [...page.matchAll(/^## \d\. \[`(.*?)`\]/gm)].map(([, path]) => path);

/** Functions the page tells to read, where a name of the page is one of a file's functions. */
const TO_READ: Readonly<Record<string, readonly string[]>> = {
  'src/cli/train.ts': ['runTrain'],
  'src/labeling/training/train.ts': ['trainBatch', 'trainEpochs'],
  'src/labeling/model/model.ts': ['forwardWork', 'backwardWork'],
  'src/layers/softmax-loss.ts': ['softmaxLossForward', 'softmaxLossBackward'],
  'src/autograd/unroll.ts': ['scanForward', 'sweep'],
  'src/cells/lstm.ts': ['lstmStepForward', 'lstmStepBackward'],
  'src/kernels/cpu/matmul1.ts': ['addMatmul1', 'addMatmulTA1', 'addMatmulTB1'],
};

let reference: Walk;
beforeAll(() => {
  reference = walk('reference');
});

it('enters the functions of every stop, in the files the page names', () => {
  expect(stops).toEqual(Object.keys(TO_READ));
  for (const [stop, names] of Object.entries(TO_READ)) {
    expect(reference.run.get(stop)).toEqual(expect.arrayContaining([...names]));
  }
});

it('enters no product but rung 1, no time loop but the one of unroll, no memory of a backend', () => {
  const fast = (files: Entered): string[] =>
    [...files.keys()].filter((path) => /kernels\/(wasm|gpu\/(layer|product))\/|cpu\/matmul[23]/.test(path));
  expect(fast(reference.run)).toEqual([]);
  // The same look at the default finds them: what is seen to be absent above would be seen.
  expect(fast(walk('wasm').run)).toEqual(
    expect.arrayContaining(
      ['arena', 'product', 'rows', 'scan', 'cells/lstm'].map((name) => `src/kernels/wasm/${name}.ts`),
    ),
  );
});

/** Files by folder, a line each: `src/cells/ check init lstm`. */
function listing(files: readonly string[]): string {
  const folders = new Map<string, string[]>();
  for (const file of files) {
    const [, folder, name] = /^(.*\/)(.*)\.ts$/.exec(file) as RegExpExecArray;
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  return [...folders].map(([folder, names]) => `${folder.padEnd(36)} ${names.join(' ')}`).join('\n');
}

/** The section of the page that lists what was entered. */
function section({ run, gradient, calls }: Walk): string {
  const inner = [...gradient.keys()];
  const [checks, work] = [inner.filter(isCheck), inner.filter((file) => !isCheck(file))];
  const rest = [...run.keys()].filter((file) => !gradient.has(file));
  const toChecks = calls.filter((call) => isCheck(call.split(' → ')[1].split(' ')[0]) || isCheck(call.split(' → ')[0]));
  return `From the first batch to its gradient: ${work.length} files, ${calls.length - toChecks.length} calls from one of them into another.

\`\`\`text
${listing(work)}
\`\`\`

${checks.length} more only refuse wrong arguments, by ${toChecks.length} calls:

\`\`\`text
${listing(checks)}
\`\`\`

And ${rest.length} that read the command line and the corpus, prepare the training, evaluate, and save:

\`\`\`text
${listing(rest)}
\`\`\``;
}

const START = '<!-- entered: kept by test/cli/walk.test.ts -->\n\n';
const END = '\n\n<!-- end -->';

/** The page with this section in the place of its own. */
function pageWith(text: string): string {
  const [before, after] = [page.indexOf(START) + START.length, page.indexOf(END)];
  return page.slice(0, before) + text + page.slice(after);
}

it('enters the files the page lists, all of them and no others', () => {
  expect(page).toContain(START);
  const now = pageWith(section(reference));
  // BPTT_WRITE=1 npx jest test/cli/walk writes the list anew.
  if (process.env.BPTT_WRITE) writeFileSync(PAGE, now);
  else expect(page).toBe(now);
});

it('sees a file that is missing in the list, and one too many', () => {
  const without = new Map([...reference.gradient].filter(([path]) => path !== 'src/cells/lstm.ts'));
  expect(section({ ...reference, gradient: without })).not.toBe(section(reference));
  const more = new Map([...reference.run, ['src/cells/new.ts', ['step']]]);
  expect(section({ ...reference, run: more })).not.toBe(section(reference));
});
