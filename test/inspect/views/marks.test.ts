/** Every mark of every picture shows what the trace holds, to the last bit; and the checker that says so notices when one does not. */
import { sampleTrace } from '../../support/sample-trace.js';
import { views } from '../../../src/inspect/views/index.js';
import { faults, marksOf } from './marks.js';
import { COMPARISON, drawnComparison, longTrace, picturesOf, realTrace, TRACES } from './pictures.js';

describe('mark_equals_trace', () => {
  it.each(Object.keys(TRACES))('in every view of %s', (name) => {
    const trace = TRACES[name]();
    for (const [view, svg] of picturesOf(trace)) {
      expect([view, faults(svg, trace)]).toEqual([view, []]);
      expect([view, marksOf(svg).length > 0]).toEqual([view, true]);
    }
  });

  it.each(['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'])('in every view of a reading of %s', (cell) => {
    const trace = realTrace(cell);
    for (const [view, svg] of picturesOf(trace)) expect([view, faults(svg, trace)]).toEqual([view, []]);
  });

  it.each([
    [{ normalization: 'absolute' }],
    [{ variable: 'state', layer: 0, direction: 'reverse' }],
    [{ variable: 'c', loss: 3, word: 5, unit: 1, gate: 'f' }],
  ] as const)('with the selection %j', (selection) => {
    const trace = sampleTrace({ bidirectional: true, hidden: 3 });
    for (const [view, svg] of picturesOf(trace, {}, selection)) expect([view, faults(svg, trace)]).toEqual([view, []]);
  });

  it('in a sentence of 500 words, whose blocks show a number of the trace or the sum of some', () => {
    const trace = longTrace();
    for (const [view, svg] of picturesOf(trace)) {
      expect([view, faults(svg, trace)]).toEqual([view, []]);
      expect(svg.length).toBeLessThan(1e6);
    }
    expect(marksOf(views.ledger.svg(trace)).filter(({ block }) => block !== undefined).length).toBeGreaterThan(1000);
    expect(views.reach.svg(trace)).toContain('11 words share');
  });

  it('in a comparison, of every cell and seed', () => {
    const svg = drawnComparison({ word: 1 });
    expect(faults(svg, COMPARISON)).toEqual([]);
    expect(marksOf(svg).filter(({ ref }) => ref.startsWith('/cells/2/traces/4/')).length).toBe(1);
  });

  it('draws each number of the reach once, and nothing where there is no path', () => {
    const trace = sampleTrace();
    const refs = marksOf(views.reach.svg(trace))
      .map(({ ref }) => ref)
      .filter((ref) => ref.startsWith('/reach/retention/'));
    expect(new Set(refs).size).toBe(78);
    expect(refs.length).toBe(78);
  });
});

describe('the checker of marks', () => {
  const trace = sampleTrace();
  const svg = views.reach.svg(trace);
  const [first] = marksOf(svg);

  /** The next float64. */
  const next = (x: number): number => {
    const bits = new BigInt64Array(1);
    const view = new Float64Array(bits.buffer);
    view[0] = x;
    bits[0] += 1n;
    return view[0];
  };

  it('notices a value that is off by one unit in the last place', () => {
    const off = next(Number(first.v)).toPrecision(17);
    expect(off).not.toBe(first.v);
    expect(faults(svg.replace(`data-v="${first.v}"`, `data-v="${off}"`), trace)).toHaveLength(1);
  });

  it('notices a reference to another number, and one to none', () => {
    expect(
      faults(svg.replace('data-ref="/reach/retention/5/1"', 'data-ref="/reach/retention/5/2"'), trace),
    ).toHaveLength(1);
    expect(faults(svg.replace('/reach/retention/5/1', '/reach/retention/1/5'), trace)[0]).toContain('no number there');
    expect(faults(svg.replace('/reach/retention/5/1', '/nowhere'), trace)[0]).toContain('no number there');
  });

  it('notices a rounded value, and a block that is another', () => {
    const round = sampleTrace({ broken: { '0,0': 0.3 } });
    const drawn = views.reach.svg(round, { normalization: 'absolute' });
    expect(faults(drawn.replace('"0.29999999999999999"', '"0.3"'), round)[0]).toContain('digits');
    const long = longTrace();
    expect(
      faults(views.ledger.svg(long).replace('data-block="0:11,0:11"', 'data-block="0:12,0:11"'), long),
    ).not.toEqual([]);
  });

  it('throws where the picture is not well-formed', () => {
    expect(() => marksOf(svg.replace('</svg>', ''))).toThrow();
    expect(() => marksOf(svg.replace('data-v=', 'data-v'))).toThrow();
  });
});
