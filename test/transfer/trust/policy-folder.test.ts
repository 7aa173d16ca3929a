import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPolicy, readPolicyFiles } from '../../../src/transfer/trust/policy-folder.ts'
import { trustPolicyCheck } from '../../../src/transfer/trust/policy.ts'
import { NOW } from '../stage.ts'
import { pemOf, policyFolder, policyText, rootOf, statement, STRANGER, VENDOR_STORE, writeFiles } from '../policies.ts'
import { fault } from '../../fault.ts'

/** Runs as somebody whom file permissions bind. */
function asNobody<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run()
  process.seteuid?.(65_534)
  try {
    return run()
  } finally {
    process.seteuid?.(0)
  }
}

describe('transfer/trust/policy-folder', () => {
  let scratch: string
  let count = 0
  const path = (): string => join(scratch, `policy-${++count}`)

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))
    chmodSync(scratch, 0o755)
  })

  after(() => rmSync(scratch, { recursive: true, force: true }))

  it('reads what decides, and no other file', () => {
    const dir = policyFolder(path(), {
      'signingkeys.json': '{"keys": "secret"}',
      'localkeys/vendor.key': 'secret',
      'config.json': '{}',
    })
    // Not even opened: a fifo there would hold the run.
    execFileSync('mkfifo', [join(dir, 'plugins')])
    assert.deepEqual([...readPolicyFiles(dir).keys()].sort(), ['trustpolicy.json', VENDOR_STORE])
    assert.equal(openPolicy(dir).stores.get('ca:vendor')?.length, 1)
  })

  it('refuses a symbolic link at each level of a store, also one that leads to a good store', () => {
    for (const name of [
      'truststore',
      'truststore/x509',
      'truststore/x509/ca',
      'truststore/x509/ca/vendor',
      VENDOR_STORE,
    ]) {
      const dir = policyFolder(path())
      const away = join(scratch, `away-${count}`)
      renameSync(join(dir, name), away)
      symlinkSync(away, join(dir, name))
      assert.throws(() => openPolicy(dir), fault('TRUST_STORE_MALFORMED'), name)
      unlinkSync(join(dir, name))
      symlinkSync('/nonexistent', join(dir, name))
      assert.throws(() => openPolicy(dir), fault('TRUST_STORE_MALFORMED'), `${name}, dangling`)
    }
  })

  it('refuses a policy file that is a symbolic link, as a fault of the policy', () => {
    for (const name of ['trustpolicy.json', 'policy.yaml', 'trustpolicy.oci.json']) {
      const dir = policyFolder(path())
      const away = join(scratch, `away-${count}.json`)
      writeFileSync(away, policyText(statement()))
      rmSync(join(dir, name), { force: true })
      symlinkSync(away, join(dir, name))
      assert.throws(() => openPolicy(dir), fault('POLICY_MALFORMED'), name)
    }
  })

  it('takes a link to the whole folder, which the operator named', () => {
    const dir = policyFolder(path())
    symlinkSync(dir, `${dir}-link`)
    assert.equal(openPolicy(`${dir}-link`).digest, openPolicy(dir).digest)
  })

  it('refuses fifos, sockets and devices without waiting for them', async () => {
    for (const [name, code] of [
      ['truststore/x509/ca/vendor/fifo.crt', 'TRUST_STORE_MALFORMED'],
      ['policy.yaml', 'POLICY_MALFORMED'],
    ] as const) {
      const dir = policyFolder(path())
      execFileSync('mkfifo', [join(dir, name)])
      assert.throws(() => openPolicy(dir), fault(code), name)
    }
    const dir = policyFolder(path())
    const server = createServer().listen(join(dir, 'truststore/x509/ca/vendor/s.crt'))
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      assert.throws(() => openPolicy(dir), fault('FILE_UNREADABLE'))
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('refuses what it may not read, folder or file, and does not judge by the rest', () => {
    for (const [name, mode] of [
      ['.', 0o000],
      ['truststore', 0o000],
      ['truststore/x509/ca/vendor', 0o000],
      // Names can be listed there, and nothing behind them be seen.
      ['truststore/x509/ca/vendor', 0o644],
      [VENDOR_STORE, 0o000],
      ['trustpolicy.json', 0o000],
    ] as const) {
      const dir = policyFolder(path())
      chmodSync(join(dir, name), mode)
      try {
        asNobody(() => assert.throws(() => openPolicy(dir), fault('FILE_UNREADABLE'), `${name} ${mode.toString(8)}`))
      } finally {
        chmodSync(join(dir, name), 0o755)
      }
    }
    assert.throws(() => openPolicy(join(scratch, 'nowhere')), fault('FILE_UNREADABLE'))
    assert.throws(() => openPolicy(join(policyFolder(path()), 'trustpolicy.json')), fault('FILE_UNREADABLE'))
  })

  it('refuses folders and files in a store where none belong', () => {
    for (const name of [
      'truststore/x509/ca/vendor/more/root.crt',
      'truststore/x509/ca/root.crt',
      'truststore/x509/root.crt',
      'truststore/root.crt',
      'truststore/x509/CA/vendor/root.crt',
      'truststore/x509/ca/vendor/root.der',
      'truststore/x509/ca/vendor/.root.crt.swp',
      'truststore/pgp/ca/vendor/root.crt',
      'truststore/a/b/c/d/e/f/g.crt',
    ]) {
      const dir = policyFolder(path(), { [name]: pemOf(rootOf(STRANGER)) })
      assert.throws(() => openPolicy(dir), fault('TRUST_STORE_MALFORMED'), name)
    }
  })

  it('refuses names one slip away from a policy, file or folder', () => {
    for (const name of ['policy.yml', 'trustpolicy.JSON', 'trust-policy.json', 'trustpolicies.json', 'policy.yaml~']) {
      const dir = policyFolder(path(), { [name]: policyText(statement()) })
      assert.throws(() => openPolicy(dir), fault('POLICY_MALFORMED'), name)
    }
    for (const name of ['truststores', 'TrustStore', 'trust-store', 'trustpolicy']) {
      const dir = policyFolder(path())
      mkdirSync(join(dir, name))
      assert.throws(() => openPolicy(dir), fault('POLICY_MALFORMED'), name)
    }
  })

  it('refuses a folder without end: 10,001 files, and 64 MiB in one', () => {
    const many = policyFolder(path())
    for (let i = 0; i < 10_000; i++) writeFileSync(join(many, `truststore/x509/ca/vendor/${i}.crt`), '')
    assert.throws(() => readPolicyFiles(many), fault('LIMIT_EXCEEDED'))
    const large = policyFolder(path())
    truncateSync(join(large, VENDOR_STORE), 65 * 1024 * 1024)
    assert.throws(() => openPolicy(large), fault('LIMIT_EXCEEDED'))
  })

  it('refuses two statements for one scope, and skip for everything', () => {
    const skip = statement({ signatureVerification: { level: 'skip' }, trustStores: [], trustedIdentities: [] })
    for (const [name, policy] of [
      [
        'one scope in two statements',
        policyText(statement({ registryScopes: ['r.site/a'] }), statement({ name: 'b', registryScopes: ['r.site/a'] })),
      ],
      ['one scope twice', policyText(statement({ registryScopes: ['r.site/a', 'r.site/a'] }))],
      ['two for *', policyText(statement(), statement({ name: 'b' }))],
      ['* among others', policyText(statement({ registryScopes: ['*', 'r.site/a'] }))],
      ['skip for *', policyText(skip)],
      ['one name twice', policyText(statement(), statement({ registryScopes: ['r.site/a'] }))],
    ] as const) {
      const dir = policyFolder(path(), { 'trustpolicy.json': policy })
      assert.throws(() => openPolicy(dir), fault('POLICY_MALFORMED'), name)
      const { usable, findings, digest } = trustPolicyCheck({ policy: dir, now: NOW })
      assert.deepEqual(
        [usable, digest, findings.some(({ severity }) => severity === 'error')],
        [false, null, true],
        name,
      )
    }
  })

  it('changes its digest with every byte that decides, and with no other', () => {
    const dir = policyFolder(path())
    const { digest } = openPolicy(dir)
    writeFiles(dir, { 'config.json': '{}', 'localkeys/a.key': 'a' })
    assert.equal(openPolicy(dir).digest, digest)
    writeFiles(dir, { 'trustpolicy.json': `${policyText(statement())}\n` })
    const spaced = openPolicy(dir).digest
    writeFiles(dir, { 'truststore/x509/ca/other/root.crt': pemOf(rootOf(STRANGER)) })
    assert.equal(new Set([digest, spaced, openPolicy(dir).digest]).size, 3)
  })
})
