import assert from 'node:assert/strict'
import { SallyportError } from '../../src/errors/index.ts'
import { codedError, networkFault, Transient } from '../../src/registry/errors.ts'

describe('registry/errors', () => {
  // As Node names what OpenSSL says of a chain (X509_verify_cert_error), a handshake or a name.
  for (const code of [
    'INVALID_PURPOSE',
    'INVALID_CA',
    'INVALID_NON_CA',
    'UNSPECIFIED',
    'OUT_OF_MEM',
    'CRL_HAS_EXPIRED',
    'CERT_HAS_EXPIRED',
    'HOSTNAME_MISMATCH',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ])
    it(`tells ${code} to be the registry's certificate, and no fault of ours`, () => {
      const fault = networkFault(codedError(code), 'source', 'registry.site')
      assert.ok(fault instanceof SallyportError)
      assert.equal(fault.code, 'REGISTRY_TLS')
    })

  it('repeats what may pass', () => {
    assert.ok(networkFault(codedError('ECONNRESET'), 'source', 'registry.site') instanceof Transient)
  })
})
