/** State dicts in files, for tests of commands. */
import type { StateDict } from '../../src/interchange';
import { encodeSafetensors } from '../../src/labeling';

export { encodePt, toStateDict } from '../../src/interchange';

export const encodeStateDict = (state: StateDict): Uint8Array => encodeSafetensors(state, { format: 'pt' });
