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
