/** What `bptt export` and `bptt import` know of a format: one small file per format, and a line in the list here. */
import type { Option } from 'commander';
import type { Model } from '../../labeling/model/model.js';
import type { Terminal } from '../terminal.js';
import { kerasExport, kerasImport } from './keras.js';
import { onnxExport, onnxImport } from './onnx.js';
import { torchExport, torchImport } from './torch.js';

/** A file that is written. */
export interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What an export writes, and what people are told of it. */
export interface Exported {
  readonly files: readonly OutputFile[];
  readonly lines?: readonly string[];
}

/** Values of the options of a command, by name. */
export type Values = Readonly<Record<string, unknown>>;

/** A format that models are written in. */
export interface ExportFormat {
  /** Names its target: `--torch <folder>`. */
  readonly target: Option;
  /** Options for this format alone. */
  readonly options: readonly Option[];
  /** Lines of help: what is written. */
  readonly help: string;
  readonly examples: readonly string[];
  /** Files that are read beside the model. */
  readonly inputs?: (values: Values) => readonly string[];
  /** @throws UnsupportedError if the format has no place for a part of the model */
  readonly write: (model: Model, target: string, values: Values, terminal: Terminal) => Promise<Exported> | Exported;
}

/** A model that was read. */
export interface Imported {
  readonly model: Model;
  readonly lines?: readonly string[];
}

/** A format that models are read from. */
export interface ImportFormat {
  /** For messages: `PyTorch`. */
  readonly name: string;
  readonly options: readonly Option[];
  readonly help: string;
  readonly examples: readonly string[];
  /** Whether a path looks like this format: by its name, or by the first bytes of the file; no bytes where it is a folder. */
  readonly recognizes: (path: string, begin: Uint8Array | undefined) => boolean;
  readonly read: (path: string, values: Values, terminal: Terminal) => Promise<Imported>;
}

/** The formats of `bptt export`, in the order of its help. */
export const EXPORTS: readonly ExportFormat[] = [torchExport, onnxExport, kerasExport];

/** The formats of `bptt import`; the first that recognizes a path reads it. */
export const IMPORTS: readonly ImportFormat[] = [onnxImport, kerasImport, torchImport];
