/** PEM (RFC 7468), the strict form: one block, 64 columns, LF. */

/** The PEM text of DER bytes, with a final LF. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/**
 * The DER bytes of a text that holds one PEM block of this label and nothing else, or undefined.
 * Line ends may be CR LF and the last one may be missing; other deviations from {@link encodePem} are not accepted.
 */
export function decodePem(label: string, text: string): Buffer | undefined {
  const plain = text.replaceAll('\r\n', '\n')
  const whole = plain.endsWith('\n') ? plain : `${plain}\n`
  const body = whole.slice(`-----BEGIN ${label}-----\n`.length, -`\n-----END ${label}-----\n`.length)
  const bytes = Buffer.from(body, 'base64')
  return encodePem(label, bytes) === whole ? bytes : undefined
}
