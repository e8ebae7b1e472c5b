/** Every view of many traces: samples with everything in them, and real readings of untrained cells. */
import { inspect, untrained } from '../../../src/inspect/index.js';
import type { Trace } from '../../../src/inspect/index.js';
import { compare, views } from '../../../src/inspect/views/index.js';
import type { Look, Selection, ViewName } from '../../../src/inspect/views/index.js';
import { sampleTrace, SENTENCE } from '../../support/sample-trace.js';
import { kernels } from '../support.js';

export const HOSTILE = [
  '</script><img onerror=alert(1)>',
  'שלום',
  'مرحبا!',
  '猫が',
  ']]>',
  '&amp;"\'',
  'a\u0000b\u001b\ud800',
  '\u202e',
  '',
  '👩‍👩‍👧‍👦',
];

export const LONG = Array.from({ length: 500 }, (_, i) => SENTENCE[i % SENTENCE.length]);

let long: Trace | undefined;

/** A trace of 500 words. */
export const longTrace = (): Trace => (long ??= sampleTrace({ tokens: LONG, hidden: 2, cell: 'rnn', keeps: 0.97 }));

/** A reading by the engine itself. */
export function realTrace(cell: string, tokens: readonly string[] = SENTENCE, hidden = 5): Trace {
  const sentence = { tokens: [...tokens], labels: tokens.map((_, k) => ['A', 'B', 'C'][k % 3]) };
  return inspect(kernels, untrained([sentence], { cell, hidden, embedding: 3 }), sentence);
}

/** Traces by what is special about them. */
export const TRACES: Readonly<Record<string, () => Trace>> = {
  'an LSTM': () => sampleTrace({ hidden: 6 }),
  'an RNN': () => sampleTrace({ cell: 'rnn', keeps: 0.3 }),
  'a bidirectional GRU': () => sampleTrace({ cell: 'gru', bidirectional: true }),
  'one word, one unit': () => sampleTrace({ tokens: ['cat'], hidden: 1 }),
  'hostile words': () => sampleTrace({ tokens: HOSTILE }),
  'numbers that are not finite': () =>
    sampleTrace({ broken: { '3,1': NaN, '4,2': Infinity, '7,0': 0, '5,5': 0 }, spoil: true }),
  '100 units': () => sampleTrace({ hidden: 100, tokens: SENTENCE.slice(0, 3) }),
  'incomplete integrated gradients': () => sampleTrace({ seed: 2 }),
};

/** The views that a trace can be drawn by. */
export const drawable = (trace: Trace): ViewName[] =>
  (Object.keys(views) as ViewName[]).filter((name) => {
    if (name === 'ledger' || name === 'norms') return trace.ledger.length > 0;
    if (name === 'saliency') return trace.saliency.length > 0;
    return name !== 'check' || trace.checks.elements.length > 0;
  });

/** Every picture of a trace with the name of its view. */
export const picturesOf = (trace: Trace, look: Look = {}, selection: Selection = {}): [ViewName, string][] =>
  drawable(trace).map((name) => [name, views[name].svg(trace, selection, look)]);

/** Three cells, five seeds each. */
export const COMPARISON = {
  cells: (['rnn', 'gru', 'lstm'] as const).map((cell, i) => ({
    traces: [1, 2, 3, 4, 5].map((seed) => sampleTrace({ cell, seed, keeps: 0.4 + 0.2 * i })),
  })),
};

export const drawnComparison = (selection: Selection = {}, look: Look = {}): string =>
  compare.svg(COMPARISON, selection, look);
