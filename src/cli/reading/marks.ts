/** The marks of a figure (elements that carry a number), and its metadata. */
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { DataError } from '../../tensor/index.js';
import { visible } from '../../tensor/visible.js';

/** The data needed to reproduce a figure. */
export interface FigureSource {
  readonly args: readonly string[];
  readonly sha256: string;
  readonly version: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#9': '\t',
  '#10': '\n',
  '#13': '\r',
};

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|#9|#10|#13);/g, (_, name: string) => ENTITIES[name]);

/** Reads the metadata. @throws DataError if there is none, or it is not that of a figure */
export function metadataIn(svg: string, path: string): FigureSource {
  const bad = (what: string): DataError =>
    new DataError(`${path}: expected a figure made by bptt figure; ${what}: make one with bptt figure`);
  const start = svg.indexOf('<metadata>');
  const end = svg.indexOf('</metadata>');
  if (!/^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/.test(svg.slice(0, 1000)) || start < 0 || end < start)
    throw bad('it holds no metadata');
  if (svg.indexOf('<metadata', start + 1) >= 0) throw bad('it holds metadata twice');
  const text = unescaped(svg.slice(start + '<metadata>'.length, end));
  const value = parseUniqueJson(text, `${path}: metadata`) as Record<string, unknown> | null;
  if (typeof value !== 'object' || value === null) throw bad('its metadata are not an object');
  const { arguments: args, model, version } = value;
  if (!Array.isArray(args) || args.length > 100 || !args.every((each) => typeof each === 'string')) {
    throw bad('its metadata hold no list of arguments');
  }
  if (typeof model !== 'string' || typeof version !== 'string') throw bad('its metadata name no model and version');
  return { args: args as string[], sha256: model, version };
}

/** A start tag that carries numbers, or a cell, whose number is stored at its row. */
const TAG = /<[a-z]+ [^<>]*(?:data-v="|role="cell")[^<>]*>/g;

/** One number of a figure, and the tag that draws it. */
interface DrawnMark {
  readonly ref: string;
  readonly value: string;
  readonly tag: string;
}

/** The value of an attribute in a start tag. */
const attribute = (tag: string, name: string): string | undefined => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];

/**
 * Every number of a figure. An element whose `data-v` lists numbers is a row: one per column, `-` for none. `{}` in its
 * `data-ref` stands for the column index, or for the entries of `data-at`. The cells that follow it draw these numbers, in order;
 * cells filled with a pattern draw none.
 */
function marksIn(svg: string): DrawnMark[] {
  const all: DrawnMark[] = [];
  let open: DrawnMark[] = [];
  for (const [tag] of svg.matchAll(TAG)) {
    const list = attribute(tag, 'data-v');
    if (list === undefined) {
      if (attribute(tag, 'fill')?.startsWith('url(')) continue;
      const next = open.shift();
      all.push({ ref: next?.ref ?? 'nothing', value: next?.value ?? 'nothing', tag });
      continue;
    }
    all.push(...open); // numbers that no cell draws
    open = [];
    const marks = rowOf(tag, list.split(' '));
    if (attribute(tag, 'role') === 'row') open = marks;
    else all.push(...marks);
  }
  return [...all, ...open];
}

function rowOf(tag: string, values: readonly string[]): DrawnMark[] {
  const [pattern = 'nothing', block = ''] = [attribute(tag, 'data-ref'), attribute(tag, 'data-block')];
  const places = attribute(tag, 'data-at')?.split(' ');
  return values.flatMap((value, column) => {
    if (value === '-') return [];
    const numbers = places === undefined ? [String(column)] : (places[column] ?? '').split('.');
    const ref = `${pattern} ${block}`.replace(/\{\}/g, () => numbers.shift() ?? '').trim();
    return [{ ref, value, tag: values.length === 1 ? tag : '' }];
  });
}

/** The number of marks, the number that differ, and a description of the first difference. */
export function compareMarks(
  before: string,
  after: string,
): { marks: number; differing: number; first: string | null } {
  const [given, made] = [before, after].map(marksIn);
  const marks = Math.max(given.length, made.length);
  let differing = 0;
  let first: string | null = null;
  for (let n = 0; n < marks; n++) {
    const [was, is] = [given[n], made[n]] as (DrawnMark | undefined)[];
    if (was && is && was.ref === is.ref && was.value === is.value && was.tag === is.tag) continue;
    differing++;
    first ??= describe(was, is);
  }
  return { marks, differing, first };
}

function describe(given: DrawnMark | undefined, made: DrawnMark | undefined): string {
  const place = visible((given ?? made)!.ref.slice(0, 100));
  const [was, is] = [given, made].map((mark) => visible((mark?.value ?? 'nothing').slice(0, 30)));
  return was === is ? `${place}, drawn in another way` : `${place}: ${was} in the figure, ${is} now`;
}
