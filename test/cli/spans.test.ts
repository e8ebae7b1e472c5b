/** `--head crf`, `--scheme` and `--decode` of `bptt train`, and what `eval` and `tag` then do. */
import { readFileSync } from 'node:fs';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
  const sentence = (a: string, b: string): string =>
    `met\tO\n${a}\tB-PER\n${b}\tI-PER\nin\tO\noslo\tB-LOC\n\nmet\tO\n${b}\tB-PER\n\n`;
  const names = ['ann', 'lee', 'bo', 'kay'];
  space.write('ner.conll', names.flatMap((a) => names.map((b) => sentence(a, b))).join(''));
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const train = (...args: string[]) =>
  run('train', ...overriding([...TINY, '--epochs', '8', '--lr', '0.03', '--min-count', '1', '--backend', 'cpu', '--out', 'm.safetensors'], args)); // prettier-ignore

test.each([
  [['--head', 'crf'], 'labels IOB2 (48 of 48 spans begin with B); only transitions that it permits'],
  [['--head', 'crf', '--decode', 'free', '--scheme', 'bio'], 'labels IOB2 (48 of 48 spans begin with B); all transitions'],
  [['--scheme', 'iobes', '--decode', 'constrained'], 'labels IOB2 (48 of 48 spans begin with B), learned as IOBES and predicted as IOB2; only transitions that it permits'],
  [['--head', 'crf', '--scheme', 'bilou'], 'labels IOB2 (48 of 48 spans begin with B), learned as BILOU and predicted as IOB2; only transitions that it permits'],
] as [string[], string][])('%j', async (options, line) => {
  const trained = await train('--train', 'ner.conll', '--dev', 'ner.conll', ...options);
  expect(trained.status).toBe(0);
  expect(trained.stderr).toContain(line);
  expect(trained.stderr.match(/^warning: .*$/gm)).toEqual([expect.stringContaining('of dev occur word for word')]); // it is the same file
  const scored = JSON.parse((await run('eval', 'm.safetensors', 'ner.conll', '--json', '--backend', 'cpu')).stdout) as { spanF1: number; warnings: unknown[] }; // prettier-ignore
  expect(scored.spanF1).toBeGreaterThan(0.5);
  expect(scored.warnings).toEqual([]);
  const tagged = await run('tag', 'm.safetensors', 'ner.conll', '--format', 'conll', '--output', 'jsonl', '--probabilities', '--backend', 'cpu'); // prettier-ignore
  for (const each of tagged.stdout.trim().split('\n')) {
    const { labels, probabilities } = JSON.parse(each) as { labels: string[]; probabilities: number[] };
    expect(labels.every((label) => /^(O|[BI]-(PER|LOC))$/.test(label))).toBe(true);
    expect(probabilities.every((p) => p > 0 && p <= 1)).toBe(true);
  }
}); // prettier-ignore

test('--outside-bias: what was added to the logit of O is printed, and is in --json, the log and the model', async () => {
  const args = ['--train', 'ner.conll', '--dev', 'ner.conll', '--head', 'crf', '--epochs', '2'];
  const score = async () => JSON.parse((await run('eval', 'm.safetensors', 'ner.conll', '--json', '--backend', 'cpu')).stdout) as { spanF1: number }; // prettier-ignore
  const chosen = await train(...args, '--outside-bias', 'dev', '--log', 'l.jsonl');
  const [, bias, before, after] = /^bias {4}O (−?[\d.]+), chosen on dev: F1 ([\d.]+) → ([\d.]+) %$/m.exec(chosen.stdout)!; // prettier-ignore
  expect(chosen.stdout).toContain(`span F1 ${after} %`);
  const end = JSON.parse(readFileSync(space.at('l.jsonl'), 'utf8').trim().split('\n').at(-1)!) as {
    outsideBias: object[];
  };
  const number = Number(bias.replace('−', '-'));
  expect(end.outsideBias).toEqual([
    { bias: number, chosen: true, before: expect.closeTo(Number(before) / 100, 4) as number, after: (await score()).spanF1 },
  ]); // prettier-ignore
  const given = await train(...args, '--outside-bias', String(number), '--json');
  const report = JSON.parse(given.stdout) as { outsideBias: object; dev: { spanF1: number } };
  expect(report.outsideBias).toEqual([{ ...end.outsideBias[0], chosen: false }]);
  expect(report.dev.spanF1).toBe((await score()).spanF1);
  const seeds = await train(...args, '--outside-bias', '-0.5', '--seeds', '2');
  expect(seeds.stdout).toMatch(/^seed 1 {3}epoch \d of 2 {3}O −0\.5: F1 [\d.]+ → [\d.]+ % {3}dev accuracy/m);
});

