import { agentUserName, binaryPath, configPath } from './paths.ts';

/** The agent's systemd unit, byte for byte the same for every device (systemd.service(5)). */
export const unitFile = `[Unit]
Description=Fleet agent
Wants=network-online.target
After=network-online.target time-sync.target

[Service]
User=${agentUserName}
Group=${agentUserName}
WorkingDirectory=~
ExecStart=${binaryPath} --config ${configPath}
Restart=always
RestartSec=5
NoNewPrivileges=true
ProtectSystem=full
PrivateTmp=true

[Install]
WantedBy=multi-user.target
`;
