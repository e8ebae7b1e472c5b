/** The RNN, with tanh or ReLU, as passes of a device; see `pass.ts`. Equations are numbered as in `cells/rnn.ts`. */
import type { DeviceCell } from '../pass.js';
import { X, Y, dWh, dh, ended, pass, preActivation, recurrent, recurrentBack } from '../pass.js';

/** `h` from `v`, and ∂L/∂a from `dh` and `h`. */
function rnnCell(D: number, H: number, activation: string, slope: string): DeviceCell {
  return {
    gates: 1,
    states: ['h'],
    stateWidth: 1,
    leftWidth: 1,
    forward: [pass('next', 1, ['a', 'W', 'S'], [ended(`S[${Y}][${X}]`), recurrent(D, H), preActivation(), activation])],
    backward: [
      pass('left', 1, ['carry', 'dY', 'next'], [ended('0.0'), `let j = ${X};`, dh, `const h = next[${Y}][j];`, slope]),
      pass(
        'carry',
        1,
        ['carry', 'left', 'W'],
        [ended(`carry[${Y}][${X}]`), `let j = ${X};`, recurrentBack(D, H), 'return sum;'],
      ),
    ],
    dWh,
    resetBias: false,
  };
}

export function rnn(D: number, H: number): DeviceCell {
  return rnnCell(D, H, 'return hyperbolic(v);', 'return dh * (1.0 - h * h);'); // (2)
}

export function rnnRelu(D: number, H: number): DeviceCell {
  return rnnCell(D, H, 'if (v < 0.0) { return 0.0; }\nreturn v;', 'if (h > 0.0) { return dh; }\nreturn 0.0;'); // (2)
}
