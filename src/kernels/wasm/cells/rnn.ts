/** The RNN on WebAssembly, with tanh or ReLU; its loops are in assembly/rnn.ts. */
import type { WasmCell } from './cell.js';

/** @param relu 1 for ReLU, 0 for tanh, as in assembly/ */
function rnnCell(relu: 0 | 1): WasmCell {
  return {
    states: ['h'],
    parts: [1],
    forward(wasm, call) {
      const { T, H, batch, sizes, edge } = call;
      const [h, a] = [call.state('h'), call.updated('a')];
      wasm.rnnForward(relu, T, sizes, batch, H, h, a, call.panels(0, H), edge);
    },
    backward(wasm, call) {
      const { T, N, H, batch, sizes, edge } = call;
      const [h, dh, da] = [call.state('h'), call.gradient('h'), call.filled('da')];
      wasm.rnnBackward(relu, T, sizes, batch, N, H, h, dh, da, call.panelsT(0, H), edge);
    },
  };
}

export const rnn = rnnCell(0);
export const rnnRelu = rnnCell(1);
