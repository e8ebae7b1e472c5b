/**
 * Views: pictures, sentences and tables of a trace. They are pure functions without a DOM and without dependencies, so that the
 * command line, reports and pages draw the same picture.
 *
 * @module bptt/inspect/views
 */
import { check } from './check.js';
import { equation } from './equation/view.js';
import { gates } from './gates.js';
import { ledger } from './ledger.js';
import { norms } from './norms.js';
import { reach } from './reach.js';
import { saliency } from './saliency.js';
import { stepper } from './stepper.js';
import { strip } from './strip.js';

export { compare } from './compare.js';
export type { Comparison } from './compare.js';
export { evaluate, inNumbers, inSymbols, operandsOf } from './equation/expression.js';
export type { Expression, FunctionName } from './equation/expression.js';
export { openNumber } from './equation/open.js';
export type { Opened } from './equation/open.js';
export { colorMaps } from './colors/index.js';
export type { ColorMap, ColorMapName } from './colors/index.js';
export type { Selection, Variable } from './select.js';
export { languages } from './strings/index.js';
export type { StringKey, Strings } from './strings/index.js';
export { toCsv } from './table.js';
export type { Table } from './table.js';
export { themes } from './theme.js';
export type { Look, Metadata, NumberMatrix, Theme } from './theme.js';
export type { Mark } from './mark.js';
export type { Parts, View } from './view.js';

export { definitionsFor } from './legend.js';

/** The views of one trace by name. */
export const views = { strip, reach, stepper, equation, check, ledger, gates, saliency, norms } as const;

/** Name of a view of one trace. */
export type ViewName = keyof typeof views;
