declare const MUSTER_VERSION: string | undefined;

/** Version of this program: the bundler writes it here; from the sources there is none. */
export const version = typeof MUSTER_VERSION === 'undefined' ? '0.0.0-source' : MUSTER_VERSION;
