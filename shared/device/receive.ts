/** A transfer is looked at this often. A link that drops for ten seconds needs up to three more to go on. */
const LOOK_EVERY_SECONDS = 20;

/**
 * Shell lines that put what a reader makes of standard input into the file `$t`, and end it when nothing comes any
 * more. A device is not told when its link is cut: the reader, its script and the lock would stay for hours. From the
 * first look that finds the file no larger than the one before it is ended, so in twice the span at most.
 *
 * The reader runs in the background, where a shell gives it no standard input of its own: hence file descriptor 3.
 */
export function receiveInto(reader: string, lookEverySeconds = LOOK_EVERY_SECONDS): string {
  return `exec 3<&0
${reader} <&3 3<&- > "$t" &
reader=$!
exec 3<&-
(
  trap 'kill "$pause"; exit' TERM
  size=-1
  while :; do
    sleep ${lookEverySeconds} & pause=$!
    wait "$pause"
    now=$(wc -c < "$t")
    [ "$now" != "$size" ] || { kill "$reader"; exit; }
    size=$now
  done
) < /dev/null > /dev/null 2>&1 9>&- &
watch=$!
received=0
wait "$reader" || received=$?
kill "$watch" 2>/dev/null || true
[ "$received" = 0 ] || { echo "what the station sent did not arrive whole" >&2; exit 1; }`;
}

/** How the bytes of a part travel. */
export type PartKind = 'raw' | 'gzip';

/**
 * The line before one part of a file: how it travels, and how many bytes follow. Raw and compressed parts follow each
 * other as the link asks for it.
 */
export function partHeader(kind: PartKind, sizeBytes: number): string {
  return `${kind} ${sizeBytes}\n`;
}

/** The line behind the last part: without it the file has not arrived whole. */
export const partsEnd = 'end 0\n';

/** A part that travels as it is is copied in pieces of so many bytes: what a pipe of Linux holds twice. */
const COPY_BYTES = 128 * 1024;

/**
 * Shell lines that put a file that comes in parts into `$t`. A part that travels as it is costs the device a copy and
 * nothing else, which is what makes an upload as fast as the link.
 *
 * Each program takes exactly the bytes of its part and leaves the next line alone: head and dd read no further than
 * they are told to, gzip would. Whoever is ended takes what it has started along, so that none of them keeps the input
 * and the lock; hence a copy is the program itself and no shell around it, and the number of the one before the pipe
 * comes first through it.
 */
export function receiveParts(lookEverySeconds = LOOK_EVERY_SECONDS): string {
  return `if dd bs=1 count=0 iflag=fullblock,count_bytes status=none < /dev/null 2>/dev/null; then
  copy() { exec dd bs=${COPY_BYTES} count="$1" iflag=fullblock,count_bytes status=none; }
else
  copy() { exec head -c "$1"; }
fi
inflate() {
  exec 4<&0
  IFS= read -r before
  trap 'kill "$before" 2>/dev/null; exit 1' TERM
  gzip -dc <&4 &
  wait "$!"
}
take_parts() {
  exec 3<&0
  part=
  trap 'kill "$part" 2>/dev/null; exit 1' TERM
  while IFS=' ' read -r kind n <&3; do
    case "$kind" in
      raw) copy "$n" <&3 3<&- & ;;
      gzip) sh -c 'echo "$$"; exec head -c "$0"' "$n" <&3 3<&- | inflate 3<&- & ;;
      end) return 0 ;;
      *) return 1 ;;
    esac
    part=$!
    wait "$part" || return 1
  done
  return 1
}
${receiveInto('take_parts', lookEverySeconds)}`;
}
