/** The best path of a sequence that arrives in stretches, against every path written out. */
import fc from 'fast-check';
import { crfPrefixPath } from '../../src/layers/crf-decode.js';
import type { CrfPrefix } from '../../src/layers/crf-decode.js';
import type { CrfMask, CrfParams } from '../../src/layers/crf-lattice.js';
import { createRng } from '../../src/tensor/random.js';
import { viewOf } from '../../src/tensor/view.js';

fc.configureGlobal({ seed: 7, numRuns: 150 });

interface Case {
  readonly K: number;
  readonly params: CrfParams;
  readonly rows: readonly (readonly number[])[];
  readonly mask: CrfMask | undefined;
  /** Steps after which a stretch ends. */
  readonly cuts: readonly number[];
}

/** Scores are drawn from a seed: two paths never have the same sum, so that the best one is one alone. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    K: fc.integer({ min: 1, max: 3 }),
    T: fc.integer({ min: 1, max: 6 }),
    masked: fc.boolean(),
    seed: fc.integer({ min: 0, max: 9999 }),
    cuts: fc.array(fc.nat(6), { maxLength: 4 }),
  })
  .map(({ K, T, masked, seed, cuts }) => {
    const rng = createRng(seed);
    const scores = (n: number) => Float64Array.from({ length: n }, () => 6 * rng.next() - 3);
    // Label 0 may always stay what it is, so that there is a path of every length.
    const bits = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i === 0 || rng.next() < 0.6 ? 1 : 0));
    return {
      K,
      params: {
        transitions: viewOf(scores(K * K), [K, K]),
        start: viewOf(scores(K), [K]),
        end: viewOf(scores(K), [K]),
      },
      rows: Array.from({ length: T }, () => Array.from(scores(K))),
      mask: masked ? { start: bits(K), transitions: bits(K * K), end: bits(K) } : undefined,
      cuts: cuts.map((cut) => Math.min(cut, T)).sort((p, q) => p - q),
    };
  });

/** Every permitted path of the first `T` rows with its score, `end` left out while the sequence goes on. */
function pathsOf({ K, params, rows, mask }: Case, T: number, ended: boolean) {
  const { transitions, start, end } = params;
  let open: { readonly path: readonly number[]; readonly score: number }[] = [{ path: [], score: 0 }];
  for (let t = 0; t < T; t++) {
    open = open.flatMap(({ path, score: before }) =>
      Array.from({ length: K }, (_, j) => {
        const i = path[t - 1];
        const isPermitted = t === 0 ? mask?.start[j] !== 0 : mask?.transitions[i * K + j] !== 0;
        const step = t === 0 ? start.data[j] : transitions.data[i * K + j];
        return { path: [...path, j], score: isPermitted ? before + step + rows[t][j] : -Infinity };
      }),
    );
  }
  const closed = ended ? open.map(({ path, score: before }) => ({ path, score: before + end.data[path[T - 1]] + (mask?.end[path[T - 1]] === 0 ? -Infinity : 0) })) : open; // prettier-ignore
  return closed.filter((each) => each.score !== -Infinity);
}

const best = (paths: ReturnType<typeof pathsOf>) => paths.reduce((p, q) => (q.score > p.score ? q : p));

/** How many labels the best paths to every label of the last step have in common. */
function commonOf(paths: ReturnType<typeof pathsOf>): number {
  const last = paths[0].path.length - 1;
  const ways = [...new Set(paths.map(({ path }) => path[last]))].map((j) => best(paths.filter(({ path }) => path[last] === j)).path); // prettier-ignore
  let count = 0;
  while (count <= last && ways.every((path) => path[count] === ways[0][count])) count++;
  return count;
}

/** What each stretch says, in labels of the whole sequence. */
function* inStretches(problem: Case) {
  const { K, params, rows, mask, cuts } = problem;
  let prefix: CrfPrefix | undefined;
  const known: number[] = [];
  const places = [0, ...cuts, rows.length];
  for (let s = 1; s < places.length; s++) {
    const own = rows.slice(places[s - 1], places[s]);
    const ended = s === places.length - 1;
    const said = crfPrefixPath(params, viewOf(Float64Array.from(own.flat()), [own.length, K]), mask, ended, prefix);
    const labels = [...known, ...said.labels];
    known.push(...Array.from(said.labels).slice(0, said.settled));
    prefix = said.prefix;
    yield { arrived: places[s], ended, labels, settled: known.length, from: prefix.from.length, prefix };
  }
}

it('is the best path of what has arrived, and of the whole at the end', () => {
  fc.assert(
    fc.property(cases, (problem) => {
      for (const { arrived, ended, labels } of inStretches(problem)) {
        expect(labels).toEqual(arrived === 0 ? [] : best(pathsOf(problem, arrived, ended)).path);
      }
    }),
  );
});

it('settles what the best paths to every label have in common, and keeps the others', () => {
  fc.assert(
    fc.property(cases, (problem) => {
      for (const { arrived, ended, settled, from, prefix } of inStretches(problem)) {
        const common = arrived === 0 ? 0 : commonOf(pathsOf(problem, arrived, false));
        expect(settled).toBe(ended ? arrived : common);
        expect(from).toBe(arrived - settled);
        expect(prefix.delta?.length).toBe(arrived === 0 ? undefined : problem.K);
      }
    }),
  );
});

it('never takes back what is settled: the end has it', () => {
  fc.assert(
    fc.property(cases, (problem) => {
      const stretches = [...inStretches(problem)];
      const whole = stretches[stretches.length - 1].labels;
      for (const { labels, settled } of stretches) expect(labels.slice(0, settled)).toEqual(whole.slice(0, settled));
    }),
  );
});
