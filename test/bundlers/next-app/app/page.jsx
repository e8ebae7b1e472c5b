/** A server component: it labels where the page is made. */
import { readFileSync } from 'node:fs';
import { createTagger } from 'bptt/tagger';
import { sentence } from '../sentence.mjs';
import { Labels } from './labels';

export const dynamic = 'force-dynamic'; // with every request, not with the build

export default function Page() {
  const [{ labels }] = createTagger(readFileSync('public/model.safetensors')).tag([sentence]);
  return (
    <main>
      <output id="server">{JSON.stringify(labels)}</output>
      <Labels />
    </main>
  );
}
