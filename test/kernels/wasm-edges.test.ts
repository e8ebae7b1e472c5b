/** What the functions of the module read and write at the edges of their operands, called directly: nothing past them. */
import type { Exports, Memory } from '../../src/kernels/wasm/module';
import { PAGE, start } from '../../src/kernels/wasm/module';

const PANEL = 32;
const PAGES = 4;
const END = PAGES * PAGE;

async function open(): Promise<{ wasm: Exports; memory: Memory; heap: Float32Array }> {
  const { wasm, memory } = await start(PAGES);
  memory.grow(PAGES - 1);
  return { wasm, memory, heap: new Float32Array(memory.buffer) };
}

describe('an output that ends where the memory ends', () => {
  // Rows that fill whole lines of the cache, and rows that do not; one row, and more than a tile has.
  it.each([
    [1, 16],
    [5, 16],
    [70, 8],
    [7, 13],
    [9, 3],
  ])('%i × %i: is written whole, and nothing is read behind it', async (M, N) => {
    const { wasm, heap } = await open();
    const K = 3;
    const panels = Math.ceil(N / 8) * K * PANEL;
    const [a, b, scratch] = [0, 4096, 4096 + panels];
    heap.fill(1, a / 4, a / 4 + M * K);
    heap.fill(2, b / 4, b / 4 + panels / 4);
    const c = END - 4 * M * N;
    wasm.multiply32(M, N, K, c, 4 * N, a, 4 * K, 4, b, PANEL, K * PANEL, scratch);
    expect([...heap.subarray(c / 4)]).toEqual(new Array(M * N).fill(2 * K));
  });

  it('a row by a transposed matrix, all three at the end in turn', async () => {
    const [N, K] = [23, 7];
    for (const last of ['a', 'b', 'c']) {
      const { wasm, heap } = await open();
      const sizes = { a: 4 * K, b: 4 * N * K, c: 4 * N };
      const at = { a: 0, b: 1024, c: 8192, [last]: END - sizes[last as 'a'] };
      heap.fill(1, at.a / 4, (at.a + sizes.a) / 4);
      heap.fill(2, at.b / 4, (at.b + sizes.b) / 4);
      wasm.dot32(N, K, at.c, at.a, at.b, 4 * K);
      expect([...heap.subarray(at.c / 4, (at.c + sizes.c) / 4)]).toEqual(new Array(N).fill(2 * K));
    }
  });
});

describe('panels', () => {
  it.each([5, 8, 31, 32, 33, 63, 70])(
    'of %i columns have zeros behind the last, and nothing behind the panels',
    async (N) => {
      const { wasm, heap } = await open();
      const K = 3;
      const at = 16384;
      heap.fill(NaN);
      for (let i = 0; i < K * N; i++) heap[i] = i + 1;
      wasm.packRows32(K, N, 0, 4 * N, at);
      const width = 8 * Math.ceil(N / 8);
      const column = (k: number, n: number): number => heap[at / 4 + (n >> 3) * 8 * K + 8 * k + (n & 7)];
      for (let k = 0; k < K; k++) {
        const row = Array.from({ length: width }, (_, n) => column(k, n));
        expect(row).toEqual(Array.from({ length: width }, (_, n) => (n < N ? k * N + n + 1 : 0)));
      }
      expect(heap[at / 4 + width * K]).toBeNaN();
    },
  );
});
