/**
 * Rung 11: threads. The sequences of a batch do not meet, so each thread takes a share of them through all steps.
 *
 * Work       That of rung 10, with its code.
 * Changes    One memory for all threads. Wh lies in it once; every thread has its own input, states and scratch. A call is one
 *            signal and one barrier, whatever the number of steps: a barrier costs some 10 µs, a product of a step 100.
 * Predicted  1.9× on two cores: each thread packs Wh for itself, and the last one is waited for.
 * Measured   1.9×: 46.9 GFLOP/s, 48 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Places in the control words: the number of the call, and how many threads have finished it. */
const CALL = 0;
const DONE = 1;
const CLOSE = -1;
/** Milliseconds after which a thread counts as lost. */
const LONGEST_MS = 60_000;

/**
 * Opens the layer on `threads` threads, this one among them.
 *
 * @param tools `compile(file, { shared })` compiles a rung; `sizes` has T, B and H; `threads` how many to use
 * @returns `set({ a, wh, h, c })` copies operands in, `run()` computes, `get()` copies `h` and `c` out, `close()` ends the threads
 */
export async function openLstm({ compile, sizes: { T, B, H }, threads }) {
  const module = await compile('10-fused-scan.ts', { shared: true });
  const count = Math.min(threads, B);
  const plan = planOf(T, B, H, count);
  const memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages, shared: true });
  const control = new Int32Array(memory.buffer, 0, 2);
  const shares = plan.shares.map((share) => ({ ...share, T, H, wh: plan.wh }));
  const others = shares
    .slice(1)
    .map((share) => new Worker(new URL(import.meta.url), { workerData: { module, memory, share } }));
  await Promise.all(others.map((worker) => once(worker, 'online')));
  const act = runner(module, memory, shares[0]);
  return {
    set: (from) => copyIn(memory, shares, B, from),
    run() {
      control[DONE] = 0;
      Atomics.add(control, CALL, 1);
      Atomics.notify(control, CALL);
      act();
      for (let done; (done = Atomics.load(control, DONE)) < others.length;) {
        if (Atomics.wait(control, DONE, done, LONGEST_MS) === 'timed-out') throw new Error('a thread did not finish');
      }
    },
    get: () => copyOut(memory, shares, B),
    async close() {
      Atomics.store(control, CALL, CLOSE);
      Atomics.notify(control, CALL);
      await Promise.all(others.map((worker) => worker.terminate()));
    },
  };
}

/** Shares of the batch, as even as they can be, and where their operands lie: behind the control words and Wh. */
function planOf(T, B, H, count) {
  const wh = 65536;
  let end = wh + 16 * H * H;
  const take = (floats) => {
    const at = (end + 63) & ~63;
    end = at + 4 * floats;
    return at;
  };
  const shares = Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * B) / count);
    const rows = Math.floor(((i + 1) * B) / count) - first;
    const states = (T + 1) * rows * H;
    const [a, h, c, scratch] = [4 * T * rows * H, states, states, H * (4 * H + rows)].map(take);
    return { first, rows, a, h, c, scratch };
  });
  return { wh, shares, pages: Math.ceil(end / 65536) };
}

function runner(module, memory, { T, H, rows, a, wh, h, c, scratch }) {
  const { lstm } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  return () => lstm(T, rows, H, a, wh, h, c, scratch);
}

/** The rows of a share, step by step: `[views of the whole, views of the share]`. */
function* pairs(memory, share, B, operands) {
  const { T, H, first, rows } = share;
  for (const name of ['a', 'h', 'c'].filter((each) => each in operands)) {
    const [width, steps] = name === 'a' ? [4 * H, T] : [H, T + 1];
    for (let t = 0; t < steps; t++) {
      const mine = new Float32Array(memory.buffer, share[name] + 4 * t * rows * width, rows * width);
      yield [operands[name].subarray((t * B + first) * width, (t * B + first + rows) * width), mine];
    }
  }
}

function copyIn(memory, shares, B, from) {
  new Float32Array(memory.buffer, shares[0].wh, from.wh.length).set(from.wh);
  for (const share of shares) for (const [whole, mine] of pairs(memory, share, B, from)) mine.set(whole);
}

function copyOut(memory, shares, B) {
  const { T, H } = shares[0];
  const [h, c] = [0, 1].map(() => new Float32Array((T + 1) * B * H));
  for (const share of shares) for (const [whole, mine] of pairs(memory, share, B, { h, c })) whole.set(mine);
  return { h, c };
}

if (!isMainThread && workerData?.share) {
  const { module, memory, share } = workerData;
  const control = new Int32Array(memory.buffer, 0, 2);
  const act = runner(module, memory, share);
  for (let call = 0; ;) {
    Atomics.wait(control, CALL, call);
    call = Atomics.load(control, CALL);
    if (call === CLOSE) break;
    act();
    Atomics.add(control, DONE, 1);
    Atomics.notify(control, DONE);
  }
}
