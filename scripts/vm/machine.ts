// What kind of machine QEMU makes here, and the words that start it. Pure: everything it depends on is passed in.
import type { StartOptions } from './arguments.ts';

/** How the VM's processor is made. */
export interface Accelerator {
  readonly kind: 'kvm' | 'hvf' | 'emulation';
  readonly cpu: string;
  readonly accel: string;
  /** What to expect, as a sentence. */
  readonly says: string;
  /** How long until SSH answers at worst, in seconds. */
  readonly limitSeconds: number;
}

/** The best accelerator of a host. @param kvm whether /dev/kvm can be opened */
export function acceleratorFor(host: { platform: string; arch: string; kvm: boolean }): Accelerator {
  const native = (kind: 'kvm' | 'hvf', name: string): Accelerator => ({
    ...{ kind, cpu: 'host', accel: kind, limitSeconds: 180 },
    says: `with ${name}, at the speed of this computer: it answers within about half a minute`,
  });
  if (host.arch === 'arm64' && host.platform === 'linux' && host.kvm) return native('kvm', 'KVM');
  if (host.arch === 'arm64' && host.platform === 'darwin') return native('hvf', "Apple's hypervisor");
  return {
    kind: 'emulation',
    // The processor of a Raspberry Pi 4. Newer ones sign their pointers, which is slow to emulate.
    cpu: 'cortex-a72',
    // Each processor on a thread of its own; translated code in 256 MiB, where QEMU would take up to a gigabyte.
    accel: 'tcg,thread=multi,tb-size=256',
    says: 'emulated, because there is no KVM for 64-bit ARM here: it answers after two to six minutes',
    limitSeconds: 900,
  };
}

/** Files of a VM as QEMU gets them. */
export interface MachineFiles {
  /** UEFI code, read only. */
  readonly firmware: string;
  /** UEFI's variables, the VM's own. */
  readonly variables: string;
  /** The VM's own disk, a qcow2 overlay. */
  readonly disk: string;
  readonly seed: string;
  readonly console: string;
}

/** All of QEMU's arguments for a VM. Its monitor (QMP) speaks on standard input and output. */
export function qemuArguments(
  options: Pick<StartOptions, 'name' | 'ramMiB' | 'cpus' | 'offline' | 'clock'> & { readonly port: number },
  accelerator: Accelerator,
  files: MachineFiles,
): readonly string[] {
  const gic = accelerator.kind === 'emulation' ? '3' : 'max';
  const forward = `hostfwd=tcp:127.0.0.1:${options.port}-:22`;
  return [
    ...['-no-user-config', '-nodefaults', '-name', `muster-${options.name}`],
    ...['-machine', `virt,gic-version=${gic}`, '-accel', accelerator.accel, '-cpu', accelerator.cpu],
    ...['-smp', String(options.cpus), '-m', `${options.ramMiB}M`],
    ...['-rtc', `base=${options.clock ?? 'utc'}`],
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${optionValue(files.firmware)}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${optionValue(files.variables)}`],
    // The disk may be lost with the host, and is made anew in a minute: nothing waits for the host's own disk.
    ...['-drive', `if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file=${optionValue(files.disk)}`],
    ...['-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
    ...['-drive', `if=none,id=seed,format=raw,readonly=on,file=${optionValue(files.seed)}`],
    ...['-device', 'virtio-blk-pci,drive=seed'],
    ...['-netdev', `user,id=net,restrict=${options.offline ? 'on' : 'off'},${forward}`],
    // Without the ROM there is no try to boot from the network. The address block is the Raspberry Pi's.
    ...['-device', 'virtio-net-pci,netdev=net,romfile=,mac=dc:a6:32:4d:55:53'],
    ...['-device', 'virtio-rng-pci'],
    ...['-display', 'none', '-chardev', `file,id=console,path=${optionValue(files.console)}`],
    ...['-serial', 'chardev:console'],
    ...['-chardev', 'stdio,id=qmp,signal=off', '-mon', 'chardev=qmp,mode=control'],
  ];
}

/** A value among others in one of QEMU's comma-separated options. */
export function optionValue(text: string): string {
  return text.replaceAll(',', ',,');
}

/** Where UEFI for 64-bit ARM lies: code, and the template of its variables. */
export interface Firmware {
  readonly code: string;
  readonly variables: string;
}

/** Places of the firmware by distribution, best first: Debian and Ubuntu, Fedora, Arch, Homebrew on ARM and on Intel. */
export const firmwarePlaces: readonly Firmware[] = [
  { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' },
  {
    code: '/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw',
    variables: '/usr/share/edk2/aarch64/vars-template-pflash.raw',
  },
  { code: '/usr/share/edk2/aarch64/QEMU_CODE.fd', variables: '/usr/share/edk2/aarch64/QEMU_VARS.fd' },
  ...['/opt/homebrew', '/usr/local'].map((brew) => ({
    code: `${brew}/share/qemu/edk2-aarch64-code.fd`,
    variables: `${brew}/share/qemu/edk2-arm-vars.fd`,
  })),
];

/** The first firmware of which both files exist. */
export function findFirmware(exists: (file: string) => boolean): Firmware | undefined {
  return firmwarePlaces.find(({ code, variables }) => exists(code) && exists(variables));
}
