/** A worker that closes itself in its second step, before it has arrived at the barrier, and says nothing of it. */
import { serveTraining } from '../../src/labeling/index';

interface Scope {
  postMessage(message: unknown): void;
  addEventListener(kind: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;
const { add } = Atomics;
let arrivals = 0;

// A worker is busy with its steps and reads no message between them: it is stopped at a barrier, of which a step has three.
Atomics.add = ((array: Int32Array, index: number, value: number): number => {
  if (++arrivals === 4) throw new Error('this is where it ends');
  return add(array, index, value);
}) as typeof Atomics.add;

serveTraining({
  post: (message) => {
    if ((message as { kind: string }).kind !== 'failed') scope.postMessage(message);
  },
  listen: (onMessage) => scope.addEventListener('message', ({ data }) => onMessage(data)),
  close: () => scope.close(),
});
