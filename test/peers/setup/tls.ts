/** A private CA and a server certificate under it, made anew for each registry. */
import { join } from 'node:path'
import { peer } from './run.ts'

export interface TlsFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

const SELF = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2']
const LEAF = [
  'subjectAltName=IP:127.0.0.1,DNS:localhost',
  'basicConstraints=critical,CA:FALSE',
  'extendedKeyUsage=serverAuth',
]

export async function makeTls(folder: string): Promise<TlsFiles> {
  const caFile = join(folder, 'ca.pem')
  const caKey = join(folder, 'ca.key')
  const certFile = join(folder, 'server.pem')
  const keyFile = join(folder, 'server.key')
  const ca = ['-subj', '/CN=Sallyport test CA', '-keyout', caKey, '-out', caFile]
  await peer('openssl', [...SELF, ...ca, '-addext', 'keyUsage=critical,keyCertSign,cRLSign'])
  const leaf = ['-CA', caFile, '-CAkey', caKey, '-subj', '/CN=127.0.0.1', '-keyout', keyFile, '-out', certFile]
  await peer('openssl', [...SELF, ...leaf, ...LEAF.flatMap((extension) => ['-addext', extension])])
  return { caFile, certFile, keyFile }
}
