/** The contexts of headless-gl that tests open, and what lives in them. */
/** The context of headless-gl, as gpu.js holds it. */
export interface Context {
  getExtension(name: 'STACKGL_destroy_context'): { destroy(): void };
  createTexture(): unknown;
  deleteTexture(texture: unknown): void;
}

interface Library {
  readonly GPU: {
    readonly prototype: { createKernel(this: { readonly context: Context }, ...args: unknown[]): unknown };
  };
}

/** What `act` opens, and the contexts of it. */
export async function contextsOf<T>(act: () => Promise<T>): Promise<{ result: T; contexts: Context[] }> {
  const { prototype } = jest.requireActual<Library>('gpu.js').GPU;
  const { createKernel } = prototype;
  const contexts: Context[] = [];
  prototype.createKernel = function (...args) {
    const kernel = createKernel.apply(this, args);
    if (!contexts.includes(this.context)) contexts.push(this.context);
    return kernel;
  };
  try {
    return { result: await act(), contexts };
  } finally {
    prototype.createKernel = createKernel;
  }
}

/** The textures a context makes from now on and has not deleted. */
export function texturesOf(context: Context): ReadonlySet<unknown> {
  const living = new Set<unknown>();
  const create = context.createTexture.bind(context);
  const remove = context.deleteTexture.bind(context);
  context.createTexture = () => {
    const texture = create();
    living.add(texture);
    return texture;
  };
  context.deleteTexture = (texture) => {
    living.delete(texture);
    remove(texture);
  };
  return living;
}
