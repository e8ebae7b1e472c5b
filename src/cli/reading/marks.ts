/** The marks of a figure: elements that carry a number, and what its metadata say. */
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { DataError } from '../../tensor/index.js';
import { visible } from '../../tensor/visible.js';

/** What is needed to make a figure again. */
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

/** Reads the metadata. @throws DataError where there are none, or they are not those of a figure */
export function metadataIn(svg: string, path: string): FigureSource {
  const bad = (what: string): DataError =>
    new DataError(`${path}: expected a figure of bptt figure; ${what}: draw one with bptt figure`);
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

/** Start tags that carry a number. */
const MARK = /<[a-z]+ [^<>]*data-v="[^<>]*>/g;

/** How many marks there are, and how many are not the same in both; the first of them in words. */
export function compareMarks(
  before: string,
  after: string,
): { marks: number; differing: number; first: string | null } {
  const [given, made] = [before, after].map((svg) => svg.match(MARK) ?? []);
  const marks = Math.max(given.length, made.length);
  let differing = 0;
  let first: string | null = null;
  for (let n = 0; n < marks; n++) {
    if (given[n] === made[n]) continue;
    differing++;
    first ??= describe(given[n], made[n]);
  }
  return { marks, differing, first };
}

function describe(given: string | undefined, made: string | undefined): string {
  const at = (tag: string | undefined, name: string): string =>
    new RegExp(` ${name}="([^"]*)"`).exec(tag ?? '')?.[1] ?? 'nothing';
  const place = visible(at(given ?? made, 'data-ref'));
  const [was, is] = [at(given, 'data-v'), at(made, 'data-v')].map((value) => visible(value.slice(0, 30)));
  return was === is ? `${place}, drawn in another way` : `${place}: ${was} in the figure, ${is} now`;
}
