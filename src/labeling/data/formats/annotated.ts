/**
 * What annotation tools export as JSON lines: a text, and spans by the places of their characters.
 *
 *     doccano   {"text": "Ann sang", "label": [[0, 3, "PER"]]}                                  or "labels"
 *     prodigy   {"text": "Ann sang", "spans": [{"start": 0, "end": 3, "label": "PER"}]}         perhaps "tokens", "answer"
 *
 * A text is one sentence; it is cut into tokens as raw text is, or as the `tokens` of Prodigy say. Labels come out in IOB2. Places count
 * code points, as Python does. Where a span of a text does not begin and end with tokens by that count, and all of its spans do by UTF-16
 * code units, these are taken. A span that fits neither way is left out, and of spans that overlap all but the first (of two that begin
 * together the longer); both are counted and told. Prodigy's examples with an `answer` other than `accept` are left out, and counted.
 */
import { counted } from '../../../tensor/print.js';
import type { DataError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import { createSegmenter } from '../segment.js';
import type { Sentence } from '../sentence.js';
import type { AnnotatedFormat } from './annotated-format.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { jsonFields, shown } from './jsonl.js';
import { dataErrorAt, type ParseOptions } from './options.js';

/** A span of characters. */
interface CharacterSpan {
  readonly start: number;
  readonly end: number;
  readonly type: string;
}

type Places = readonly (readonly [start: number, end: number])[];

const SHAPES: Readonly<Record<AnnotatedFormat, string>> = {
  doccano: 'write {"text": "…", "label": [[start, end, "TYPE"], …]}',
  prodigy: 'write {"text": "…", "spans": [{"start": 0, "end": 3, "label": "TYPE"}, …]}',
};

/** A parser of such lines. */
export function createAnnotatedParser(format: AnnotatedFormat, options: ParseOptions): LineParser {
  const { source, labels: policy, maxTokens, cleaner } = options;
  const segment = createSegmenter({
    ...(options.like?.tokenizer && { tokenizer: options.like.tokenizer }),
    ...(options.like?.locale !== undefined && { locale: options.like.locale }),
  });
  const lost = { sentences: 0, tokens: 0 };
  const tally = createTally(source);

  function parse(row: string, line: number): Sentence | undefined {
    const fail = (message: string): DataError => dataErrorAt(source, line, message);
    const fields = jsonFields(row, SHAPES[format], fail);
    const answer = fields.get('answer') ?? 'accept';
    if (format === 'prodigy' && answer !== 'accept') return void tally.add('answers', line, String(answer));
    const text = fields.get('text');
    if (typeof text !== 'string')
      throw fail(`expected "text", a string; got ${shown(fields, 'text')}: ${SHAPES[format]}`);
    const spans = policy === 'ignored' ? undefined : spansOf(format, fields, fail);
    if (spans === undefined && policy === 'required') throw fail(`expected spans; got none: ${SHAPES[format]}`);
    const own = format === 'prodigy' ? tokensOf(fields, text) : undefined;
    const offsets = own ?? segment(text).flatMap((sentence) => sentence.offsets);
    if (offsets.length === 0) throw fail('expected a text; got nothing but white space: remove the line');
    if (offsets.length > maxTokens)
      throw fail(`the text has ${offsets.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`);
    const tokens = offsets.map(([start, end]) => cleaner.token(text.slice(start, end), line));
    return { tokens, line, ...(spans && { labels: labelsOf(spans, text, offsets, line, tally) }) };
  }

  return {
    reading: { format, ...(options.like?.tokenizer && { tokenizer: options.like.tokenizer }) },
    push: (text, line) => (isBlank(text) ? undefined : parse(text, line)),
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes: () => tally.notes(),
  };
}

/** The labels of the tokens: of spans that fit them, and overlap none that was taken before. */
function labelsOf(
  spans: readonly CharacterSpan[],
  text: string,
  offsets: Places,
  line: number,
  tally: Tally,
): string[] {
  const [points, units] = [codePointUnits(text), (at: number): number | undefined => at];
  const fits = ({ start, end }: CharacterSpan, place: typeof units): boolean =>
    offsets.some(([from]) => from === place(start)) && offsets.some(([, to]) => to === place(end)) && start < end;
  const inUnits = !spans.every((span) => fits(span, points)) && spans.every((span) => fits(span, units));
  if (inUnits) tally.add('units', line, spans.find((span) => !fits(span, points))!.type);
  const place = inUnits ? units : points;
  const labels = offsets.map(() => 'O');
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const first = offsets.findIndex(([from]) => from === place(span.start));
    const last = offsets.findLastIndex(([, to]) => to === place(span.end));
    if (!fits(span, place) || last < first) tally.add('misaligned', line, span.type);
    else if (labels.slice(first, last + 1).some((label) => label !== 'O')) tally.add('overlapping', line, span.type);
    else for (let t = first; t <= last; t++) labels[t] = `${t === first ? 'B' : 'I'}-${span.type}`;
  }
  return labels;
}

