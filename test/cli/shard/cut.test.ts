/** Pieces of a file: a partition of its bytes at boundaries, whatever the file; and the number of a piece. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Boundary, Piece } from '../../../src/cli/shard/cut.js';
import { cutFile, pieceBytes } from '../../../src/cli/shard/cut.js';
import { shardOf, shardOption } from '../../../src/cli/shard/which.js';
import { skippedBy } from '../../../src/labeling/data/formats/lines.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-cut-'));
  file = join(folder, 'input');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function piecesOf(text: string | Buffer, boundary: Boundary, n: number): Promise<Piece[]> {
  writeFileSync(file, text);
  return Promise.all(Array.from({ length: n }, (_, k) => cutFile(file, boundary, { i: k + 1, n })));
}

/** Where sentences may be parted, found in another way. */
function boundaries(text: Buffer, boundary: Boundary): number[] {
  const found = [0];
  let start = 0;
  for (const line of text.toString('latin1').split(/(?<=\n)/)) {
    start += line.length;
    const blank = /^[ \t\r]*\n$/.test(line);
    if (line.endsWith('\n') && (boundary === 'line' || blank)) found.push(start);
  }
  return found;
}

const line = fc.constantFrom('', ' ', '\t', 'a', 'b c', '# d', 'é', '1\tx\ty');
const document = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 40 }), line)
  .map(([lines, last]) => lines.map((each) => each.join('')).join('') + last);

test.each(['line', 'blank'] as const)('a partition at boundaries: %s', (boundary) =>
  fc.assert(
    fc.asyncProperty(document, fc.integer({ min: 1, max: 12 }), async (text, n) => {
      const bytes = Buffer.from(text);
      const pieces = await piecesOf(bytes, boundary, n);
      const allowed = boundaries(bytes, boundary);
      let at = 0;
      pieces.forEach(({ begin, end, firstLine, lastLine }, k) => {
        expect(begin).toBe(at);
        if (k > 0 && begin < bytes.length) {
          const best = Math.floor((bytes.length / n) * k);
          expect(begin).toBe(allowed.find((place) => place >= best));
        }
        expect(firstLine).toBe(bytes.subarray(0, begin).toString('latin1').split('\n').length);
        if (lastLine !== Infinity)
          expect(lastLine).toBe(bytes.subarray(0, end).toString('latin1').split('\n').length - 1);
        at = end;
      });
      expect(at).toBe(bytes.length);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      for (const piece of pieces) expect(piece).toMatchObject({ sha256, bytes: bytes.length });
    }),
    { numRuns: 80, seed: 4 },
  ),
);

test('the bytes of a piece, and what is read before', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `line ${i} ${'x'.repeat(i % 50)}\n${i % 3 === 2 ? '\n' : ''}`);
  const text = lines.join('');
  for (const [boundary, whole] of [
    ['line', false],
    ['blank', false],
    ['blank', true],
  ] as const) {
    // prettier-ignore
    const all: Buffer[] = [];
    for (const piece of await piecesOf(text, boundary, 5)) {
      const { before, body } = pieceBytes(file, piece, whole);
      let [number, bytes] = [0, 0];
      for await (const chunk of before) {
        number += skippedBy(chunk) + chunk.filter((byte) => byte === 10).length;
        bytes += chunk.length;
      }
      expect(number).toBe(piece.firstLine - 1);
      if (whole) expect(bytes).toBe(piece.begin);
      else if (piece.i > 1) expect(bytes).toBe(piece.head.end);
      for await (const chunk of body) all.push(Buffer.from(chunk));
    }
    expect(Buffer.concat(all).toString()).toBe(text);
  }
  const [, second] = await piecesOf(text, 'line', 5);
  expect(second.head.lines).toBeGreaterThanOrEqual(200);
  expect(second.head.lines).toBeLessThan(300);
});

test('more pieces than lines: empty ones, and the others', async () => {
  const pieces = await piecesOf('a\nb\n', 'line', 9);
  expect(pieces.filter(({ begin, end }) => begin < end)).toHaveLength(2);
  expect((await piecesOf('', 'line', 3)).every(({ begin, end }) => begin === 0 && end === 0)).toBe(true);
});

test('what has no size is refused by name', async () => {
  await expect(cutFile('-', 'line', { i: 1, n: 2 })).rejects.toThrow('standard input has no size to cut: write it to a file first'); // prettier-ignore
  await expect(cutFile('/dev/null', 'line', { i: 1, n: 2 })).rejects.toThrow('/dev/null is not a regular file');
  await expect(cutFile(join(folder, 'none'), 'line', { i: 1, n: 2 })).rejects.toThrow('no such file: check the path');
});

describe('which piece', () => {
  test('as it is written', () => {
    expect(shardOf(shardOption('3/16'), {})).toEqual({ i: 3, n: 16 });
    for (const wrong of [
      '0/3',
      '4/3',
      '1/0',
      '1',
      '1/',
      '/2',
      '1/2/3',
      '-1/2',
      '1.5/2',
      'a/2',
      'slurm',
      'slurm/0',
      '1/2000000',
    ])
      // prettier-ignore
      expect(() => shardOption(wrong)).toThrow('It must be i/n');
  });

  const slurm = (id: string, min = '1', max = '4') => ({
    SLURM_ARRAY_TASK_ID: id,
    SLURM_ARRAY_TASK_MIN: min,
    SLURM_ARRAY_TASK_MAX: max,
  });

  test('from an array of Slurm, some of it too', () => {
    expect(shardOf(shardOption('slurm/4'), slurm('3'))).toEqual({ i: 3, n: 4 });
    expect(shardOf(shardOption('slurm/4'), slurm('3', '2', '3'))).toEqual({ i: 3, n: 4 });
    expect(shardOf(shardOption('slurm/4'), { SLURM_ARRAY_TASK_ID: '1' })).toEqual({ i: 1, n: 4 });
  });

  test('from an index of Kubernetes, which begins with 0', () => {
    expect(shardOf(shardOption('kubernetes/4'), { JOB_COMPLETION_INDEX: '0' })).toEqual({ i: 1, n: 4 });
    expect(shardOf(shardOption('kubernetes/4'), { JOB_COMPLETION_INDEX: '3' })).toEqual({ i: 4, n: 4 });
  });

  test.each([
    ['slurm/4', {}, 'the environment has no SLURM_ARRAY_TASK_ID: submit with --array=1-4, or pass i/4'],
    ['slurm/4', slurm('2', '0', '3'), 'expected SLURM_ARRAY_TASK_MIN from 1 to 4; got "0": submit with --array=1-4'],
    ['slurm/4', slurm('2', '1', '5'), 'expected SLURM_ARRAY_TASK_MAX from 1 to 4; got "5"'],
    ['slurm/4', slurm('x'), 'expected SLURM_ARRAY_TASK_ID from 1 to 4; got "x"'],
    ['kubernetes/4', {}, 'the environment has no JOB_COMPLETION_INDEX'],
    ['kubernetes/4', { JOB_COMPLETION_INDEX: '4' }, 'expected JOB_COMPLETION_INDEX from 0 to 3; got "4"'],
    ['kubernetes/4', { JOB_COMPLETION_INDEX: '' }, 'expected JOB_COMPLETION_INDEX from 0 to 3; got ""'],
  ])('%s with %j is refused', (text, env, message) => {
    expect(() => shardOf(shardOption(text), env)).toThrow(message);
  });
});
