/** The quantities of a cell's steps, as views of what a pass and its backward left, for inspecting a layer. */
import { expectCell } from '../cells/check.js';
import type { Quantity } from '../cells/cell.js';
import { expectRecord } from '../tensor/arguments.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { columns, rows } from '../tensor/view.js';
import { expectPacking } from './entry-checks.js';
import type { BackwardPass, Unrolled } from './layout.js';

/**
 * The values of a quantity at every step of a pass.
 *
 * @param quantity an entry of `pass.cell.quantities`
 * @returns a view `[N, H]`, in the row order of the scan: packed rows; those of a reversed pass begin with the last token
 * @throws ArgumentError if `pass` is not what `unroll` returned
 */
export function quantityValue(pass: Unrolled, quantity: Quantity): Tensor {
  expectArguments('quantityValue', pass, quantity);
  const { value } = quantity;
  const from = value.in === 'saved' ? 'saved' : 'states';
  expectRecord('quantityValue', `pass.${from}`, pass[from], 'what unroll returned');
  const record = from === 'saved' ? pass.saved : afterSteps(pass, pass.states);
  return view('quantityValue', pass, record, value.tensor, value.block);
}

/**
 * ∂L/∂(what `quantity.gradient` is of) at every step of a backward pass.
 *
 * @param back what `unrollBackward` returned for `pass`
 * @returns a view `[N, H]`, rows as those of `quantityValue`; undefined if the steps leave no such gradient
 * @throws ArgumentError if `pass` or `back` is anything else
 */
export function quantityGradient(pass: Unrolled, back: BackwardPass, quantity: Quantity): Tensor | undefined {
  expectArguments('quantityGradient', pass, quantity);
  expectRecord('quantityGradient', 'back', back, 'what unrollBackward returned');
  for (const name of ['dStates', 'stepGrads'] as const) {
    expectRecord('quantityGradient', `back.${name}`, back[name], 'what unrollBackward returned');
  }
  const { gradient } = quantity;
  if (gradient === undefined) return undefined;
  const record = gradient.in === 'stepGrads' ? back.stepGrads : afterSteps(pass, back.dStates);
  return view('quantityGradient', pass, record, gradient.tensor, gradient.block);
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The states after every step, without the one before the first. */
function afterSteps({ packing: { batch, total } }: Unrolled, states: Tensors): Tensors {
  return Object.fromEntries(Object.entries(states).map(([name, x]) => [name, rows(x, batch, total)]));
}

function view(where: string, { cell, y }: Unrolled, tensors: Tensors, name: string, block: number): Tensor {
  const tensor: Tensor | undefined = tensors[name];
  if (tensor === undefined) {
    throw new ArgumentError(
      `${where}: quantity must be an entry of the quantities of '${cell.name}'; there is no '${name}'`,
    );
  }
  const H = y.shape[1];
  return columns(tensor, block * H, H);
}

function expectArguments(where: string, pass: unknown, quantity: unknown): void {
  expectRecord(where, 'pass', pass, 'what unroll returned');
  expectPacking(where, (pass as Unrolled).packing, 'pass.packing');
  expectCell(where, (pass as Unrolled).cell);
  expectRecord(where, 'quantity', quantity, 'an entry of pass.cell.quantities');
  expectRecord(where, 'quantity.value', (quantity as Quantity).value, 'a place, { in, tensor, block }');
}
