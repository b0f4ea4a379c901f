import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Absolute path of the real `node` binary: from MUSTER_NODE, else from PATH.
 * Never `process.execPath` inside Electron, which is Electron. Version-manager shims are resolved by
 * asking node itself.
 */
export async function findHostNode(): Promise<string> {
  const named = process.env.MUSTER_NODE;
  if (named === undefined && process.versions.electron === undefined) return process.execPath;
  try {
    const asked = await promisify(execFile)(named ?? 'node', ['-p', 'process.execPath'], { timeout: 60_000 });
    return asked.stdout.trim();
  } catch (error) {
    throw new Error('The rehearsal devices need `node` on PATH, or its path in MUSTER_NODE.', {
      cause: error,
    });
  }
}
