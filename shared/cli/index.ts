import { keepMemoryOutOfCoreFiles } from '../adapters/system/core-dumps.ts';
import { main } from './main.ts';

keepMemoryOutOfCoreFiles(process.platform);

// What is left open (a keychain call that hangs, a browser) does not keep a finished program.
void main(process.argv.slice(2)).then((code) => process.exit(code));
