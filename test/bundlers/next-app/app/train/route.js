/** A route handler that trains on worker threads. */
import { createCpuKernels } from 'bptt/kernels';
import { generateCorpus, train } from 'bptt/labeling';
import { nodeThreads } from 'bptt/threads';

export async function POST() {
  const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
  const options = { embedding: 4, hidden: 3, epochs: 1, threads: nodeThreads(2) };
  try {
    const { threads } = await train(createCpuKernels(), corpora, options);
    return Response.json({ threads });
  } catch ({ name, message }) {
    return Response.json({ name, message }, { status: 400 });
  }
}
