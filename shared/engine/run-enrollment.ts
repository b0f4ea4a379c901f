import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { EnrollmentInput } from './enrollment-context.ts';
import { emptyMemory, takePass } from './enrollment-pass.ts';
import { checkStep, connectStep } from './reach-device.ts';
import { Reconnector } from './reconnect.ts';

/** Another station may come first once. When that happens again the two are at odds. */
const MOST_OVERTAKEN = 1;

/**
 * Takes one device through all steps, in order, and leaves its record finished steps only. Safe to repeat: every
 * run begins with a look and does only what is missing. A connection that is lost on the way is taken up again within
 * limits ({@link Reconnector}); a device that does not answer in the first place is told at once.
 * @throws {EnrollmentError} for everything that goes wrong, or the signal's reason when it is aborted
 */
export async function runEnrollment(input: EnrollmentInput): Promise<void> {
  const { record } = input;
  const binaries = await checkStep(input);
  let session = await connectStep(input);
  const reconnector = new Reconnector(input, session.hostKeyFingerprint);
  const memory = emptyMemory();
  let overtaken = 0;
  try {
    for (;;) {
      try {
        await takePass(input, session, binaries, memory, (look) => reconnector.seen(look));
        return;
      } catch (thrown) {
        if (!(thrown instanceof EnrollmentError)) throw thrown;
        if (thrown.code === 'DEVICE_ENROLLED_ELSEWHERE' && overtaken < MOST_OVERTAKEN) {
          overtaken += 1;
          const text = 'another station has given the device a key meanwhile, looking again';
          record.log.add({ kind: 'problem', text });
        } else if (await reconnector.isLoss(thrown, session, memory.look)) {
          session.close();
          session = await reconnector.reconnect(thrown);
        } else throw thrown;
      }
    }
  } finally {
    session.close();
  }
}
