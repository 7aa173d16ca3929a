/** Base64 (RFC 4648) as signatures carry it: one text for given bytes, so that no bit of an envelope is idle. */

/**
 * The bytes of a text in exactly the given form: `base64` padded, `base64url` unpadded (RFC 7515 section 2).
 * Undefined for anything else: white space, the other alphabet, wrong padding, bits beyond the last byte.
 */
export function decodeBase64(text: string, form: 'base64' | 'base64url'): Buffer | undefined {
  const bytes = Buffer.from(text, form)
  // Node skips what it does not know and takes either alphabet: only what encodes back to itself was canonical.
  return bytes.toString(form) === text ? bytes : undefined
}
