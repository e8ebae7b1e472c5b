/** Figures that need a process of their own: nothing loaded, nothing compiled, no memory used before. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BpttError } from '../tensor/index.js';

/** Ctrl-C on a terminal goes to every process of the foreground group: what a run starts is ended by the run instead. */
export const OWN_GROUP = { detached: process.platform !== 'win32' } as const;

/**
 * Runs one of the files beside this one in a fresh Node.
 *
 * @param file `cold-child.js`
 * @param onLine gets each JSON object it prints, one per line
 * @param signal ends it
 * @throws BpttError when it fails, with what it said
 */
export async function runChild(
  file: string,
  args: readonly string[],
  onLine: (value: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'], signal, ...OWN_GROUP });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text.toString()}`.slice(-2000)));
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  ended.catch(() => undefined); // it is awaited below; until then its failure is not reported
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line));
  const status = await ended;
  if (status !== 0) throw new BpttError(`${file} ended with status ${status}: ${complaint.trim().split('\n').at(-1)}`);
}
