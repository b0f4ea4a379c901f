import fs from 'node:fs';
import { z } from 'zod';

export const defaultSize = { width: 1440, height: 900 } as const;
export const smallestSize = { width: 1120, height: 700 } as const;

/** At least this much of the window has to be on a screen, or it could not be moved back. */
const VISIBLE_PX = 120;

const coordinate = z.number().int().min(-100_000).max(100_000);
const boundsSchema = z.object({
  x: coordinate,
  y: coordinate,
  width: z.number().int().min(smallestSize.width).max(20_000),
  height: z.number().int().min(smallestSize.height).max(20_000),
});
const placeSchema = z.object({ bounds: boundsSchema, maximized: z.boolean() });

export type Bounds = z.infer<typeof boundsSchema>;
export type WindowPlace = z.infer<typeof placeSchema>;

/** The remembered place, or undefined when the text is none or the place is on no screen of today. */
export function readPlace(json: string, screens: readonly Bounds[]): WindowPlace | undefined {
  const place = placeSchema.safeParse(parseJson(json));
  if (!place.success) return undefined;
  const { bounds } = place.data;
  const visible = screens.some((screen) => {
    const width = Math.min(bounds.x + bounds.width, screen.x + screen.width) - Math.max(bounds.x, screen.x);
    const height =
      Math.min(bounds.y + bounds.height, screen.y + screen.height) - Math.max(bounds.y, screen.y);
    // The title bar is at the top: its height has to be on the screen as well.
    return width >= VISIBLE_PX && height >= VISIBLE_PX && bounds.y >= screen.y;
  });
  return visible ? place.data : undefined;
}

/** The remembered place from its file; a file that is missing or unreadable is no place. */
export function loadPlace(file: string, screens: readonly Bounds[]): WindowPlace | undefined {
  try {
    return readPlace(fs.readFileSync(file, 'utf8'), screens);
  } catch {
    return undefined;
  }
}

/** Remembers a place. The window's place is not worth an error, so a full disk loses it silently. */
export function savePlace(file: string, place: WindowPlace): void {
  try {
    fs.writeFileSync(`${file}.new`, JSON.stringify(place));
    fs.renameSync(`${file}.new`, file);
  } catch {
    // Next time the window opens where it opened last.
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
