import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { requiredPackages } from '#shared/device/paths.ts';
import type { Contender, Contestant, Payload } from './payload.ts';

/**
 * Plain OpenSSH, as somebody who knows it would do it: one connection and one channel per device, the script first on
 * standard input, the binary behind it. It looks before it changes anything, and reads the binary only when it needs it.
 */
export function byOpenSsh(payload: Payload): Contestant {
  return {
    name: 'OpenSSH',
    enroll: async (contenders) => {
      await Promise.all(contenders.map((contender) => enrollOne(payload, contender)));
    },
  };
}

async function enrollOne(payload: Payload, { id, device }: Contender): Promise<void> {
  const script = Buffer.from(scriptFor(payload, id));
  const options = ['-i', device.privateKeyFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
  const known = ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${payload.knownHosts}`];
  const command = `sudo -n /bin/sh -c 'eval "$(head -c ${script.length})"'`;
  const ssh = spawn('ssh', [...options, ...known, `${device.user}@${device.address}`, command]);
  const said = Promise.all([text(ssh.stdout), text(ssh.stderr)]);
  const ended = new Promise<number | null>((resolve) => ssh.once('close', resolve));
  const input = async function* () {
    yield script;
    yield* createReadStream(payload.binary);
  };
  // On a second run nobody reads the binary: that the pipe breaks is what is meant to happen.
  await pipeline(Readable.from(input()), ssh.stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  const status = await ended;
  if (status !== 0) throw new Error(`OpenSSH, ${id}: status ${status}\n${(await said).join('')}`);
}

function scriptFor(payload: Payload, id: Contender['id']): string {
  return `set -eu
umask 077
changed=
missing=
for p in ${requiredPackages.join(' ')}; do
  case "$(dpkg-query -W -f='\${Status}' "$p" 2>/dev/null)" in 'install ok installed') ;; *) missing="$missing $p" ;; esac
done
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install $missing >/dev/null
a=fleet-agent
getent passwd $a >/dev/null || useradd --system --user-group --create-home --home-dir /var/lib/$a --shell /usr/sbin/nologin $a
uid=$(id -u $a)
if ! grep -q "^$a:" /etc/subuid; then usermod --add-subuids 200000-265535 --add-subgids 200000-265535 $a; fi
if [ ! -e /var/lib/systemd/linger/$a ]; then
  loginctl enable-linger $a
  i=0
  while [ ! -e /run/user/$uid/bus ] && [ $i -lt 200 ]; do i=$((i + 1)); sleep 0.1; done
fi
if [ ! -L /var/lib/$a/.config/systemd/user/sockets.target.wants/podman.socket ]; then
  systemctl --user --machine=$a@ enable --now --quiet podman.socket
fi
install_file() { # path mode owner; content on standard input
  cat > "$1.new"
  if ! cmp -s "$1.new" "$1"; then
    chown "$3" "$1.new"; chmod "$2" "$1.new"; sync "$1.new"; mv "$1.new" "$1"; changed=yes
  else rm "$1.new"; fi
}
if [ "$(sha256sum < /usr/local/bin/$a 2>/dev/null | cut -c1-64)" != ${payload.binarySha256} ]; then
  cat > /usr/local/bin/.$a.new
  [ "$(sha256sum < /usr/local/bin/.$a.new | cut -c1-64)" = ${payload.binarySha256} ]
  chmod 755 /usr/local/bin/.$a.new; sync /usr/local/bin/.$a.new; mv /usr/local/bin/.$a.new /usr/local/bin/$a
  changed=yes
fi
mkdir -p /etc/$a; chown root:$a /etc/$a; chmod 750 /etc/$a
install_file /etc/$a/zitadel-key.json 640 $a:$a <<'MUSTER_KEY'
${payload.key(id)}
MUSTER_KEY
install_file /etc/$a/config.toml 644 root:root <<'MUSTER_CONFIG'
${payload.config(id).trimEnd()}
MUSTER_CONFIG
install_file /etc/systemd/system/$a.service 644 root:root <<'MUSTER_UNIT'
${payload.unit.trimEnd()}
MUSTER_UNIT
if [ -n "$changed" ]; then systemctl daemon-reload; systemctl enable --quiet $a; systemctl restart $a; fi
systemctl is-active --quiet $a
`;
}
