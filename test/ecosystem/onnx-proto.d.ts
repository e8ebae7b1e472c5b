/**
 * What is used of onnx-proto, so that `npm run typecheck` needs no package of this folder. `npm run test:ecosystem` compiles the
 * tests against the types of the package itself: test/ecosystem/tsconfig.json leaves this file out.
 */
declare module 'onnx-proto' {
  export namespace onnx {
    interface INodeProto {
      readonly opType?: string | null;
      readonly input?: string[] | null;
      readonly output?: string[] | null;
      readonly name?: string | null;
    }
    interface ITensorProto {
      readonly name?: string | null;
      /** 64-bit integers, each a `Long` or a number. */
      readonly dims?: readonly unknown[] | null;
      readonly dataType?: number | null;
    }
    interface IGraphProto {
      readonly node?: INodeProto[] | null;
      readonly initializer?: ITensorProto[] | null;
    }
    class ModelProto {
      static decode(bytes: Uint8Array): ModelProto;
      readonly irVersion: unknown;
      readonly graph?: IGraphProto | null;
      readonly metadataProps: readonly { readonly key?: string | null; readonly value?: string | null }[];
    }
  }
}
