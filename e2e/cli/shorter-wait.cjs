// Loaded into a run of the command line before the program: waits of exactly so many milliseconds take a tenth of it. For a
// wait whose length is a decision of ours and is held with a clock that a test moves; here it would only be sat out.
const { setTimeout: usual } = globalThis;
const shortened = Number(process.env.MUSTER_SHORTER_WAIT_MS);

globalThis.setTimeout = Object.assign(
  (callback, ms, ...rest) => usual(callback, ms === shortened ? ms / 10 : ms, ...rest),
  usual,
);