test('--preset ner without dev moves nothing, and with one it does', async () => {
  const args = ['--train', 'ner.conll', '--preset', 'ner', '--encoders', 'words', '--hidden', '3'];
  const without = await train(...args);
  expect([without.status, without.stderr]).toEqual([0, expect.not.stringContaining('outside-bias')]);
  expect(without.stdout).not.toMatch(/^bias/m);
  const chosen = await train(...args, '--split', '50/50/0');
  expect([chosen.status, chosen.stderr]).toEqual([0, expect.stringContaining('--outside-bias dev')]);
  expect(chosen.stdout).toMatch(/^bias {4}O .*, chosen on dev: F1/m);
});

test('--augment-mentions changes the weights, and the same command gives the same bytes on any number of updates', async () => {
  const weights = async (...more: string[]) => {
    const args = ['--train', 'ner.conll', '--head', 'crf', '--epochs', '2', '--quiet', ...more];
    expect((await train(...args)).status).toBe(0);
    return readFileSync(space.at('m.safetensors')).toString('base64');
  };
  const plain = await weights();
  const augmented = await weights('--augment-mentions', '0.5');
  expect(augmented).not.toBe(plain);
  expect(await weights('--augment-mentions', '0.5')).toBe(augmented);
  expect(await weights('--augment-mentions', '0')).toBe(plain);
});

test('what means nothing is refused, and so is what the labels cannot do', async () => {
  const cases: [string[], number, string][] = [
    [['--train', 'train.tsv', '--scheme', 'iobes'], 65, 'train.tsv: the scheme IOBES needs span labels'],
    [['--train', 'train.tsv', '--preset', 'ner'], 65, 'leave it out (--scheme, --preset ner), or choose another column'],
    [['--train', 'train.tsv', '--decode', 'constrained'], 65, 'train.tsv: constrained decoding needs span labels'],
    [['--train', 'a=train.tsv,b=dev.tsv', '--task', 'classify', '--head', 'crf'], 2, '--head does not apply to --task classify'],
    [['--train', 'train.tsv', '--head', 'hmm'], 2, 'It must be one of softmax, crf.'],
    [['--train', 'train.tsv', '--scheme', 'bmes'], 2, 'It must be one of IOB1, IOB2, IOE1, IOE2, IOBES, BILOU.'],
    [['--train', 'train.tsv', '--decode', 'greedy'], 2, 'It must be one of free, constrained.'],
    [['--train', 'ner.conll', '--outside-bias', 'dev'], 2, '--outside-bias dev is chosen on a development set, and there is none: add --dev FILE'],
    [['--train', 'ner.conll', '--outside-bias', '-1e'], 2, 'It must be dev, or a number, such as -1.'],
    [['--train', 'a=train.tsv,b=dev.tsv', '--task', 'classify', '--outside-bias', '-1'], 2, '--outside-bias does not apply to --task classify'],
    [['--train', 'train.tsv', '--outside-bias', '-1'], 65, 'train.tsv: the outside bias needs span labels'],
    [['--train', 'a=train.tsv,b=dev.tsv', '--task', 'classify', '--outside-bias', '0'], 2, '--outside-bias does not apply to --task classify'],
    [['--train', 'a=train.tsv,b=dev.tsv', '--task', 'classify', '--augment-mentions', '0.1'], 2, '--augment-mentions does not apply to --task classify'],
    [['--train', 'train.tsv', '--augment-mentions', '0.1'], 65, 'train.tsv: swapping mentions needs span labels'],
    [['--train', 'ner.conll', '--augment-mentions', '1'], 2, 'It must be a number of at least 0 and below 1'],
    [['--train', 'ner.conll', '--augment-case', '-0.1'], 2, 'It must be a number of at least 0 and below 1'],
  ]; // prettier-ignore
  for (const [args, code, message] of cases) {
    const { status, stderr } = await train(...args);
    expect([status, stderr]).toEqual([code, expect.stringContaining(message)]);
  }
});

test('tag --spans adds entities with their probabilities to JSON lines', async () => {
  await train('--train', 'ner.conll', '--head', 'crf', '--epochs', '12');
  space.write('new.conll', 'met\tO\nann\tO\nkay\tO\nin\tO\noslo\tO\n\n');
  const tag = (...args: string[]) => run('tag', 'm.safetensors', 'new.conll', '--format', 'conll', '--backend', 'cpu', ...args); // prettier-ignore
  const { status, stdout } = await tag('--output', 'jsonl', '--spans');
  expect(status).toBe(0);
  const { spans } = JSON.parse(stdout) as { spans: object[] };
  const probability = expect.any(Number) as number;
  expect(spans).toEqual([{ type: 'PER', start: 1, end: 3, probability }, { type: 'LOC', start: 4, end: 5, probability }]); // prettier-ignore
  expect(await tag('--spans')).toMatchObject({ status: 2, stderr: expect.stringContaining('--spans needs --output jsonl') as string }); // prettier-ignore
  await train('--train', 'train.tsv', '--epochs', '1');
  const none = await tag('--output', 'jsonl', '--spans');
  expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('the labels of this model are not spans')]);
});

test('labels of parts of speech take a CRF too', async () => {
  const { status, stderr } = await train('--train', 'train.tsv', '--head', 'crf', '--epochs', '1');
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('transitions')]);
});
