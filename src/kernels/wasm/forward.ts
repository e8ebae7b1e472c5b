/** The scans forward as calls of the module, wherever their tensors come from: a training scan, or a layer that is only run. */
import type { Exports } from './module.js';

/** What a scan forward needs: sizes, and addresses by the names that the cell gives its tensors. */
export interface ForwardCall {
  readonly T: number;
  readonly H: number;
  /** B, sequences of length 0 included. */
  readonly batch: number;
  /** Addresses of the rows per step, and of the scratch of the products. */
  readonly sizes: number;
  readonly edge: number;
  /** A state: B rows to start from, and those that are filled behind them. */
  state(name: string): number;
  /** A cache that is read and written. */
  updated(name: string): number;
  /** A cache that is overwritten. */
  filled(name: string): number;
  /** A parameter `[H]`. */
  vector(name: string): number;
  /** Columns `from … from + count` of Wh in panels. */
  panels(from: number, count: number): number;
}

/** The scans forward, by cell name. */
export const FORWARD: Readonly<Record<string, (wasm: Exports, call: ForwardCall) => void>> = {
  rnn: (wasm, call) => rnnForward(0, wasm, call),
  'rnn-relu': (wasm, call) => rnnForward(1, wasm, call),
  lstm(wasm, call) {
    const [h, c, a, tanhC] = [call.state('h'), call.state('c'), call.updated('a'), call.filled('tanhC')];
    wasm.lstmForward(call.T, call.sizes, call.batch, call.H, h, c, a, tanhC, call.panels(0, 4 * call.H), call.edge);
  },
  gru(wasm, call) {
    const [h, a, u, bn] = [call.state('h'), call.updated('a'), call.updated('u'), call.vector('bn')];
    wasm.gruForward(call.T, call.sizes, call.batch, call.H, h, a, u, bn, call.panels(0, 3 * call.H), call.edge);
  },
  'gru-reset-before'(wasm, call) {
    const [h, a, s] = [call.state('h'), call.updated('a'), call.filled('s')];
    const [rz, n] = [call.panels(0, 2 * call.H), call.panels(2 * call.H, call.H)];
    wasm.gruResetBeforeForward(call.T, call.sizes, call.batch, call.H, h, a, s, rz, n, call.edge);
  },
};

function rnnForward(relu: number, wasm: Exports, call: ForwardCall): void {
  const [h, a] = [call.state('h'), call.updated('a')];
  wasm.rnnForward(relu, call.T, call.sizes, call.batch, call.H, h, a, call.panels(0, call.H), call.edge);
}
