/** What the routes of `bptt tag` from an input to an output have in common. */
import type { Cleaner } from '../../labeling/data/formats/clean.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { Model } from '../../labeling/model/model.js';
import { counted } from '../../tensor/print.js';
import type { TagInput } from './input.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import type { TagOptions as Options } from './options.js';

/** A route from the input to the output. */
export interface Route {
  readonly settings: TagSettings;
  readonly jobs: AsyncIterable<TagJob>;
  /** The output for each result, in the order of the jobs; undefined if `rest` must take over before it. */
  written(result: TagResult): string | Uint8Array | undefined;
  /** The output after the last result; undefined if `rest` must take over. */
  end(): string | Uint8Array | undefined;
  /** The route for everything not yet written. */
  rest?(): Promise<Route>;
  /** Closes the input. */
  close?(): void;
}

/** What the routes share. */
export interface RouteContext {
  readonly model: Model;
  readonly input: TagInput;
  readonly options: Options;
  readonly warnings: NoteCollector;
  /** Reports on the whole input. */
  readonly seen: Seen;
}

/** Reports at the end. */
export interface Seen {
  /** Number of tokens that had to be spelled. */
  spelled: number;
  /** For the output spans: number of sentences so far. */
  numbered: number;
  readonly cleaner: Cleaner;
}

/** Reports how many tokens had to be spelled. */
export function noteSpelled({ spelled }: Seen, warnings: NoteCollector): void {
  if (spelled === 0) return;
  const what = `${counted(spelled, 'token')} that cannot be in a column ${spelled === 1 ? 'was' : 'were'} escaped`;
  const message = `${what} (\\t, \\n, \\u0020): use the output jsonl to keep them`;
  warnings.add({ kind: 'spelled', message, count: spelled });
}
