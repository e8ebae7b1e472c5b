/**
 * An input cut into chunks of bytes that are read apart: behind a line, or, in formats of columns, behind an empty line. Bytes are scanned
 * and not decoded, so that the thread which cuts has little to do. Each chunk has the number of its first line.
 */
import type { ByteChunks } from '../labeling/data/formats/index.js';
import { PAUSE_MS } from './groups.js';
import type { Boundary } from './shard/cut.js';

/** Some whole lines. */
export interface Chunk {
  /** In memory that threads share, until the chunk is done with. */
  readonly bytes: Uint8Array;
  /** The number of the first line in the input, from 1. */
  readonly firstLine: number;
  readonly lines: number;
}

/** An input that is cut. */
export interface Chunks {
  /** The next chunk; undefined at the end of the input, or where `uncut` says that what follows is too long. */
  next(): Promise<Chunk | undefined>;
  /** Whether there is more, without a boundary in the next mebibytes. */
  readonly uncut: boolean;
  /** The oldest chunk is done with. Until then it is kept. */
  done(): void;
  /** How many lines are done with. */
  readonly linesDone: number;
  /** All that is not done with, to be read in one stream. No chunk is cut from then on. */
  rest(): AsyncGenerator<Uint8Array>;
  /** Closes the input. */
  close(): void;
}

/** How an input is cut. */
export interface Cutting {
  readonly boundary: Boundary;
  /** A chunk ends at the first boundary behind so many bytes. */
  readonly size: number;
  /** Number of the first line. Default 1. */
  readonly firstLine?: number;
  /** Bytes in which there must be a boundary: more are not held. Default 17 MiB, more than the longest line that a reader accepts. */
  readonly most?: number;
}

const [LINE_FEED, RETURN] = [0x0a, 0x0d];

/** Cuts an input. Where it pauses, what is complete comes at once. */
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

/** The pieces of an input, which `add` gets one by one, until the others are taken together. */
function createPieces(input: ByteChunks, add: (piece: Uint8Array) => void) {
  const source = (async function* () {
    yield* input;
  })();
  let state: 'open' | 'ended' | 'taken' = 'open';
  let coming: Promise<IteratorResult<Uint8Array, unknown>> | undefined;
  return {
    state: () => state,
    /** Waits for the next piece, or the end. @returns whether the input pauses, where that matters */
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
    /** All that `add` has not got. */
    take(): AsyncIterable<Uint8Array> {
      state = 'taken';
      return (async function* () {
        const own = await coming;
        if (own && !own.done) yield own.value;
        yield* source;
      })();
    },
    close: () => void source.return(undefined).catch(() => undefined), // not awaited: what is on its way would have to arrive first
  };
}

/** Bytes that are not in a chunk yet. */
function createHolding(size: number, boundary: Boundary) {
  const rooms = createRooms(size);
  let room = rooms.take(size);
  let [length, looked] = [0, 0]; // bytes in the room; before that place there is none to cut at
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
    /** Where a chunk ends; 0 where that is not known yet. */
    end(): number {
      if (length < size) return 0;
      const end = firstBoundary(room.subarray(0, length), Math.max(looked, size), boundary);
      looked = length;
      return end;
    },
    /** Where the last chunk ends that is complete; 0 where none is. */
    lastEnd: () => lastBoundary(room.subarray(0, length), boundary),
    /** The first bytes. They stay as they are until they are given back. */
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

/** Memory that is used again: what collectors have to count as garbage would be several times the input. */
function createRooms(size: number) {
  const free: Uint8Array[] = [];
  return {
    take(bytes: number): Uint8Array {
      const place = free.findIndex(({ length }) => length >= bytes);
      return place >= 0 ? free.splice(place, 1)[0] : new Uint8Array(new SharedArrayBuffer(Math.max(2 * size, bytes)));
    },
    /** Takes back what is of the usual size. */
    free(buffer: ArrayBufferLike): void {
      if (buffer.byteLength === 2 * size) free.push(new Uint8Array(buffer));
    },
  };
}

/** Whether something takes long. What comes in while a thread is at work has not paused. */
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

/** Whether a chunk may end behind the line feed at a place. What `bytes` begin with begins a line. */
function isBoundary(bytes: Uint8Array, at: number, boundary: Boundary): boolean {
  if (boundary === 'line') return true;
  const end = bytes[at - 1] === RETURN ? at - 1 : at; // of the line, which is to be empty
  return end === 0 || bytes[end - 1] === LINE_FEED;
}

/** The first boundary at a place or behind it; 0 where there is none. */
function firstBoundary(bytes: Uint8Array, from: number, boundary: Boundary): number {
  let at = bytes.indexOf(LINE_FEED, Math.max(from - 1, 0));
  while (at >= 0 && !isBoundary(bytes, at, boundary)) at = bytes.indexOf(LINE_FEED, at + 1);
  return at + 1;
}

/** The last boundary; 0 where there is none. */
function lastBoundary(bytes: Uint8Array, boundary: Boundary): number {
  let at = bytes.lastIndexOf(LINE_FEED);
  while (at > 0 && !isBoundary(bytes, at, boundary)) at = bytes.lastIndexOf(LINE_FEED, at - 1);
  return at >= 0 && isBoundary(bytes, at, boundary) ? at + 1 : 0;
}
