/** A private CA and a server certificate under it, made anew for each registry. */
import { join } from 'node:path'
import { peer } from './run.ts'

export interface TlsFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2']

export async function makeTls(folder: string): Promise<TlsFiles> {
  const caFile = join(folder, 'ca.pem')
  const caKey = join(folder, 'ca.key')
  const certFile = join(folder, 'server.pem')
  const keyFile = join(folder, 'server.key')
  await peer('openssl', [
    ...['req', '-x509', ...CURVE, '-subj', '/CN=Sallyport test CA', '-keyout', caKey, '-out', caFile],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ])
  await peer('openssl', [
    ...['req', '-x509', '-CA', caFile, '-CAkey', caKey, ...CURVE, '-subj', '/CN=127.0.0.1'],
    ...['-keyout', keyFile, '-out', certFile, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'],
  ])
  return { caFile, certFile, keyFile }
}
