/** The RNN on WebAssembly, with tanh or ReLU; its loops are in assembly/rnn.ts. */
import type { Exports } from '../module.js';
import type { BackwardCall, ForwardCall, WasmCell } from './cell.js';

/** @param relu 1 for ReLU, 0 for tanh, as in assembly/ */
function rnnForward(relu: 0 | 1, wasm: Exports, call: ForwardCall): void {
  const { T, H, batch, sizes, edge } = call;
  const [h, a] = [call.state('h'), call.updated('a')];
  wasm.rnnForward(relu, T, sizes, batch, H, h, a, call.panels(0, H), edge);
}

function rnnBackward(relu: 0 | 1, wasm: Exports, call: BackwardCall): void {
  const { T, N, H, batch, sizes, edge } = call;
  const [h, dh, da] = [call.state('h'), call.gradient('h'), call.filled('da')];
  wasm.rnnBackward(relu, T, sizes, batch, N, H, h, dh, da, call.panelsT(0, H), edge);
}

const layout = { states: ['h'], left: ['da'], parts: [1] };

export const rnn: WasmCell = {
  ...layout,
  forward: (wasm, call) => rnnForward(0, wasm, call),
  backward: (wasm, call) => rnnBackward(0, wasm, call),
};

export const rnnRelu: WasmCell = {
  ...layout,
  forward: (wasm, call) => rnnForward(1, wasm, call),
  backward: (wasm, call) => rnnBackward(1, wasm, call),
};
