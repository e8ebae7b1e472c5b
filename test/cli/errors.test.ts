import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { decodeSafetensors, encodeSafetensors } from '../../src/serialize/safetensors';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(async () => {
  space = createWorkspace();
  const bytes = readFileSync(await trainTiny(space));
  space.write('empty', '');
  space.write('blank.tsv', '\n \n\n');
  space.write('no-tokens.jsonl', '{"tokens":["a"],"labels":["DET"]}\n{"tokens":[],"labels":[]}\n');
  space.write('unequal.jsonl', '{"tokens":["a","b"],"labels":["DET"]}\n');
  space.write('unseen.tsv', 'the\tDET\ncat\tNEVER\n\n');
  space.write('short.tsv', 'the\tDET\ncat\n\n');
  space.write('latin1.tsv', Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x09, 0x4e, 0x0a));
  mkdirSync(space.at('dir'));
  const { tensors, metadata } = decodeSafetensors(bytes);
  space.write('newer.safetensors', encodeSafetensors(tensors, { ...metadata, version: '999' }));
  space.write(
    'hostile.safetensors',
    encodeSafetensors(tensors, { ...metadata, config: '['.repeat(1e5) + ']'.repeat(1e5) }),
  );
  space.write('foreign.safetensors', encodeSafetensors(tensors, { format: 'pt' }));
  space.write('truncated.safetensors', bytes.subarray(0, bytes.length - 1));
});
afterAll(() => space.remove());

const fit = (...args: string[]): string[] => [
  'train',
  ...overriding([...TINY, '--epochs', '1', '--out', 'new.safetensors'], args),
];

