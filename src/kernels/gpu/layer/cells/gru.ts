/**
 * The GRU with the reset gate after the recurrent product as passes of a device; see `pass.ts`. Equations are numbered as in
 * `cells/gru.ts`.
 */
import type { DeviceCell, Pass } from '../pass.js';
import { X, Y, dh, ended, pass, projected, recurrent, recurrentBack, sumOf, unitOf } from '../pass.js';

/** `gates` holds r z q; `next` h and n; `left` da of r z n, and dq. */
export function gru(D: number, H: number): DeviceCell {
  return {
    gates: 3,
    states: ['h'],
    stateWidth: 2,
    leftWidth: 4,
    forward: gruForward(D, H),
    backward: gruBackward(D, H),
    // du equals da except in the columns of n, where it is dq.
    dWh: (N) => `let column = ${X};
if (${X} >= ${2 * H}) { column = ${X} + ${H}; }
${sumOf(N, 'h[k][row] * left[k][column]')}
return sum;`,
    resetBias: true,
  };
}

function gruForward(D: number, H: number): Pass[] {
  const gates = [
    ended('0.0'),
    recurrent(D, H), //                                                                                     (1)
    `if (${X} >= ${2 * H}) { return sum + W[${D + 1 + H}][${X}]; }`, //                                     (3) q
    `return logistic(${projected(X)} + sum);`, //                                                           (2)
  ];
  const next = [
    ended(`S[${Y}][${X}]`),
    unitOf(H, 2),
    `const n = hyperbolic(${projected(`j + ${2 * H}`)} + gates[${Y}][j] * gates[${Y}][j + ${2 * H}]);`, //  (3)
    'if (g == 1) { return n; }',
    `const z = gates[${Y}][j + ${H}];`,
    `return (1.0 - z) * n + z * S[${Y}][j];`, //                                                            (4)
  ];
  return [pass('gates', 3, ['a', 'W', 'S'], gates), pass('next', 2, ['a', 'gates', 'S'], next)];
}

function gruBackward(D: number, H: number): Pass[] {
  const left = [
    ended('0.0'),
    unitOf(H, 4),
    dh,
    `const r = gates[${Y}][j];`,
    `const z = gates[${Y}][j + ${H}];`,
    `const n = next[${Y}][j + ${H}];`,
    'const dan = dh * (1.0 - z) * (1.0 - n * n);', //                                                       (4) dn, (3)
    `if (g == 0) { return dan * gates[${Y}][j + ${2 * H}] * r * (1.0 - r); }`, //                           (3) dr, (2)
    `if (g == 1) { return dh * (S[${Y}][j] - n) * z * (1.0 - z); }`, //                                     (4) dz, (2)
    'if (g == 2) { return dan; }',
    'return dan * r;', //                                                                                   (3) dq
  ];
  const carry = [
    ended(`carry[${Y}][${X}]`),
    `let j = ${X};`,
    dh,
    recurrentBack(D, 2 * H), //                                                                             (1)
    `for (let k = ${2 * H}; k < ${3 * H}; k++) { sum += left[${Y}][k + ${H}] * W[j + ${D + 1}][k]; }`,
    `return sum + dh * gates[${Y}][j + ${H}];`, //                                                          (4)
  ];
  return [
    pass('left', 4, ['carry', 'dY', 'gates', 'S', 'next'], left),
    pass('carry', 1, ['carry', 'dY', 'gates', 'left', 'W'], carry),
  ];
}
