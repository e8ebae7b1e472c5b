/** The cells that run on a device, by name. For a cell that is missing here, at most the products run on the device. */
import type { DeviceCell } from '../pass.js';
import { gru } from './gru.js';
import { gruResetBefore } from './gru-reset-before.js';
import { lstm } from './lstm.js';
import { rnn, rnnRelu } from './rnn.js';

/** For inputs of size D and H hidden units. */
export const DEVICE_CELLS: Readonly<Record<string, (D: number, H: number) => DeviceCell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