describe('each fault has its line and its exit status, and writes nothing', () => {
  test.each<[string, string[], number, RegExp]>([
    // usage
    [
      'an unknown flag',
      fit('--train', 'train.tsv', '--hiden', '5'),
      2,
      /unknown option '--hiden' \(Did you mean --hidden\?\)/,
    ],
    ['an unknown command', ['trian'], 2, /unknown command 'trian' \(Did you mean train\?\)/],
    [
      '--hidden 0',
      fit('--train', 'train.tsv', '--hidden', '0'),
      2,
      /'--hidden <n>' argument '0' is invalid. It must be an integer/,
    ],
    [
      '--lr nan',
      fit('--train', 'train.tsv', '--lr', 'nan'),
      2,
      /'--lr <x>' argument 'nan' is invalid. It must be a number above 0/,
    ],
    ['--dropout 1', fit('--train', 'train.tsv', '--dropout', '1'), 2, /'--dropout <p>' argument '1' is invalid/],
    [
      '--clip 0',
      fit('--train', 'train.tsv', '--clip', '0'),
      2,
      /argument '0' is invalid. It must be a number above 0, or none/,
    ],
    ['--truncate 5,3', fit('--train', 'train.tsv', '--truncate', '5,3'), 2, /1 ≤ k1 ≤ k2/],
    ['--schedule', fit('--train', 'train.tsv', '--schedule', 'slow'), 2, /schedule must be constant, .*got 'slow'/],
    ['--preset', fit('--train', 'train.tsv', '--preset', 'names'), 2, /one of pos, ner, slots, sentiment/],
    [
      '--preset of another task',
      fit('--train', 'train.tsv', '--preset', 'sentiment', '--task', 'tag'),
      2,
      /the preset sentiment is for the task classify/,
    ],
    ['--ema 1', fit('--train', 'train.tsv', '--ema', '1'), 2, /above 0 and below 1, such as 0\.999/],
    ['--adversarial -1', fit('--train', 'train.tsv', '--adversarial', '-1'), 2, /number of at least 0/],
    ['--label-smoothing 1', fit('--train', 'train.tsv', '--label-smoothing', '1'), 2, /at least 0 and below 1/],
    [
      '--label-smoothing with a CRF',
      fit('--train', 'train.tsv', '--label-smoothing', '0.1', '--head', 'crf'),
      2,
      /--label-smoothing has no effect with --head crf: leave it out/,
    ],
    [
      '--class-weights',
      fit('--train', 'train.tsv', '--class-weights', 'DET=1,DET=2'),
      2,
      /balanced, LABEL=W.*each label once/,
    ],
    ['--class-weights F', fit('--train', 'train.tsv', '--class-weights', 'none.json'), 65, /none.json/],
    ['--class-weights -1', fit('--train', 'train.tsv', '--class-weights', 'DET=-1'), 2, /with weights of at least 0/],
    [
      '--class-weights of nothing',
      fit('--train', 'train.tsv', '--class-weights', 'DTE=2'),
      2,
      /names the label "DTE", which/,
    ],
    [
      '--class-weights with a CRF',
      fit('--train', 'train.tsv', '--class-weights', 'balanced', '--head', 'crf'),
      2,
      /--class-weights has no effect with --head crf/,
    ],
    ['--beta2 1', fit('--train', 'train.tsv', '--beta2', '1'), 2, /at least 0 and below 1/],
    ['--epsilon 0', fit('--train', 'train.tsv', '--epsilon', '0'), 2, /a number above 0/],
    ['--weight-decay -1', fit('--train', 'train.tsv', '--weight-decay', '-1'), 2, /a number of at least 0/],
    [
      '--beta2 with sgd',
      fit('--train', 'train.tsv', '--optimizer', 'sgd', '--beta2', '0.9'),
      2,
      /--beta2 has no effect with --optimizer sgd: leave it out/,
    ],
    ['hold:1', fit('--train', 'train.tsv', '--schedule', 'hold:1'), 2, /SHARE must be at least 0 and below 1; got 1/],
    ['plateau without --dev', fit('--train', 'train.tsv', '--schedule', 'plateau:0.5,2'), 2, /there is none: add one/],
    ['--hidden of a million', fit('--train', 'train.tsv', '--hidden', '1000000'), 2, /does not fit into memory/],
    ['--backend', fit('--train', 'train.tsv', '--backend', 'tpu'), 2, /backend must be one of auto, .*; got tpu/],
    ['--format', fit('--train', 'train.tsv', '--format', 'xml'), 2, /It must be one of conllu, conll/],
    ['--column', fit('--train', 'train.tsv', '--format', 'conll', '--column', '7'), 2, /column 7 does not exist/],
    [
      'a misspelt flag in the place of a required one',
      ['train', '--trian', 'x'],
      2,
      /unknown option '--trian' \(Did you mean --train\?\)/,
    ],
    ['the same of gradcheck', ['gradcheck', '--cel', 'lstm'], 2, /unknown option '--cel' \(Did you mean --cell\?\)/],
    ['no --train', fit(), 2, /required option '--train <file>' not specified/],
    ['a flag without its value', ['train', '--train'], 2, /option '--train <file>' argument missing/],
    ['no model', ['eval'], 2, /missing required argument 'model'/],
    ['no file', ['eval', 'model.safetensors'], 2, /missing required argument 'file'/],
    ['--errors 0', ['eval', 'model.safetensors', 'test.tsv', '--errors', '0'], 2, /argument '0' is invalid/],
    [
      '--output',
      ['tag', 'model.safetensors', '--output', 'xml'],
      2,
      /It must be one of text, slashed, conll, conllu, jsonl/,
    ],
    [
      'an input as output',
      fit('--train', 'train.tsv', '--out', './train.tsv'),
      2,
      /--out .* would overwrite the input train\.tsv/,
    ],
    [
      'an input as log',
      fit('--train', 'train.tsv', '--log', 'train.tsv'),
      2,
      /--log .* would overwrite the input train\.tsv/,
    ],
    ['one file as both outputs', fit('--train', 'train.tsv', '--log', 'new.safetensors'), 2, /are the same file/],
    // data
    ['no such file', fit('--train', 'nowhere.tsv'), 65, /nowhere\.tsv: no such file/],
    ['an empty file', fit('--train', 'empty'), 65, /empty: no sentences: the input is empty/],
    ['blank lines only', fit('--train', 'blank.tsv'), 65, /blank\.tsv: no sentences/],
    ['a sentence of zero tokens', fit('--train', 'no-tokens.jsonl'), 65, /no-tokens\.jsonl:2: .*token/],
    ['labels of another number', fit('--train', 'unequal.jsonl'), 65, /unequal\.jsonl:1: /],
    [
      'a line with too few columns',
      fit('--train', 'short.tsv', '--format', 'two-column'),
      65,
      /short\.tsv:2: .*columns/,
    ],
    ['invalid UTF-8', fit('--train', 'latin1.tsv'), 65, /latin1\.tsv:1: .*UTF-8/],
    ['a directory to learn from', fit('--train', 'dir'), 65, /dir: expected a file, got a folder/],
    [
      'a label of dev never seen',
      fit('--train', 'train.tsv', '--dev', 'unseen.tsv', '--strict-labels'),
      65,
      /unseen\.tsv:.*"NEVER" was never seen in training/,
    ],
    [
      'a label of test never seen',
      fit('--train', 'train.tsv', '--test', 'unseen.tsv', '--strict-labels'),
      65,
      /"NEVER" was never seen in training/,
    ],
    [
      'an unseen label in eval',
      ['eval', 'model.safetensors', 'unseen.tsv', '--strict-labels'],
      65,
      /unseen\.tsv:.*"NEVER" was never seen in training/,
    ],
    ['a directory as model', ['tag', 'dir'], 65, /dir: expected a file, got a folder/],
    ['no such model', ['tag', 'nothing.safetensors'], 65, /nothing\.safetensors: no such file/],
    ['a text as model', ['tag', 'train.tsv'], 65, /train\.tsv: safetensors: the file cannot be read/],
    ['an empty model', ['tag', 'empty'], 65, /empty: safetensors: the file cannot be read: it has 0 bytes/],
    ['a truncated model', ['tag', 'truncated.safetensors'], 65, /truncated\.safetensors: .*may be truncated/],
    ['a foreign model', ['tag', 'foreign.safetensors'], 65, /foreign\.safetensors: expected a model made by bptt/],
    [
      'a newer model',
      ['tag', 'newer.safetensors'],
      65,
      /newer\.safetensors: .*version 999, made by a newer bptt: update bptt/,
    ],
    ['nothing to tag', ['tag', 'model.safetensors', 'empty'], 65, /empty: no sentences/],
    ['invalid UTF-8 to tag', ['tag', 'model.safetensors', 'latin1.tsv'], 65, /latin1\.tsv:1: .*UTF-8/],
    // failure
    ['a directory to write', fit('--train', 'train.tsv', '--out', 'dir'), 1, /cannot write dir: it is a directory/],
    [
      'a folder that does not exist',
      fit('--train', 'train.tsv', '--out', 'no/x'),
      1,
      /cannot write no\/x: the folder .* does not exist/,
    ],
    [
      'a path through a file',
      fit('--train', 'train.tsv', '--out', 'empty/x'),
      1,
      /cannot write empty\/x: .* is a file/,
    ],
    [
      'a log that cannot be written',
      fit('--train', 'train.tsv', '--log', 'dir'),
      1,
      /cannot write dir: it is a directory/,
    ],
    ['a backend that is not there', fit('--train', 'train.tsv', '--backend', 'gpu'), 1, /backend gpu is unavailable/],
  ])('%s', async (_, args, status, message) => {
    const outcome = await bpttHere(args, space.folder);
    const lines = outcome.stderr.trimEnd().split('\n');
    expect(lines[lines.length - 1]).toMatch(message);
    expect(lines[lines.length - 1]).toMatch(/^bptt: /);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
    expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status, stdout: '' });
    expect(existsSync(space.at('new.safetensors'))).toBe(false);
  });

  test('an unwritable output is found before the data is read', async () => {
    const { stderr } = await bpttHere(fit('--train', 'nowhere.tsv', '--out', 'dir'), space.folder);
    expect(stderr).toContain('it is a directory');
  });

  test('a training that fails leaves an existing model as it was', async () => {
    const before = readFileSync(space.at('model.safetensors'));
    const args = [
      'train',
      '--train',
      'train.tsv',
      '--dev',
      'unseen.tsv',
      '--strict-labels',
      '--out',
      'model.safetensors',
    ];
    expect((await bpttHere(args, space.folder)).status).toBe(65);
    expect(readFileSync(space.at('model.safetensors')).equals(before)).toBe(true);
  });
});

