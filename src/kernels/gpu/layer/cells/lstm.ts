/** The LSTM as passes of a device; see `pass.ts`. Equations are numbered as in `cells/lstm.ts`. */
import type { DeviceCell, Pass } from '../pass.js';
import { X, Y, dWh, dh, ended, pass, preActivation, recurrent, recurrentBack, unitOf } from '../pass.js';

/** `gates` holds i f g o; `next` h and c. */
export function lstm(D: number, H: number): DeviceCell {
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
    preActivation(),
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
