/** A route handler: tokens or a file are sent, labels or the name of the error come back. */
import { readFileSync } from 'node:fs';
import { selectBackend } from 'bptt/kernels';
import { createTagger } from 'bptt/tagger';

export async function POST(request) {
  const { tokens = [], file } = await request.json();
  try {
    const { kernels } = await selectBackend();
    const bytes = file === undefined ? readFileSync('public/model.safetensors') : new TextEncoder().encode(file);
    const [{ labels }] = createTagger(bytes, kernels).tag([tokens]);
    return Response.json({ backend: kernels.backend, labels });
  } catch ({ name, message }) {
    return Response.json({ name, message }, { status: 400 });
  }
}
