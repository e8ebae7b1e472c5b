/**
 * Cuts an input into chunks of bytes that can be read independently: after a line, or, in column formats, after an empty line.
 * Bytes are scanned but not decoded, so that the cutting thread has little work. Each chunk carries the number of its first line.
 */
import type { ByteChunks } from '../../labeling/data/formats/index.js';
import { PAUSE_MS } from '../groups.js';
import type { Boundary } from '../shard/cut.js';

/** Some whole lines. */
export interface Chunk {
  /** In memory shared between threads, until the chunk is released. */
  readonly bytes: Uint8Array;
  /** The number of the first line in the input, from 1. */
  readonly firstLine: number;
  readonly lines: number;
}

/** An input cut into chunks. */
export interface Chunks {
  /**
   * Returns the next chunk; undefined at the end of the input, or if `uncut` indicates that the following input has no boundary
   * within the limit.
   */
  next(): Promise<Chunk | undefined>;
  /** Whether there is more, without a boundary in the next mebibytes. */
  readonly uncut: boolean;
  /** Releases the oldest chunk, which is kept until then. */
  done(): void;
  /** Number of lines in released chunks. */
  readonly linesDone: number;
  /** Returns everything not released, to be read as one stream. No more chunks are cut after that. */
  rest(): AsyncGenerator<Uint8Array>;
  /** Closes the input. */
  close(): void;
}

/** How an input is cut. */
export interface Cutting {
  readonly boundary: Boundary;
  /** A chunk ends at the first boundary after this number of bytes. */
  readonly size: number;
  /** Number of the first line. Default 1. */
  readonly firstLine?: number;
  /** Maximum distance of boundaries in bytes: no more are held. Default 17 MiB, more than the longest line that a reader accepts. */
  readonly most?: number;
}

const [LINE_FEED, RETURN] = [0x0a, 0x0d];

/** Cuts an input. If the input pauses, the complete part is returned at once. */
export function cutChunks(input: ByteChunks, { boundary, size, firstLine = 1, most = 17 << 20 }: Cutting): Chunks {
  const held = createHolding(size, boundary);
  const pieces = createPieces(input, held.add);
  const kept: Chunk[] = [];
  let [line, linesDone, uncut] = [firstLine, 0, false];

  function give(end: number): Chunk {
    const bytes = held.take(end);
    const chunk = { bytes, firstLine: line, lines: linesIn(bytes) };
    line += chunk.lines;
    kept.push(chunk);
    return chunk;
  }

  return {
    async next() {
      for (;;) {
        const end = pieces.state() === 'ended' ? held.length() : held.end();
        if (pieces.state() === 'taken') return undefined;
        if (end > 0) return give(end);
        if (held.length() >= most) uncut = true;
        if (uncut || pieces.state() === 'ended') return undefined;
        const paused = await pieces.read(held.length() > 0);
        const complete = paused ? held.lastEnd() : 0;
        if (complete > 0) return give(complete);
      }
    },
    get uncut() {
      return uncut;
    },
    get linesDone() {
      return linesDone;
    },
    done() {
      const { bytes, lines } = kept.shift()!;
      linesDone += lines;
      held.free(bytes);
    },
    async *rest() {
      const others = pieces.take();
      while (kept.length > 0) yield kept.shift()!.bytes;
      if (held.length() > 0) yield held.take(held.length());
      yield* others;
    },
    close: pieces.close,
  };
}

