/**
 * Run by `memory.ts`: `node memory-child.js STEPS`. Prints the resident set after every hundredth of the steps, in MiB, as JSON
 * Lines. Half as many steps run before as a warm-up, in which the engine compiles and the young generation of its heap grows to
 * its final size (by some 16 MiB, once).
 */
import { selectBackend } from '../kernels/index.js';
import { createProblem, createTrainer } from './problem.js';

const steps = Number(process.argv[2]);
const { kernels } = await selectBackend();
const problem = createProblem('lstm', 8, { V: 500, E: 16, H: 16, K: 7, T: 12 });
const trainer = createTrainer(kernels, problem);
const every = Math.max(1, Math.floor(steps / 100));
for (let step = 1 - Math.ceil(steps / 2); step <= steps; step++) {
  trainer.step(Math.abs(step) % problem.batches.length);
  if (step % every !== 0) continue;
  await new Promise((resolve) => setTimeout(resolve, 0)); // gives the garbage collector a chance to run, as in training
  if (step > 0)
    console.log(JSON.stringify({ backend: kernels.backend, step, rss: process.memoryUsage.rss() / 2 ** 20 }));
}
