/** Every reader of bytes takes views and buffers of any realm, and names a buffer that was transferred away. */
import { runInNewContext } from 'node:vm';
import { fromPyTorch } from '../../src/inspect';
import { decodePt, importKeras, importOnnx, readStateDict } from '../../src/interchange';
import { createCpuKernels } from '../../src/kernels';
import { createTagger, loadModel, readSentences, readVectors } from '../../src/labeling';
import { expectBytes } from '../../src/serialize/bytes';
import { ArgumentError } from '../../src/tensor';

const text = new TextEncoder().encode('a\tX\n\n');

/** Bytes whose buffer now belongs to somebody else. */
function transferred(): Uint8Array {
  const bytes = Uint8Array.from(text);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

async function drained(results: AsyncIterable<unknown>): Promise<void> {
  for await (const each of results) void each;
}

const readers: Record<string, (bytes: Uint8Array) => unknown> = {
  loadModel: (bytes) => loadModel(bytes),
  createTagger: (bytes) => createTagger(bytes, createCpuKernels()),
  readStateDict: (bytes) => readStateDict(bytes),
  decodePt: (bytes) => decodePt(bytes),
  importOnnx: (bytes) => importOnnx(bytes),
  importKeras: (bytes) => importKeras(bytes),
  fromPyTorch: (bytes) => fromPyTorch(bytes, [{ tokens: ['a'] }]),
  readSentences: (bytes) => drained(readSentences([text, bytes], { format: 'two-column' })),
  readVectors: (bytes) => readVectors([new TextEncoder().encode('a 1 2\n'), bytes]),
};

describe('bytes whose buffer was transferred', () => {
  test.each(Object.keys(readers))('%s says so, and reads nothing in their place', async (name) => {
    const attempt = async (): Promise<unknown> => readers[name](transferred());
    const error: unknown = await attempt().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toMatch(/: the bytes were transferred: pass a copy$/);
  });

  test('the buffer itself, too', () => {
    expect(() => expectBytes('f', transferred().buffer)).toThrow('f: the bytes were transferred');
  });
});

test('views and buffers of any realm are bytes; others are refused by name', () => {
  const far = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array;
  const views = [far, far.buffer, new DataView(far.buffer), Uint8Array.of(0, 1, 2, 3).subarray(1)];
  for (const view of views) expect([...expectBytes('f', view)]).toEqual([1, 2, 3]);
  expect(() => expectBytes('f', [1, 2, 3])).toThrow('f: bytes must be a Uint8Array or an ArrayBuffer; got a list');
});
