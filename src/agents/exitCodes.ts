/**
 * What the recorder ends with where it fails and nothing is to run without it: another Node would find its input read, and
 * let the tool run.
 */
export const EXIT_REFUSED = 70;
