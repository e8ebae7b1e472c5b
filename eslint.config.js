import tseslint from 'typescript-eslint';

/** Randomness comes from one seeded generator, transcendentals from src/tensor/math: the same bits everywhere. */
const banned = ['random', 'exp', 'expm1', 'tanh', 'log', 'log1p', 'log2', 'log10', 'pow', 'sinh', 'cosh', 'sin', 'cos'];

export default tseslint.config(
  { ignores: ['assembly/*.ts', 'dist/**', 'node_modules/**'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...banned.map((property) => ({
          object: 'Math',
          property,
          message: 'use src/tensor/math or src/tensor/random: the same bits on every machine',
        })),
      ],
    },
  },
  { files: ['src/cli/**', 'bench/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
);
