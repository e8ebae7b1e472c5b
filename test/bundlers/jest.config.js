/** The package in the builds of others; `npm run test:bundlers`. The packages of this test are those of this folder. */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/bundlers'],
  testPathIgnorePatterns: ['/node_modules/'],
};
