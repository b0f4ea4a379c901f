import { describe, expect, it } from 'vitest';
import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import { invokeChannelNames, MAX_REQUEST_LENGTH, notifyChannelNames } from './channel-names.ts';
import { engineMessageSchema, invokeChannels, ipc, notifyChannels, resultSchema } from './ipc.ts';

describe('the contract', () => {
  it('has the same channels in the list for the preload script', () => {
    expect([...invokeChannelNames].sort()).toEqual([...invokeChannels].sort());
    expect([...notifyChannelNames].sort()).toEqual([...notifyChannels].sort());
    expect(invokeChannels.length + notifyChannels.length).toBe(Object.keys(ipc).length);
  });

  it('parses an answer and a failure of every channel as data', () => {
    const error = JSON.parse(JSON.stringify(toErrorView(new EnrollmentError('STATION_BUSY'))));
    for (const channel of invokeChannels) {
      const schema = resultSchema(channel);
      expect(schema.parse({ ok: false, error })).toEqual({ ok: false, error });
      expect(schema.safeParse({ ok: false, error: { code: 'NO_SUCH' } }).success).toBe(false);
      expect(schema.safeParse({ ok: 'yes' }).success).toBe(false);
    }
    expect(resultSchema('batch.start').parse({ ok: true, value: { batchId: 'b' } })).toEqual({
      ...{ ok: true, value: { batchId: 'b' } },
    });
    expect(resultSchema('batch.start').safeParse({ ok: true, value: null }).success).toBe(false);
  });

  const refused = [
    ['station.snapshot', {}],
    ['bench.add', { deviceId: 'a' }],
    ['bench.add', { deviceId: 'a'.repeat(301), target: 'h' }],
    ['batch.start', { rowIds: [] }],
    ['batch.start', { rowIds: Array(2001).fill('row-1') }],
    ['batch.retry', { deviceIds: ['a'], sudoPassword: '' }],
    ['batch.retry', { deviceIds: ['a'], sudoPassword: 'x'.repeat(1025) }],
    ['device.copyEvidence', { text: 'x'.repeat(65_537) }],
  ] as const;

  it.each(refused)('refuses a request of %s that has another shape', (channel, input) => {
    expect(ipc[channel].input.safeParse(input).success).toBe(false);
  });

  it('lets the largest honest request through the bridge', () => {
    const rowIds = Array.from({ length: 2000 }, () => 'x'.repeat(64));
    expect(JSON.stringify(ipc['batch.start'].input.parse({ rowIds })).length).toBeLessThan(
      MAX_REQUEST_LENGTH,
    );
    const deviceIds = Array.from({ length: 2000 }, () => 'x'.repeat(253));
    expect(JSON.stringify(ipc['batch.retry'].input.parse({ deviceIds })).length).toBeLessThan(
      MAX_REQUEST_LENGTH,
    );
  });

  it('carries between main and engine only the messages it names', () => {
    const call = { type: 'call', id: 1, channel: 'station.snapshot', json: 'null' };
    expect(engineMessageSchema.parse(call)).toEqual(call);
    for (const message of [{ ...call, channel: 'fs.read' }, { ...call, id: 1.5 }, { type: 'eval' }, null])
      expect(engineMessageSchema.safeParse(message).success).toBe(false);
  });
});