test.each<[number, string[]]>([
  [2, ['--bogus']],
  [65, ['tag', 'empty']],
  [65, ['tag', 'hostile.safetensors']],
  [1, fit('--train', 'train.tsv', '--out', 'dir')],
])('the process exits with %i, one line on standard error and nothing on standard output', (status, args) => {
  const outcome = bptt(args, { cwd: space.folder });
  expect(outcome).toEqual({ status, stdout: '', stderr: expect.stringMatching(/^bptt: [^\n]+\n$/) as string });
});

describe('help and version', () => {
  test.each(['train', 'eval', 'errors', 'tag', 'serve', 'convert', 'split', 'stats', 'gradcheck', 'doctor', 'demo'])(
    '%s --help has an example',
    async (command) => {
      const { status, stdout, stderr } = await bpttHere([command, '--help'], space.folder);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`Usage: bptt ${command}[^]*Example:\n.*bptt ${command}`));
    },
  );

  test('bptt --help lists the commands, bptt alone does so as an error', async () => {
    const { status, stdout } = await bpttHere(['--help'], space.folder);
    expect(status).toBe(0);
    for (const name of ['train', 'eval', 'errors', 'tag', 'gradcheck', 'doctor', 'demo'])
      expect(stdout).toContain(`\n  ${name} `);
    expect(await bpttHere([], space.folder)).toEqual({ status: 2, stdout: '', stderr: stdout });
  });

  test('--version', () => {
    expect(bptt(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
