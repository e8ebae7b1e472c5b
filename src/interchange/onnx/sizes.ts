/** The sentence lengths of a batch as values of a graph: each form is created when it is first used. */
import type { GraphBuilder } from './builder.js';
import { FLOAT, INT32 } from './proto.js';

/** Names of values, for B sentences of at most T tokens. */
export interface Sizes {
  /** int32 `[B]`, at least 1: a recurrent operator needs one step, and the result for a sentence without tokens is never read. */
  lengths(): string;
  /** bool `[T, B, 1]`, whether the sentence has a token at this position. */
  mask(): string;
  /** The same in float32. */
  share(): string;
  /** bool `[T, B, 1]`, whether it is the last token of its sentence. */
  last(): string;
}

/** @param given the name of the input, int32 `[B]`. @param like a value whose axis 0 is T */
export function sizesOf(builder: GraphBuilder, given: string, like: string): Sizes {
  const once = (make: () => string): (() => string) => {
    let made: string | undefined;
    return () => (made ??= make());
  };
  const lengths = once(() => builder.add('Max', [given, builder.int32(1)]));
  const places = once(() => placesOf(builder, like, 0));
  const row = once(() => builder.add('Unsqueeze', [lengths(), builder.integers([0])]));
  const column = (x: string): string => builder.add('Unsqueeze', [x, builder.integers([2])]);
  const mask = once(() => column(builder.add('Less', [places(), row()])));
  return {
    lengths,
    mask,
    share: once(() => builder.add('Cast', [mask()], { to: FLOAT })),
    last: once(() => column(builder.add('Equal', [builder.add('Add', [places(), builder.int32(1)]), row()]))),
  };
}

/** int32 `[n, 1]`: 0, 1, … n − 1, where n is the size of an axis of a value. */
export function placesOf(builder: GraphBuilder, like: string, axis: number): string {
  const size = builder.add('Gather', [builder.add('Shape', [like]), builder.int64(axis)]);
  const until = builder.add('Cast', [size], { to: INT32 });
  const range = builder.add('Range', [builder.int32(0), until, builder.int32(1)]);
  return builder.add('Unsqueeze', [range, builder.integers([1])]);
}
