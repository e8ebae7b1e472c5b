/** The trace: its form, its JSON, its places, and that it is refused where there is nothing to read. */
import { inspect, numberAt, refTo, traceFromJson, traceToJson, untrained, valueAt } from '../../src/inspect/index.js';
import { sha256 } from '../../src/serialize/sha256.js';
import { createHash } from 'node:crypto';
import { CAT, CELLS, kernels, schemaFaults } from './support.js';

const model = (cell = 'lstm') => untrained([CAT], { cell, hidden: 4, embedding: 3 });

/** The same with −0 as 0, whose sign JSON does not keep. */
function unsigned(x: unknown): unknown {
  if (typeof x === 'number') return x + 0;
  if (Array.isArray(x)) return x.map(unsigned);
  if (typeof x !== 'object' || x === null) return x;
  return Object.fromEntries(Object.entries(x).map(([key, each]) => [key, unsigned(each)]));
}

describe('a trace', () => {
  it.each(CELLS)('of %s fits the published schema and survives JSON', (cell) => {
    const trace = inspect(kernels, model(cell), CAT, { vectors: true });
    const json = traceToJson(trace);
    expect(schemaFaults(json)).toEqual([]);
    expect(traceToJson(traceFromJson(json))).toBe(json);
    expect(traceFromJson(json)).toEqual(unsigned(trace));
  });

  it('keeps NaN and infinities, and words that are spelled like them', () => {
    const broken = untrained([{ tokens: ['NaN', 'Infinity'] }], { hidden: 2, embedding: 2, labels: ['NaN', 'b'] });
    broken.params.layers[0].forward.Wx.data[0] = NaN;
    const trace = inspect(kernels, broken, { tokens: ['NaN', 'Infinity'] });
    expect(trace.layers[0].forward.weights.Wx[0][0]).toBeNaN();
    expect(trace.losses[0].loss).toBeNaN();
    const json = traceToJson(trace);
    expect(schemaFaults(json)).toEqual([]);
    expect(traceFromJson(json)).toEqual(trace);
  });

  it('names its numbers by JSON Pointers', () => {
    const trace = inspect(kernels, model(), CAT);
    const ref = refTo('layers', 0, 'forward', 'steps', 2, 'gates', 'i', 2);
    expect(ref).toBe('/layers/0/forward/steps/2/gates/i/2');
    expect(numberAt(trace, ref)).toBe(trace.layers[0].forward.steps[2].gates.i[2]);
    expect(valueAt(trace, '/reach/norms/0/2')).toBeNull();
    expect(refTo('a/b~c')).toBe('/a~1b~0c');
    expect(() => valueAt(trace, '/layers/7')).toThrow('points nowhere: there is no "7"');
    expect(() => valueAt(trace, 'layers')).toThrow("must begin with '/'");
    expect(() => numberAt(trace, '/layers')).toThrow('must point to a number');
  });

  it.each([
    ['{}', 'expected a trace'],
    ['null', 'expected a trace'],
    ['{"format":"bptt-trace","version":2}', 'expected version 1; got 2'],
  ])('is told from %s', (text, message) => {
    expect(() => traceFromJson(text)).toThrow(message);
  });

  it('is refused for a sentence without words, and for options that there are not', () => {
    expect(() => inspect(kernels, model(), { tokens: [] })).toThrow('must have at least one word');
    expect(() => inspect(kernels, model(), CAT, { vector: true } as never)).toThrow('did you mean vectors?');
    expect(() => inspect(kernels, model(), CAT, { seed: 'log' as never })).toThrow('seed must be one of');
    expect(() => inspect(kernels, model(), { ...CAT, labels: ['DET', 'NOUN', 'BIRD'] })).toThrow('"BIRD"');
    expect(() => inspect(kernels, model(), { ...CAT, labels: ['DET'] })).toThrow('one label per token');
  });

  it('says where the weights are from', () => {
    const {
      initialization,
      source,
      sha256: hash,
    } = inspect(kernels, untrained([CAT], { seed: 7, forgetBias: 2 }), CAT).model;
    expect({ initialization, source }).toEqual({ source: 'untrained', initialization: { seed: 7, forgetBias: 2 } });
    expect(hash).not.toBe(inspect(kernels, untrained([CAT], { seed: 8 }), CAT).model.sha256);
    expect(() => untrained([CAT], { cell: 'gru', forgetBias: 1 })).toThrow('forgetBias is for the cell lstm');
  });
});

it('SHA-256 is that of Node, at every length around a block', () => {
  for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 37) % 256);
    expect(sha256(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
