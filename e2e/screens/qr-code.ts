import { decodeQR } from 'qr/decode.js';

/** Light modules around a QR code that a reader needs, and pixels of a module. */
const QUIET_MODULES = 4;
const MODULE_PIXELS = 4;
const WHITE = 255;

/** What a reader makes of a bitmap of BGRA pixels. @throws when it finds no QR code */
export function readBitmap(image: { width: number; height: number; data: Uint8Array }): string {
  return decodeQR(image, { format: 'BGRA', timeLimit: 60_000 });
}

/**
 * What a reader makes of a QR code in half blocks, on a terminal as wide as its lines.
 * @param ink how the characters are drawn: light on a dark terminal, dark on a light one
 * @throws when it finds no QR code
 */
export function readHalfBlocks(lines: readonly string[], ink: 'light' | 'dark'): string {
  const modules = lines.flatMap((line) => {
    const characters = [...line];
    return [
      characters.map((one) => one === '█' || one === '▀'),
      characters.map((one) => one === '█' || one === '▄'),
    ];
  });
  const columns = Math.max(...modules.map((row) => row.length));
  const inkIsLight = ink === 'light';
  const isLight = (x: number, y: number): boolean => (modules[y]?.[x] ?? false) === inkIsLight;
  const width = (columns + 2 * QUIET_MODULES) * MODULE_PIXELS;
  const height = (modules.length + 2 * QUIET_MODULES) * MODULE_PIXELS;
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [column, row] = [x, y].map((pixel) => Math.floor(pixel / MODULE_PIXELS) - QUIET_MODULES) as [
        number,
        number,
      ];
      data.fill(isLight(column, row) ? WHITE : 0, (y * width + x) * 4, (y * width + x) * 4 + 4);
    }
  return readBitmap({ width, height, data });
}
