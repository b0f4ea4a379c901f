import { expect, test } from 'vitest';
import { childEnvironment } from './process-environment.ts';

const ours = {
  PATH: '/bin',
  HOME: '/home/op',
  LANG: 'C',
  TMPDIR: '/tmp',
  XDG_RUNTIME_DIR: '/run/user/1',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x',
  SSH_AUTH_SOCK: '/run/user/1/agent',
  MUSTER_NATS_SERVER: '/opt/nats-server',
  MUSTER_NODE: '/opt/node',
  MUSTER_ADMIN_TOKEN: 'canary',
  MUSTER_DEVICE_ROOT: '/tmp/x',
  NODE_OPTIONS: '--require /tmp/x.js',
  NODE_EXTRA_CA_CERTS: '/tmp/x.pem',
  ELECTRON_RUN_AS_NODE: '1',
  LD_PRELOAD: '/tmp/x.so',
  AWS_SECRET_ACCESS_KEY: 'canary',
  https_proxy: 'http://evil',
  UNSET: undefined,
};

test('passes names of its list only', () => {
  expect(Object.keys(childEnvironment(ours, 'linux')).sort()).toEqual([
    'DBUS_SESSION_BUS_ADDRESS',
    'HOME',
    'LANG',
    'MUSTER_NATS_SERVER',
    'MUSTER_NODE',
    'PATH',
    'SSH_AUTH_SOCK',
    'TMPDIR',
    'XDG_RUNTIME_DIR',
  ]);
});

test('on Windows takes what its programs cannot start without, in any case of letters', () => {
  const windows = childEnvironment({ Path: 'C:\\', SystemRoot: 'C:\\Windows', SECRET: 'canary' }, 'win32');
  expect(windows).toEqual({ Path: 'C:\\', SystemRoot: 'C:\\Windows' });
});

test('what is given wins over what is inherited', () => {
  expect(childEnvironment(ours, 'linux', { MUSTER_NATS_SERVER: 'other' }).MUSTER_NATS_SERVER).toBe('other');
});
