import { z } from 'zod';
import { ApiError } from '../api-error.ts';

/**
 * A value as the gateway writes it: zero values (empty string, 0, false, empty list) left out,
 * 64-bit numbers (bigint here) as strings.
 */
export function gatewayJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(gatewayJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !isZero(member))
      .map(([name, member]) => [name, gatewayJson(member)]),
  );
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return value === 0 || value === 0n || (Array.isArray(value) && value.length === 0);
}

/** The JSON body read by a schema; an empty body is `{}`, unknown fields are ignored. @throws {ApiError} 400, code 3. */
export function readBody<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(3, 'proto: syntax error in the request body');
  }
  return readMessage(value, schema);
}

/** A parsed body read by a schema. @throws {ApiError} 400, code 3. */
export function readMessage<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ApiError(
    3,
    `proto: invalid value for field ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  );
}

/** A string field of a message, empty when absent, as proto3 has it. */
export const text = (maxLength = 200) =>
  z
    .string()
    .max(maxLength)
    .nullish()
    .transform((value) => value ?? '');
/** A string field that must not be empty. */
export const requiredText = (maxLength = 200) => z.string().min(1).max(maxLength);
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** An enum written with a prefix; gives the value without it. */
export const prefixedEnum = <const V extends readonly string[]>(
  prefix: string,
  values: V,
): z.ZodType<V[number]> =>
  z.string().transform((value, context): V[number] => {
    const found = values.find((one) => `${prefix}${one}` === value);
    if (found !== undefined) return found;
    context.addIssue({ code: 'custom', message: `unknown value ${value}` });
    return z.NEVER;
  });
