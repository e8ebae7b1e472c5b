/**
 * The module that Node worker threads run.
 *
 * @module bptt/threads/worker
 */
import { parentPort } from 'node:worker_threads';
import { adoptWideLanes } from '../../../kernels/wasm/lanes/enable.node.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { serveTraining } from './serve.js';

if (parentPort === null) throw new ArgumentError('worker.node.js is the module of a worker thread: start it as one');
const port = parentPort;
adoptWideLanes();
serveTraining({
  post: (message) => port.postMessage(message),
  listen: (onMessage) => void port.on('message', onMessage),
  close: () => port.close(),
});
