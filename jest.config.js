/** Tests run the TypeScript sources themselves; only test/package builds and packs, test/gpu needs a device, test/engines other engines, test/bundlers other builds, and test/ecosystem PyTorch and the like. */
export default {
  testEnvironment: 'node',
  testTimeout: process.env.BPTT_LAWS ? 3_600_000 : 300_000, // ends what hangs; a loaded machine is no failure
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/package/',
    '<rootDir>/test/gpu/',
    '<rootDir>/test/engines/',
    '<rootDir>/test/bundlers/',
    '<rootDir>/test/ecosystem/',
  ],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^fast-check$': '<rootDir>/test/support/seeded-laws.cjs',
    '^fast-check-itself$': 'fast-check',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
};
