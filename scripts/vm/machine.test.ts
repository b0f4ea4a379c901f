import { describe, expect, test } from 'vitest';
import { acceleratorFor, findFirmware, firmwarePlaces, optionValue, qemuArguments } from './machine.ts';

const emulation = acceleratorFor({ platform: 'linux', arch: 'x64', kvm: true });
const kvm = acceleratorFor({ platform: 'linux', arch: 'arm64', kvm: true });
const files = {
  ...{ firmware: '/fw/code.fd', variables: '/vm/vars.fd', disk: '/vm/disk.qcow2' },
  ...{ seed: '/vm/seed.img', console: '/vm/console.log' },
};
const options = { name: 'pi', ramMiB: 1_024, cpus: 2, offline: false, port: 2_222 };

/** The values that follow an option, in order. */
function valuesOf(args: readonly string[], option: string): readonly string[] {
  return args.flatMap((word, index) => (word === option ? [args[index + 1] ?? ''] : []));
}

describe('the accelerator', () => {
  test.each([
    ['linux', 'arm64', true, 'kvm'],
    ['linux', 'arm64', false, 'emulation'],
    ['linux', 'x64', true, 'emulation'],
    ['darwin', 'arm64', false, 'hvf'],
    ['darwin', 'x64', false, 'emulation'],
  ])('of %s on %s (KVM: %s) is %s', (platform, arch, hasKvm, kind) => {
    expect(acceleratorFor({ platform, arch, kvm: hasKvm }).kind).toBe(kind);
  });

  test('says what to expect, and is given the time', () => {
    expect(emulation.says).toMatch(/emulated.*minutes/);
    expect(emulation.limitSeconds).toBeGreaterThan(kvm.limitSeconds);
  });
});

describe("QEMU's arguments", () => {
  const args = qemuArguments(options, emulation, files);

  test('give the machine', () => {
    expect(valuesOf(args, '-m')).toEqual(['1024M']);
    expect(valuesOf(args, '-smp')).toEqual(['2']);
    expect(valuesOf(args, '-cpu')).toEqual(['cortex-a72']);
    expect(valuesOf(args, '-accel')[0]).toMatch(/^tcg,thread=multi/);
    expect(valuesOf(qemuArguments(options, kvm, files), '-cpu')).toEqual(['host']);
    expect(valuesOf(qemuArguments(options, kvm, files), '-accel')).toEqual(['kvm']);
  });

  test('let only this computer in, to SSH alone', () => {
    expect(valuesOf(args, '-netdev')).toEqual(['user,id=net,restrict=off,hostfwd=tcp:127.0.0.1:2222-:22']);
    expect(valuesOf(qemuArguments({ ...options, offline: true }, emulation, files), '-netdev')).toEqual([
      'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22',
    ]);
    expect(args.join(' ')).not.toMatch(/vnc|spice|tcp:(?!127\.0\.0\.1)/);
  });

  test('write to files of the VM only', () => {
    const drives = valuesOf(args, '-drive');
    const written = drives.filter((drive) => !drive.includes('readonly=on'));
    expect(written.map((drive) => drive.split('file=')[1])).toEqual([files.variables, files.disk]);
    expect(drives.find((drive) => drive.includes('id=disk'))).toContain('format=qcow2');
  });

  test('set the clock', () => {
    expect(valuesOf(args, '-rtc')).toEqual(['base=utc']);
    const wrong = qemuArguments({ ...options, clock: '2020-01-31T12:00:00' }, emulation, files);
    expect(valuesOf(wrong, '-rtc')).toEqual(['base=2020-01-31T12:00:00']);
  });

  test('keep a comma in a file name together', () => {
    expect(optionValue('/a,b')).toBe('/a,,b');
    const odd = qemuArguments(options, emulation, { ...files, disk: '/a,format=raw/d' });
    expect(valuesOf(odd, '-drive').find((drive) => drive.includes('id=disk'))).toContain(
      'file=/a,,format=raw/d',
    );
  });
});

test('firmware counts only where code and variables both are', () => {
  const [debian, fedora] = firmwarePlaces;
  expect(findFirmware(() => true)).toEqual(debian);
  expect(findFirmware((file) => file !== debian?.variables)).toEqual(fedora);
  expect(findFirmware((file) => file.startsWith('/opt/homebrew/'))?.code).toMatch(/^\/opt\/homebrew\//);
  expect(findFirmware(() => false)).toBeUndefined();
});