const TOLD = {
  answers: ['example', 'left out, whose answer is not accept'],
  misaligned: ['span', 'left out, which begin or end inside of a token'],
  overlapping: ['span', 'left out, which overlap another one'],
  units: ['text', 'whose places fit the tokens in UTF-16 code units alone, and were read so'],
} as const;

type Tally = ReturnType<typeof createTally>;

/** Counts what was decided, and keeps the first case of each. */
function createTally(source: string) {
  const found = new Map<keyof typeof TOLD, { count: number; line: number; what: string }>();
  return {
    add(kind: keyof typeof TOLD, line: number, what: string): void {
      const known = found.get(kind);
      if (known === undefined) found.set(kind, { count: 1, line, what });
      else known.count++;
    },
    notes: (): Note[] =>
      [...found].map(([kind, { count, line, what }]) => {
        const [thing, said] = TOLD[kind];
        const message = `${source}: ${counted(count, thing)} ${said}, the first in line ${line} (${what})`;
        return { kind: `annotated-${kind}`, message, source, line, count };
      }),
  };
}

/** From places in code points to places in code units; undefined outside of the text. */
function codePointUnits(text: string): (at: number) => number | undefined {
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return (at) => units[at];
}

function spansOf(
  format: AnnotatedFormat,
  fields: ReadonlyMap<string, unknown>,
  fail: (message: string) => DataError,
): CharacterSpan[] | undefined {
  const name = format === 'prodigy' ? 'spans' : fields.has('label') ? 'label' : 'labels';
  const value = fields.get(name) ?? undefined;
  if (value === undefined) return undefined;
  const spans = Array.isArray(value) ? value.map((each) => spanOf(format, each)) : [undefined];
  if (spans.every((span) => span !== undefined)) return spans;
  throw fail(`expected "${name}", a list of spans; got ${shown(fields, name)}: ${SHAPES[format]}`);
}

function spanOf(format: AnnotatedFormat, value: unknown): CharacterSpan | undefined {
  const { start, end, label } = (value ?? {}) as Record<string, unknown>;
  const parts = format === 'prodigy' ? [start, end, label] : Array.isArray(value) ? (value as unknown[]) : [];
  const isPlace = (at: unknown): at is number => Number.isInteger(at) && Number(at) >= 0;
  const [from, to, type] = parts;
  if (parts.length !== 3 || !isPlace(from) || !isPlace(to) || typeof type !== 'string' || type.trim() === '')
    return undefined;
  return { start: from, end: to, type: type.trim() };
}

/** The places of Prodigy's own tokens, in code units; undefined where it has none, or they do not fit the text. */
function tokensOf(fields: ReadonlyMap<string, unknown>, text: string): Places | undefined {
  const value = fields.get('tokens');
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const units = codePointUnits(text);
  const places = (value as unknown[]).map((token) => {
    const { text: own, start, end } = (token ?? {}) as Record<string, unknown>;
    const ways = [[units(Number(start)), units(Number(end))], [Number(start), Number(end)]]; // prettier-ignore
    return ways.find(([from, to]) => from !== undefined && to !== undefined && text.slice(from, to) === own) as [number, number] | undefined; // prettier-ignore
  });
  return places.every((place) => place !== undefined)
    ? places.filter(([a, b]) => text.slice(a, b).trim() !== '')
    : undefined;
}
