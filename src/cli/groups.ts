/** Groups incoming sentences for shared matmuls, but never delays them while a reader waits. */
import type { Sentence } from '../labeling/data/sentence.js';

/** The items to group: sentences, or anything else with tokens. */
type Tokens = Pick<Sentence, 'tokens'>;

/** Milliseconds without input that count as a pause: a person is typing, or a program is busy. */
export const PAUSE_MS = 20;

/**
 * Groups consecutive sentences to about `tokens` tokens. If the input pauses or fails, the complete sentences are returned at
 * once. The grouping does not change labels.
 */
export async function* groupsOf<S extends Tokens>(sentences: AsyncIterable<S>, tokens: number): AsyncGenerator<S[]> {
  const iterator = sentences[Symbol.asyncIterator]();
  let group: S[] = [];
  let count = 0;
  const take = (): S[] => {
    const taken = group;
    group = [];
    count = 0;
    return taken;
  };
  const pause = createPause();
  try {
    for (;;) {
      const next = iterator.next();
      if (group.length > 0 && (await pause.before(next))) yield take();
      const result = await next;
      if (result.done) break;
      group.push(result.value);
      count += Math.max(result.value.tokens.length, 1); // blank lines also take memory
      if (count >= tokens) yield take();
    }
    if (group.length > 0) yield take();
  } finally {
    pause.end();
    // Not awaited: it would wait for a sentence that has not arrived yet.
    iterator.return?.().catch(() => undefined);
  }
}

/** Detects pauses. One timer is reused for all sentences: a timer per sentence would take longer than reading it. */
function createPause() {
  let timer: NodeJS.Timeout | undefined;
  let waiting: { since: number; stop: (paused: boolean) => void } | undefined;
  const look = (): void => {
    timer = undefined;
    if (waiting === undefined) return;
    const rest = waiting.since + PAUSE_MS - performance.now();
    if (rest <= 0) waiting.stop(true);
    else timer = setTimeout(look, Math.ceil(rest));
  };
  return {
    /** Whether `next` takes long or fails; a failure is left to the code that awaits it. */
    before: (next: Promise<unknown>): Promise<boolean> =>
      new Promise((resolve) => {
        const stop = (paused: boolean): void => {
          waiting = undefined;
          resolve(paused);
        };
        waiting = { since: performance.now(), stop };
        timer ??= setTimeout(look, PAUSE_MS);
        next.then(
          () => stop(false),
          () => stop(true),
        );
      }),
    end: (): void => clearTimeout(timer),
  };
}
