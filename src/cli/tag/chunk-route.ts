/** The route of `bptt tag` in which each thread reads chunks of the input independently. */
import { inputName } from '../../labeling/data/files.node.js';
import { declaredColumns, isBlank } from '../../labeling/data/formats/detect.js';
import type { ByteChunks } from '../../labeling/data/formats/index.js';
import { gapOf } from '../../labeling/data/formats/lines.js';
import type { ChunkReading } from './chunk-jobs.js';
import { DECLARATION_LINES } from './chunk-jobs.js';
import type { Chunks } from './chunks.js';
import { cutChunks } from './chunks.js';
import { chained } from './conllu.js';
import type { TagInput } from './input.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import type { Route, RouteContext } from './route.js';
import { noteSpelled } from './route.js';
import { numberedFrom } from './spans.js';

/**
 * Approximate size of a chunk in bytes: a few thousand tokens, so that threads finish at about the same time and products have
 * enough rows.
 */
const SIZE = { line: 1 << 16, blank: 1 << 19 } as const;

/** What the route needs in addition to the input. */
interface ChunkWay {
  readonly settings: TagSettings;
  readonly reading: ChunkReading;
  /** The route for an input read as one stream. */
  readonly stream: (rest: TagInput) => Promise<Route>;
  /** Minimum size of a chunk in bytes. */
  readonly size?: number;
}

/** Opens the route: chunks until one is rejected or cannot be cut, or all are without a sentence. */
export async function openChunks(
  { input, warnings, seen }: RouteContext,
  { settings, reading, stream, size }: ChunkWay,
): Promise<Route> {
  const boundary = 'read' in reading && reading.read?.format === 'conllu' ? 'blank' : 'line';
  const { before, body, firstLine } = await input.bytes();
  const chunks = cutChunks(body, { boundary, size: size ?? SIZE[boundary], firstLine });
  const declaration = createDeclaration(boundary === 'blank');
  let sentences = 0;
  async function* jobs(): AsyncGenerator<TagJob> {
    declaration.look(await bytesOf(before));
    for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
      yield { kind: 'chunk', bytes: chunk.bytes, firstLine: chunk.firstLine, before: declaration.bytes() };
      declaration.look(chunk.bytes);
    }
  }
  return {
    settings,
    jobs: jobs(),
    written({ refused, counts, spelled, numbered, changed, bytes }: TagResult) {
      if (refused || (sentences === 0 && counts.sentences === 0)) return undefined;
      chunks.done();
      sentences += counts.sentences;
      seen.spelled += spelled!;
      seen.cleaner.add(changed!);
      if (numbered === undefined) return bytes!;
      seen.numbered += numbered;
      return numberedFrom(bytes!, seen.numbered - numbered);
    },
    end() {
      if (chunks.uncut || sentences === 0) return undefined;
      const note = seen.cleaner.note(inputName(input.path));
      if (note) warnings.add(note);
      noteSpelled(seen, warnings);
      return '';
    },
    rest: () => stream(restOf(input, chunks, firstLine, declaration.bytes())),
    close: chunks.close,
  };
}

/** The part of an input that is not written yet, as an input. */
function restOf(input: TagInput, chunks: Chunks, firstLine: number, declaration: Uint8Array): TagInput {
  const done = chunks.linesDone;
  const declares = input.piece === undefined && done > 0 && declaration.length > 0;
  const gap = gapOf(done - (declares ? DECLARATION_LINES : 0));
  const before = async (): Promise<ByteChunks> => (input.piece ? (await input.bytes()).before : declares ? [declaration] : []); // prettier-ignore
  return {
    ...input,
    isRest: done > 0,
    bytes: async () => ({
      before: chained(await before(), [gap]),
      body: chunks.rest(),
      firstLine: firstLine + done,
    }),
  };
}

async function bytesOf(chunks: ByteChunks): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Looks for the column declaration in the first line that is not blank. */
function createDeclaration(wanted: boolean) {
  let [found, over, rest] = [new Uint8Array(0), !wanted, Buffer.alloc(0)];
  return {
    /** Chunks of whole lines, one after another. */
    look(chunk: Uint8Array): void {
      if (over) return;
      rest = Buffer.concat([rest, chunk]);
      const lines = rest
        .toString('utf8')
        .replace(/^\ufeff/, '')
        .split(/\r*\n/);
      const first = lines.find((line) => !isBlank(line));
      if (first === undefined) return;
      over = true;
      if (declaredColumns(first)) found = new Uint8Array(Buffer.from(`${first}\n\n`));
    },
    /** The declaration and a blank line; empty if there is none. */
    bytes: (): Uint8Array => found,
  };
}
