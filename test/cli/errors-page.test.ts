/** `bptt errors`: the page read as a tree, against counts made here from gold labels and from what `bptt tag` says. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { bpttHere } from '../support/cli-here';
import { all, ofClass, ofName, pageTree, textOf } from '../support/page-tree';
import type { PageNode } from '../support/page-tree';
import { createWorkspace, overriding, TINY, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const EXACT = ['--epochs', '60', '--hidden', '8', '--lr', '0.05', '--dropout', '0', '--quiet'];
const HOSTILE = '</script><script>document.title="x"</script>';

beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
  space.write('two.tsv', 'New\tB-LOC\nYork\tI-LOC\nand\tO\nAnn\tB-PER\n\n'.repeat(9));
  expect(await run('train', '--train', 'two.tsv', ...EXACT, '--out', 'two.safetensors')).toMatchObject({ status: 0 });
  // The model says LOC LOC O PER of all of these.
  space.write(
    'odd.tsv',
    '# a comment\n\nNew\tB-PER\nYork\tI-PER\nand\tO\nAnn\tB-PER\n\nNew\tB-LOC\nYork\tO\nand\tO\nAnn\tO\n\nNew\tO\nYork\tI-LOC\nand\tB-PER\nAnn\tB-PER\n\nNew\tB-LOC\nYork\tI-LOC\nand\tO\nAnn\tI-PER\n\n',
  );
});
afterAll(() => space.remove());

/** Makes a page, and reads it. */
async function pageOf(...args: string[]) {
  const outcome = await run('errors', ...args, '-o', 'page.html');
  expect(outcome).toMatchObject({ status: 0 });
  const html = readFileSync(space.at('page.html'), 'utf8');
  return { ...outcome, html, tree: pageTree(html) };
}

/** Every error of a page as it is written: the sentence's own line, and the words. */
function errorsOf(tree: PageNode) {
  return all(tree, ofClass('sentence')).flatMap((sentence) => {
    const [place] = all(sentence, ofClass('small')).map(textOf);
    return all(sentence, ofClass('error')).map((error) => {
      const [small] = all(error, ofClass('small')).map(textOf);
      const named = (side: string) => all(error, ofClass(side)).map(textOf)[0];
      return {
        ...{ place, gold: named('gold'), predicted: named('predicted') },
        words: textOf(error),
        line: Number(/line (\d+)/.exec(small)?.[1]),
        confidence: Number(/confidence ([\d.]+) %/.exec(small)?.[1]),
        unknown: small.includes('unknown word'),
        attributes: error.attributes,
      };
    });
  });
}

/** A table by its rows of text, found by the beginning of its name or caption. */
function tableOf(tree: PageNode, name: string): string[][] {
  const tables = all(tree, ofName('table')).filter((table) => {
    const caption = all(table, ofName('caption')).map(textOf)[0] ?? table.attributes['aria-label'];
    return caption.startsWith(name);
  });
  expect([name, tables.length]).toEqual([name, 1]);
  return all(tables[0], ofName('tr')).map((row) => all(row, ({ name }) => name === 'td' || name === 'th').map(textOf));
}

const figureOf = (tree: PageNode, name: string): string | undefined =>
  all(tree, ofName('div')).find((div) => all(div, ofName('dt')).some((dt) => textOf(dt) === name))
    && textOf(all(all(tree, ofName('dl'))[0], ofName('div')).find((div) => textOf(all(div, ofName('dt'))[0]) === name)!).slice(name.length); // prettier-ignore

interface Decision {
  readonly token: string;
  readonly gold: string;
  readonly predicted: string;
  readonly probability: number;
  readonly line: number;
  readonly length: number;
}

