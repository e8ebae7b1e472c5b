'use client';
/** A client component: it fetches the model, labels in the browser, and meets an error of every class. */
import { useEffect, useState } from 'react';
import * as bptt from 'bptt';
import { selectBackend } from 'bptt/kernels';
import { createTagger } from 'bptt/tagger';
import { sentence } from '../sentence.mjs';

async function label() {
  const response = await fetch('/model.safetensors');
  const { kernels } = await selectBackend();
  const [{ labels }] = createTagger(await response.arrayBuffer(), kernels).tag([sentence]);
  const errors = Object.values(bptt).filter((each) => each?.prototype instanceof Error);
  return { backend: kernels.backend, labels, names: errors.map((Class) => new Class('message').name).sort() };
}

export function Labels() {
  const [found, setFound] = useState();
  useEffect(() => void label().then(setFound, (error) => setFound({ error: String(error) })), []);
  return <output id="browser">{found && JSON.stringify(found)}</output>;
}
