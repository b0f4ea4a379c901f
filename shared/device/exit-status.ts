/** Exit statuses of our own scripts, by the names of sysexits.h. */

/** What arrived is not what was sent (EX_DATAERR). */
export const EXIT_DATA_DIFFERS = 65;
/** Something else has the place of a file of ours (EX_CANTCREAT). */
export const EXIT_OBSTRUCTED = 73;
/** The package manager was locked up to the limit (EX_UNAVAILABLE). */
export const EXIT_APT_LOCKED = 69;
/** The device is enrolled under another id (EX_CONFIG). */
export const EXIT_OTHER_ID = 78;
/** The device's first boot did not end within the limit (EX_OSERR). */
export const EXIT_STILL_STARTING = 71;
