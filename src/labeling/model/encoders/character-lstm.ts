/**
 * Word vectors from characters, by an LSTM in each direction (Ling et al., Finding Function in Form, EMNLP 2015;
 * Lample et al., NAACL 2016, section 4.1).
 *
 *   Forward    (1)  h→ = lstm(x, from the first character)          x [M,D]: M characters of U words, packed   h→ [M,H]
 *              (2)  h← = lstm(x, from the last character)           h← [M,H]
 *              (3)  v[w] = [ h→ after the last of w | h← after the first of w ]          v [U,2H]
 *   Backward   (3)  dh→_T[w] = dv[w, 0…H−1]     dh←_T[w] = dv[w, H…2H−1]                 of final states, nothing else
 *              (2)  dx += unrollBackward(dh←_T)
 *              (1)  dx += unrollBackward(dh→_T)
 *
 * Parameters: those of each direction, `forward.Wx` and so on.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { Unrolled } from '../../../autograd/layout.js';
import type { Packing } from '../../../autograd/packing.js';
import { expectNoEmptySequence } from '../../../autograd/packing.js';
import { runForward, unroll, unrollBackward } from '../../../autograd/unroll.js';
import type { CellParams, State } from '../../../cells/cell.js';
import { forwardCells } from '../../../cells/forward.js';
import { cells } from '../../../cells/index.js';
import type { Kernels } from '../../../kernels/types.js';
import { expectShape } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import type { Tensor } from '../../../tensor/types.js';
import { columns } from '../../../tensor/view.js';
import type {
  CharacterNetwork,
  CharacterPass,
  CharacterSizes,
  InferenceCharacterNetwork,
} from './character-network.js';

type Direction = 'forward' | 'reverse';
const DIRECTIONS: readonly Direction[] = ['forward', 'reverse'];

interface LstmPass extends CharacterPass {
  readonly packing: Packing;
  readonly forward: Unrolled;
  readonly reverse: Unrolled;
}

/** H. @throws ArgumentError if the columns cannot be split evenly between the two directions */
function hiddenOf({ width }: CharacterSizes): number {
  if (width % 2 === 0) return width / 2;
  throw new ArgumentError(
    `model: characters.width must be even for an LSTM, one half for each direction; got ${width}: pass ${width + 1}`,
  );
}

/** The parameters, or gradients, of one direction: the same tensors, not copies. */
function ownOf(params: TensorRecord, direction: Direction): CellParams {
  const own = Object.entries(params).filter(([name]) => name.startsWith(`${direction}.`));
  return Object.fromEntries(own.map(([name, x]) => [name.slice(direction.length + 1), x])) as CellParams;
}

/** Computes equation (3). */
function joinFinal(kernels: Kernels, forward: State, reverse: State): Tensor {
  const [U, H] = forward.h.shape;
  const v = kernels.empty([U, 2 * H], forward.h);
  kernels.rows.copyMatrix(columns(v, 0, H), forward.h);
  kernels.rows.copyMatrix(columns(v, H, H), reverse.h);
  return v;
}

/** The inference half. */
export const inferenceCharacterLstm: InferenceCharacterNetwork = {
  shapes(sizes) {
    const H = hiddenOf(sizes);
    const shapes = Object.entries(forwardCells.lstm.shapes(sizes.embedding, H));
    return Object.fromEntries(DIRECTIONS.flatMap((way) => shapes.map(([name, shape]) => [`${way}.${name}`, shape])));
  },
  forward(kernels, params, x, packing) {
    expectNoEmptySequence('characters', packing);
    const run = (direction: Direction) =>
      runForward(kernels, forwardCells.lstm, ownOf(params, direction), x, packing, { direction, keep: 'nothing' });
    return { v: joinFinal(kernels, run('forward').final, run('reverse').final) };
  },
};

/** An LSTM in each direction. */
export const characterLstm: CharacterNetwork<LstmPass> = /* @__PURE__ */ wholeLstm();

function wholeLstm(): CharacterNetwork<LstmPass> {
  return {
    ...inferenceCharacterLstm,
    floatsPerCharacter: (sizes) => 2 * (3 * sizes.embedding + 21 * hiddenOf(sizes)),
    initialize(sizes, rng) {
      const H = hiddenOf(sizes);
      const own = DIRECTIONS.flatMap((way) =>
        Object.entries(cells.lstm.initialize(sizes.embedding, H, rng.split(way))).map(
          ([name, x]) => [`${way}.${name}`, x] as const,
        ),
      );
      return Object.fromEntries(own);
    },
    forward(kernels, params, x, packing) {
      expectNoEmptySequence('characters', packing);
      const run = (direction: Direction) =>
        unroll(kernels, cells.lstm, ownOf(params, direction), x, packing, { direction, keep: 'gradients' });
      const forward = run('forward'); //                                                       (1)
      const reverse = run('reverse'); //                                                       (2)
      return { v: joinFinal(kernels, forward.final, reverse.final), packing, forward, reverse }; // (3)
    },
    backward(kernels, _params, { forward, reverse, v }, dV, grads, dX) {
      const [U, E] = v.shape;
      expectShape('characters', 'dV', dV, [{ U }, { E }]);
      const H = E / 2;
      const nothing = kernels.zeros(forward.y.shape, v); // the loss reads only final states
      const fromForward = columns(dV, 0, H); //                                                (3)
      const fromReverse = columns(dV, H, H); //                                                (3)
      unrollBackward(kernels, reverse, nothing, ownOf(grads, 'reverse'), { dX, dFinal: { h: fromReverse } }); // (2)
      unrollBackward(kernels, forward, nothing, ownOf(grads, 'forward'), { dX, dFinal: { h: fromForward } }); // (1)
    },
  };
}
