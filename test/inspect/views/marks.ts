/**
 * Reads a picture as whoever audits it would, with an XML parser and the trace alone, and says which marks do not show what the trace
 * holds. Shares no code with the views.
 *
 * A mark is an element with `data-v`. Its reference is `data-ref` behind the `data-base` of the elements around it. With `data-block` it
 * is the sum of a block: `0:4,8:12` of a matrix, `0:4` of a vector. An element whose `data-v` lists numbers is a row of marks, one a
 * column, `-` for none; `data-f` has them as base64 of float64 instead. Each `{}` in its reference and block then stands for the number of the column, or for what `data-at` lists.
 */
import { SaxesParser } from 'saxes';

/** One mark, as it stands in the text. */
export interface Found {
  readonly element: string;
  readonly v: string;
  readonly ref: string;
  readonly block?: string;
  /** Of a row: the column, and how many numbers the row has. */
  readonly column?: number;
  readonly of?: number;
}

/** An element with its attributes and the text directly in it. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Every element of an XML document, in document order. @throws where it is not well-formed */
export function elementsOf(svg: string): Element[] {
  const parser = new SaxesParser({ xmlns: true });
  const all: Element[] = [];
  const open: Element[] = [];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const plain = Object.fromEntries(Object.entries(attributes).map(([key, each]) => [key, each.value]));
    const element = { name, attributes: plain, text: '' };
    const base = (open.at(-1)?.attributes['#base'] ?? '') + (plain['data-base'] ?? '');
    element.attributes['#base'] = base;
    all.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const last = open.at(-1);
    if (last !== undefined) last.text += text;
  });
  parser.on('closetag', () => void open.pop());
  parser.write(svg).close();
  return all;
}

/** Every mark of a picture. */
export function marksOf(svg: string): Found[] {
  return elementsOf(svg).flatMap((element) => marksIn(element));
}

/** The numbers of an element as texts: those it lists, or those it packs as base64 of float64, from a column on. */
function valuesIn(attributes: Element['attributes']): string[] | undefined {
  const { 'data-v': list, 'data-f': packed, 'data-from': from = '0' } = attributes;
  if (packed === undefined) return list?.split(' ');
  const bytes = Buffer.from(packed, 'base64');
  const numbers = Array.from({ length: bytes.length / 8 }, (_, i) => String(bytes.readDoubleLE(8 * i)));
  return [...new Array<string>(Number(from)).fill('-'), ...numbers];
}

/** The marks of one element. */
export function marksIn({ name, attributes }: Element): Found[] {
  const { 'data-ref': ref, 'data-block': block, 'data-at': at } = attributes;
  const values = valuesIn(attributes);
  if (values === undefined) return [];
  const place = `${attributes['#base']}${ref ?? '?'}`;
  return values.flatMap((v, column) => {
    if (v === '-') return [];
    const slots = at === undefined ? [`${column}`] : at.split(' ')[column].split('.');
    const fill = (text: string) => text.split('{}').reduce((all, next) => `${all}${slots.shift()}${next}`);
    const found = { element: name, v, ref: fill(place), block: block === undefined ? undefined : fill(block) };
    return [values.length > 1 ? { ...found, column, of: values.length } : found];
  });
}

/** RFC 6901, written once more. */
function at(trace: unknown, ref: string): unknown {
  let here = trace;
  for (const part of ref.split('/').slice(1)) {
    const name = part.split('~1').join('/').split('~0').join('~');
    here = (here as Record<string, unknown> | null | undefined)?.[name];
  }
  return here;
}

function expected(trace: unknown, { ref, block }: Found): unknown {
  const value = at(trace, ref);
  if (block === undefined) return value;
  const [rows, columns] = block.split(',').map((range) => range.split(':').map(Number));
  const part = (value as unknown[]).slice(rows[0], rows[1]);
  const all = columns === undefined ? part : part.flatMap((row) => (row as unknown[]).slice(columns[0], columns[1]));
  return all.reduce<number>((sum, each) => sum + ((each as number | null) ?? 0), 0);
}

/** What is wrong with the marks of a picture: one line per mark. Values must be those of the trace, to the last bit. */
export function faults(svg: string, trace: unknown): string[] {
  return marksOf(svg).flatMap((mark) => {
    const value = expected(trace, mark);
    if (typeof value !== 'number') return [`${mark.element} ${mark.ref}: the trace holds no number there`];
    const digits = mark.v.replace(/^-?0?\.?0*|\.|e.*$/g, '');
    const read = Number(mark.v);
    if (!Object.is(read, value) && !(read === 0 && value === 0))
      return [`${mark.element} ${mark.ref}: shows ${mark.v}; the trace holds ${value}`];
    if (mark.of !== undefined && mark.v !== String(value)) return [`${mark.ref}: ${mark.v} is not the shortest`];
    const full = mark.of !== undefined || !Number.isFinite(value) || value === 0 || digits.length === 17;
    return full ? [] : [`${mark.element} ${mark.ref}: ${mark.v} has ${digits.length} digits`];
  });
}
