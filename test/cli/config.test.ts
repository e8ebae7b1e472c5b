/** `bptt train --config` and `--save-config`: a run repeated by one file, refusals, and the published schema. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { Command } from 'commander';
import * as fc from 'fast-check';
import { configSchema, kindOf, fits, settingsOf } from '../../src/cli/config-values';
import { parseConfig } from '../../src/cli/config';
import { createProgram } from '../../src/cli/program';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

const SCHEMA = join(process.cwd(), 'schema/train-config-1.json');
let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(['train', ...args], space.folder);
const bytesOf = (name: string): string => readFileSync(space.at(name)).toString('base64');
const configOf = (name: string) => JSON.parse(readFileSync(space.at(name), 'utf8')) as Record<string, unknown>;
const DATA = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--epochs', '2'];

async function trainCommand(): Promise<Command> {
  const program = await createProgram({ stdout: process.stdout, stderr: process.stderr, env: {} }, ['train']);
  return program.commands.find((command) => command.name() === 'train')!;
}

describe('a run repeated by one file', () => {
  it.each([
    ['plain', [...TINY, '--clip', 'none', '--truncate', '3,4', '--zoneout', 'h=0.1,c=0.2', '--no-bidirectional']],
    ['preset', ['--preset', 'pos', '--hidden', '6', '--encoders', 'words,affixes', '--epochs', '1']],
    ['several seeds', [...TINY, '--seeds', '2', '--class-weights', 'balanced']],
  ])('%s: the same model bytes, the same file', async (name, flags) => {
    const own = name === 'preset' ? DATA.slice(0, 4) : DATA;
    const first = await run(...own, ...flags, '--out', 'first.safetensors');
    expect([first.status, first.stdout]).toEqual([0, expect.stringContaining('config  first.config.json')]);
    const again = await run('--config', 'first.config.json', '--out', 'again.safetensors', '--json');
    expect([again.status, (JSON.parse(again.stdout) as { config: string }).config]).toEqual([0, 'again.config.json']);
    expect(again.stderr).toMatch(/^config first.config.json: \d+ settings\n/);
    expect(bytesOf('again.safetensors')).toBe(bytesOf('first.safetensors'));
    expect(bytesOf('again.config.json')).toBe(bytesOf('first.config.json'));
    const config = configOf('first.config.json');
    expect(config).not.toHaveProperty('preset');
    expect(config).not.toHaveProperty('out');
    const validate = new Ajv().compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);
    expect([validate(config), validate.errors]).toEqual([true, null]);
  });

  it('resolves what a preset and the size decide, and the default rate', async () => {
    await run(...DATA.slice(0, 4), '--preset', 'pos', '--hidden', '6', '--encoders', 'words', '--epochs', '1', '--quiet'); // prettier-ignore
    expect(configOf('model.config.json')).toMatchObject({ hidden: 6, ema: 0.999, schedule: 'hold:0.6,0.005', beta2: 0.99, lr: 0.003 }); // prettier-ignore
    await run(...DATA, ...TINY, '--optimizer', 'sgd', '--quiet');
    expect(configOf('model.config.json')).toMatchObject({ optimizer: 'sgd', lr: 0.5, epochs: 2, backend: expect.any(String), threads: 1 }); // prettier-ignore
  });

  it('has paths relative to its own folder', async () => {
    mkdirSync(space.at('sub'));
    await run(...DATA, ...TINY, '--save-config', 'sub/run.json', '--quiet');
    expect(configOf('sub/run.json')).toMatchObject({ train: '../train.tsv', dev: '../dev.tsv' });
    const first = bytesOf('model.safetensors');
    const { status } = await bpttHere(['train', '--config', 'run.json', '--quiet'], space.at('sub'));
    expect([status, bytesOf('sub/model.safetensors')]).toEqual([0, first]);
    writeFileSync(space.at('sub/pairs.json'), JSON.stringify({ bptt: 'train-config-1', task: 'classify', train: 'pos=p.txt,neg=n.txt' })); // prettier-ignore
    expect((await run('--config', 'sub/pairs.json')).stderr).toContain(join('sub', 'p.txt'));
  });

  it('the command line wins, and it says so', async () => {
    await run(...DATA, ...TINY, '--save-config', 'base.json', '--quiet');
    const { stderr } = await run('--config', 'base.json', '--hidden', '5', '--seed', '9', '--save-config', 'changed.json'); // prettier-ignore
    expect(stderr).toMatch(/^config base.json: \d+ settings; overridden on the command line: --hidden, --seed\n/);
    expect(configOf('changed.json')).toEqual({ ...configOf('base.json'), hidden: 5, seed: 9 });
    const quiet = await run('--config', 'base.json', '--quiet');
    expect([quiet.stderr, quiet.stdout]).toEqual(['', '']);
  });

  it('is left out on demand, replaces no other file, and never the one that was read', async () => {
    await run(...DATA, ...TINY, '--no-save-config', '--out', 'alone.safetensors', '--quiet');
    expect(() => bytesOf('alone.config.json')).toThrow(/ENOENT/);
    space.write('mine.config.json', '{"mine": 1}');
    const { status, stderr } = await run(...DATA, ...TINY, '--out', 'mine', '--quiet');
    expect([status, stderr, bytesOf('mine.config.json')]).toEqual([0, expect.stringContaining('mine.config.json is not a configuration of bptt and was left as it is'), Buffer.from('{"mine": 1}').toString('base64')]); // prettier-ignore
    const text = JSON.stringify({ bptt: 'train-config-1', train: 'train.tsv', epochs: 1, hidden: 4 });
    space.write('own.config.json', text);
    await run('--config', 'own.config.json', '--out', 'own.safetensors', '--quiet');
    expect(readFileSync(space.at('own.config.json'), 'utf8')).toBe(text);
    const same = await run('--config', 'own.config.json', '--save-config', 'own.config.json');
    expect([same.status, same.stderr]).toEqual([2, expect.stringContaining('--save-config own.config.json would overwrite the input')]); // prettier-ignore
  });
});

describe('refusals', () => {
  it.each([
    ['{"bptt": "train-config-1", "train": "tr', 65, 'cut.json: '],
    ['[1]', 65, 'expected an object of settings'],
    ['{"hidden": 5}', 65, 'expected "bptt": "train-config-1"'],
    ['{"bptt": "train-config-1", "hiden": 5}', 65, 'unknown key "hiden": expected a setting of bptt train; did you mean "hidden"?'], // prettier-ignore
    ['{"bptt": "train-config-1", "hidden": "5"}', 65, '"hidden" must be an integer of at least 1; got "5"'],
    ['{"bptt": "train-config-1", "dropout": 1}', 65, '"dropout" must be a number of at least 0 and below 1; got 1'],
    ['{"bptt": "train-config-1", "truncate": {"every": 5, "back": 2}}', 65, '"truncate": It must be k1,k2'],
    ['{"bptt": "train-config-1", "split": {"train": 5, "dev": 2, "test": 1}}', 65, '"split": It must be'],
    ['{"bptt": "train-config-1", "cell": "lsmt"}', 65, '"cell": It must be one of'],
    ['{"bptt": "train-config-1", "hidden": 5, "hidden": 6}', 65, 'cut.json: '],
    ['{"bptt": "train-config-1"}', 2, "required option '--train <file>' not specified"],
    ['{"bptt": "train-config-1", "train": "train.tsv", "affixSize": 4}', 2, '--affix-size has no effect without the encoder affixes'], // prettier-ignore
  ])('%s', async (text, expected, message) => {
    space.write('cut.json', text);
    const { status, stderr } = await run('--config', 'cut.json');
    expect([status, stderr]).toEqual([expected, expect.stringContaining(message)]);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('the published schema', () => {
  it('is what the options say; BPTT_WRITE=1 writes it anew', async () => {
    const made = configSchema(await trainCommand());
    if (process.env.BPTT_WRITE) writeFileSync(SCHEMA, `${JSON.stringify(made, null, 2)}\n`);
    expect(JSON.parse(readFileSync(SCHEMA, 'utf8'))).toEqual(JSON.parse(JSON.stringify(made)));
  });

  it('notices an option that is added, and one whose values nobody described', async () => {
    const command = await trainCommand();
    const before = JSON.stringify(configSchema(command));
    command.option('--brand-new', 'a switch');
    expect(JSON.stringify(configSchema(command))).not.toBe(before);
    command.option('--odd <x>', 'an odd one', (text: string) => text.length);
    expect(() => configSchema(command)).toThrow('--odd has no entry in config-values.ts');
  });

  it('agrees with ajv on any value of any option', async () => {
    const options = settingsOf(await trainCommand());
    const numbers = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 0.5, 1)); // prettier-ignore
    const words = fc.constantFrom('', ' ', 'auto', 'all', 'none', 'balanced', 'w.json', 'crf', 'words', 'affixes', 'adam', 'IOB2', 'classify', 'x'); // prettier-ignore
    const plain = fc.oneof(numbers, words, fc.boolean(), fc.constant(null));
    const keys = fc.constantFrom('every', 'back', 'train', 'dev', 'test', 'h', 'ner');
    const value = fc.oneof(plain, fc.array(words, { maxLength: 3 }), fc.dictionary(keys, plain, { maxKeys: 3 }), fc.record({ every: numbers, back: numbers })); // prettier-ignore
    const judges = options.map((option) => ({ option, validate: new Ajv().compile(kindOf(option).schema as object) }));
    fc.assert(
      fc.property(fc.constantFrom(...judges), value, ({ option, validate }, each) => {
        expect(fits(kindOf(option).schema, each)).toBe(validate(each));
      }),
      { numRuns: 2000, seed: 13 },
    );
  });

  it('reads what is right as the command line does', async () => {
    const options = settingsOf(await trainCommand());
    const text = JSON.stringify({ bptt: 'train-config-1', clip: 'none', truncate: { every: 2, back: 3 }, scheme: 'IOB2', encoders: ['words'] }); // prettier-ignore
    expect(parseConfig(text, options)).toEqual({ clip: Infinity, truncate: { every: 2, back: 3 }, scheme: 'IOB2', encoders: ['words'] }); // prettier-ignore
  });
});
