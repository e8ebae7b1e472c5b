/** Reports: the page is whole without scripts, nothing in it can do harm, and what it computes again is right. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { cells } from '../../../src/cells/index.js';
import { inspect, untrained } from '../../../src/inspect/index.js';
import type { Trace } from '../../../src/inspect/index.js';
import { agreementOf as agreement, compareWith, marksOfNode } from '../../../src/inspect/report/agree.js';
import type { PageMark } from '../../../src/inspect/report/agree.js';
import { classified } from '../../../src/inspect/report/classes.js';
import { reportPage } from '../../../src/inspect/report/index.js';
import { norm } from '../../../src/inspect/numbers.js';
import { norm as normInPage } from '../../../src/inspect/report/recompute.js';
import { payloadOf } from '../../../src/inspect/report/payload.js';
import type { Payload } from '../../../src/inspect/report/payload.js';
import type { ReportContent } from '../../../src/inspect/report/index.js';
import { languages, views } from '../../../src/inspect/views/index.js';
import { SENTENCE } from '../../support/sample-trace.js';
import { kernels } from '../support.js';
import { elementsOf, faults, marksOf } from '../views/marks.js';
import { drawable, HOSTILE } from '../views/pictures.js';

const agreementOf = (payload: Payload, marks: readonly PageMark[]) => agreement(cells[payload.cell], payload, marks);

interface Options {
  readonly cell?: string;
  readonly tokens?: readonly string[];
  readonly hidden?: number;
  readonly embedding?: number;
  readonly layers?: number;
  readonly bidirectional?: boolean;
  readonly full?: boolean;
  readonly seed?: 'loss' | 'logit' | 'margin';
}

/** A reading of a sentence whose labels take turns. */
function traceOf({
  cell = 'lstm',
  tokens = SENTENCE,
  hidden = 5,
  embedding = 3,
  full,
  seed,
  ...more
}: Options = {}): Trace {
  const sentence = { tokens: [...tokens], labels: tokens.map((_, k) => ['A', 'B', 'C'][k % 3]) };
  const model = untrained([sentence, { tokens: ['x'], labels: ['C'] }], { cell, hidden, embedding, ...more });
  const asked = full ? { checks: 12, saliency: [tokens.length - 1] } : { checks: 0, jacobian: false };
  return inspect(kernels, model, sentence, { ...asked, ...(seed && { seed }) });
}

function pageOf(trace: Trace, more: Partial<ReportContent> = {}, others: readonly Trace[] = [trace]): string {
  const comparison = { cells: others.map((each) => ({ traces: [each] })) };
  return reportPage({ trace, comparison, command: "bptt report 'the cat'", version: '0.1.0', ...more });
}

