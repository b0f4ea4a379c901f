import type { z } from 'zod';
import { MAX_REQUEST_LENGTH } from '#shared/contract/channel-names.ts';
import { type Input, type InvokeChannel, ipc } from '#shared/contract/ipc.ts';
import { requestInvalid } from './answers.ts';

/**
 * The input of a request, checked against the contract.
 * @throws {EnrollmentError} STATION_REQUEST_INVALID; the text itself is not repeated, it may hold a password.
 */
export function readRequest<C extends InvokeChannel>(channel: C, json: unknown): Input<C> {
  if (typeof json !== 'string') throw requestInvalid(`${channel} came without JSON text`);
  if (json.length > MAX_REQUEST_LENGTH)
    throw requestInvalid(`${channel} is longer than ${MAX_REQUEST_LENGTH} characters`);
  const parsed = ipc[channel].input.safeParse(parseJson(channel, json));
  if (!parsed.success) throw requestInvalid(`${channel}: ${firstIssue(parsed.error)}`);
  return parsed.data as Input<C>;
}

function parseJson(channel: InvokeChannel, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw requestInvalid(`${channel} came without valid JSON text`);
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  const place = issue?.path.map(String).join('.') ?? '';
  return `${place === '' ? 'input' : place} ${issue?.code ?? 'is not valid'}`.replaceAll('_', ' ');
}
