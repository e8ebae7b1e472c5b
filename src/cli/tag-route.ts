/** What the ways of `bptt tag` from an input to an output have in common. */
import type { Cleaner } from '../labeling/data/formats/clean.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Model } from '../labeling/model/model.js';
import { counted } from '../tensor/print.js';
import type { TagInput } from './tag-input.js';
import type { TagJob, TagResult, TagSettings } from './tag-jobs.js';
import type { TagOptions as Options } from './tag-options.js';

/** The way from the input to the output. */
export interface Route {
  readonly settings: TagSettings;
  readonly jobs: AsyncIterable<TagJob>;
  /** What is written of each result, in the order of the jobs; undefined where `rest` has to go on before it. */
  written(result: TagResult): string | Uint8Array | undefined;
  /** What is written after the last one; undefined where `rest` has to go on. */
  end(): string | Uint8Array | undefined;
  /** The way of what is not written. */
  rest?(): Promise<Route>;
  /** Closes the input. */
  close?(): void;
}

/** What the ways share. */
export interface RouteContext {
  readonly model: Model;
  readonly input: TagInput;
  readonly options: Options;
  readonly warnings: NoteCollector;
  /** What there is to say of the whole input. */
  readonly seen: Seen;
}

/** What is told at the end. */
export interface Seen {
  /** Tokens that were spelled. */
  spelled: number;
  readonly cleaner: Cleaner;
}

/** Tells how many tokens were spelled. */
export function noteSpelled({ spelled }: Seen, warnings: NoteCollector): void {
  if (spelled === 0) return;
  const what = `${counted(spelled, 'token')} that cannot stand in a column ${spelled === 1 ? 'was' : 'were'} spelled`;
  const message = `${what} (\\t, \\n, \\u0020): use the output jsonl to keep them`;
  warnings.add({ kind: 'spelled', message, count: spelled });
}
