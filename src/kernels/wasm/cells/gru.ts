/** The GRU with the reset gate after the recurrent product on WebAssembly; its loops are in assembly/gru.ts. */
import type { WasmCell } from './cell.js';

export const gru: WasmCell = {
  states: ['h'],
  left: ['da', 'du'],
  parts: [3],
  summed: { u: 3 },
  vectors: ['bn'],
  forward(wasm, call) {
    const { T, H, batch, sizes, edge } = call;
    const [h, a, u, bn] = [call.state('h'), call.updated('a'), call.updated('u'), call.vector('bn')];
    wasm.gruForward(T, sizes, batch, H, h, a, u, bn, call.panels(0, 3 * H), edge);
  },
  backward(wasm, call) {
    const { T, N, H, batch, sizes, edge } = call;
    const [h, a, u, dh] = [call.state('h'), call.saved('a'), call.saved('u'), call.gradient('h')];
    const [da, du] = [call.filled('da'), call.filled('du')];
    wasm.gruBackward(T, sizes, batch, N, H, h, a, u, dh, da, du, call.panelsT(0, 3 * H), edge);
  },
};
