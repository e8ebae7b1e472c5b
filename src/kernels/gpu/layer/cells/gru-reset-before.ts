/**
 * The GRU with the reset gate before the recurrent product as passes of a device; see `pass.ts`. Equations are numbered as in
 * `cells/gru-reset-before.ts`.
 */
import type { DeviceCell, Pass } from '../pass.js';
import { X, Y, dh, ended, pass, projected, recurrent, recurrentBack, sumOf, unitOf } from '../pass.js';

/** `gates` holds r z; `left` da of r z n, and s. */
export function gruResetBefore(D: number, H: number): DeviceCell {
  return {
    gates: 3,
    states: ['h'],
    stateWidth: 1,
    leftWidth: 4,
    forward: resetBeforeForward(D, H),
    backward: resetBeforeBackward(D, H),
    // The left factor of the columns of n is s.
    dWh: (N) => `if (${X} < ${2 * H}) {
  ${sumOf(N, `h[k][row] * left[k][${X}]`)}
  return sum;
}
let other = 0.0;
for (let k = 0; k < ${N}; k++) { other += left[k][row + ${3 * H}] * left[k][${X}]; }
return other;`,
    resetBias: false,
  };
}

function resetBeforeForward(D: number, H: number): Pass[] {
  const gates = [ended('0.0'), recurrent(D, H), `return logistic(${projected(X)} + sum);`]; //              (1), (2)
  const candidate = [
    ended('0.0'),
    sumOf(H, `gates[${Y}][k] * S[${Y}][k] * W[k + ${D + 1}][${X} + ${2 * H}]`), //                          (3)
    `return hyperbolic(${projected(`${X} + ${2 * H}`)} + sum);`, //                                         (4)
  ];
  const next = [
    ended(`S[${Y}][${X}]`),
    `const z = gates[${Y}][${X} + ${H}];`,
    `return (1.0 - z) * n[${Y}][${X}] + z * S[${Y}][${X}];`, //                                             (5)
  ];
  return [
    pass('gates', 2, ['a', 'W', 'S'], gates),
    pass('n', 1, ['a', 'W', 'S', 'gates'], candidate),
    pass('next', 1, ['gates', 'n', 'S'], next),
  ];
}

function resetBeforeBackward(D: number, H: number): Pass[] {
  const dan = (j: string): string =>
    `(carry[${Y}][${j}] + dY[${Y} + offset][${j}]) * (1.0 - gates[${Y}][${j} + ${H}]) * (1.0 - n[${Y}][${j}] * n[${Y}][${j}])`;
  const ds = [ended('0.0'), sumOf(H, `${dan('k')} * W[${X} + ${D + 1}][k + ${2 * H}]`), 'return sum;']; //   (5) dn, (4)
  const left = [
    ended('0.0'),
    unitOf(H, 4),
    dh,
    `const r = gates[${Y}][j];`,
    `const z = gates[${Y}][j + ${H}];`,
    `const before = S[${Y}][j];`,
    `if (g == 0) { return ds[${Y}][j] * before * r * (1.0 - r); }`, //                             (3) dr, (2)
    `if (g == 1) { return dh * (before - n[${Y}][j]) * z * (1.0 - z); }`, //                                (5) dz, (2)
    `if (g == 2) { return ${dan('j')}; }`, //                                                               (5) dn, (4)
    'return r * before;', //                                                                                (3)
  ];
  const carry = [
    ended(`carry[${Y}][${X}]`),
    `let j = ${X};`,
    dh,
    recurrentBack(D, 2 * H), //                                                                             (1)
    `return sum + dh * gates[${Y}][j + ${H}] + ds[${Y}][j] * gates[${Y}][j];`, //                           (5), (3)
  ];
  return [
    pass('ds', 1, ['carry', 'dY', 'gates', 'n', 'W'], ds),
    pass('left', 4, ['carry', 'dY', 'gates', 'n', 'S', 'ds'], left),
    pass('carry', 1, ['carry', 'dY', 'gates', 'ds', 'left', 'W'], carry),
  ];
}
