/** Sentences as they come in, put together for shared matmuls, but never delayed while a reader waits. */
import type { Sentence } from '../labeling/data/sentence.js';

/** What is grouped: sentences, or anything else with tokens. */
type Tokens = Pick<Sentence, 'tokens'>;

/** An input that gives nothing for so long, in milliseconds, pauses: a person types, or a program thinks. */
const PAUSE_MS = 20;

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
  try {
    for (;;) {
      const next = iterator.next();
      if (group.length > 0 && (await pauses(next))) yield take();
      const result = await next;
      if (result.done) break;
      group.push(result.value);
      count += Math.max(result.value.tokens.length, 1); // blank lines take memory, too
      if (count >= tokens) yield take();
    }
    if (group.length > 0) yield take();
  } finally {
    // Not awaited: a sentence that is still on its way would have to arrive first.
    iterator.return?.().catch(() => undefined);
  }
}

/** Whether `next` takes long, or fails; of its failure hears whoever awaits it. */
async function pauses(next: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<true>((resolve) => (timer = setTimeout(() => resolve(true), PAUSE_MS)));
  const come = next.then(
    () => false,
    () => true,
  );
  const paused = await Promise.race([come, pause]);
  clearTimeout(timer);
  return paused;
}
