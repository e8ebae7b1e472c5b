/** Figures: a view of a new trace as SVG, which contains everything needed to reproduce it. */
import { views } from '../../inspect/views/index.js';
import type { Look, Selection, Table, View } from '../../inspect/views/index.js';
import { compare, languages } from '../../inspect/views/index.js';
import type { InspectOptions, Trace } from '../../inspect/index.js';
import { readPackageInfo } from '../../bench/package-info.js';
import { ArgumentError } from '../../tensor/index.js';
import type { Terminal } from '../terminal.js';
import { compareCells } from './compare-cells.js';
import type { CompareOptions } from './compare.js';
import { QUICK, traceFor } from './inspect.js';
import { readsByWord } from './model.js';
import { salienceOptions } from './salience.js';
import type { ReadingOptions } from './options.js';
import { waitingOn } from './waiting.js';

/** Names of all views. */
export const VIEWS = [...Object.keys(views), 'compare'];

/** Alternative names of views: those of their commands. */
const ALIASES: Readonly<Record<string, string>> = { salience: 'saliency' };

/** The selectable properties of a picture, and their options. */
const FLAGS = {
  loss: '--loss',
  word: '--word',
  gate: '--gate',
  unit: '--unit',
  param: '--param',
  ref: '--ref',
  target: '--target',
  layer: '--layer',
  direction: '--direction',
  variable: '--variable',
  normalize: '--normalize',
  lossSeed: '--loss-seed',
  label: '--label',
  contrast: '--contrast',
  cells: '--cells',
  seeds: '--seeds',
} as const;

type Choice = keyof typeof FLAGS;

const PLACE = ['layer', 'direction'] as const;
const SEEDED = ['lossSeed', 'label', 'contrast'] as const;

/** The properties that each view uses. */
const USED: Readonly<Record<string, readonly Choice[]>> = {
  strip: ['word', ...SEEDED],
  reach: ['loss', 'word', 'variable', 'normalize', ...PLACE, ...SEEDED],
  stepper: ['word', 'unit', ...PLACE, ...SEEDED],
  equation: ['ref', ...SEEDED],
  check: SEEDED,
  ledger: ['loss', 'word', 'gate', 'param', ...PLACE, ...SEEDED],
  gates: ['word', 'gate', 'unit', ...PLACE],
  saliency: ['word', 'target', 'label', 'contrast'],
  norms: ['word', 'gate', 'param', ...PLACE, ...SEEDED],
  compare: ['loss', 'word', 'variable', 'normalize', 'cells', 'seeds', ...PLACE, ...SEEDED],
};

/** Rejects options that a view would not use. @throws ArgumentError naming the option, and the views that use it */
function expectUsed(view: string, options: FigureOptions): void {
  const unused = (Object.keys(FLAGS) as Choice[]).find(
    (name) => options[name] !== undefined && !USED[view].includes(name),
  );
  if (unused === undefined) return;
  const others = VIEWS.filter((name) => USED[name].includes(unused)).join(', ');
  throw new ArgumentError(`${FLAGS[unused]} does not apply to the view ${view}, only to ${others}: leave it out`);
}

/** Options of a figure. */
export interface FigureOptions extends ReadingOptions {
  readonly theme: 'light' | 'dark' | 'print';
  readonly language: string;
  readonly loss?: number;
  readonly word?: number;
  readonly gate?: string;
  readonly unit?: number;
  readonly param?: string;
  readonly ref?: string;
  readonly target?: number;
  readonly cells?: readonly string[];
  readonly seeds?: number;
}

/** A picture and its numbers. */
export interface Figure {
  readonly svg: string;
  readonly table: Table;
  readonly summary: string;
}

/** The provenance stored in a figure. `arguments` are those of `bptt figure`, without the files that it writes. */
export interface FigureMetadata {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly version: string;
  readonly model: string;
  readonly conventions: Readonly<Record<string, string>>;
}

/** Input of a figure. */
export interface FigureQuestion {
  readonly view: string;
  readonly sentence: string;
  readonly file: string | undefined;
  readonly options: FigureOptions;
  /** See {@link FigureMetadata.arguments}. */
  readonly args: readonly string[];
}

