/** The LSTM on WebAssembly; its loops are in assembly/lstm.ts. */
import type { WasmCell } from './cell.js';

export const lstm: WasmCell = {
  states: ['h', 'c'],
  left: ['da'],
  parts: [4],
  filled: { tanhC: 1 },
  forward(wasm, call) {
    const { T, H, batch, sizes, edge } = call;
    const [h, c, a, tanhC] = [call.state('h'), call.state('c'), call.updated('a'), call.filled('tanhC')];
    wasm.lstmForward(T, sizes, batch, H, h, c, a, tanhC, call.panels(0, 4 * H), edge);
  },
  backward(wasm, call) {
    const { T, N, H, batch, sizes, edge } = call;
    const [c, a, tanhC] = [call.state('c'), call.saved('a'), call.saved('tanhC')];
    const [dh, dc, da] = [call.gradient('h'), call.gradient('c'), call.filled('da')];
    wasm.lstmBackward(T, sizes, batch, N, H, c, a, tanhC, dh, dc, da, call.panelsT(0, 4 * H), edge);
  },
};
