/** Who owns what: every element of every parameter has one owner. */
import fc from 'fast-check';
import type { RowSparseGradient } from '../../../../src/autograd/index.js';
import { zeroGrads } from '../../../../src/autograd/index.js';
import { ownersOf, ownPartOf } from '../../../../src/labeling/training/parallel/owners.js';
import { allocate } from '../../../../src/tensor/view.js';

fc.configureGlobal({ seed: 31, numRuns: 80 });

const shape = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 9 })),
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 })),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 2 })),
);

test('every element is owned once, and rows and elements agree', () => {
  fc.assert(
    fc.property(fc.array(shape, { minLength: 1, maxLength: 6 }), fc.integer({ min: 2, max: 5 }), (shapes, threads) => {
      const params = Object.fromEntries(shapes.map((s, i) => [`p${i}`, allocate(s, 'float32')]));
      const grads = zeroGrads(params);
      const owners = ownersOf(grads, threads);
      for (const [name, g] of Object.entries(grads)) {
        const counts = new Array<number>(g.data.length).fill(0);
        for (let i = 0; i < threads; i++) {
          const { start, end } = owners.spans[i][name];
          for (let k = start; k < end; k++) counts[k]++;
          const part = ownPartOf(owners, i, grads);
          expect(part.grads[name]?.data.length ?? 0).toBe(end > start ? g.data.length : 0);
          expect(part.grads[name]?.shape[0] ?? 0).toBe(end - start);
          const width = g.shape.slice(1).reduce((a, b) => a * b, 1);
          const rows = part.rows[name] ?? Int32Array.from({ length: g.shape[0] }, (_, row) => row);
          expect(rows.length * width).toBe(end - start);
          rows.forEach((row, k) => expect(row * width).toBe(start + k * width));
        }
        expect(counts).toEqual(new Array<number>(g.data.length).fill(1));
      }
    }),
  );
});

test('no thread owns much more than its share', () => {
  const sizes = [[100, 400], [400], [17, 200], [17], [100, 400], [400]];
  const params = Object.fromEntries(sizes.map((s, i) => [`p${i}`, allocate(s, 'float32')]));
  const owners = ownersOf(zeroGrads(params), 3);
  const owned = owners.spans.map((spans) => Object.values(spans).reduce((sum, { start, end }) => sum + end - start, 0));
  const all = owned.reduce((a, b) => a + b, 0);
  expect(all).toBe(84217);
  for (const each of owned) expect(Math.abs(each - all / 3)).toBeLessThan(500);
});

test('touched rows belong to the thread of their number, in the order in which they were touched', () => {
  const grads = zeroGrads({ e: allocate([11, 2], 'float32') }, { rowGradients: ['e'] });
  const e = grads.e as unknown as RowSparseGradient;
  for (const row of [7, 2, 10, 0, 5, 4]) e.touched[e.count++] = row;
  const owners = ownersOf(grads, 3);
  const parts = [0, 1, 2].map((i) => ownPartOf(owners, i, grads));
  expect(parts.map(({ rows }) => [...rows.e])).toEqual([[0], [7, 10, 4], [2, 5]]);
  for (const { grads: own, rows } of parts) {
    const part = own.e as RowSparseGradient;
    expect(part.data).toBe(e.data);
    expect([...part.touched.subarray(0, part.count)]).toEqual([...rows.e]);
  }
  expect(e.count).toBe(6);
});
