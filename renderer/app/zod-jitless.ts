import { z } from 'zod';

// zod compiles object parsers with `new Function`, which the content security policy forbids. It decides when a
// schema is built, so this module is imported before every module that builds one.
z.config({ jitless: true });
