/** Certificates out of a file that an operator named. */
import { readDer } from '../codec/index.ts'
import { detailOf, isFault, SallyportError } from '../errors/index.ts'
import { parseCertificate, type Certificate } from './certificate.ts'

const MAX_COUNT = 1000
const MAX_SIZE = 16 * 1024 * 1024

/**
 * The certificates of a file, in its order: DER, one after the other, or PEM blocks with any text around them.
 * Throws CERTIFICATE_FILE when there is none, one is malformed, a block of another kind stands there (stops a private
 * key from being carried along as a certificate), for more than 1000, and for more than 16 MiB.
 * @param file - as errors name it
 */
export function parseCertificates(bytes: Uint8Array, file?: string): Certificate[] {
  try {
    return certificatesOf(bytes)
  } catch (cause) {
    if (file === undefined || !isFault(cause, 'CERTIFICATE_FILE')) throw cause
    const { side, remedy } = cause
    throw new SallyportError('CERTIFICATE_FILE', { side, subject: file, detail: detailOf(cause), remedy, cause })
  }
}

function certificatesOf(bytes: Uint8Array): Certificate[] {
  if (bytes.length > MAX_SIZE) throw fault('it is larger than 16 MiB')
  const all = bytes[0] === 0x30 ? derOf(bytes) : pemOf(Buffer.from(bytes).toString('latin1'))
  if (all.length === 0) throw fault('it holds no certificate')
  if (all.length > MAX_COUNT) throw fault(`it holds more than ${MAX_COUNT} certificates`)
  return all.map((der, at) => {
    try {
      return parseCertificate(der)
    } catch (cause) {
      throw fault(`certificate ${at + 1}: ${cause instanceof Error ? cause.message : ''}`, cause)
    }
  })
}

function fault(detail: string, cause?: unknown): SallyportError {
  return new SallyportError('CERTIFICATE_FILE', { side: 'state', detail, cause })
}

function derOf(bytes: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let rest = bytes; rest.length > 0;) {
    const element = readDer(rest)
    if (element === undefined) throw fault('it is neither DER nor PEM')
    all.push(rest.subarray(0, rest.length - element.rest.length))
    rest = element.rest
  }
  return all
}

const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

function pemOf(text: string): Buffer[] {
  const all: Buffer[] = []
  let body: string[] | undefined
  for (const line of text.split('\n').map((ended) => ended.trimEnd())) {
    if (line === BEGIN && body === undefined) body = []
    else if (line === END && body !== undefined) {
      all.push(base64Of(body.join('')))
      body = undefined
    }
    // Half a block is damage, and a certificate nobody would miss otherwise.
    else if (line.includes('-----BEGIN') || line.includes('-----END'))
      throw fault('a block is no certificate, or is cut short')
    else body?.push(line)
  }
  if (body !== undefined) throw fault('a block is cut short')
  return all
}

function base64Of(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw fault('a block is not base64')
  return bytes
}
