/**
 * Optional properties of the published types also take `undefined`. In the sources `initial?: State` says so, because the
 * project compiles without `exactOptionalPropertyTypes`; a project that compiles with it would have to leave the property out,
 * and could not pass on a value that it may have. The code treats the two alike.
 */
import ts from 'typescript';

/** Declarations of one file, with `| undefined` behind the type of every optional property that lacks it. */
export function acceptUndefined(text) {
  const file = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.ES2022, true);
  const edits = [];
  const visit = (node) => {
    const property = ts.isPropertySignature(node) || ts.isPropertyDeclaration(node);
    if (property && node.questionToken && node.type && !takesUndefined(node.type)) {
      const alone = ts.isFunctionTypeNode(node.type) || ts.isConstructorTypeNode(node.type);
      edits.push([node.type.getStart(), alone ? '(' : ''], [node.type.end, `${alone ? ')' : ''} | undefined`]);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  edits.sort(([a], [b]) => b - a); // from the end, so that the places stay right
  return edits.reduce((edited, [at, insert]) => edited.slice(0, at) + insert + edited.slice(at), text);
}

function takesUndefined(type) {
  const known = [ts.SyntaxKind.UndefinedKeyword, ts.SyntaxKind.UnknownKeyword, ts.SyntaxKind.AnyKeyword];
  return known.includes(type.kind) || (ts.isUnionTypeNode(type) && type.types.some(takesUndefined));
}
