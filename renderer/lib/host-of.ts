/** Host and port as they stand in an address: `sso.plant-east.example:8443`. */
export function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}
