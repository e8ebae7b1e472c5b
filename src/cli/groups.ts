/** Sentences as they come in, put together for shared matmuls, but never delayed while a reader waits. */
import type { Sentence } from '../labeling/data/sentence.js';

/** What is grouped: sentences, or anything else with tokens. */
type Tokens = Pick<Sentence, 'tokens'>;

/** An input that gives nothing for so long, in milliseconds, pauses: a person types, or a program thinks. */
export const PAUSE_MS = 20;

/**
 * Consecutive sentences of about `tokens` tokens together. Where the input pauses, or fails, those that are complete come at
 * once. How sentences are grouped does not change their labels.
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
      count += Math.max(result.value.tokens.length, 1); // blank lines take memory, too
      if (count >= tokens) yield take();
    }
    if (group.length > 0) yield take();
  } finally {
    pause.end();
    // Not awaited: a sentence that is still on its way would have to arrive first.
    iterator.return?.().catch(() => undefined);
  }
}

/** Tells pauses. One clock runs on from sentence to sentence: a timer for each would take longer than reading it. */
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
    /** Whether `next` takes long, or fails; its failure is for whatever awaits it. */
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
