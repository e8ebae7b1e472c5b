/** Neither eval nor inline scripts nor WebAssembly: what comes from this server, and nothing else. Your server sends the same. */
const policy = ["default-src 'none'", ...['script', 'worker', 'connect', 'style'].map((kind) => `${kind}-src 'self'`)];

export default {
  worker: { format: 'es' },
  preview: { headers: { 'Content-Security-Policy': policy.join('; ') } },
};
