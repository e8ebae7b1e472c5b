/** The built package in other engines; `npm run test:engines`. The packages of this test are those of this folder. */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/engines'],
  modulePaths: ['<rootDir>/test/engines/node_modules'],
  testPathIgnorePatterns: ['/node_modules/'],
};
