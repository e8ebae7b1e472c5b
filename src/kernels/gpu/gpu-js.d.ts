/** gpu.js is an optional peer: `library.ts` says what is used of it. */
declare module 'gpu.js';