/** Draws a figure. */
export async function drawFigure(question: FigureQuestion, terminal: Terminal): Promise<Figure> {
  const { options } = question;
  const view = Object.hasOwn(ALIASES, question.view) ? ALIASES[question.view] : question.view;
  if (!VIEWS.includes(view)) {
    throw new ArgumentError(`figure: unknown view ${JSON.stringify(view)}: choose one of ${VIEWS.join(', ')}`);
  }
  expectUsed(view, options);
  if (!Object.hasOwn(languages, options.language)) {
    throw new ArgumentError(`--language ${options.language}: expected ${Object.keys(languages).join(', ')}`);
  }
  const strings = languages[options.language];
  const look = { theme: options.theme, strings };
  const asked = { ...question, view };
  try {
    return await (view === 'compare' ? drawComparison(asked, look, terminal) : drawTrace(asked, look, terminal));
  } catch (error) {
    throw error instanceof ArgumentError ? new ArgumentError(flagged(error.message), { cause: error }) : error;
  }
}

/** Rewrites an error about a selection as one about the corresponding option. */
export const flagged = (message: string): string =>
  message.replace(/^selection\.(\w+):?/, (all, name: string) => {
    const option = name === 'normalization' ? '--normalize' : (FLAGS as Readonly<Record<string, string>>)[name];
    return option ?? all;
  });

async function drawTrace(question: FigureQuestion, look: Look, terminal: Terminal): Promise<Figure> {
  const { view, sentence, file, options } = question;
  const explains = view === 'saliency'; // a label and its contrast define what it explains, whatever the seed
  const seeded = explains ? { ...options, label: undefined, contrast: undefined } : options;
  const { trace } = await traceFor(sentence, file, seeded, terminal, (asked) =>
    explains
      ? {
          ...salienceOptions(asked, options),
          seed: options.lossSeed ?? (readsByWord(asked.model) ? undefined : 'margin'),
        }
      : partsOf(view, options),
  );
  const selection = selectionOf(options, trace);
  const chosen: View = views[view as keyof typeof views];
  const full = { ...look, metadata: metadataOf(question, trace) };
  return {
    svg: chosen.svg(trace, selection, full),
    table: chosen.table(trace, selection, full),
    summary: chosen.summary(trace, selection, full),
  };
}

/** The parts of a trace that a view reads. */
function partsOf(view: string, { variable = 'x', ref = '' }: FigureOptions): InspectOptions {
  const parts: Readonly<Record<string, InspectOptions>> = {
    reach: { reach: [variable] },
    equation: {
      ...{ reach: true, elements: undefined, ledger: ref.startsWith('/ledger') },
      ...{ checks: ref.startsWith('/checks') ? 50 : 0, jacobian: ref.includes('/jacobian/') },
    },
    check: { checks: 50 },
    ledger: { ledger: true, elements: undefined },
    norms: { ledger: true },
  };
  return { ...QUICK, ...parts[view] };
}

async function drawComparison(question: FigureQuestion, look: Look, terminal: Terminal): Promise<Figure> {
  const { sentence, file, options } = question;
  if (file !== undefined) throw new ArgumentError(`the view compare makes its own models: leave ${file} out`);
  if (options.cell !== undefined) throw new ArgumentError('--cell: the view compare takes --cells: leave it out');
  const waiting = waitingOn(terminal, options);
  const { cells = ['rnn', 'lstm', 'gru'], seeds = 1 } = options;
  const asked: CompareOptions = { ...options, cells, seeds };
  try {
    const comparison = await compareCells(sentence, asked, waiting);
    const [{ traces }] = comparison.cells;
    const selection = selectionOf(options, traces[0]);
    const full = { ...look, metadata: metadataOf(question, traces[0]) };
    return {
      svg: compare.svg(comparison, selection, full),
      table: compare.table(comparison, selection, full),
      summary: compare.summary(comparison, selection, full),
    };
  } finally {
    waiting.stop();
  }
}

/** The selection that a figure shows. */
export function selectionOf(options: FigureOptions, trace: Trace): Selection {
  const { loss, word, gate, unit, layer, direction, variable, normalize, param, ref } = options;
  const last = trace.layers.length - 1;
  const dotted =
    param === undefined || param.includes('.') ? param : `layers.${layer ?? last}.${direction ?? 'forward'}.${param}`;
  const all: Selection = {
    loss,
    word,
    gate,
    unit,
    layer,
    direction,
    variable,
    normalization: normalize,
    param: dotted,
    ref,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Quotes an argument for a shell if necessary. */
export const quoted = (text: string): string =>
  /^[\w./,=:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

function metadataOf({ args, options }: FigureQuestion, { model, conventions }: Trace): FigureMetadata {
  return {
    command: ['bptt', 'figure', ...args].map(quoted).join(' '),
    arguments: args,
    version: readPackageInfo().version,
    model: model.sha256,
    conventions: {
      ...conventions,
      variable: options.variable ?? conventions.variable,
      normalization: options.normalize ?? conventions.normalization,
    },
  };
}
