/** Every mark of every picture shows what the trace holds, to the last bit; and the checker that says so notices when one does not. */
import type { DirectionTrace, Trace } from '../../../src/inspect/index.js';
import { sampleTrace } from '../../support/sample-trace.js';
import { views } from '../../../src/inspect/views/index.js';
import { dataOfRow } from '../../../src/inspect/views/mark.js';
import { elementsOf, faults, marksOf } from './marks.js';
import { COMPARISON, drawable, drawnComparison, longTrace, picturesOf, realTrace, TRACES } from './pictures.js';

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
    const off = String(next(Number(first.v)));
    expect(off).not.toBe(first.v);
    expect(faults(svg.replace(`data-v="${first.v}`, `data-v="${off}`), trace)).toHaveLength(1);
  });

  it('notices a reference to another number, and one to none', () => {
    expect(faults(svg.replace('data-ref="/reach/total/1"', 'data-ref="/reach/total/2"'), trace)).toHaveLength(1);
    expect(faults(svg.replace('/reach/retention/5/{}', '/reach/retention/6/{}'), trace)).toHaveLength(6);
    expect(faults(svg.replace('/reach/retention/5/{}', '/reach/retention/{}/5'), trace)[0]).toContain(
      'no number there',
    );
    expect(faults(svg.replace('/reach/retention/5/{}', '/nowhere'), trace)[0]).toContain('no number there');
  });

  it('notices a rounded value, one with digits too many, and a block that is another', () => {
    const trace = sampleTrace();
    const drawn = views.reach.svg(trace, { normalization: 'absolute' });
    const rounded = drawn.replace(/(data-v="0\.\d{14})\d+(" data-ref="\/reach\/total)/, '$1$2');
    expect(faults(rounded, trace)[0]).toMatch(/digits|shows/);
    const longer = drawn.replace(/data-v="[^ "]+ [^ "]+/, (row) => `${row}0`);
    expect(faults(longer, trace)[0]).toContain('not the shortest');
    const long = longTrace();
    const other = views.ledger.svg(long).replace('data-block="22:33,{}:{}"', 'data-block="22:34,{}:{}"');
    expect(faults(other, long)).not.toEqual([]);
  });

  it('throws where the picture is not well-formed', () => {
    expect(() => marksOf(svg.replace('</svg>', ''))).toThrow();
    expect(() => marksOf(svg.replace('data-v=', 'data-v'))).toThrow();
  });
});

describe('dense pictures, for a page', () => {
  /** Row, column and color of every cell that paths of cells draw, in the document's order of grids. */
  function cellsOf(svg: string): Map<string, string>[] {
    return [...svg.matchAll(/<g class="cells"[^>]*>(.*?)<\/g>/g)].map(([, inside]) => {
      const colors = new Map<string, string>();
      for (const [, d, color] of inside.matchAll(/<path d="([^"]+)" stroke="([^"]+)"\/>/g)) {
        for (const [, x, y, n] of d.matchAll(/M(\d+),(\d+)h(\d+)/g))
          for (let c = 0; c < Number(n); c++) colors.set(`${y} ${Number(x) + c}`, color);
      }
      return colors;
    });
  }

  /** Without saturation by unit and without factors, which a page names the command of and does not draw. */
  const withoutSums = (trace: Trace): Trace => {
    const plain = (direction: DirectionTrace): DirectionTrace => ({
      ...direction,
      saturation: Object.fromEntries(Object.entries(direction.saturation).map(([gate, { open, closed }]) => [gate, { open, closed }])), // prettier-ignore
      factors: undefined,
    });
    return { ...trace, layers: trace.layers.map(({ forward, reverse }) => ({ forward: plain(forward), ...(reverse && { reverse: plain(reverse) }) })) }; // prettier-ignore
  };

  it.each(Object.keys(TRACES))('of %s carry the same marks in the same colors as the whole ones', (name) => {
    const trace = TRACES[name]();
    for (const view of drawable(trace)) {
      const whole = views[view].svg(view === 'gates' ? withoutSums(trace) : trace);
      const { svg } = views[view].parts(trace, {}, { id: view });
      const page = `<svg xmlns="http://www.w3.org/2000/svg">${svg}</svg>`;
      expect([view, faults(page, trace)]).toEqual([view, []]);
      const listed = (text: string) =>
        marksOf(text)
          .map(({ ref, block, v }) => `${ref} ${block} ${Number(v)}`)
          .sort();
      expect([view, listed(page)]).toEqual([view, listed(whole)]);
      const cells = elementsOf(whole).filter(({ attributes: { role, fill } }) => role === 'cell' && !/^url/.test(fill));
      const dense = cellsOf(page).flatMap((grid) =>
        [...grid].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([, color]) => color),
      );
      expect([view, dense]).toEqual([view, cells.map(({ attributes }) => attributes.fill)]);
    }
  });

  it('have no words of their own, and less than half of the bytes', () => {
    const trace = sampleTrace({ hidden: 16 });
    const { svg, title, summary, notes, matrices } = views.gates.parts(trace);
    expect(svg).not.toContain('<title');
    expect(svg).toContain('aria-labelledby="gates-title"');
    expect([title, summary, notes.length]).toEqual([expect.stringMatching(/\?$/), views.gates.summary(trace), 2]);
    expect(notes[1]).toMatch(/^bptt figure gates/);
    expect(matrices).toHaveLength(8);
    expect(matrices[0].values[3][5]).toBe(trace.layers[0].forward.steps[5].gates.i[3]);
    expect(svg.length).toBeLessThan(views.gates.svg(trace).length / 2);
  });

  it('a reference that holds the sign for a slot is written at each cell', () => {
    const cell = { 'data-v': '1', 'data-ref': '/a{}/0' };
    expect([dataOfRow([cell, cell]), dataOfRow([undefined])]).toEqual([undefined, {}]);
    expect(
      dataOfRow([
        { ...cell, 'data-ref': '/a/0' },
        { ...cell, 'data-ref': '/b/0' },
      ]),
    ).toBeUndefined();
  });
});
