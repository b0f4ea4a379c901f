import './app/zod-jitless.ts';
import './theme/index.css';
import { mountStation } from './app/mount.tsx';

mountStation();
