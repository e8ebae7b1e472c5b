/** The cells that run on WebAssembly, by name. A cell that is missing here runs in the loop of `autograd/unroll.ts`. */
import type { WasmCell } from './cell.js';
import { gru } from './gru.js';
import { gruResetBefore } from './gru-reset-before.js';
import { lstm } from './lstm.js';
import { rnn, rnnRelu } from './rnn.js';

export const WASM_CELLS: Readonly<Record<string, WasmCell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
