/** The suite `crf`: who computes another loss, gradient or path is named, and not timed. */
import { crf } from '../../src/bench/crf';
import { encode } from '../../src/bench/numbers';
import type { Peer } from '../../src/bench/peers';
import type { Backend, Context, Race } from '../../src/bench/types';
import type { CrfKernel, Kernels } from '../../src/kernels';
import { createCpuKernels, createWasmKernels } from '../../src/kernels';

/** tinybench is not CommonJS, and no race is run here. */
jest.mock('tinybench', () => ({}));

let wasm: Kernels;
beforeAll(async () => void (wasm = await createWasmKernels()));

const backend = (system: string, kernels: Kernels): Backend => ({ system, backend: kernels.backend, kernels });

/** The races of the suite, who took part, and what was said. */
async function races(backends: readonly Backend[], peers: readonly Peer[] = [], wants = 'k9') {
  const said: string[] = [];
  const context: Context = {
    version: '1',
    budget: { turns: 1, leastTurns: 1, turnMs: 1, warmupMs: 0, slowestMs: 1000 },
    backends,
    peers: { of: async () => peers, close: () => undefined },
    plotting: false,
    quick: false,
    steps: 1,
    wants: (name) => name.includes(wants),
    progress: () => undefined,
    note: (line) => void said.push(line),
    wrong: (line) => void said.push(line),
  };
  const found: Race[] = [];
  for await (const each of crf(context)) found.push(each as Race);
  return { said, found, systems: found.map((race) => race.contestants.map(({ system }) => system)) };
}

/** WebAssembly whose recursion over all paths, or over the best one, is changed after it has run. */
const broken = (change: Partial<CrfKernel>): Kernels => ({ ...wasm, crf: { ...wasm.crf!, ...change } });

test('a race for the loss and one for the path, in tokens, whose contestants do their work', async () => {
  const { said, found, systems } = await races(
    [backend('bptt', wasm), backend('bptt-cpu', createCpuKernels())],
    [],
    'k',
  );
  expect(said).toEqual([]);
  expect(found.map((race) => [race.suite, race.case, race.metric, race.work])).toEqual(
    [9, 39, 64].flatMap((K) => [
      ['crf', `loss-k${K}`, 'tokens/s', 640],
      ['crf', `viterbi-k${K}`, 'tokens/s', 640],
    ]),
  );
  expect(systems).toEqual(new Array(6).fill(['bptt', 'bptt-cpu']));
  for (const each of found[0].contestants) expect((await each.sample()).ms).toBeGreaterThan(0);
  for (const each of found[1].contestants) await each.close?.();
});

test('a backend with other gradients, another loss or another path is wrong', async () => {
  const doubled = broken({ backward: (lattice, dLogZ, to) => wasm.crf!.backward(lattice, 2 * dLogZ, to) });
  const shifted = broken({
    forward: (lattice) => {
      const done = wasm.crf!.forward(lattice);
      lattice.logZ[3] += 0.01;
      return done;
    },
  });
  const astray = broken({
    viterbi: (chain, labels, scores) => {
      const done = wasm.crf!.viterbi(chain, labels, scores);
      labels[7] = (labels[7] + 1) % chain.scores.K;
      return done;
    },
  });
  const { said, systems } = await races([
    backend('doubled', doubled),
    backend('right', wasm),
    backend('shifted', shifted),
    backend('astray', astray),
  ]);
  expect(systems).toEqual([['right'], ['right']]);
  expect(said).toEqual([
    expect.stringMatching(/^crf k9: doubled is wrong and was not timed: gradients of emissions differ from the cpu/),
    expect.stringMatching(/^crf k9: shifted is wrong and was not timed: losses differ from the cpu backend/),
    'crf k9: astray is wrong and was not timed: 1 of 640 labels of the best paths differ',
  ]);
});

test('a peer that answers something else is skipped, one that declines with its reason', async () => {
  const peer = (system: string, prepare: Peer['prepare']): Peer => ({
    ...{ system, version: '1', backend: 'theirs', threads: 1, own: false, prepare },
    alive: () => true,
    sample: async () => ({ ms: 1, cost: 1 }),
  });
  const zeros = (n: number) => encode(new Float32Array(n));
  const gradients = { emissions: zeros(640 * 9), transitions: zeros(81), start: zeros(9), end: zeros(9) };
  const idle = peer('idle', async () => ({ labels: zeros(640), loss: 0, gradients }));
  const absent = peer('absent', async () => ({ declined: 'no chains here' }));
  const { said, systems } = await races([backend('bptt', wasm)], [idle, absent]);
  expect(systems).toEqual([['bptt'], ['bptt']]);
  expect(said).toEqual([
    expect.stringMatching(/^skipped idle in crf loss-k9: losses differ/),
    'skipped absent in crf loss-k9: no chains here',
    expect.stringMatching(/^skipped idle in crf viterbi-k9: \d+ of 640 labels of the best paths differ$/),
    'skipped absent in crf viterbi-k9: no chains here',
  ]);
});
