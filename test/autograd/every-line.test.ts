/**
 * Every line of every cell's backward step that names an equation, broken on purpose: a value negated, a product left out. Forward
 * mode must reject each of them. A line that could be broken unseen would be a line that nothing proves.
 */
import type { Cell } from '../../src/cells/index.js';
import type { CellName } from '../support/cases.js';
import { CELLS, problemOf, relativeError } from '../support/cases.js';
import { engine } from '../support/engine.js';
import { forwardModeSolution } from '../support/forward-mode.js';
import { brokenLines } from '../support/mutate.js';

type Module = Readonly<Record<string, Cell>>;

/** The file of each cell, and the number of its equations. */
const FILES: Readonly<Record<CellName, readonly [path: string, equations: number]>> = {
  rnn: ['src/cells/rnn.ts', 2],
  'rnn-relu': ['src/cells/rnn.ts', 2],
  lstm: ['src/cells/lstm.ts', 4],
  gru: ['src/cells/gru.ts', 4],
  'gru-reset-before': ['src/cells/gru-reset-before.ts', 5],
};

const isBackward = (name: string): boolean => /StepBackward$|WeightGradients$|^weightGradients$/.test(name);

describe.each(CELLS)('%s', (name) => {
  const [path, equations] = FILES[name];
  const lines = brokenLines<Module>(path, isBackward);
  const problem = problemOf({
    cell: name,
    initial: 'given',
    direction: 'forward',
    hidden: [3],
    input: 5,
    lengths: [3, 1, 2],
  });
  const expected = forwardModeSolution(problem).grads;
  const wrong = (cell?: Cell): string[] => {
    const { grads } = engine(problem, cell);
    return Object.keys(expected).filter((tensor) => !(relativeError(grads[tensor], expected[tensor]) < 1e-9));
  };

  it('has lines for every equation, and is right as it stands', () => {
    const undone = new Set(lines.flatMap((line) => line.equations));
    expect([...undone].sort()).toEqual(Array.from({ length: equations }, (_, k) => k + 1));
    expect(wrong()).toEqual([]);
  });

  it.each(lines)('is rejected with ($equations) $mistake: $text', ({ load }) => {
    const cell = Object.values(load()).find((each) => each.name === name && 'stepBackward' in each)!;
    expect(wrong(cell)).not.toEqual([]);
  });
});
