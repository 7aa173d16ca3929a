/** Other people's test vectors, which `scripts/peers.sh` takes out of Go modules and a Python package, and lays beside the counterparts. */
import { dirname, join } from 'node:path'
import { needPeers } from './run.ts'

/**
 * The folder with Wycheproof's `ecdsa_*_p1363_test.json` and `rsa_pss_*_test.json`. For a `before` hook: skips where
 * nobody installed the counterparts, fails where CI must have them.
 */
export function wycheproofFolder(context: Mocha.Context): string {
  return join(dirname(needPeers(context)), 'wycheproof', 'testvectors_v1')
}

/** The `testdata` folders of notation's own sources, at their paths inside the module. Skips and fails as above. */
export function notationTestdata(context: Mocha.Context, module: 'notation-go' | 'notation-core-go'): string {
  return join(dirname(needPeers(context)), 'notation-testdata', module)
}

/**
 * The folder of what pyca/cryptography tests X.509 with: `PKITS_data` with `certs` and `crls` of NIST's PKITS, and
 * `custom` with lists of its own. Skips and fails as above.
 */
export function x509Vectors(context: Mocha.Context): string {
  return join(dirname(needPeers(context)), 'pkits', 'cryptography_vectors', 'x509')
}
