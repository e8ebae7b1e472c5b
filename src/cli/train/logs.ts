/** Opens the logs of a training: JSON Lines, TensorBoard scalars, or both. */
import { BpttError } from '../../tensor/index.js';
import { visible } from '../../tensor/visible.js';
import type { Progress } from '../progress.js';
import type { TrainLog } from './log.js';
import { openTrainLog } from './log.js';
import type { TrainCommandOptions as Options } from './options.js';

/** Opens the destinations for JSON Lines and for TensorBoard scalars. The code of the latter is loaded only if requested. */
export async function openLogs(
  { log, tensorboard }: Options,
  progress: Progress,
  resumes: boolean,
): Promise<TrainLog | null> {
  const onFailure = ({ message }: BpttError): void =>
    progress.line(visible(`${message}; training continues without it`));
  const scalars = tensorboard === undefined ? null : (await import('./tensorboard.js')).openScalars(tensorboard, onFailure); // prettier-ignore
  const lines = log === undefined ? null : openTrainLog(log, onFailure, resumes);
  if (scalars === null || lines === null) return scalars ?? lines;
  return {
    write(entry) {
      lines.write(entry);
      scalars.write(entry);
    },
    resume(entries, epochs) {
      lines.resume(entries, epochs);
      scalars.resume(entries, epochs);
    },
    failure: () => lines.failure() ?? scalars.failure(),
    close() {
      lines.close();
      scalars.close();
    },
  };
}
