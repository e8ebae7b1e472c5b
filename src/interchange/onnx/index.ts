/** ONNX export and import: a model as a graph of ONNX operators. */
export { exportOnnx } from './export.js';
export { onnxFiles } from './files.js';
export { importOnnx } from './import.js';
export type { OnnxImportOptions } from './import.js';
