/** What `npm run test:mutation` mutates, room by room, and the tests that are to notice. */
export const rooms = {
  cells: {
    sources: ['src/cells/**/*.ts'],
    tests: ['test/cells/*.test.ts', 'test/autograd/{golden,unroll}.test.ts'],
  },
  autograd: {
    sources: ['src/autograd/**/*.ts'],
    tests: ['test/autograd/**/*.test.ts'],
  },
  layers: {
    sources: ['src/layers/**/*.ts'],
    tests: ['test/layers/**/*.test.ts'],
  },
  optim: {
    sources: ['src/optim/**/*.ts'],
    tests: ['test/optim/**/*.test.ts'],
  },
  scorer: {
    sources: ['src/labeling/**/{scorer,spans}.ts'],
    tests: ['test/labeling/**/scorer.test.ts'],
  },
};
