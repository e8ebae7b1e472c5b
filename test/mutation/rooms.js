/** What `npm run test:mutation` mutates, room by room, what matters most first, and the tests that are to notice. */
const ENTRIES = ['test/wrong-calls.test.ts', 'test/options.test.ts'];

/**
 * Tests that take no part, by name: those that show a checker failing on a program broken on purpose, which are slow and notice
 * nothing that the checker does not, and whole trainings.
 */
export const CHECKS_OF_CHECKERS =
  /finite differences reject |broken on purpose|is rejected with \(|train\(|^labeling (train|evaluate|predict)\b/;

export const rooms = {
  cells: {
    sources: ['src/cells/**/*.ts'],
    tests: ['test/cells/**/*.test.ts', 'test/autograd/{golden,unroll,forward-mode,versions}.test.ts', ...ENTRIES],
  },
  autograd: {
    sources: [
      'src/autograd/{unroll,unroll-checks,layout,device-layer,devices,truncate,packing,grads,norms}.ts',
      'src/autograd/check/{finite-differences,gradcheck}.ts',
      'src/autograd/**/*.ts',
    ],
    tests: [
      'test/autograd/{finite-differences,broken,versions,order,forward-mode,packing,grads,kinks,unroll,device-layer,entry-checks,tape,gradcheck,golden,laws}.test.ts',
      'test/cells/{own-cell,quantities}.test.ts',
      ...ENTRIES,
    ],
  },
  layers: {
    sources: [
      'src/layers/{softmax-loss,dropout,linear,embedding,bidirectional,stack}.ts',
      'src/layers/pool*.ts',
      'src/layers/**/*.ts',
    ],
    tests: ['test/layers/**/*.test.ts', 'test/autograd/versions.test.ts', 'test/kernels/wasm-crf.test.ts', ...ENTRIES],
  },
  optim: {
    sources: ['src/optim/**/*.ts'],
    tests: ['test/optim/**/*.test.ts', ...ENTRIES],
  },
  scorer: {
    sources: ['src/labeling/scoring/{scorer,spans}.ts', 'src/labeling/scoring/**/*.ts'],
    tests: ['test/labeling/scoring/*.test.ts', ...ENTRIES],
  },
  data: {
    sources: [
      'src/labeling/data/schemes.ts',
      'src/labeling/data/vectors/*.ts',
      'src/labeling/data/{affixes,characters,signature}.ts',
      'src/labeling/data/*.ts',
    ],
    tests: ['test/labeling/data/*.test.ts', ...ENTRIES],
  },
  parts: {
    sources: ['src/labeling/model/{encoders,heads}/*.ts', 'src/labeling/model/*.ts'],
    tests: ['test/labeling/model/*.test.ts', ...ENTRIES],
  },
  training: {
    sources: ['src/labeling/training/{presets,heads,spans}.ts'],
    tests: ['test/labeling/training/{presets,heads,updates,train}.test.ts', ...ENTRIES],
  },
  inspect: {
    sources: ['src/inspect/{curve,factors,checks}.ts'],
    tests: ['test/inspect/{curve,factors,checks}.test.ts'],
  },
};
