/** The encoders that are built in, by kind. */
import type { EncoderKind } from './encoder.js';
import { words } from './words.js';

/** A new encoder is a file of this folder, and a line here and in `inference.ts`; one of your own goes to `train({ encoders })`. */
export const encoderKinds: Readonly<Record<string, EncoderKind>> = { words };