/** Tokens of a file of two columns with their labels, and what `bptt tag` says of them. */
async function decisions(model: string, file: string): Promise<Decision[]> {
  const { stdout } = await run('tag', model, file, '--format', 'two-column', '--output', 'jsonl', '--probabilities');
  const said = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { tokens: string[]; labels: string[]; probabilities: number[] }); // prettier-ignore
  const lines = readFileSync(space.at(file), 'utf8').split('\n');
  const rows = lines.flatMap((line, i) => (/^\S+\t\S+$/.test(line) ? [{ row: line.split('\t'), line: i + 1 }] : []));
  let at = 0;
  return said.flatMap(({ tokens, labels, probabilities }) =>
    tokens.map((token, t) => {
      const { row, line } = rows[at++];
      expect(row[0]).toBe(token);
      return { token, gold: row[1], predicted: labels[t], probability: probabilities[t], line, length: tokens.length };
    }),
  );
}

describe('labels of tokens', () => {
  let tree: PageNode;
  let html: string;
  let stdout: string;
  let known: Decision[];
  let wrong: Decision[];
  beforeAll(async () => {
    ({ tree, html, stdout } = await pageOf('model.safetensors', 'test.tsv'));
    known = await decisions('model.safetensors', 'test.tsv');
    wrong = known.filter(({ gold, predicted }) => gold !== predicted);
    expect(wrong.length).toBeGreaterThan(10);
  });

  test('each error stands in the page, whole without scripts', () => {
    const found = errorsOf(tree).map(({ gold, predicted, line, words }) => [line, gold, predicted, /^“([^”]*)”/.exec(words)?.[1]]); // prettier-ignore
    expect(found).toEqual(wrong.map(({ line, gold, predicted, token }) => [line, gold, predicted, token]));
    errorsOf(tree).forEach(({ confidence }, i) => expect(Math.abs(confidence - 100 * wrong[i].probability)).toBeLessThan(0.006)); // prettier-ignore
    expect(html).not.toMatch(/hidden=""[^>]*class="(sentence|error)|class="(sentence|error)"[^>]*hidden/);
    const marks = all(tree, ofName('mark')).map(textOf);
    expect(marks).toEqual(wrong.map(({ token }) => token));
  });

  test('scores and counts are those of the decisions', () => {
    expect(figureOf(tree, 'Errors')).toBe(String(wrong.length));
    expect(figureOf(tree, 'Accuracy')).toBe(`${(100 - (100 * wrong.length) / known.length).toFixed(2)} %`);
    const wrongSentences = new Set(errorsOf(tree).map(({ place }) => place)).size;
    expect(figureOf(tree, 'Sentences with errors')).toBe(`${wrongSentences} of 40`);
    expect(stdout).toMatch(new RegExp(`^page\\.html: ${wrong.length} errors in ${wrongSentences} of 40 sentences; \\d+ kB\n$`)); // prettier-ignore
  });

  test('the heat map is the confusion of labels, and the pairs are its cells off the diagonal', () => {
    const [head, ...rows] = tableOf(tree, 'Confusion of labels');
    const labels = head.slice(1);
    expect(labels).toEqual([...new Set(known.flatMap(({ gold, predicted }) => [gold, predicted]))].sort());
    const count = (g: string, p: string) => known.filter(({ gold, predicted }) => gold === g && predicted === p).length;
    expect(rows).toEqual(labels.map((g) => [g, ...labels.map((p) => String(count(g, p) || ''))]));
    const pairs = tableOf(tree, 'Gold label and predicted label').slice(1);
    expect(pairs.reduce((sum, [, , n]) => sum + Number(n), 0)).toBe(wrong.length);
    for (const [g, p, n] of pairs) expect([g, p, n]).toEqual([g, p, String(count(g, p))]);
    const sizes = pairs.map(([, , n]) => Number(n));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    // What a cell chooses is what its errors are known by.
    for (const cell of all(tree, (node) => node.name === 'td' && 'data-gold' in node.attributes)) {
      const { 'data-gold': g, 'data-predicted': p } = cell.attributes;
      const same = errorsOf(tree).filter(({ attributes }) => attributes['data-gold'] === g && attributes['data-predicted'] === p); // prettier-ignore
      expect(same).toHaveLength(Number(textOf(cell)));
    }
  });

  test('by length, and by known and unknown words', () => {
    for (const [name, sentences, , errors] of tableOf(tree, 'By the length').slice(1)) {
      const [from, to = Infinity] = name.replace(' or more', '').split(' to ').map(Number);
      const own = known.filter(({ length }) => length >= from && length <= to);
      expect(errors).toBe(String(own.filter(({ gold, predicted }) => gold !== predicted).length));
      expect(Number(sentences)).toBeCloseTo(
        own.reduce((sum, { length }) => sum + 1 / length, 0),
        9,
      );
    }
    const seen = new Set(
      readFileSync(space.at('train.tsv'), 'utf8')
        .split('\n')
        .map((row) => row.split('\t')[0]),
    );
    const rows = tableOf(tree, 'By words').slice(1);
    [true, false].forEach((isKnown, i) => {
      expect(rows[i][1]).toBe(String(wrong.filter(({ token }) => seen.has(token) === isKnown).length));
      expect(rows[i][2]).toBe(String(known.filter(({ token }) => seen.has(token) === isKnown).length));
    });
    errorsOf(tree).forEach(({ unknown }, i) => expect(unknown).toBe(!seen.has(wrong[i].token)));
  });

  test('calibration: the error of the decisions, with its formula and its source', () => {
    let ece = 0;
    for (let m = 1; m <= 15; m++) {
      const own = known.filter(({ probability: p }) => p > (m - 1) / 15 && p <= m / 15);
      const right = own.filter(({ gold, predicted }) => gold === predicted).length;
      ece += Math.abs(right - own.reduce((sum, { probability }) => sum + probability, 0)) / known.length;
    }
    expect(figureOf(tree, 'Expected calibration error')).toBe(`${(100 * ece).toFixed(2)} %`);
    expect(textOf(tree)).toMatch(/15 bins of equal width.*\|accuracy − mean confidence\|.*On Calibration of Modern Neural Networks, ICML 2017/); // prettier-ignore
    expect(all(tree, ofName('svg'))).toHaveLength(1);
    const bins = tableOf(tree, `${known.length.toLocaleString('en')} labels in 15 bins`).slice(1);
    expect(bins.reduce((sum, [, n]) => sum + Number(n.replace(',', '')), 0)).toBe(known.length);
  });

  test('the page asks for nothing: its policy names its style and its script by their hashes', () => {
    const policy = all(tree, ({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy')[0].attributes.content; // prettier-ignore
    const hash = (name: string) => createHash('sha256').update(new RegExp(`<${name}>([^]*?)</${name}>`).exec(html)![1]).digest('base64'); // prettier-ignore
    expect(policy).toBe(`default-src 'none';style-src 'sha256-${hash('style')}';script-src 'sha256-${hash('script')}';base-uri 'none';form-action 'none'`); // prettier-ignore
    const links = all(tree, () => true).flatMap(({ attributes }) => ['src', 'href', 'action', 'style'].flatMap((each) => (each in attributes ? [attributes[each]] : []))); // prettier-ignore
    expect(links.filter((link) => !link.startsWith('#'))).toEqual([]);
    const ids = all(tree, () => true).flatMap(({ attributes }) => ('id' in attributes ? [attributes.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of links) expect(ids).toContain(link.slice(1));
  });

  test('twice the same bytes', async () => {
    expect((await pageOf('model.safetensors', 'test.tsv')).html).toBe(html);
  });

  test('--limit: what is not listed is counted and said', async () => {
    const { tree: cut } = await pageOf('model.safetensors', 'test.tsv', '--limit', '3');
    expect(all(cut, ofClass('sentence'))).toHaveLength(3);
    const listed = errorsOf(cut).length;
    const sentences = all(tree, ofClass('sentence')).length;
    expect(textOf(cut)).toContain(`${wrong.length} errors in ${sentences} of 40 sentences. The page has the first 3 of these sentences; ${sentences - 3} more, with ${wrong.length - listed} errors, are counted above and not listed (--limit).`); // prettier-ignore
    expect(figureOf(cut, 'Errors')).toBe(String(wrong.length));
    expect(textOf(tree)).not.toContain('not listed');
    const { stdout: json } = await run('errors', 'model.safetensors', 'test.tsv', '--limit', '3', '--json');
    expect((JSON.parse(json) as { heads: object[] }).heads[0]).toMatchObject({ errors: wrong.length, wrongSentences: sentences, listed: 3 }); // prettier-ignore
  });

  test('--json has the same data, with a page and without', async () => {
    const { stdout: json, stderr } = await run('errors', 'model.safetensors', 'test.tsv', '--json');
    expect(stderr).toBe('');
    const { heads, file, warnings } = JSON.parse(json) as { file: string; warnings: object[]; heads: { errors: number; confusion: { labels: string[] }; calibration: { ece: number }; list: { line: number; errors: { gold: string; predicted: string; line: number; kind: string }[] }[] }[] }; // prettier-ignore
    expect([file, warnings, heads.length]).toEqual(['test.tsv', [], 1]);
    expect(heads[0].list.flatMap(({ errors }) => errors.map(({ line, gold, predicted }) => [line, gold, predicted]))).toEqual(wrong.map(({ line, gold, predicted }) => [line, gold, predicted])); // prettier-ignore
    expect((await run('errors', 'model.safetensors', 'test.tsv', '--json', '-o', 'both.html')).stdout).toBe(json);
    expect(readFileSync(space.at('both.html'), 'utf8')).toBe(html);
  });
});

describe('spans', () => {
  test('each mistake by its kind, its type and its text; a label alone is one, too', async () => {
    const { tree } = await pageOf('two.safetensors', 'odd.tsv');
    const found = errorsOf(tree).map(({ line, words }) => [line, words.replace(/ confidence.*| line.*| holds.*/, '')]);
    expect(found).toEqual([
      [3, 'wrong type: gold PER “New York”, predicted LOC “New York”'],
      [8, 'wrong boundary: gold LOC “New”, predicted LOC “New York”'],
      [11, 'spurious: predicted PER “Ann”'],
      [13, 'wrong boundary: gold LOC “York”, predicted LOC “New York”'],
      [15, 'missed: gold PER “and”'],
      [21, 'label only: “Ann”: gold I-PER, predicted B-PER'],
    ]);
    // type, then right, wrong type, wrong boundary, both, missed, spurious: LOC is right in the last sentence, PER in three.
    expect(tableOf(tree, 'Spans by type')).toEqual([
      ['type', 'right', 'wrong type', 'wrong boundary', 'wrong type and boundary', 'missed', 'spurious'],
      ['LOC', '1', '', '2', '', '', ''],
      ['PER', '3', '1', '', '', '1', '1'],
    ]);
    expect(tableOf(tree, 'Types of gold and predicted spans').slice(1)).toEqual([['PER', 'LOC', '1'], ['(none)', 'PER', '1'], ['PER', '(none)', '1']]); // prettier-ignore
    const labels = all(tree, ofClass('w')).map(textOf);
    expect(labels.slice(0, 2)).toEqual(['New B-PER B-LOC', 'York I-PER I-LOC']);
    for (const cell of all(tree, (node) => node.name === 'td' && 'data-kind' in node.attributes)) {
      const asked = Object.entries(cell.attributes).filter(([name]) => name.startsWith('data-'));
      const same = errorsOf(tree).filter(({ attributes }) =>
        asked.every(([name, value]) => attributes[name] === value),
      );
      expect(same).toHaveLength(Number(textOf(cell)));
    }
    expect(all(tree, ofName('svg'))).toHaveLength(2);
  });

  test('the confidence of a span is its score in `bptt tag --spans`', async () => {
    const { stdout } = await run('tag', 'two.safetensors', 'odd.tsv', '--format', 'two-column', '--output', 'jsonl', '--spans');
    const [{ spans }] = stdout.split('\n').map((line) => JSON.parse(line || '{}') as { spans: { type: string; probability: number }[] }); // prettier-ignore
    const [{ confidence }] = errorsOf((await pageOf('two.safetensors', 'odd.tsv')).tree);
    expect(spans[0].type).toBe('LOC');
    expect(Math.abs(confidence - 100 * spans[0].probability)).toBeLessThan(0.006);
  }); // prettier-ignore

  test('a CRF: confidences are marginals', async () => {
    expect(await run('train', '--train', 'two.tsv', ...EXACT, '--head', 'crf', '--out', 'crf.safetensors')).toMatchObject({ status: 0 }); // prettier-ignore
    const said = await decisions('crf.safetensors', 'odd.tsv');
    const { stdout } = await run('errors', 'crf.safetensors', 'odd.tsv', '--json');
    const [{ calibration, list }] = (JSON.parse(stdout) as { heads: { calibration: { confidence: number }; list: { errors: { kind: string; confidence: number; line: number }[] }[] }[] }).heads; // prettier-ignore
    expect(calibration.confidence).toBeCloseTo(said.reduce((sum, { probability }) => sum + probability, 0) / said.length, 6); // prettier-ignore
    const alone = list.flatMap(({ errors }) => errors).find(({ kind }) => kind === 'label')!;
    expect(alone.confidence).toBeCloseTo(said.find(({ line }) => line === alone.line)!.probability, 6);
  });

  test('--span-mode changes what is an error, and is said', async () => {
    const { tree } = await pageOf('two.safetensors', 'odd.tsv', '--span-mode', 'strict');
    expect(figureOf(tree, 'Span F1 (strict, IOB2)')).toMatch(/ %$/);
    expect(errorsOf(tree).map(({ words }) => words.replace(/ confidence.*| line.*/, ''))).toContain('spurious: predicted PER “Ann”'); // prettier-ignore
  });
});

test('labels of sentences: each wrong sentence, with its text', async () => {
  space.write('moods.tsv', 'good\tI like it\nbad\tI hate it\n'.repeat(8));
  const args = ['--task', 'classify', '--train', 'moods.tsv', ...EXACT, '--min-count', '1', '--out', 'moods.safetensors']; // prettier-ignore
  expect(await run('train', ...overriding(TINY, args))).toMatchObject({ status: 0 });
  space.write('other.tsv', 'good\tI like it\ngood\tI hate it\nbad\tI hate it\nugly\tI like it\n');
  const { tree, stderr } = await pageOf('moods.safetensors', 'other.tsv');
  expect(stderr).toContain('"ugly"');
  const found = errorsOf(tree).map(({ line, gold, predicted }) => [line, gold, predicted]);
  expect(found).toEqual([
    [2, 'good', 'bad'],
    [4, 'ugly', 'good'],
  ]);
  expect(all(tree, ofClass('text')).map(textOf)).toEqual(['I hate it', 'I like it']);
  expect(tableOf(tree, 'Confusion of labels')).toEqual([['gold \\ predicted', 'bad', 'good', 'ugly'], ['bad', '1', '', ''], ['good', '1', '1', ''], ['ugly', '', '1', '']]); // prettier-ignore
  expect(tableOf(tree, 'Gold labels that never occurred')).toEqual([['label', 'sentences'], ['ugly', '1']]); // prettier-ignore
  expect(figureOf(tree, 'Accuracy')).toBe('50.00 %');
});

describe('several heads', () => {
  beforeAll(async () => {
    const conllu = (xpos: string): string =>
      `1\tthe\t_\tDET\tDT\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t${xpos}\t_\t_\t_\t_\t_\n\n`;
    space.write('a.conllu', conllu('NN').repeat(12));
    space.write('b.conllu', conllu('NN') + conllu('NNS'));
    const trained = await run('train', '--train', 'a.conllu', '--column', 'upos,xpos', ...EXACT, '--min-count', '1', '--out', 'heads.safetensors'); // prettier-ignore
    expect(trained).toMatchObject({ status: 0 });
  });

  test('each is shown, with how often all are right; --head shows one', async () => {
    const { tree, stdout } = await pageOf('heads.safetensors', 'b.conllu');
    expect(all(tree, ofName('h2')).map(textOf)).toEqual(['Head upos', 'Head xpos']);
    expect(textOf(tree)).toContain('All heads together: all right  75.00 % of 4 tokens');
    expect(errorsOf(tree).map(({ gold, predicted }) => [gold, predicted])).toEqual([['NNS', 'NN']]);
    expect(stdout).toContain('upos 0 errors in 0 of 2 sentences; xpos 1 error in 1 of 2 sentences');
    expect(textOf(tree)).toContain('No errors in 2 sentences.');
    const one = await pageOf('heads.safetensors', 'b.conllu', '--head', 'xpos');
    expect(all(one.tree, ofName('h2')).map(textOf)[0]).toBe('Scores');
    expect(one.stdout).toContain('page.html: 1 error in 1 of 2 sentences');
  });

  test('a head that is none, and one without labels', async () => {
    expect(await run('errors', 'heads.safetensors', 'b.conllu', '--head', 'feats', '-o', 'no.html')).toMatchObject({ status: 2, stderr: 'bptt: --head "feats": the model has no head of that name; it has upos, xpos: choose one of them\n' }); // prettier-ignore
    space.write('upos.conllu', '1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n\n');
    const lacking = await run('errors', 'heads.safetensors', 'upos.conllu', '--head', 'xpos', '-o', 'no.html');
    expect(lacking.status).toBe(2);
    expect(lacking.stderr).toContain('bptt: --head "xpos": the file has no labels for it: set the columns of the heads (--column)\n'); // prettier-ignore
    expect(existsSync(space.at('no.html'))).toBe(false);
  });
});

test('whatever words and labels hold stays text', async () => {
  const words = [HOSTILE, '"quoted\' & <b>', 'a\u0007b\u001b[31mc', 'x\u202eabc\u2066y', 'שלום', '\ud83d\udc69\u200d\ud83d\ude80', '\ud800', ']]>', '-->']; // prettier-ignore
  const labels = ['B-<img src=x onerror=alert(1)>', 'O', 'B-"><script>', 'I-"><script>', 'O', 'B-\u202eevil', 'O', 'B-&amp;', 'O']; // prettier-ignore
  space.write('hostile.jsonl', `${JSON.stringify({ tokens: words, labels })}\n${JSON.stringify({ tokens: words, labels: words.map(() => 'O') })}\n`); // prettier-ignore
  const { html, tree } = await pageOf('two.safetensors', 'hostile.jsonl');
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toContain('<img');
  expect(all(tree, ofName('bdi')).length).toBeGreaterThan(5);
  expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/);
  const shown = textOf(all(tree, ofClass('text'))[0]);
  for (const word of [HOSTILE, '"quoted\' & <b>', 'a<U+0007>b<U+001B>[31mc', 'x<U+202E>abc<U+2066>y', 'שלום', '\ud83d\udc69\u200d\ud83d\ude80', ']]>']) expect(shown).toContain(word); // prettier-ignore
  expect(textOf(tree)).toContain('<img src=x onerror=alert(1)>');
  const { stdout } = await run('errors', 'two.safetensors', 'hostile.jsonl', '--json');
  expect((JSON.parse(stdout) as { heads: { list: { tokens: string[] }[] }[] }).heads[0].list[0].tokens.slice(0, 6)).toEqual(words.slice(0, 6)); // prettier-ignore
});

test('a file without errors, and tokens without label', async () => {
  space.write('none.tsv', 'New\tB-LOC\nYork\tI-LOC\nand\tO\nAnn\tB-PER\n');
  const { tree } = await pageOf('two.safetensors', 'none.tsv');
  expect(textOf(tree)).toContain('No errors in 1 sentence.');
  expect(all(tree, ofClass('filters'))).toEqual([]);
  space.write('gaps.jsonl', '{"tokens":["New","York","and","Ann"],"labels":["B-LOC",null,"O","B-LOC"]}\n');
  const gaps = await pageOf('two.safetensors', 'gaps.jsonl');
  expect(figureOf(gaps.tree, 'Left out, without label')).toBe('1');
  expect(errorsOf(gaps.tree).map(({ words }) => words.replace(/ confidence.*/, ''))).toEqual(['wrong type: gold LOC “Ann”, predicted PER “Ann”']); // prettier-ignore
});

test('of more than 30 labels, those that are confused least share a row and a column; no count is lost', async () => {
  const label = (n: number): string => `L${String(n).padStart(2, '0')}`;
  space.write('many.tsv', Array.from({ length: 45 }, (_, n) => `w${n}\t${label(n)}\n\n`).join(''));
  const args = ['--train', 'many.tsv', '--epochs', '1', '--min-count', '1', '--quiet', '--out', 'many.safetensors'];
  expect(await run('train', ...overriding(TINY, args))).toMatchObject({ status: 0 });
  const { tree } = await pageOf('many.safetensors', 'many.tsv');
  const [head, ...rows] = tableOf(tree, 'Confusion of labels');
  expect(head).toHaveLength(31);
  expect(head.at(-1)).toBe('16 others');
  expect(rows.flatMap((row) => row.slice(1)).reduce((sum, cell) => sum + Number(cell), 0)).toBe(45);
});

test.each([
  [['model.safetensors', 'test.tsv'], 2, 'errors: -o is missing: pass a file for the page, or pass --json'],
  [['model.safetensors', 'test.tsv', '-o', 'test.tsv'], 2, '-o test.tsv would overwrite the input test.tsv'],
  [['model.safetensors', 'test.tsv', '-o', 'model.safetensors'], 2, 'would overwrite the input model.safetensors'],
  [['model.safetensors', 'test.tsv', '-o', '-'], 2, '-o - would write a file named "-"'],
  [['model.safetensors', 'test.tsv', '-o', 'x.html', '--limit', '0'], 2, 'at least 1, or all'],
  [['model.safetensors', 'test.tsv', '-o', 'x.html', '--limti', '3'], 2, "unknown option '--limti'"],
  [['model.safetensors', 'test.tsv', '-o', 'x.html', '--scheme', 'IOB2'], 2, '--scheme has no effect with --span-mode conlleval'],
  [['model.safetensors', 'test.tsv', '-o', 'x.html', '--span-mode', 'strict'], 65, 'test.tsv: the span mode strict needs span labels'],
  [['model.safetensors', 'gone.tsv', '-o', 'x.html'], 65, 'gone.tsv'],
  [['test.tsv', 'test.tsv', '-o', 'x.html'], 65, 'test.tsv: '],
  [['two.safetensors', 'test.tsv', '-o', 'x.html', '--strict-labels'], 65, 'was never seen'],
  [['model.safetensors', 'test.tsv', '-o', 'no/such/folder/x.html'], 1, 'no/such/folder'],
])('refuses %j', async (args, status, message) => {
  const outcome = await run('errors', ...args);
  expect(outcome).toMatchObject({ status, stdout: '' });
  expect(outcome.stderr).toContain(message);
  expect(outcome.stderr.trimEnd().split('\n').at(-1)).toMatch(/^bptt: /);
  expect(existsSync(space.at('x.html'))).toBe(false);
}); // prettier-ignore
