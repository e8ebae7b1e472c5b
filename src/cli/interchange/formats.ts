/** Format plug-ins of `bptt export` and `bptt import`: one small file per format, and a line in the list here. */
import type { Option } from 'commander';
import type { Model } from '../../labeling/model/model.js';
import type { Terminal } from '../terminal.js';
import { kerasExport, kerasImport } from './keras.js';
import { onnxExport, onnxImport } from './onnx.js';
import { torchExport, torchImport } from './torch.js';

/** A file to write. */
export interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The files of an export, and the messages about it. */
export interface Exported {
  readonly files: readonly OutputFile[];
  readonly lines?: readonly string[];
}

/** Values of the options of a command, by name. */
export type Values = Readonly<Record<string, unknown>>;

/** A format for export. */
export interface ExportFormat {
  /** The option for its target: `--torch <folder>`. */
  readonly target: Option;
  /** Options only for this format. */
  readonly options: readonly Option[];
  /** Lines of help that describe the files written. */
  readonly help: string;
  readonly examples: readonly string[];
  /** Files to read in addition to the model. */
  readonly inputs?: (values: Values) => readonly string[];
  /** @throws UnsupportedError if the format cannot represent a part of the model */
  readonly write: (model: Model, target: string, values: Values, terminal: Terminal) => Promise<Exported> | Exported;
}

/** An imported model. */
export interface Imported {
  readonly model: Model;
  readonly lines?: readonly string[];
}

/** A format for import. */
export interface ImportFormat {
  /** Name in messages: `PyTorch`. */
  readonly name: string;
  readonly options: readonly Option[];
  readonly help: string;
  readonly examples: readonly string[];
  /** Whether a path looks like this format: by its name, or by the first bytes of the file (empty for a folder). */
  readonly recognizes: (path: string, begin: Uint8Array | undefined) => boolean;
  readonly read: (path: string, values: Values, terminal: Terminal) => Promise<Imported>;
}

/** The formats of `bptt export`, in the order of its help. */
export const EXPORTS: readonly ExportFormat[] = [torchExport, onnxExport, kerasExport];

/** The formats of `bptt import`; the first one that recognizes a path reads it. */
export const IMPORTS: readonly ImportFormat[] = [onnxImport, kerasImport, torchImport];
