/** The built package beside other engines; `npm run test:ecosystem`. The packages of this test are those of this folder. */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/ecosystem'],
  modulePaths: ['<rootDir>/test/ecosystem/node_modules'],
  testPathIgnorePatterns: ['/node_modules/'],
};
