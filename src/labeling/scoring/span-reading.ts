/** Determines how a requested mode reads spans: in which scheme, and whether there are any. */
import { expectOneOf } from '../../tensor/checks.js';
import { DataError } from '../../tensor/errors.js';
import type { Scheme } from '../data/schemes.js';
import { detectScheme, SCHEMES } from '../data/schemes.js';
import type { Sentence } from '../data/sentence.js';
import type { SpanMode } from './span-counts.js';
import { SPAN_MODES } from './span-counts.js';
import { spanSchemeOf } from './spans.js';

/** The request. */
interface Wanted {
  readonly spanMode?: SpanMode;
  readonly scheme?: Scheme;
  /** Name of the input, for the message. */
  readonly source?: string;
}

/**
 * Returns the mode and the scheme that it checks against: the given one, else that of the sentences, or, if all of their labels are `O`,
 * the one that the labels of the task look like.
 *
 * @param labels the labels of the task
 * @throws ArgumentError on an unknown mode or scheme; DataError if the labels annotate no spans, and the mode needs some
 */
export function spanReading(
  { spanMode = 'conlleval', scheme, source }: Wanted,
  labels: readonly string[],
  sentences: readonly Sentence[],
): { readonly spanMode: SpanMode; readonly scheme?: Scheme } {
  expectOneOf('evaluate', 'spanMode', spanMode, SPAN_MODES);
  if (scheme !== undefined) expectOneOf('evaluate', 'scheme', scheme, SCHEMES);
  if (spanMode === 'conlleval') return { spanMode };
  if (spanSchemeOf(labels).kind === null) {
    throw new DataError(
      `${source === undefined ? '' : `${source}: `}the span mode ${spanMode} needs span labels, such as B-PER and O; these labels are not spans: leave it out (--span-mode)`,
    );
  }
  const found = scheme ?? detectScheme(sentences.map((each) => each.labels ?? [])).scheme;
  return { spanMode, scheme: found ?? detectScheme(labels.map((label) => [label])).scheme! }; // they annotate spans, so a scheme is found
}
