/** The routes of `bptt tag` from an input to an output: which jobs the tagger gets, and what is written for its answers. */
import { inputName } from '../../labeling/data/files.node.js';
import { createCleaner } from '../../labeling/data/formats/clean.js';
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { groupsOf } from '../groups.js';
import type { ChunkReading } from './chunk-jobs.js';
import { sentencesFrom } from './chunk-jobs.js';
import { openChunks } from './chunk-route.js';
import { conlluFlow } from './conllu.js';
import { conlluHeads, labelsSentences, ownColumns, tokenHeads } from './heads.js';
import { inPiece, readable } from './input.js';
import type { TagInput } from './input.js';
import { TOKENS_AT_ONCE } from './jobs.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import type { TagOptions as Options } from './options.js';
import type { Route, RouteContext } from './route.js';
import { noteSpelled } from './route.js';
import { watched } from './raw.js';
import { chunkReading, classifiedInput, sendable, taggedInput, taggedLines } from './readings.js';
import type { SpanLine } from './spans.js';
import { spanLines } from './spans.js';

/**
 * Chooses the route for an input.
 *
 * @param chunkBytes minimum size of a chunk, if the input can be cut; 0 reads it as one stream
 */
export async function openRoute(given: Omit<RouteContext, 'seen'>, chunkBytes?: number): Promise<Route> {
  const { model, input } = given;
  const asOwn = given.options.output === 'conllu' && input.conllu;
  const options = asOwn ? ({ ...given.options, format: 'conllu' } as const) : given.options;
  const context = {
    ...given,
    options,
    seen: { spelled: 0, numbered: 0, cleaner: createCleaner(inputName(input.path)) },
  };
  if (options.format === undefined) context.input = watchedInput(context);
  const reading = await chunkReading(context);
  if (reading === undefined) return wholeRoute(context);
  // In a piece, sentences are numbered from the start of the file.
  if (chunkBytes === 0 || (reading.kind === 'spans' && input.piece)) return streamRoute(context, reading);
  const settings = { ...settingsOf(model, options), reading: sendable(reading) };
  return openChunks(context, {
    settings,
    reading,
    size: chunkBytes,
    stream: (rest) => streamRoute({ ...context, input: rest }, reading),
  });
}

/** The input, with a warning if its start looks like a different format. */
function watchedInput({ model, input, options, warnings }: RouteContext): TagInput {
  const look = (chunks: ByteChunks) => watched(chunks, model, inputName(input.path), warnings, options.output);
  return {
    ...input,
    async bytes(whole) {
      const { before, body, firstLine } = await input.bytes(whole);
      return firstLine === 1 ? { before, body: look(body), firstLine } : { before: look(before), body, firstLine };
    },
  };
}

/** The route for an input whose reader needs all of it. */
async function wholeRoute(context: RouteContext): Promise<Route> {
  if (context.options.output === 'spans') return spanRoute(context, await taggedLines(context));
  return plainRoute(
    context,
    labelsSentences(context.model) ? await classifiedInput(context) : await taggedInput(context),
  );
}

/** The route for an input, or the rest of one, that is read as one stream. */
async function streamRoute(context: RouteContext, reading: ChunkReading): Promise<Route> {
  if (reading.kind === 'own') return conlluRoute(context, reading.read);
  const { model, input, seen } = context;
  if (reading.kind === 'spans') {
    const bytes = await readable(input, input.piece !== undefined);
    return spanRoute(context, spanLines(model, reading, bytes, seen.cleaner));
  }
  return plainRoute(context, inPiece(input, sentencesFrom(reading, await readable(input), seen.cleaner)));
}

function settingsOf(model: Model, options: Options): TagSettings {
  const { output, probabilities, spans, offsets } = options;
  const columns = output === 'conllu' ? conlluColumns(model, options) : [];
  return { output, probabilities, spans, offsets, columns };
}

/**
 * One JSON object per line of text. For a piece, the text before it is also split into sentences, since sentences are numbered
 * through the whole input.
 */
function spanRoute({ model, input, options, seen }: RouteContext, lines: AsyncIterable<SpanLine>): Route {
  async function* jobs(): AsyncGenerator<TagJob> {
    let before = seen.numbered;
    const own = inPiece(input, lines, ({ sentences }) => (before += sentences.length));
    for await (const group of groupsOf(own, TOKENS_AT_ONCE)) {
      yield { kind: 'spans', lines: group, before };
      for (const { sentences } of group) before += sentences.length;
    }
  }
  return { settings: settingsOf(model, options), jobs: jobs(), written: ({ text }) => text!, end: () => '' };
}

/** Each sentence separately, in the output format. */
function plainRoute({ model, options, warnings, seen }: RouteContext, sentences: AsyncIterable<Sentence>): Route {
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(sentences, TOKENS_AT_ONCE)) yield { kind: 'write', sentences: group };
  }
  return {
    settings: settingsOf(model, options),
    jobs: jobs(),
    written(result) {
      seen.spelled += result.spelled!;
      return result.text!;
    },
    end() {
      noteSpelled(seen, warnings);
      return '';
    },
  };
}

/** CoNLL-U exactly as in its file, with new labels. */
async function conlluRoute({ model, input, options, seen }: RouteContext, read: ReadOptions): Promise<Route> {
  const settings = settingsOf(model, options);
  const { before, body, firstLine } = await input.bytes();
  const flow = conlluFlow(
    body,
    read,
    conlluHeads(model, settings.columns),
    { chunks: before, firstLine },
    seen.cleaner,
  );
  const groups: Sentence[][] = [];
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(inPiece(input, flow.sentences), TOKENS_AT_ONCE)) {
      groups.push(group);
      yield { kind: 'label', tokens: group.map(({ tokens }) => tokens) };
    }
  }
  const written = ({ predictions }: TagResult): Uint8Array => flow.write(groups.shift()!, predictions!);
  return { settings, jobs: jobs(), written, end: () => flow.end() };
}

/**
 * The column of each head that labels tokens: the named one, else that of the training data.
 *
 * @throws ArgumentError if the number of columns differs
 */
export function conlluColumns(model: Model, { column }: Options): (string | undefined)[] {
  const own = ownColumns(model);
  if (column === undefined) return own;
  const named = typeof column === 'string' ? [column] : [...column];
  if (named.length === own.length) return named;
  throw new ArgumentError(
    `--column ${named.join(',')}: the model labels words by ${tokenHeads(model).join(', ')}: set ${counted(own.length, 'column')}, in that order`,
  );
}
