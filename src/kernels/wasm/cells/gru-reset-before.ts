/** The GRU with the reset gate before the recurrent product on WebAssembly; its loops are in assembly/gru-reset-before.ts. */
import type { WasmCell } from './cell.js';

export const gruResetBefore: WasmCell = {
  states: ['h'],
  left: ['da', 'ds'],
  parts: [2, 1],
  filled: { s: 1 },
  forward(wasm, call) {
    const { T, H, batch, sizes, edge } = call;
    const [h, a, s] = [call.state('h'), call.updated('a'), call.filled('s')];
    const [rz, n] = [call.panels(0, 2 * H), call.panels(2 * H, H)];
    wasm.gruResetBeforeForward(T, sizes, batch, H, h, a, s, rz, n, edge);
  },
  backward(wasm, call) {
    const { T, N, H, batch, sizes, edge } = call;
    const [h, a, dh] = [call.state('h'), call.saved('a'), call.gradient('h')];
    const [da, ds] = [call.filled('da'), call.filled('ds')];
    const [rz, n] = [call.panelsT(0, 2 * H), call.panelsT(2 * H, H)];
    wasm.gruResetBeforeBackward(T, sizes, batch, N, H, h, a, dh, da, ds, rz, n, edge);
  },
};