/** Passes the pieces of an input to `add` one by one, until the rest is taken as a whole. */
function createPieces(input: ByteChunks, add: (piece: Uint8Array) => void) {
  const source = (async function* () {
    yield* input;
  })();
  let state: 'open' | 'ended' | 'taken' = 'open';
  let coming: Promise<IteratorResult<Uint8Array, unknown>> | undefined;
  return {
    state: () => state,
    /** Waits for the next piece, or the end. @returns whether the input pauses, if that matters */
    async read(matters: boolean): Promise<boolean> {
      const own = (coming ??= source.next());
      if (matters && (await pauses(own))) return state === 'open';
      const { done, value } = await own;
      if (state === 'taken') return false;
      coming = undefined;
      if (done) state = 'ended';
      else add(value);
      return false;
    },
    /** Everything not yet passed to `add`. */
    take(): AsyncIterable<Uint8Array> {
      state = 'taken';
      return (async function* () {
        const own = await coming;
        if (own && !own.done) yield own.value;
        yield* source;
      })();
    },
    close: () => void source.return(undefined).catch(() => undefined), // not awaited: it would wait for data that has not arrived yet
  };
}

/** Bytes that are not in a chunk yet. */
function createHolding(size: number, boundary: Boundary) {
  const rooms = createRooms(size);
  let room = rooms.take(size);
  let [length, looked] = [0, 0]; // bytes in the buffer; there is no boundary before that offset
  return {
    length: () => length,
    add(piece: Uint8Array): void {
      if (length + piece.length > room.length) {
        const larger = rooms.take(2 * (length + piece.length));
        larger.set(room.subarray(0, length));
        room = larger;
      }
      room.set(piece, length);
      length += piece.length;
    },
    /** End of a chunk; 0 if not known yet. */
    end(): number {
      if (length < size) return 0;
      const end = firstBoundary(room.subarray(0, length), Math.max(looked, size), boundary);
      looked = length;
      return end;
    },
    /** End of the last complete chunk; 0 if there is none. */
    lastEnd: () => lastBoundary(room.subarray(0, length), boundary),
    /** The first bytes, which remain unchanged until they are released. */
    take(end: number): Uint8Array {
      const bytes = room.subarray(0, end);
      const next = rooms.take(length - end);
      next.set(room.subarray(end, length));
      [room, length, looked] = [next, length - end, 0];
      return bytes;
    },
    free: (bytes: Uint8Array) => rooms.free(bytes.buffer),
  };
}

/** Reusable memory: otherwise the garbage would amount to several times the input. */
function createRooms(size: number) {
  const free: Uint8Array[] = [];
  return {
    take(bytes: number): Uint8Array {
      const place = free.findIndex(({ length }) => length >= bytes);
      return place >= 0 ? free.splice(place, 1)[0] : new Uint8Array(new SharedArrayBuffer(Math.max(2 * size, bytes)));
    },
    /** Takes back buffers of the standard size. */
    free(buffer: ArrayBufferLike): void {
      if (buffer.byteLength === 2 * size) free.push(new Uint8Array(buffer));
    },
  };
}

/** Whether something takes long. Input that arrives while a thread is busy does not count as paused. */
function pauses(next: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, true), PAUSE_MS);
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    next.then(stop, stop);
  });
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}

/** Whether a chunk may end after the line feed at an offset. `bytes` start at the beginning of a line. */
function isBoundary(bytes: Uint8Array, at: number, boundary: Boundary): boolean {
  if (boundary === 'line') return true;
  const end = bytes[at - 1] === RETURN ? at - 1 : at; // of the line, which must be empty
  return end === 0 || bytes[end - 1] === LINE_FEED;
}

/** The first boundary at or after an offset; 0 if there is none. */
function firstBoundary(bytes: Uint8Array, from: number, boundary: Boundary): number {
  let at = bytes.indexOf(LINE_FEED, Math.max(from - 1, 0));
  while (at >= 0 && !isBoundary(bytes, at, boundary)) at = bytes.indexOf(LINE_FEED, at + 1);
  return at + 1;
}

/** The last boundary; 0 if there is none. */
function lastBoundary(bytes: Uint8Array, boundary: Boundary): number {
  let at = bytes.lastIndexOf(LINE_FEED);
  while (at > 0 && !isBoundary(bytes, at, boundary)) at = bytes.lastIndexOf(LINE_FEED, at - 1);
  return at >= 0 && isBoundary(bytes, at, boundary) ? at + 1 : 0;
}
