/** A trivial agent: says who it is, then waits until it is stopped. */
export const TRIVIAL_AGENT = `#!/bin/sh
echo "agent runs as $(id -un) greeting=$GREETING arguments=$*"
trap 'echo bye; exit 0' TERM
while :; do sleep 1 & wait $!; done
`;

/** A unit that runs it as the system user fleet-agent. */
export const TRIVIAL_UNIT = `[Unit]
Description=Fleet agent
StartLimitIntervalSec=600
[Service]
ExecStart=/usr/local/bin/fleet-agent --config "/etc/fleet-agent/config.toml"
User=fleet-agent
Environment=GREETING=hello "OTHER=a b"
Restart=always
RestartSec=50ms
[Install]
WantedBy=multi-user.target
`;

/** Commands (for root) that install the trivial agent and its user and start it. */
export const START_TRIVIAL_AGENT = `set -e
R="\${MUSTER_DEVICE_ROOT:-}"
useradd --system --create-home --home-dir /var/lib/fleet-agent fleet-agent
cat >"$R/usr/local/bin/fleet-agent" <<'AGENT'
${TRIVIAL_AGENT}AGENT
chmod 0755 "$R/usr/local/bin/fleet-agent"
cat >"$R/etc/systemd/system/fleet-agent.service" <<'UNIT'
${TRIVIAL_UNIT}UNIT
systemctl daemon-reload
systemctl enable --now fleet-agent
systemctl show -P MainPID fleet-agent
`;
