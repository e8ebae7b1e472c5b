/** The rows of layers in `npm run proof`: every layer has its oracles, and a wrong gradient is a wrong row. */
import { layerProofs } from '../support/proof-layers.js';

test('every layer is proved by its oracles', () => {
  const proofs = layerProofs(1e-9);
  const oracles = (layer: string) => [...new Set(proofs.filter((p) => p.layer === layer).map((p) => p.oracle))].sort();
  expect(oracles('CRF')).toEqual(['PyTorch', 'every path', 'finite differences', 'tape']);
  expect(oracles('affixes (embedding bag)')).toEqual(['PyTorch', 'finite differences']);
  expect(oracles('convolution')).toEqual(['finite differences']);
  expect(oracles('characters (lstm)')).toEqual(['PyTorch', 'finite differences']);
  expect(oracles('characters (cnn)')).toEqual(['PyTorch', 'finite differences']);
  expect(oracles('squared error')).toEqual(['finite differences', 'forward mode', 'tape']);
  for (const { oracle, error, derivatives } of proofs) {
    expect(derivatives).toBeGreaterThan(0);
    expect(error).toBeLessThan(oracle === 'finite differences' ? 1e-8 : 1e-10);
  }
});

test('where a tolerance cannot be met, the row is infinite', () => {
  expect(layerProofs(1e-300).some(({ oracle, error }) => oracle === 'finite differences' && error === Infinity)).toBe(
    true,
  );
});
