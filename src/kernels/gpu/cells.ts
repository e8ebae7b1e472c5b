/** The RNN and the LSTM as passes of a device; see `pass.ts`. The numbers are those of the equations in `cells/`. */
import type { DeviceCell, Pass } from './pass.js';
import { X, Y, dh, ended, pass, projected, recurrent, recurrentBack, sumOf, unitOf } from './pass.js';
import { gru, gruResetBefore } from './cells-gru.js';

/** h'ᵀ·da. */
const dWh = (N: number): string => `${sumOf(N, `h[k][row] * left[k][${X}]`)}
return sum;`;

/** `h` from `v`, and ∂L/∂a from `dh` and `h`. */
function rnn(activation: string, slope: string): (D: number, H: number) => DeviceCell {
  return (D, H) => ({
    gates: 1,
    states: ['h'],
    stateWidth: 1,
    leftWidth: 1,
    forward: [pass('next', 1, ['a', 'W', 'S'], [ended(`S[${Y}][${X}]`), recurrent(D, H), preActivation, activation])],
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
  });
}

/** (1) of both. */
const preActivation = `const v = ${projected(X)} + sum;`;

/** `gates` holds i f g o; `next` h and c. */
function lstm(D: number, H: number): DeviceCell {
  return {
    gates: 4,
    states: ['h', 'c'],
    stateWidth: 2,
    leftWidth: 4,
    forward: lstmForward(D, H),
    backward: lstmBackward(D, H),
    dWh,
    resetBias: false,
  };
}

function lstmForward(D: number, H: number): Pass[] {
  const gates = [
    ended('0.0'),
    recurrent(D, H), //                                                                                     (1)
    preActivation,
    `if (${X} >= ${2 * H} && ${X} < ${3 * H}) { return hyperbolic(v); }`, //                                (2)
    'return logistic(v);',
  ];
  const next = [
    ended(`S[${Y}][${X}]`),
    unitOf(H, 2),
    `const c = gates[${Y}][j + ${H}] * S[${Y}][j + ${H}] + gates[${Y}][j] * gates[${Y}][j + ${2 * H}];`, // (3)
    'if (g == 1) { return c; }',
    `return gates[${Y}][j + ${3 * H}] * hyperbolic(c);`, //                                                 (4)
  ];
  return [pass('gates', 4, ['a', 'W', 'S'], gates), pass('next', 2, ['gates', 'S'], next)];
}

function lstmBackward(D: number, H: number): Pass[] {
  const dc = `${dh}
const tc = hyperbolic(next[${Y}][j + ${H}]);
const dc = carry[${Y}][j + ${H}] + dh * gates[${Y}][j + ${3 * H}] * (1.0 - tc * tc);`; //                  (4)
  const left = [
    ended('0.0'),
    unitOf(H, 4),
    dc,
    `const s = gates[${Y}][${X}];`,
    `if (g == 0) { return dc * gates[${Y}][j + ${2 * H}] * s * (1.0 - s); }`, //                            (3) di, (2)
    `if (g == 1) { return dc * S[${Y}][j + ${H}] * s * (1.0 - s); }`, //                                    (3) df, (2)
    `if (g == 2) { return dc * gates[${Y}][j] * (1.0 - s * s); }`, //                                       (3) dg, (2)
    'return dh * tc * s * (1.0 - s);', //                                                                   (4) do, (2)
  ];
  const carry = [
    ended(`carry[${Y}][${X}]`),
    unitOf(H, 2),
    `if (g == 0) {
  ${recurrentBack(D, 4 * H)}
  return sum;
}`, //                                                                                                       (1)
    dc,
    `return dc * gates[${Y}][j + ${H}];`, //                                                                (3)
  ];
  return [
    pass('left', 4, ['carry', 'dY', 'gates', 'S', 'next'], left),
    pass('carry', 2, ['carry', 'dY', 'gates', 'next', 'left', 'W'], carry),
  ];
}

/** The cells that run on a device, by name, for inputs of size D and H hidden units. */
export const DEVICE_CELLS: Readonly<Record<string, (D: number, H: number) => DeviceCell>> = {
  rnn: rnn('return hyperbolic(v);', 'return dh * (1.0 - h * h);'), //                                       (2)
  'rnn-relu': rnn('if (v < 0.0) { return 0.0; }\nreturn v;', 'if (h > 0.0) { return dh; }\nreturn 0.0;'), // (2)
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
