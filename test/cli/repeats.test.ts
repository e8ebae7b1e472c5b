/** One rule for every option of every command: a value is given once, unless its help says that it may be repeated. */
import { Writable } from 'node:stream';
import type { Command, Option } from 'commander';
import { createProgram } from '../../src/cli/program';
import { isRepeatable } from '../../src/cli/repeats';
import { bpttHere } from '../support/cli-here';

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
const program = () => createProgram({ stdout: nowhere, stderr: nowhere, env: {} });

/** Texts of which every parser takes one, or lists in its refusal what it takes. */
const TEXTS = ['1', '0.5', '10,20', '1,1', 'lstm', '80/10/10', '8x8x8', 'name=0.5', '1/2', 'https://example.org'];

/** A text that the option takes. */
function valueFor({ flags, parseArg, argChoices = [] }: Option): string {
  const listed: string[] = [...argChoices];
  const takes = (text: string): boolean => {
    try {
      parseArg?.(text, undefined as never);
      return argChoices.length === 0 || argChoices.includes(text);
    } catch (error) {
      listed.push(...((error as Error).message.match(/[\w-]+/g) ?? []));
      return false;
    }
  };
  const found = TEXTS.find(takes) ?? [...listed].find(takes);
  if (found !== undefined) return found;
  throw new Error(`${flags}: no text that it takes`);
}

const options = async () =>
  (await program()).commands.flatMap((command: Command) => command.options.map((option) => ({ command, option })));

test('an option with a value is refused the second time, by its name; in every command', async () => {
  const all = (await options()).filter(({ option }) => !isRepeatable(option));
  expect(all.length).toBeGreaterThan(150);
  for (const { command, option } of all) {
    const flag = option.long!;
    const text = valueFor(option);
    const given = await bpttHere([command.name(), `${flag}=${text}`, `${flag}=${text}`]);
    expect([command.name(), flag, given]).toEqual([
      command.name(),
      flag,
      {
        status: 2,
        stdout: '',
        stderr: `bptt: option '${option.flags}' is given twice; expected one value: leave one out (see --help)\n`,
      },
    ]);
  }
});

test('what may be repeated says so in its help, and nothing else does', async () => {
  for (const { option } of await options()) {
    if (!option.required && !option.optional) continue;
    expect([option.flags, /repeat for more/.test(option.description)]).toEqual([option.flags, isRepeatable(option)]);
  }
});

test('a short name and the long one are one option; a switch may be given twice', async () => {
  const twice = await bpttHere(['report', 'the cat', '-o', 'a.html', '--out', 'b.html']);
  expect(twice.stderr).toContain("option '-o, --out <file>' is given twice");
  expect(await bpttHere(['doctor', '--calibrate=1'])).toMatchObject({ status: 2 });
  expect((await bpttHere(['reach', 'the cat', '--hidden', '3', '--quiet', '--quiet'])).status).toBe(0);
});

test.each([
  ['train', ['--train', 'the.conllu', '--out', '-']],
  ['quantize', ['model.safetensors', '--out', '-']],
  ['train', ['--train', 'the.conllu', '--log', '-']],
  ['report', ['the cat', '-o', '-']],
  ['figure', ['reach', 'the cat', '--svg', '-']],
  ['figure', ['reach', 'the cat', '--svg', 'f.svg', '--csv', '-']],
  ['plot', ['run.jsonl', '--svg', '-']],
  ['bench', ['--suite', 'gemm', '--plot', '-']],
  ['bench', ['--ladder', '--svg', '-']],
  ['bench', ['--case', 'train-b1-rnn', '--flame', '-']],
  ['errors', ['a.safetensors', 'the.conllu', '-o', '-']],
  ['search', ['--random', '2', '--train', 'the.conllu', '--dev', 'the.conllu', '-o', '-']],
  ['search', ['--random', '2', '--train', 'the.conllu', '--dev', 'the.conllu', '--state', '-']],
  ['train', ['--train', 'the.conllu', '--card', '-']],
  ['import', ['.', '--out', '-']],
  ['join', ['a.1', 'a.2', '--out', '-']],
  ['tag', ['a.safetensors', 'the.conllu', '--out', '-']],
  ['train', ['--train', 'the.conllu', '--find-lr', '--svg', '-']],
])('%s %j: no file named "-" is written', async (command, args) => {
  const { status, stdout, stderr } = await bpttHere([command, ...args]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    /^bptt: (--out|--log|-o|--svg|--csv|--plot|--flame|--card|--state) - would write a file named "-"; expected [^\n]+\n$/,
  );
});

test('every option that writes a file is in the list above', async () => {
  const writing = (await options()).filter(({ option }) => /^(out|log|svg|csv|plot|flame)$/.test(option.name()) && option.required); // prettier-ignore
  expect(writing.map(({ command, option }) => `${command.name()} ${option.long}`).sort()).toEqual([
    'bench --flame',
    'bench --plot',
    'bench --svg',
    'errors --out',
    'figure --csv',
    'figure --svg',
    'import --out',
    'join --out',
    'plot --svg',
    'quantize --out',
    'report --out',
    'search --out',
    'split --out', // a folder: test/cli/split
    'tag --out',
    'train --log',
    'train --out',
    'train --svg',
  ]);
});
