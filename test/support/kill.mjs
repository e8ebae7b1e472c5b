/**
 * Preloaded into a command (`NODE_OPTIONS=--import=…`): kills it by SIGKILL at the checkpoint that `KILL_AT` counts to, at the moment that
 * `KILL_WHEN` names. `half`: half of the temporary file is written; `before` and `after`: its rename. `full`: no
 * process dies, and from there on the disk is full. No handler runs, no buffer is flushed.
 */
import { promises as fs } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { KILL_AT, KILL_WHEN, KILL_FILE = 'run.ckpt' } = process.env;
const kill = () => process.kill(process.pid, 'SIGKILL');

if (isMainThread && KILL_AT !== undefined) {
  let written = 0;
  const { open, rename } = fs;
  fs.open = async (...args) => {
    const handle = await open(...args);
    const { writeFile } = handle;
    handle.writeFile = async (bytes) => {
      if (!bytes.includes('"bptt-checkpoint"')) return writeFile.call(handle, bytes); // the name of a draft does not tell
      written++;
      if (KILL_WHEN === 'full' && written >= Number(KILL_AT)) throw new Error('no space left');
      if (written !== Number(KILL_AT) || KILL_WHEN !== 'half') return writeFile.call(handle, bytes);
      await writeFile.call(handle, bytes.subarray(0, bytes.length >> 1));
      await handle.sync();
      kill();
    };
    return handle;
  };
  fs.rename = async (from, to) => {
    const isIt = to.endsWith(KILL_FILE) && written === Number(KILL_AT);
    if (isIt && KILL_WHEN === 'before') kill();
    await rename(from, to);
    if (isIt && KILL_WHEN === 'after') kill();
  };
}
