/** Data-parallel training, the worker's side. `team.ts` is the other side, and describes the whole. */
import { selectBackend } from '../../../kernels/select.js';
import { expectMethod } from '../../../tensor/arguments.js';
import type { Kernels } from '../../../kernels/types.js';
import { NonFiniteError, UnsupportedError } from '../../../tensor/errors.js';
import { restoreReplica } from '../checkpoint.js';
import type { Replica } from '../replica.js';
import { createReplica } from '../replica.js';
import { arrive, awaitArrivals, awaitStep } from './barrier.js';
import { createExchange, writeMoments } from './exchange.js';
import { createSharedJob, readAct, readJob } from './job.js';
import { holdLifeline } from './lifeline.js';
import type { Member } from './member.js';
import { giveGradient, sumOwnPart, takeOtherParts, updateOwnPart } from './member.js';
import type { StartMessage, WorkerMessage } from './messages.js';
import { sentencesOf } from './messages.js';
import { ownersOf } from './owners.js';
import { repeatable } from './threads.js';

/** A worker's connection to the thread that started it. */
export interface WorkerPort {
  /** Sends a message to that thread. */
  post(message: unknown): void;
  /** Sets the listener for messages from that thread. */
  listen(onMessage: (message: unknown) => void): void;
  /** Stops listening, so that the worker can end. */
  close(): void;
}

/**
 * Makes the calling worker a member of the team of `train`. It serves one training run and ends with it.
 *
 * In a browser, this is the whole module of a worker: `import { serveTraining } from 'bptt/labeling'; serveTraining();`
 * There, it holds a Web Lock until it ends, if the page has such locks, so that its end is noticed whatever the cause.
 *
 * @param port the connection to the thread that started the worker; by default that of a web worker
 */
export function serveTraining(port: WorkerPort = webPort()): void {
  for (const method of ['post', 'listen', 'close']) {
    expectMethod('serveTraining', 'port', port, method, 'the port of a worker, { post, listen, close }');
  }
  const tell = (message: WorkerMessage): void => port.post(message);
  port.listen(async (message) => {
    const start = message as StartMessage;
    let kernels: Kernels | undefined;
    try {
      const { lifeline } = start;
      // Before anything that may end the worker: from here on, its end is noticed even without a message from it.
      if (lifeline !== undefined && (await holdLifeline(lifeline))) tell({ kind: 'held', lifeline });
      kernels = await openAgain(start.backend);
      const replica = createReplica(kernels, { ...start.plan, sentences: sentencesOf(start.sentences) });
      if (start.resumed) restoreReplica(replica, start.resumed);
      tell({ kind: 'ready' });
      work(replica, start, tell);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      tell({ kind: 'failed', nonFinite: error instanceof NonFiniteError, message });
    } finally {
      kernels?.dispose();
      port.close();
    }
  });
}

async function openAgain(backend: string): Promise<Kernels> {
  const { kernels } = await selectBackend({ backend: repeatable(backend) });
  if (kernels.backend === backend) return kernels;
  throw new UnsupportedError(`a worker got the backend ${kernels.backend}, but the first thread runs ${backend}`);
}

/** Runs step after step, until the team is dissolved. */
function work(replica: Replica, start: StartMessage, tell: (message: WorkerMessage) => void): void {
  const { index, threads, rowLimits, patience } = start;
  const { optimizer, flatGrads } = replica;
  const sharedJob = createSharedJob(threads, replica.settings.batch, replica.network.heads.length, start.sharedJob);
  const owners = ownersOf(flatGrads, threads);
  const exchange = createExchange(owners, flatGrads, optimizer.tensors, rowLimits, start.exchange);
  const member: Member = { replica, index, owners, exchange, sharedJob };
  const { control } = sharedJob;
  let barrier = 0;
  const arriveThere = (): void => {
    if (arrive(control, ++barrier, threads)) tell({ kind: 'arrived' });
  };
  const meet = (): boolean => {
    arriveThere();
    return awaitArrivals(control, barrier, threads, patience);
  };
  for (let step = 1; awaitStep(control, step, patience); step++) {
    if (readAct(sharedJob) === 'state') {
      writeMoments(exchange, owners, index, flatGrads, optimizer.tensors);
      arriveThere();
      continue;
    }
    const job = readJob(sharedJob);
    giveGradient(member, job);
    if (!meet()) return;
    const part = sumOwnPart(member, job.shards.length);
    if (!meet()) return;
    updateOwnPart(member, part, job.lr);
    if (!meet()) return;
    takeOtherParts(member); // thread 0, which has the same norm, reports it if it is not finite
  }
}

/** The part of a web worker's global scope that is used. */
interface WebScope {
  postMessage(message: unknown): void;
  addEventListener(kind: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

function webPort(): WorkerPort {
  const scope = globalThis as unknown as WebScope;
  if (typeof scope.postMessage !== 'function' || typeof scope.addEventListener !== 'function') {
    throw new UnsupportedError('serveTraining: this is not a web worker: start it as a module of one, or pass a port');
  }
  return {
    post: (message) => scope.postMessage(message),
    listen: (onMessage) => scope.addEventListener('message', ({ data }) => onMessage(data)),
    close: () => scope.close(),
  };
}
