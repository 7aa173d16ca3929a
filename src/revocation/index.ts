/** Floor 5: revocation lists, OCSP answers and denials: what is revoked, and what may replace what. No file, no socket, no clock. */
export {}
