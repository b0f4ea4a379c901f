import type { Endpoint } from './endpoints.ts';

/** Which API of Zitadel is spoken: the first one over REST, or the one that took its place during version 4. */
export type ApiGeneration = 'v1' | 'v2';

const counterparts = new WeakMap<object, unknown>();

/** Declares that this call of the first generation is that one in the second: same input, same reply. */
export function inV2<Input, Reply>(first: Endpoint<Input, Reply>, second: Endpoint<Input, Reply>): void {
  counterparts.set(first, second);
}

/** The call in this generation. One without a counterpart is the same in both. */
export function endpointIn<Input, Reply>(
  generation: ApiGeneration,
  first: Endpoint<Input, Reply>,
): Endpoint<Input, Reply> {
  // `inV2` lets in nothing else under this key.
  const second = counterparts.get(first) as Endpoint<Input, Reply> | undefined;
  return generation === 'v2' && second !== undefined ? second : first;
}
