import tseslint from 'typescript-eslint';

/** Randomness comes from one seeded generator, transcendentals from src/tensor/math: the same bits everywhere. */
const banned = ['random', 'exp', 'expm1', 'tanh', 'log', 'log1p', 'log2', 'log10', 'pow', 'sinh', 'cosh', 'sin', 'cos'];

/** Names a CommonJS module has already: a parameter of that name would hide the module's own constants from the code it is compiled to. */
const commonjs = [':function > Identifier.params', 'VariableDeclarator > Identifier.id', 'Property > Identifier.value'];

/** A function fits a screen. Blank lines and comments do not count: an explanation must not cost a line of code. */
const lines = { max: 45, skipBlankLines: true, skipComments: true };

export default tseslint.config(
  { ignores: ['api/**', 'assembly/*.ts', 'dist/**', 'node_modules/**', '.stryker/**'] },
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
      'no-restricted-syntax': [
        'error',
        ...commonjs.map((selector) => ({
          selector: `${selector}[name=/^(exports|module|require)$/]`,
          message: 'a CommonJS module has this name already: choose another',
        })),
      ],
    },
  },
  { files: ['src/**/*.ts'], rules: { 'max-lines-per-function': ['error', lines] } },
  // A cell is read from its first line to its last; numbered equations and their comments count.
  { files: ['src/cells/*.ts'], rules: { 'max-lines': ['error', { max: 220 }] } },
  // AssemblyScript: arguments keep the places that the caller gives them.
  { files: ['bench/ladder/*.ts'], rules: { '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }] } },
  {
    files: ['src/cli/**', 'src/bench/**', 'bench/**', 'scripts/**', 'test/**', 'examples/**'],
    rules: { 'no-console': 'off' },
  },
);