/** The pictures of a page, each as a document of its own: quotes that HTML lets out are put in. */
const picturesIn = (page: string): string[] =>
  (page.match(/<svg .*?<\/svg>/gs) ?? []).map((svg) =>
    svg.replace(/<[^<>]+>/g, (tag) => tag.replace(/ ([\w:-]+)=([\w.,#-]+)(?=[ >])/g, ' $1="$2"')),
  );

/** A page without its scripts and without the numbers that stand in attributes. */
const plainOf = (page: string): string =>
  page.replace(/<script.*?<\/script>/gs, '').replace(/ data-[vf]=("[^"]*"|[^ >]*)/g, '');

/** Every mark of every view of a trace, as a page reads it; recurrent weights that one word alone does not use have no ledger. */
const pageMarks = (trace: Trace) =>
  drawable(trace)
    .filter((view) => view !== 'ledger' || trace.words.length > 1)
    .flatMap((view) =>
      marksOf(views[view].parts(trace).svg).map(({ v, ref, block = null }) => ({ shown: Number(v), ref, block })),
    );

/** Runs the script of a page on a stand-in for a document, and gives what it wrote. */
function ranIn(page: string): { className: string; textContent: string } {
  const plain = (value: string) => value.replace(/&(quot|#39|lt|gt|amp);/g, (_, name: string) => ({ quot: '"', '#39': "'", lt: '<', gt: '>', amp: '&' })[name]!); // prettier-ignore
  const attributesOf = (tag: string) => Object.fromEntries([...tag.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)])); // prettier-ignore
  const node = (attributes: Record<string, string>, parentElement: unknown) => ({
    ...{ parentElement, textContent: '', className: '' },
    getAttribute: (name: string) => attributes[name] ?? null,
  });
  const marks = picturesIn(page).flatMap((svg) => {
    const open: unknown[] = [];
    return [...svg.matchAll(/<(\/?)[a-zA-Z]+([^<>]*?)(\/?)>/g)].flatMap(([, closes, attributes, single]) => {
      if (closes) {
        open.pop();
        return [];
      }
      const own = attributesOf(attributes);
      const made = node(own, open.at(-1) ?? null);
      if (!single) open.push(made);
      return 'data-v' in own || 'data-f' in own ? [made] : [];
    });
  });
  const verdict = node(attributesOf(/<p id="verdict"[^>]*>/.exec(page)![0]), null);
  const payload = { ...node({}, null), textContent: /id="payload">(.*?)<\/script>/s.exec(page)![1] };
  const document = { getElementById: (id: string) => (id === 'verdict' ? verdict : payload), querySelectorAll: () => marks }; // prettier-ignore
  runInNewContext(/<script>(.*?)<\/script>/s.exec(page)![1], { document, atob });
  return verdict;
}

const standard = () => {
  const size = { hidden: 16, embedding: 16 };
  const trace = traceOf({ ...size, full: true });
  return { trace, others: ['rnn', 'lstm', 'gru'].map((cell) => traceOf({ ...size, cell })) };
};
let made: ReturnType<typeof standard> | undefined;
const whole = () => (made ??= standard());

test('scripts.ts and equations.ts are what their sources give', () => {
  const cwd = join(__dirname, '../../..');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build-report.js', '--check'], {
    cwd,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('the numbers, computed again', () => {
  test.each<Options>([
    ...['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'].map((cell) => ({ cell })),
    { layers: 2, bidirectional: true },
    { cell: 'gru', layers: 2, hidden: 4 },
    { tokens: ['cat'], hidden: 1, embedding: 1 },
    { tokens: Array.from({ length: 60 }, (_, i) => SENTENCE[i % 12]), cell: 'rnn', hidden: 2 },
    { seed: 'margin' },
    { seed: 'logit', cell: 'gru' },
  ])('agree for %j', (options) => {
    const trace = traceOf(options);
    const marks = pageMarks(trace);
    const found = agreementOf(payloadOf(trace)!, marks);
    expect(found).toMatchObject({ checked: marks.length, differing: 0, first: null });
    expect(found.worst).toBeLessThan(1e-9);
  });

  test('disagree where one weight is another, and where one mark is', () => {
    const trace = traceOf();
    const marks = pageMarks(trace);
    const payload = payloadOf(trace)!;
    const at = payload.numbers.length >> 1;
    const other = payload.numbers[at] === 'A' ? 'B' : 'A';
    const spoiled = { ...payload, numbers: payload.numbers.slice(0, at) + other + payload.numbers.slice(at + 1) };
    expect(agreementOf(spoiled, marks).differing).toBeGreaterThan(100);
    const wrong = marks.map((mark, i) => (i === 40 ? { ...mark, shown: mark.shown * (1 + 1e-6) } : mark));
    expect(agreementOf(payload, wrong)).toMatchObject({ differing: 1, first: marks[40].ref });
  });

  test.each(['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'])('the script of %s says so in a page', (cell) => {
    const trace = traceOf({ cell });
    const page = pageOf(trace);
    expect(ranIn(page)).toMatchObject({ className: 'agrees', textContent: expect.stringMatching(/^✓ .* all agree/) });
    const spoiled = page.replace(/("numbers":".{200})(.)/, (_, before: string, each: string) => before + (each === 'A' ? 'B' : 'A')); // prettier-ignore
    expect(ranIn(spoiled)).toMatchObject({
      className: 'disagrees',
      textContent: expect.stringMatching(/^✗ .*disagree/),
    });
    expect(ranIn(page.replace('"numbers":"', '"numbers":"*'))).toMatchObject({ className: 'failed' });
  });

  test('NaN agrees with NaN alone', () => {
    const mark = { shown: NaN, ref: '/loss', block: null };
    expect(compareWith({ loss: NaN }, [mark])).toMatchObject({ checked: 1, differing: 0 });
    expect(compareWith({ loss: 0.5 }, [mark])).toMatchObject({ checked: 1, differing: 1, first: '/loss' });
    expect(compareWith({}, [mark])).toMatchObject({ checked: 0, marks: 1 });
  });

  test('there are none for a cell that the page has no code for', () => {
    const trace = traceOf({ tokens: ['cat'] });
    expect(payloadOf({ ...trace, model: { ...trace.model, cell: 'mine' } })).toBeUndefined();
    expect(payloadOf({ ...trace, head: { ...trace.head, kind: 'crf' } })).toBeUndefined();
    const page = pageOf(trace, { builtIn: false });
    expect(page).not.toContain('<script');
    expect(page).toContain('does not recompute its numbers: its cell, lstm, is not built in');
    const crf = { ...trace, head: { ...trace.head, kind: 'crf' } };
    expect(pageOf(crf)).toContain('does not recompute its numbers: its head, crf, does not give each word one label');
    expect(pageOf(crf)).not.toContain('<script');
    expect(/content="([^"]+)"/.exec(page)![1]).not.toContain('script-src');
  });

  test('a page reads rows, bases and blocks as they are written', () => {
    const node = (attributes: Record<string, string>, parentElement: unknown = null) => ({
      parentElement,
      getAttribute: (name: string) => attributes[name] ?? null,
    });
    const base = node({ 'data-base': '/a/{}' });
    const row = node({ 'data-ref': '/b', 'data-v': '1 - 3' }, base);
    expect(marksOfNode(row as never).map(({ ref, shown }) => [ref, shown])).toEqual([['/a/0/b', 1], ['/a/2/b', 3]]); // prettier-ignore
    const sums = node({ 'data-ref': '/c', 'data-block': '0:2,{}:{}', 'data-at': '0.2 2.4', 'data-v': '1 2' });
    const found = marksOfNode(sums as never);
    expect(found.map(({ block }) => block)).toEqual(['0:2,0:2', '0:2,2:4']);
    expect(compareWith({ c: [[1, 0, 1, 1], [0, 0, null, 0]] }, found)).toMatchObject({ checked: 2, differing: 0 }); // prettier-ignore
  });
});

describe('the page', () => {
  test('12 words, 16 units: all ten views, at most 250 kB', () => {
    const { trace, others } = whole();
    const page = pageOf(trace, {}, others);
    const ids = [...page.matchAll(/<h2 id="(\w+)-title">/g)].map(([, id]) => id);
    const order = ['strip', 'reach', 'compare', 'stepper', 'equation', 'gates', 'ledger', 'norms', 'saliency', 'check'];
    expect(ids).toEqual([...order, 'proof']);
    expect(new TextEncoder().encode(page).length).toBeLessThanOrEqual(250_000);
  });

  test('every mark of every picture can be read from the file, and is that of the trace', () => {
    const { trace, others } = whole();
    const page = pageOf(trace, {}, others);
    const pictures = picturesIn(page).slice(1);
    expect(pictures).toHaveLength(10);
    const own = { ...trace, cells: others.map((each) => ({ traces: [each] })) };
    const found = pictures.flatMap((svg) => marksOf(svg));
    expect(pictures.flatMap((svg) => faults(svg, own))).toEqual([]);
    const expected = drawable(trace).flatMap((view) => marksOf(views[view].parts(trace).svg));
    const count = (marks: readonly { ref: string }[]) => marks.filter(({ ref }) => !ref.startsWith('/cells/')).length;
    expect(count(found)).toBe(expected.length);
    expect(found.length - count(found)).toBe(3 * (78 + 12 + 1) + others.flatMap(({ reach }) => reach.length.filter((each) => each !== null)).length); // prettier-ignore
  });

  test('nothing but its own style and script may run, and no address stands in it', () => {
    const { trace, others } = whole();
    const page = pageOf(trace, {}, others);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)![1].split(';');
    const hash = (source: string) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`;
    const style = /<style>(.*?)<\/style>/s.exec(page)![1];
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, source]) => source);
    expect(scripts).toHaveLength(1);
    expect(policy).toEqual([
      "default-src 'none'",
      `style-src ${hash(style)}`,
      `script-src ${hash(scripts[0])}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    const rest = page.replace(scripts[0], '');
    expect(rest).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\((?!#)| style=| on\w+=/i);
    expect(scripts[0]).not.toMatch(/https?:|fetch|XMLHttp|import\(|eval|new Function/);
  });

  test.each(Object.keys(languages))('in %s: words of that language, equations as MathML, tables', (language) => {
    const page = pageOf(whole().trace, { language });
    expect(page).toContain(`<html lang="${language}">`);
    expect(page).toContain(languages[language]['report.title']);
    expect(page.match(/<math display=block>/g)!.length).toBeGreaterThan(8);
    expect(page.match(/<table>/g)!.length).toBeGreaterThan(15);
    expect(plainOf(page)).not.toMatch(/undefined|\[object|NaN/);
  });

  test('with its numbers computed again it says what it does not compute: other cells, saliency, other methods', () => {
    const { trace, others } = whole();
    const page = pageOf(trace, {}, others);
    const { textContent } = ranIn(page);
    expect(textContent).toMatch(
      /Not recomputed here: the compared cells, saliency, forward mode and finite differences\.$/,
    );
    const refs = picturesIn(page).flatMap((svg) => marksOf(svg)).map(({ ref }) => ref); // prettier-ignore
    const left = refs.filter((ref) => /^\/(cells|saliency|checks)\//.test(ref) && !/\/analytic$/.test(ref));
    const [, checked, all] = /: (\d+) of (\d+) numbers/.exec(textContent)!.map(Number);
    expect(all - checked).toBe(refs.filter((ref) => /^\/(cells|saliency|checks)\//.test(ref)).length);
    expect(left.length).toBeGreaterThan(100);
  });

  test('no English string of the table stands in the German page', () => {
    const page = pageOf(whole().trace, { language: 'de' });
    const shown = plainOf(page).replace(/<style.*?<\/style>|<math.*?<\/math>/gs, '').replace(/<code>.*?<\/code>|<[^>]*>/gs, '\n'); // prettier-ignore
    const attributes = [...plainOf(page).matchAll(/aria-label="([^"]*)"|data-(?:agrees|disagrees|failed)="([^"]*)"/g)].map(([, a, b]) => a ?? b); // prettier-ignore
    const texts = [...shown.split('\n'), ...attributes].map((each) => each.replace(/&#39;/g, "'").replace(/&gt;/g, '>').replace(/&lt;/g, '<').trim()); // prettier-ignore
    const { en, de } = languages;
    const found = Object.entries(en).flatMap(([key, english]) => {
      if (de[key as keyof typeof de] === english) return [];
      // Pieces between values; one word alone must be a whole text, several may stand anywhere.
      const pieces = english.split(/\{\w+\}/).map((each) => each.trim()).filter((each) => /[a-z]{3}/i.test(each)); // prettier-ignore
      return pieces.filter((piece) => texts.some((each) => (/[a-z] [a-z]/i.test(piece) ? each.includes(piece) : each === piece))).map((piece) => `${key}: ${piece}`); // prettier-ignore
    });
    const own = new Set(whole().trace.words.map(({ text }) => text)); // a word of the sentence may be one of the table
    expect(found.filter((each) => !own.has(each.replace(/^[^ ]* /, '')))).toEqual([]);
    expect(pageOf(whole().trace)).toContain(en['law.shares-sum-to-one']); // in the English page it stands
  });

  test.each(['light', 'dark', 'print'] as const)('in the theme %s', (theme) => {
    const page = pageOf(traceOf({ tokens: ['a', 'b'] }), { theme });
    expect(page).toContain(`color-scheme:${theme === 'dark' ? 'dark' : 'light'}`);
  });

  test('a word or a label that is markup is text, in the body and in the JSON', () => {
    const tokens = ['</script><img onerror=alert(1)>', '<!--', ']]>', '"\'&amp;', '</style><script>alert(1)</script>'];
    const page = pageOf(traceOf({ tokens, full: true }), { command: `bptt report '${tokens[0]}'` });
    expect(page).not.toContain('<img');
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script/g)).toHaveLength(2);
    expect(page.match(/<\/style/g)).toHaveLength(1);
    expect(page).not.toContain('<!--');
    expect(page).toContain('&lt;/script&gt;&lt;img onerror=alert(1)&gt;');
    const hidden = traceOf({ tokens: ['a'] });
    const label = '</script><b>';
    const labelled = { ...hidden, head: { ...hidden.head, name: label }, losses: hidden.losses.map((each) => ({ ...each, gold: label })) }; // prettier-ignore
    expect(pageOf(labelled)).not.toMatch(/<\/script><b>/);
  });

  test.each([
    ['one word, one unit', { tokens: ['cat'], hidden: 1, embedding: 1 }],
    ['right-to-left, Chinese, empty and control characters', { tokens: HOSTILE }],
    ['100 units', { hidden: 100, tokens: ['a', 'b', 'c'] }],
    ['two layers, both directions', { layers: 2, bidirectional: true, cell: 'gru' }],
  ] as const)('%s', (_, options) => {
    const page = pageOf(traceOf({ ...options, full: true }));
    for (const svg of picturesIn(page)) expect(elementsOf(svg)[0].name).toBe('svg');
    expect(plainOf(page)).not.toMatch(/undefined|\[object/);
  });

  test('weights that are not numbers: ✕ in pictures and tables, and the page still agrees with itself', () => {
    const sentence = { tokens: ['a', 'b', 'c'], labels: ['A', 'B', 'A'] };
    const model = untrained([sentence], { cell: 'lstm', hidden: 3, embedding: 2 });
    const weights = (model.params.layers[0] as unknown as { forward: { Wh: { data: Float32Array } } }).forward.Wh;
    weights.data[0] = NaN;
    const trace = inspect(kernels, model, sentence, { checks: 4, saliency: [2] });
    const page = pageOf(trace);
    expect(page).toContain('✕');
    const said = trace.checks.fault?.message ?? ''; // in the words of the trace
    expect(plainOf(page).replace(said, '')).not.toMatch(/NaN|undefined/);
    const marks = pageMarks(trace);
    expect(agreementOf(payloadOf(trace)!, marks)).toMatchObject({ differing: 0 });
  });

  test('500 words: joined by the stated rule, a bounded file', () => {
    const tokens = Array.from({ length: 500 }, (_, i) => SENTENCE[i % 12]);
    const sentence = { tokens, labels: tokens.map((_, k) => ['A', 'B', 'C'][k % 3]) };
    const model = untrained([sentence], { cell: 'rnn', hidden: 2, embedding: 2 });
    const trace = inspect(kernels, model, sentence, { checks: 2, jacobian: false });
    const page = pageOf(trace);
    expect(page).toContain('11 words share');
    expect(page).toContain('its 500 words are more than 100');
    expect(page.length).toBeLessThan(1_500_000);
    expect(picturesIn(page).slice(1).flatMap((svg) => faults(svg, { ...trace, cells: [{ traces: [trace] }] }))).toEqual([]); // prettier-ignore
  });
});

test('classes: looks that occur often get a name, and nothing else changes', () => {
  const text = (n: number) => `<text x="${n}" font-size="12" fill="#123456">${n}</text>`;
  const many = Array.from({ length: 5 }, (_, n) => text(n)).join('');
  const { css, body } = classified(`<svg>${many}<rect class="k" fill="#123456"/><path d="M0" fill="#aaaaaa"/></svg>`);
  expect(css).toBe('.a{font-size:12px;fill:#123456}');
  expect(body).toBe(`<svg>${many.replaceAll(' font-size="12" fill="#123456"', '').replaceAll('<text', '<text class=a').replace(/x="(\d)"/g, 'x=$1')}<rect class=k fill=#123456 /><path d=M0 fill=#aaaaaa /></svg>`); // prettier-ignore
});

test.each([norm, normInPage])('a norm is NaN wherever the NaN stands', (size) => {
  const vectors = [[NaN, 0], [1, NaN], [3, 4], [0, 0], [Infinity, 1]]; // prettier-ignore
  expect(vectors.map((each) => size(each))).toEqual([NaN, NaN, 5, 0, Infinity]);
});
