import type { FarmDevice } from './farm.ts';

/**
 * Gives a device a serial number where a Raspberry Pi has it, in the device tree. Like the device tree, it is gone with the
 * next boot.
 * @throws {Error} when it cannot be mounted
 */
export async function giveSerial(device: FarmDevice, serial: string): Promise<void> {
  const base = '/sys/firmware/devicetree/base';
  const { code, stderr } = await device.exec(
    `mount -t tmpfs tmpfs /sys/firmware && mkdir -p ${base} && printf '%s\\0' '${serial}' > ${base}/serial-number`,
  );
  if (code !== 0) throw new Error(`${device.name} got no serial number: ${stderr}`);
}
