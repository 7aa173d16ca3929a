/** A self-signed certificate for 127.0.0.1 and localhost, for tests that need TLS and nothing else. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tls } from './scripted.ts'

export function selfSigned(name = 'IP:127.0.0.1,DNS:localhost'): Tls {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-cert-'))
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2']
  try {
    execFileSync(
      'openssl',
      [...args, '-subj', '/CN=test', '-addext', `subjectAltName=${name}`, '-keyout', key, '-out', cert],
      {
        stdio: 'ignore',
      },
    )
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(dir, { recursive: true })
  }
}
